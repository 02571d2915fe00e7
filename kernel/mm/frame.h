/*
 * Physical memory: a buddy allocator over the usable regions of boot_info. Runs of 2^order frames,
 * aligned to their size, coalescing when freed. One byte a frame keeps its state, so a double free
 * is found where it happens.
 *
 * Every frame is reachable through the physical map: frame_pointer(). Frames come with the bytes
 * they were left with; arch_page_zero() before anybody else sees them.
 */
#ifndef KERNEL_MM_FRAME_H
#define KERNEL_MM_FRAME_H

#include "base/status.h"
#include "kernel/limits.h"
#include "kernel/types.h"

#include <stddef.h>
#include <stdint.h>

struct boot_info;

/* How many frames somebody may hold. `used` counts page tables too. */
struct frame_quota {
    uint64_t used;
    uint64_t limit; /* UINT64_MAX: no limit */
};

/* Takes the BOOT_MEMORY_USABLE regions. */
void frame_init(const struct boot_info *info);

/* Takes the BOOT_MEMORY_LOADER regions too. boot_info may lie in them: it must be copied and not
 * used any more (harts.c keeps the kernel's copy). Returns the number of frames gained. */
size_t frame_reclaim_loader(const struct boot_info *info);

/* 2^order frames. NO_MEMORY if there are none, or if the quota (may be NULL) is spent. */
status_t frame_alloc(unsigned order, struct frame_quota *quota, paddr_t *out) MUST_CHECK;
void frame_free(paddr_t frame, unsigned order, struct frame_quota *quota);

/* `len` contiguous frames, each of which can be freed alone with order 0. */
status_t frame_alloc_run(size_t len, struct frame_quota *quota, paddr_t *out) MUST_CHECK;

/* `len` contiguous frames, freed together by the address alone. */
status_t frame_alloc_pages(size_t len, struct frame_quota *quota, paddr_t *out) MUST_CHECK;
void frame_free_pages(paddr_t first, struct frame_quota *quota);

size_t frame_free_count(void);
size_t frame_total_count(void);

extern vaddr_t frame_physmap; /* where physical address 0 is mapped; set by frame_init() */

static inline void *frame_pointer(paddr_t pa) {
    return (void *)(frame_physmap + pa);
}
static inline paddr_t frame_address(const void *p) {
    return (vaddr_t)p - frame_physmap;
}

#endif
