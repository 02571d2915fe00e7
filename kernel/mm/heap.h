/*
 * Memory for kernel objects of any size: size classes carved from frames up to half a page, whole
 * runs of frames above. Everything is 16-aligned and freed by its address alone; what was charged to
 * a quota is credited to it then. Any context but an interrupt's; never sleeps.
 */
#ifndef KERNEL_MM_HEAP_H
#define KERNEL_MM_HEAP_H

#include <stddef.h>

struct arena_source;
struct quota;

/* Zeroed, and charged to the quota with what it takes (its size class, or whole pages). NULL when
 * memory or quota is exhausted or size > HEAP_MAX_SIZE. */
void *heap_alloc_for(struct quota *quota, size_t size) __attribute__((alloc_size(2), malloc));
void heap_free(void *p); /* NULL is allowed */
#if K23_SANITIZE
void heap_free_now(void *p); /* after kasan_delay() */
#endif

/* The same, not zeroed: for arenas, which do that themselves. */
void *heap_alloc_raw(struct quota *quota, size_t size) __attribute__((alloc_size(2), malloc));

/* For the kernel itself. */
static inline void *heap_alloc(size_t size) {
    return heap_alloc_for(NULL, size);
}

#define heap_new(type)            ((type *)heap_alloc(sizeof(type)))
#define heap_new_for(quota, type) ((type *)heap_alloc_for((quota), sizeof(type)))

/* Frames in use by small objects, empty slabs kept for reuse included; objects in use of all sizes. */
size_t heap_frames(void);
size_t heap_objects(void);

/* The heap as a source of arena chunks (base/arena.h), for the kernel itself. */
extern const struct arena_source heap_source;

#endif
