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

const struct arena_source heap_source = {get, put, NULL};

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

void heap_limit(struct heap_limited *heap, int chunks) {
    *heap = (struct heap_limited){{get_limited, put_limited, heap}, chunks, 0};
}
