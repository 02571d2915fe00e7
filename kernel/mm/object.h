/*
 * Memory objects: memory that more than one space can map (space_map()), each with rights of its own.
 * Counted: whoever keeps a pointer holds a count, and so does every mapping.
 *
 *     zero-fill   pages come into being at the first touch, in whichever space, and all see them
 *     wired       contiguous frames, there from the start; the kernel has a pointer to them
 *     device      registers or memory of a device: physical addresses that are no memory of ours
 *     clone       begins as a copy of a zero-fill object or clone, and copies a page when it is first written
 *
 * What was cloned is frozen: from then on nobody can map it writable, so a clone need not hear of changes.
 * For the same reason a clone is mapped in one place at a time.
 *
 * Pages and tables are charged to the quota that the object was made for, whoever touches them first.
 *
 * Locks: one mutex an object, below those of spaces. Calls may sleep.
 */
#ifndef KERNEL_MM_OBJECT_H
#define KERNEL_MM_OBJECT_H

#include "base/status.h"
#include "kernel/types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct object;
struct quota;

/* Of `size` bytes, a multiple of PAGE_SIZE up to OBJECT_MAX_SIZE; with a count of 1 for the caller. */
status_t object_new(struct quota *quota, uint64_t size, struct object **out) MUST_CHECK;
status_t object_new_wired(struct quota *quota, uint64_t size, struct object **out) MUST_CHECK;

/* DENIED if any of [start, start + size) is memory: the caller answers for the rest. */
status_t object_new_device(struct quota *quota, paddr_t start, uint64_t size,
                           struct object **out) MUST_CHECK;

/* A clone. BUSY: the source is mapped writable somewhere. LIMIT: a clone of a clone, too often over.
 * BAD_ARGUMENT: the source is wired or a device's. */
status_t object_clone(struct object *source, struct quota *quota, struct object **out) MUST_CHECK;

void object_put(struct object *object); /* NULL is allowed; frees it with the last count */

/* Where the kernel has a wired object; NULL for others. Valid while a count is held. */
void *object_pointer(const struct object *object);

/* Between the kernel and the object, making pages as a guest would. BAD_RANGE; BUSY: a clone that is
 * mapped cannot be written so. FAULT: a device's. */
status_t object_read(struct object *object, uint64_t offset, void *to, size_t size) MUST_CHECK;
status_t object_write(struct object *object, uint64_t offset, const void *from,
                      size_t size) MUST_CHECK;

/* No other object has or had this number, and no space's address is one. */
uint64_t object_id(const struct object *object);

/* Objects there are, for counters and tests. */
uint32_t object_count(void);

/* ---- for spaces ---- */

/* Begins a mapping of [offset, offset + size), which holds a count. DENIED: writable, and the object is
 * frozen. BUSY: a clone that is mapped already. */
status_t object_map(struct object *object, uint64_t offset, uint64_t size,
                    bool writable) MUST_CHECK;
void object_map_part(struct object *object, bool writable); /* a mapping is cut in two */
void object_unmap(struct object *object, bool writable);    /* may free it */

/* Whether all its frames are there from the start. */
bool object_is_fixed(const struct object *object);

/* The frame of page `index`, made if it is not there; *own_out: it may be mapped writable. Without `write`
 * it may be one of the source's. */
status_t object_page(struct object *object, uint64_t index, bool write, paddr_t *frame_out,
                     bool *own_out) MUST_CHECK;

#endif
