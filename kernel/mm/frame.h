/*
 * Physical memory: a buddy allocator over the usable regions of boot_info, with a cache of single
 * frames a hart and a pool of frames that idle harts zeroed. Runs of 2^order frames, aligned to their
 * size, coalescing when freed; caches and pool give all they have before anybody is refused. One
 * byte a frame keeps its state, so a double free is found where it happens, and two bytes the quota
 * that is charged for it, which freeing credits. In debug builds free frames hold junk.
 *
 * Every frame is reachable through the physical map: frame_pointer(). Frames come with the bytes
 * they were left with, unless they are asked for zeroed. Any context but an interrupt's.
 */
#ifndef KERNEL_MM_FRAME_H
#define KERNEL_MM_FRAME_H

#include "base/status.h"
#include "kernel/limits.h"
#include "kernel/types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct boot_info;
struct quota;

/* Takes the BOOT_MEMORY_USABLE regions. */
void frame_init(const struct boot_info *info);

/* Takes the BOOT_MEMORY_LOADER regions too. boot_info may lie in them: it must be copied and not
 * used any more (harts.c keeps the kernel's copy). Returns the number of frames gained. */
size_t frame_reclaim_loader(const struct boot_info *info);

/* 2^order frames. NO_MEMORY if there are none, or if the quota (may be NULL) is spent. */
status_t frame_alloc(unsigned order, struct quota *quota, paddr_t *out) MUST_CHECK;
void frame_free(paddr_t frame, unsigned order);

/* An allocated block becomes 2^order single frames, each of which can be freed alone. */
void frame_split(paddr_t frame, unsigned order);

/* Whether more than a quarter of all frames can be had: then some may be spent for speed. */
bool frame_is_plenty(void);

/* One frame full of zeros; or up to `len` of them, each for itself, at least one unless NO_MEMORY. */
status_t frame_alloc_zeroed(struct quota *quota, paddr_t *out) MUST_CHECK;
status_t frame_alloc_some(size_t len, struct quota *quota, paddr_t *frames,
                          size_t *len_out) MUST_CHECK;

/* `len` contiguous frames, each of which can be freed alone with order 0. */
status_t frame_alloc_run(size_t len, struct quota *quota, paddr_t *out) MUST_CHECK;

/* `len` contiguous frames, freed together by the address alone. */
status_t frame_alloc_pages(size_t len, struct quota *quota, paddr_t *out) MUST_CHECK;
void frame_free_pages(paddr_t first);

/* For a hart that has nothing to do, interrupts off: zeroes one frame for the pool. False: the pool is
 * full, or memory too scarce. */
bool frame_prezero(void);

size_t frame_free_count(void); /* cached and zeroed ones within */
size_t frame_total_count(void);

struct frame_stats {
    size_t total, free;    /* free: all that can be had */
    size_t cached, zeroed; /* of the free ones: in the caches of the harts, in the pool */
};
void frame_stats(struct frame_stats *out);

extern vaddr_t frame_physmap; /* where physical address 0 is mapped; set by frame_init() */

/* Whether any of [start, start + size) is memory, of whatever use. */
bool frame_is_memory(paddr_t start, uint64_t size);

static inline void *frame_pointer(paddr_t pa) {
    return (void *)(frame_physmap + pa);
}
static inline paddr_t frame_address(const void *p) {
    return (vaddr_t)p - frame_physmap;
}

#endif
