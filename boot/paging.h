/*
 * Page tables that the payload will run on, built while the loader itself runs without paging.
 * Implemented in boot/riscv64/. Frames for tables are taken from the memory map as the payload's.
 */
#ifndef BOOT_PAGING_H
#define BOOT_PAGING_H

#include "boot/memory.h"
#include "boot/refusal.h"

#include <stdint.h>

/* All that a mapping may be; there is no way to say both writable and executable. */
enum paging_access { PAGING_READ, PAGING_READ_WRITE, PAGING_READ_EXECUTE };

struct paging {
    struct memory *memory;
    uint64_t root;   /* physical */
    uint32_t levels; /* 3, 4 or 5: Sv39, Sv48, Sv57 */
};

/* The most levels that this hart has, by trying; 0 if it has none of them. */
uint32_t paging_probe(void);

MUST_CHECK status_t paging_init(struct paging *paging, struct memory *memory, uint32_t levels,
                                struct refusal *why);

/* Maps whole pages that are not mapped yet, with the largest pages that both addresses allow, all
 * global and already marked accessed (and dirty, if writable). NO_MEMORY, LIMIT. */
MUST_CHECK status_t paging_map(struct paging *paging, uint64_t virt, uint64_t phys, uint64_t size,
                               enum paging_access access, struct refusal *why);

#endif
