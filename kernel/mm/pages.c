/*
 * The pages of an address space: how they come into being, by a touch or beforehand, and how they go.
 * Each is zero-filled, or a memory object's, or given by the caller; large where that fits.
 */
#include "kernel/limits.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/internal.h"
#include "kernel/mm/object.h"

void pages_drop(struct space *space, vaddr_t addr, size_t size) {
    arch_unmap_free(&space->table, addr, addr + size);
}

bool pages_any(const struct space *space, vaddr_t addr, size_t size) {
    for (vaddr_t va = addr; va < addr + size; va += PAGE_SIZE) {
        paddr_t frame;
        unsigned prot;
        if (arch_lookup(&space->table, va, &frame, &prot)) {
            return true;
        }
    }
    return false;
}

/* ---- at a touch ---- */

static status_t try_small(struct space *space, vaddr_t va, size_t len, unsigned prot,
                          paddr_t *first_out, size_t *len_out) {
    paddr_t frames[SPACE_AROUND_MAX];
    TRY(frame_alloc_some(len, space->quota, frames, len_out));
    status_t status =
        arch_map_some(&space->table, va, frames, *len_out, prot | PROT_USER, space->quota);
    if (status != STATUS_OK) {
        for (size_t i = 0; i < *len_out; i++) {
            frame_free(frames[i], 0);
        }
        return status;
    }
    *first_out = frames[0];
    return STATUS_OK;
}

/* New zeroed pages from va on, where there are none; at least one, and at most `len`. */
static status_t make_small(struct space *space, vaddr_t va, size_t len, unsigned prot,
                           paddr_t *first_out, size_t *len_out) {
    status_t status = try_small(space, va, len, prot, first_out, len_out);
    /* Many pages may have left nothing for the tables above the first. */
    return status == STATUS_NO_MEMORY && len > 1 ? try_small(space, va, 1, prot, first_out, len_out)
                                                 : status;
}

/* A large page at va, where it fits. False: it cannot be had, and small ones must do. */
static bool make_large(struct space *space, vaddr_t va, size_t size, unsigned prot) {
    paddr_t frame;
    if (size < ARCH_LARGE_SIZE || !arch_large_fits(&space->table, va) || !frame_is_plenty() ||
        frame_alloc(ARCH_LARGE_ORDER, space->quota, &frame) != STATUS_OK) {
        return false;
    }
    for (size_t at = 0; at < ARCH_LARGE_SIZE; at += PAGE_SIZE) {
        arch_page_zero(frame_pointer(frame + at));
    }
    if (arch_map_large(&space->table, va, frame, prot | PROT_USER, space->quota) != STATUS_OK) {
        frame_free(frame, ARCH_LARGE_ORDER);
        return false;
    }
    return true;
}

/* How many pages the first touch of one makes: twice as many as the last time if it follows them
 * directly, else one; after a run of 2 MiB, a large page where it fits. So a sweep takes few faults,
 * and never more than twice what was touched is made of a region. */
static size_t window_for(struct space *space, struct region *region, vaddr_t page) {
    size_t len = (region->end - page) >> PAGE_SHIFT;
    size_t window = region->run > 0 ? 2u * region->window : 1u;
    window = window < SPACE_AROUND_MAX ? window : SPACE_AROUND_MAX;
    region->window = (uint8_t)window;
    len = len < window ? len : window;
    return len > 1 ? arch_gap(&space->table, page, len) : 1;
}

static status_t fill_zero(struct space *space, struct region *region, vaddr_t page,
                          paddr_t *frame_out) {
    size_t len = ARCH_LARGE_SIZE >> PAGE_SHIFT;
    if (page != region->next) {
        region->run = 0;
    }
    if (region->run >= len && make_large(space, page, region->end - page, region->prot)) {
        unsigned prot;
        (void)arch_lookup(&space->table, page, frame_out, &prot);
    } else {
        len = window_for(space, region, page);
        TRY(make_small(space, page, len, region->prot, frame_out, &len));
    }
    region->run += len;
    region->next = page + len * PAGE_SIZE;
    return STATUS_OK;
}

/* A page that the object has, or will have now; readable alone if it is not the object's own yet. */
static status_t fill_from_object(struct space *space, struct region *region, vaddr_t page,
                                 unsigned access, paddr_t *frame_out) {
    uint64_t index = (region->offset + (page - region->start)) >> PAGE_SHIFT;
    bool own;
    TRY(object_page(region->object, index, access == PROT_WRITE, frame_out, &own));
    unsigned prot = own ? region->prot : region->prot & ~(unsigned)PROT_WRITE;
    pages_drop(space, page, PAGE_SIZE); /* what is there is the source's, if anything */
    return arch_map(&space->table, page, *frame_out, prot | PROT_USER | PROT_SHARED, space->quota);
}

status_t pages_find(struct space *space, vaddr_t va, unsigned access, paddr_t *frame_out) {
    unsigned prot = PROT_NONE;
    vaddr_t page = PAGE_ALIGN_DOWN(va);
    if (va < ARCH_USER_START || va >= arch_user_end()) {
        return STATUS_FAULT;
    }
    bool present = arch_lookup(&space->table, page, frame_out, &prot);
    if (present && (prot & access)) {
        return STATUS_OK;
    }
    struct region *region = region_at_or_after(&space->regions, va);
    if (!region || region->start > va || !(region->prot & access)) {
        return STATUS_FAULT;
    }
    if (region->kind == REGION_OBJECT) {
        return fill_from_object(space, region, page, access, frame_out);
    }
    return present ? STATUS_FAULT : fill_zero(space, region, page, frame_out);
}

/* ---- beforehand ---- */

status_t pages_commit(struct space *space, vaddr_t addr, size_t size, unsigned prot) {
    vaddr_t va = addr, end = addr + size;
    while (va < end) {
        paddr_t frame;
        unsigned have;
        size_t len = 1;
        if (make_large(space, va, end - va, prot)) {
            len = ARCH_LARGE_SIZE >> PAGE_SHIFT;
        } else if (!arch_lookup(&space->table, va, &frame, &have)) {
            size_t left = (end - va) >> PAGE_SHIFT;
            len = arch_gap(&space->table, va, left < SPACE_AROUND_MAX ? left : SPACE_AROUND_MAX);
            TRY(make_small(space, va, len, prot, &frame, &len));
        }
        va += len * PAGE_SIZE;
    }
    return STATUS_OK;
}

/* One page of a run of frames, large where that fits and the frames are nobody's to free. */
static status_t map_next(struct space *space, vaddr_t va, size_t size, paddr_t frame, unsigned prot,
                         size_t *size_out) {
    bool large = (prot & PROT_SHARED) && size >= ARCH_LARGE_SIZE && frame % ARCH_LARGE_SIZE == 0 &&
                 arch_large_fits(&space->table, va);
    *size_out = large ? ARCH_LARGE_SIZE : PAGE_SIZE;
    return large ? arch_map_large(&space->table, va, frame, prot, space->quota)
                 : arch_map(&space->table, va, frame, prot, space->quota);
}

status_t pages_map_run(struct space *space, vaddr_t addr, size_t size, paddr_t first, unsigned prot,
                       size_t *left_out) {
    size_t step;
    for (size_t at = 0; at < size; at += step) {
        status_t status =
            map_next(space, addr + at, size - at, first + at, prot | PROT_USER, &step);
        if (status != STATUS_OK) {
            *left_out = at;
            pages_drop(space, addr, size);
            return status;
        }
    }
    return STATUS_OK;
}
