/*
 * Size classes over frames. A slab is one page: a head, who pays for each object, then the objects, all
 * of one class. The class of an object is found in its page's head; an object that starts a page is
 * a run of frames of its own, since the head keeps slab objects off that place.
 *
 *     page: | struct slab | owners | object | object | ...        large: | bytes, whole frames |
 *
 * Frames of slabs are the kernel's; an object is charged by the size of its class.
 *
 * Locks: one spinlock, above the frames'.
 */
#include "kernel/mm/heap.h"

#include "base/arena.h"
#include "base/list.h"
#include "kernel/assert.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/inject.h"
#include "kernel/mm/kasan.h"
#include "kernel/mm/quota.h"
#include "kernel/sync.h"

#include <stdint.h>
#include <string.h>

#define SLAB_MAGIC 0x62616c73u

struct slab {
    struct list node; /* in partial[class] while it has a free object */
    void *free;       /* first free object; each points to the next */
    uint32_t magic;
    uint16_t class, used;
    quota_id_t owners[]; /* of the objects; OWNER_FREE: not in use */
};

/* Multiples of 16 that divide a page less its head well. */
static const uint16_t class_sizes[] = {16,  32,  48,  64,  96,   128,  192, 256,
                                       320, 400, 496, 672, 1008, 1344, 2016};
enum { CLASSES = sizeof(class_sizes) / sizeof(class_sizes[0]), OWNER_FREE = 0xffff };
_Static_assert(QUOTA_MAX < OWNER_FREE, "an owner is a quota or none");
_Static_assert(sizeof(struct slab) + 2 * sizeof(quota_id_t) + 2 * 2016 <= PAGE_SIZE, "two fit");

static struct spinlock lock = SPINLOCK_INIT(LOCK_HEAP);
static struct list partial[CLASSES];
static uint32_t empty_slabs[CLASSES]; /* slabs in partial[] with no object in use */
static size_t frames_used, objects_used;

static unsigned class_for(size_t size) {
    unsigned class = 0;
    while (class_sizes[class] < size) {
        class ++;
    }
    return class;
}

/* How many objects of a size a slab has, and where each is: as late as possible. */
static size_t slab_len(size_t size) {
    return (PAGE_SIZE - sizeof(struct slab)) / (size + KASAN_RED_ZONE_SIZE + sizeof(quota_id_t));
}

static char *slab_object(struct slab *slab, size_t size, size_t i) {
    return (char *)slab + PAGE_SIZE - (slab_len(size) - i) * (size + KASAN_RED_ZONE_SIZE);
}

static struct slab *slab_new(unsigned class) {
    paddr_t frame;
    if (frame_alloc(0, NULL, &frame) != STATUS_OK) {
        return NULL;
    }
    struct slab *slab = frame_pointer(frame);
    size_t size = class_sizes[class], len = slab_len(size);
    *slab = (struct slab){.magic = SLAB_MAGIC, .class = (uint16_t)class};
    for (size_t i = 0; i < len; i++) {
        void **object = (void **)slab_object(slab, size, i);
        *object = slab->free;
        slab->free = object;
        slab->owners[i] = OWNER_FREE;
        kasan_forbid(object, size + KASAN_RED_ZONE_SIZE, KASAN_RED_ZONE);
    }
    list_push_front(&partial[class], &slab->node);
    empty_slabs[class]++;
    frames_used++;
    return slab;
}

static quota_id_t *owner_of(struct slab *slab, void *object) {
    size_t size = class_sizes[slab->class];
    size_t offset = (size_t)((char *)object - slab_object(slab, size, 0));
    return &slab->owners[offset / (size + KASAN_RED_ZONE_SIZE)];
}

/* Under the lock. */
static void *take_object(unsigned class, quota_id_t owner) {
    if (!partial[class].next) {
        list_init(&partial[class]);
    }
    struct slab *slab = list_empty(&partial[class])
                            ? slab_new(class)
                            : list_entry(partial[class].next, struct slab, node);
    if (!slab) {
        return NULL;
    }
    void *object = slab->free;
    slab->free = *(void **)object;
    kasan_forbid(object, class_sizes[class], KASAN_RED_ZONE);
    *owner_of(slab, object) = owner;
    if (slab->used++ == 0) {
        empty_slabs[class]--;
    }
    if (!slab->free) {
        list_remove(&slab->node);
    }
    return object;
}

static void *alloc_small(struct quota *quota, size_t size) {
    unsigned class = class_for(size);
    if (quota_charge(quota, class_sizes[class]) != STATUS_OK) {
        return NULL;
    }
    spinlock_lock(&lock);
    void *object = take_object(class, quota_id(quota));
    __atomic_fetch_add(&objects_used, object != NULL, __ATOMIC_RELAXED);
    spinlock_unlock(&lock);
    if (!object) {
        quota_credit(quota, class_sizes[class]);
    }
    return object;
}

