/*
 * Memory for kernel objects of any size: size classes carved from frames up to half a page, whole
 * runs of frames above. Everything is 16-aligned and freed by its address alone. Any context but an
 * interrupt's; never sleeps.
 */
#ifndef KERNEL_MM_HEAP_H
#define KERNEL_MM_HEAP_H

#include <stddef.h>

struct arena_source;

/* Zeroed. NULL when memory is exhausted or size > HEAP_MAX_SIZE. */
void *heap_alloc(size_t size) __attribute__((alloc_size(1), malloc));
void heap_free(void *p); /* NULL is allowed */

#define heap_new(type) ((type *)heap_alloc(sizeof(type)))

/* Frames in use by small objects, empty slabs kept for reuse included. */
size_t heap_frames(void);

/* The heap as a source of arena chunks (base/arena.h); not zeroed twice. */
extern const struct arena_source heap_source;

#endif
