/*
 * Arena sources over malloc.
 */
#include "test/support/heap.h"

#include <stdlib.h>

static void *get(void *ctx, size_t size) {
    (void)ctx;
    return malloc(size);
}

static void put(void *ctx, void *p, size_t size) {
    (void)ctx;
    (void)size;
    free(p);
}

const struct arena_source heap_source = {.get = get, .put = put};

static void *get_limited(void *ctx, size_t size) {
    struct heap_limited *heap = ctx;
    if (heap->left == 0) {
        return NULL;
    }
    heap->left--;
    heap->held++;
    return malloc(size);
}

static void put_limited(void *ctx, void *p, size_t size) {
    struct heap_limited *heap = ctx;
    (void)size;
    heap->held--;
    free(p);
}

static bool is_killed(void *ctx) {
    struct heap_limited *heap = ctx;
    heap->looks++;
    return heap->killed_at != 0 && heap->looks >= heap->killed_at;
}

void heap_limit(struct heap_limited *heap, int chunks) {
    *heap = (struct heap_limited){
        .source = {.get = get_limited, .put = put_limited, .ctx = heap, .is_killed = is_killed},
        .left = chunks,
    };
}
