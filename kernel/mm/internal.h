/*
 * What the files of address spaces share: the struct, and the pages below its regions. The caller of
 * pages_*() holds the space's mutex, and has checked that the range lies in the user half.
 */
#ifndef KERNEL_MM_INTERNAL_H
#define KERNEL_MM_INTERNAL_H

#include "kernel/arch.h"
#include "kernel/mm/region.h"
#include "kernel/mm/space.h"
#include "kernel/sync.h"

struct quota;

struct space {
    struct space_head head; /* first: space_maps_objects() looks there */
    struct mutex mutex;
    struct pagetable table;
    struct region_tree regions;
    struct quota *quota; /* below its program's; pages, tables, regions */
};

/* The frame at va for an access, made now if the region allows the access and has no page yet. FAULT,
 * NO_MEMORY. */
status_t pages_find(struct space *space, vaddr_t va, unsigned access,
                    paddr_t *frame_out) MUST_CHECK;

/* Makes all pages of a range of zero-fill memory that are not there. */
status_t pages_commit(struct space *space, vaddr_t addr, size_t size, unsigned prot) MUST_CHECK;

/* Maps a run of frames where no page is; on failure none is mapped. Those that are not PROT_SHARED and were
 * mapped are free then: *left_out says how far. */
status_t pages_map_run(struct space *space, vaddr_t addr, size_t size, paddr_t first, unsigned prot,
                       size_t *left_out) MUST_CHECK;

/* Takes all pages of a range away and frees them, unless they are an object's. */
void pages_drop(struct space *space, vaddr_t addr, size_t size);

/* Whether there is any. */
bool pages_any(const struct space *space, vaddr_t addr, size_t size);

#endif