/* Under the lock. True: the slab is to be freed. */
static bool put_object(struct slab *slab, void *object) {
    unsigned class = slab->class;
    quota_id_t *owner = owner_of(slab, object);
    assert(*owner != OWNER_FREE); /* else a double free */
    *owner = OWNER_FREE;
#if K23_DEBUG
    kasan_allow(object, class_sizes[class]);
    memset(object, 0xdd, class_sizes[class]);
#endif
    if (!slab->free) {
        list_push_front(&partial[class], &slab->node);
    }
    *(void **)object = slab->free;
    slab->free = object;
    kasan_forbid(object, class_sizes[class], KASAN_FREE_OBJECT);
    __atomic_fetch_sub(&objects_used, 1, __ATOMIC_RELAXED);
    /* One empty slab a class is kept, so that a pair of calls at the edge costs no frame. */
    if (--slab->used > 0 || ++empty_slabs[class] == 1) {
        return false;
    }
    empty_slabs[class]--;
    list_remove(&slab->node);
    slab->magic = 0;
    frames_used--;
    return true;
}

static void free_small(struct slab *slab, void *object) {
    spinlock_lock(&lock);
    assert(slab->magic == SLAB_MAGIC && slab->used > 0);
    struct quota *quota = quota_of(*owner_of(slab, object));
    size_t size = class_sizes[slab->class];
    bool release = put_object(slab, object);
    spinlock_unlock(&lock);
    quota_credit(quota, size);
    if (release) {
        frame_free(frame_address(slab), 0);
    }
}

static void *alloc_large(struct quota *quota, size_t size) {
    paddr_t frame;
    size_t len = (size + PAGE_SIZE - 1) >> PAGE_SHIFT;
    if (size > HEAP_MAX_SIZE || frame_alloc_pages(len, quota, &frame) != STATUS_OK) {
        return NULL;
    }
    __atomic_fetch_add(&objects_used, 1, __ATOMIC_RELAXED);
    kasan_forbid(frame_pointer(frame), len << PAGE_SHIFT, KASAN_RED_ZONE);
    return frame_pointer(frame);
}

void *heap_alloc_raw(struct quota *quota, size_t size) {
    if (inject_fails()) {
        return NULL;
    }
    void *p =
        size <= class_sizes[CLASSES - 1] ? alloc_small(quota, size) : alloc_large(quota, size);
    if (p) {
        kasan_allow(p, size);
    }
    return p;
}

void *heap_alloc_for(struct quota *quota, size_t size) {
    void *p = heap_alloc_raw(quota, size);
    if (p) {
        memset(p, 0, size);
    }
    return p;
}

#if K23_SANITIZE
/* An object that is to wait for its end costs its owner nothing any more. */
static void disown(struct slab *slab, void *object) {
    spinlock_lock(&lock);
    struct quota *quota = quota_of(*owner_of(slab, object));
    *owner_of(slab, object) = quota_id(NULL);
    spinlock_unlock(&lock);
    quota_credit(quota, class_sizes[slab->class]);
}

void heap_free(void *p) {
    if (((uintptr_t)p & (PAGE_SIZE - 1)) != 0) {
        struct slab *slab = (struct slab *)PAGE_ALIGN_DOWN((uintptr_t)p);
        assert(slab->magic == SLAB_MAGIC && *owner_of(slab, p) != OWNER_FREE);
        disown(slab, p);
        p = kasan_delay(p, class_sizes[slab->class]);
    }
    heap_free_now(p);
}

void heap_free_now(void *p) {
#else
void heap_free(void *p) {
#endif
    if (!p) {
        return;
    }
    if (((uintptr_t)p & (PAGE_SIZE - 1)) == 0) {
        __atomic_fetch_sub(&objects_used, 1, __ATOMIC_RELAXED);
        frame_free_pages(frame_address(p));
    } else {
        free_small((struct slab *)PAGE_ALIGN_DOWN((uintptr_t)p), p);
    }
}

size_t heap_frames(void) {
    kasan_drain();
    return frames_used;
}

size_t heap_objects(void) {
    kasan_drain();
    return __atomic_load_n(&objects_used, __ATOMIC_RELAXED);
}

static void *source_get(void *ctx, size_t size) {
    (void)ctx;
    return heap_alloc_raw(NULL, size);
}

static void source_put(void *ctx, void *p, size_t size) {
    (void)ctx;
    (void)size;
    heap_free(p);
}

const struct arena_source heap_source = {.get = source_get, .put = source_put, .ctx = NULL};
