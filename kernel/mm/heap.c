/*
 * Size classes over frames. A slab is one page: a head, then objects of one class. The class of an
 * object is found in its page's head; an object that starts a page is a run of frames of its own,
 * since the head keeps slab objects off that place.
 *
 *     page: | struct slab | object | object | ...        large: | bytes, whole frames |
 *
 * Locks: one spinlock, above the frames'.
 */
#include "kernel/mm/heap.h"

#include "base/arena.h"
#include "base/list.h"
#include "kernel/assert.h"
#include "kernel/mm/frame.h"
#include "kernel/sync.h"

#include <stdint.h>
#include <string.h>

#define SLAB_MAGIC 0x62616c73u

struct slab {
    struct list node; /* in partial[class] while it has a free object */
    void *free;       /* first free object; each points to the next */
    uint32_t magic;
    uint16_t class, used;
};

/* Multiples of 16 that divide a page less its head well. */
static const uint16_t class_sizes[] = {16,  32,  48,  64,  96,   128,  192, 256,
                                       320, 400, 496, 672, 1008, 1344, 2016};
enum { CLASSES = sizeof(class_sizes) / sizeof(class_sizes[0]), SLAB_HEAD = 64 };
_Static_assert(sizeof(struct slab) <= SLAB_HEAD, "objects start after the head");

static struct spinlock lock = SPINLOCK_INIT(LOCK_HEAP);
static struct list partial[CLASSES];
static uint32_t empty_slabs[CLASSES]; /* slabs in partial[] with no object in use */
static size_t frames_used;

static unsigned class_for(size_t size) {
    unsigned class = 0;
    while (class_sizes[class] < size) {
        class ++;
    }
    return class;
}

static struct slab *slab_new(unsigned class) {
    paddr_t frame;
    if (frame_alloc(0, NULL, &frame) != STATUS_OK) {
        return NULL;
    }
    struct slab *slab = frame_pointer(frame);
    size_t size = class_sizes[class];
    *slab = (struct slab){.magic = SLAB_MAGIC, .class = (uint16_t)class};
    for (size_t at = SLAB_HEAD; at + size <= PAGE_SIZE; at += size) {
        void **object = (void **)((char *)slab + at);
        *object = slab->free;
        slab->free = object;
    }
    list_push_front(&partial[class], &slab->node);
    empty_slabs[class]++;
    frames_used++;
    return slab;
}

static void *alloc_small(size_t size) {
    unsigned class = class_for(size);
    spinlock_lock(&lock);
    if (!partial[class].next) {
        list_init(&partial[class]);
    }
    struct slab *slab = list_empty(&partial[class])
                            ? slab_new(class)
                            : list_entry(partial[class].next, struct slab, node);
    void *object = NULL;
    if (slab) {
        object = slab->free;
        slab->free = *(void **)object;
        if (slab->used++ == 0) {
            empty_slabs[class]--;
        }
        if (!slab->free) {
            list_remove(&slab->node);
        }
    }
    spinlock_unlock(&lock);
    return object;
}

static void free_small(struct slab *slab, void *object) {
    spinlock_lock(&lock);
    assert(slab->magic == SLAB_MAGIC && slab->used > 0);
    unsigned class = slab->class;
    if (!slab->free) {
        list_push_front(&partial[class], &slab->node);
    }
    *(void **)object = slab->free;
    slab->free = object;
    /* One empty slab a class is kept, so that a pair of calls at the edge costs no frame. */
    bool release = --slab->used == 0 && ++empty_slabs[class] > 1;
    if (release) {
        empty_slabs[class]--;
        list_remove(&slab->node);
        slab->magic = 0;
        frames_used--;
    }
    spinlock_unlock(&lock);
    if (release) {
        frame_free(frame_address(slab), 0, NULL);
    }
}

static void *alloc_large(size_t size) {
    paddr_t frame;
    size_t len = (size + PAGE_SIZE - 1) >> PAGE_SHIFT;
    if (size > HEAP_MAX_SIZE || frame_alloc_pages(len, NULL, &frame) != STATUS_OK) {
        return NULL;
    }
    return frame_pointer(frame);
}

static void *allocate(size_t size) {
    return size <= class_sizes[CLASSES - 1] ? alloc_small(size) : alloc_large(size);
}

void *heap_alloc(size_t size) {
    void *p = allocate(size);
    if (p) {
        memset(p, 0, size);
    }
    return p;
}

void heap_free(void *p) {
    if (!p) {
        return;
    }
    if (((uintptr_t)p & (PAGE_SIZE - 1)) == 0) {
        frame_free_pages(frame_address(p), NULL);
    } else {
        free_small((struct slab *)PAGE_ALIGN_DOWN((uintptr_t)p), p);
    }
}

size_t heap_frames(void) {
    return frames_used;
}

static void *source_get(void *ctx, size_t size) {
    (void)ctx;
    return allocate(size);
}

static void source_put(void *ctx, void *p, size_t size) {
    (void)ctx;
    (void)size;
    heap_free(p);
}

const struct arena_source heap_source = {.get = source_get, .put = source_put, .ctx = NULL};
