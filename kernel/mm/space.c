/*
 * Address spaces. The tree of regions says what may be; the page table says what is. Every change
 * of the tree first makes sure that it will succeed (memory for splits, no holes, kinds that fit)
 * and then acts.
 *
 * A page is made by make_page() alone: on a fault, by space_commit(), by a copy, or by publishing.
 * A guest's accesses to missing pages end in space_fault(). Code pages are made and written through
 * the physical map and are never writable for the guest.
 *
 * Locks: one mutex a space, below that of files and above that of objects.
 */
#include "kernel/mm/space.h"

#include "kernel/assert.h"
#include "kernel/harts.h"
#include "kernel/limits.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/object.h"
#include "kernel/mm/quota.h"
#include "kernel/mm/region.h"
#include "kernel/program.h"
#include "kernel/random.h"
#include "kernel/sync.h"
#include "kernel/thread.h"

#include <string.h>

struct space {
    struct mutex mutex;
    struct pagetable table;
    struct region_tree regions;
    struct quota *quota; /* below its program's; pages, tables, regions */
    uint64_t ran_on;     /* harts that may hold translations */
};

void space_init(void) {
    assert(arch_user_end() > ARCH_USER_START);
}

static void drop_pages(struct space *space, vaddr_t addr, size_t size) {
    arch_unmap_free(&space->table, addr, addr + size);
}

status_t space_new(uint64_t frame_limit, struct space **out) {
    struct quota *quota = NULL;
    struct space *space = heap_new_for(program_quota(), struct space);
    if (!space) {
        return STATUS_NO_MEMORY;
    }
    mutex_init(&space->mutex, LOCK_SPACE);
    region_tree_init(&space->regions);
    status_t status = quota_new(quota_limit(frame_limit), program_quota(), &quota);
    if (status == STATUS_OK) {
        status = arch_pagetable_init(&space->table, quota);
    }
    if (status != STATUS_OK) {
        quota_close(quota);
        heap_free(space);
        return status;
    }
    space->quota = quota;
    *out = space;
    return STATUS_OK;
}

void space_activate(struct space *space) {
    arch_pagetable_use(space ? &space->table : NULL);
}

uint64_t space_frames(const struct space *space) {
    return quota_used(space->quota) / PAGE_SIZE;
}

uint64_t space_max_size(void) {
    return arch_user_end() - ARCH_USER_START;
}

/* ---- ranges and regions ---- */

static bool range_valid(vaddr_t addr, size_t size) {
    return size > 0 && ((addr | size) & (PAGE_SIZE - 1)) == 0 && addr >= ARCH_USER_START &&
           addr < arch_user_end() && size <= arch_user_end() - addr;
}

static bool range_free(const struct space *space, vaddr_t addr, size_t size) {
    struct region *region = region_at_or_after(&space->regions, addr);
    return !region || region->start >= addr + size;
}

/* Whether regions of the wanted kind cover the range without a hole. */
static bool range_covered(const struct space *space, vaddr_t addr, size_t size, unsigned kind) {
    struct region *region = region_at_or_after(&space->regions, addr);
    vaddr_t at = addr;
    while (region && region->start <= at && region->kind == kind) {
        at = region->end;
        if (at >= addr + size) {
            return true;
        }
        region = region_next(&space->regions, region);
    }
    return false;
}

/* A region that is in no tree yet. */
static status_t region_new(const struct space *space, vaddr_t start, vaddr_t end,
                           struct region **out) {
    if (space->regions.len == SPACE_MAX_REGIONS) {
        return STATUS_LIMIT;
    }
    struct region *region = heap_new_for(space->quota, struct region);
    if (!region) {
        return STATUS_NO_MEMORY;
    }
    region->start = start;
    region->end = end;
    *out = region;
    return STATUS_OK;
}

static void region_free(struct space *space, struct region *region) {
    region_remove(&space->regions, region);
    if (region->object) {
        object_unmap(region->object, region->prot & PROT_WRITE);
    }
    heap_free(region);
}

/* Makes addr a border between regions, if it lies inside one. */
static status_t split_at(struct space *space, vaddr_t addr) {
    struct region *upper, *lower = region_at_or_after(&space->regions, addr);
    if (!lower || lower->start >= addr) {
        return STATUS_OK;
    }
    TRY(region_new(space, addr, lower->end, &upper));
    upper->prot = lower->prot;
    upper->kind = lower->kind;
    upper->object = lower->object;
    upper->offset = lower->offset + (addr - lower->start);
    if (upper->object) {
        object_map_part(upper->object, upper->prot & PROT_WRITE);
    }
    lower->end = addr;
    region_insert(&space->regions, upper);
    return STATUS_OK;
}

/* Borders at both ends. A border too many does no harm, so failure needs no undoing. */
static status_t split_around(struct space *space, vaddr_t addr, size_t size) {
    TRY(split_at(space, addr));
    return split_at(space, addr + size);
}

/* Joins the region with the one after it where nothing tells them apart. */
static bool join_next(struct space *space, struct region *region) {
    struct region *next = region_next(&space->regions, region);
    if (!next || next->start != region->end || next->prot != region->prot ||
        next->kind != region->kind || region->kind == REGION_OBJECT) {
        return false;
    }
    vaddr_t end = next->end;
    region_free(space, next);
    region->end = end;
    return true;
}

/* Gives every region of the range, whose borders exist, a protection and a kind, and joins what can be
 * joined in and around it. */
static void set_range(struct space *space, vaddr_t addr, size_t size, unsigned prot,
                      unsigned kind) {
    struct region *first = region_at_or_after(&space->regions, addr);
    struct region *prev = region_prev(&space->regions, first);
    struct region *region = first;
    for (; region && region->start < addr + size; region = region_next(&space->regions, region)) {
        region->prot = (uint8_t)prot;
        region->kind = (uint8_t)kind;
    }
    region = prev ? prev : first;
    while (region && region->start < addr + size) {
        if (!join_next(space, region)) {
            region = region_next(&space->regions, region);
        }
    }
}

void space_free(struct space *space) {
    if (!space) {
        return;
    }
    drop_pages(space, 0, arch_user_end());
    while (!list_empty(&space->regions.order)) {
        region_free(space, list_entry(space->regions.order.next, struct region, node));
    }
    arch_pagetable_fini(&space->table);
    assert(quota_used(space->quota) == 0);
    quota_close(space->quota);
    heap_free(space);
}

/* ---- placement ---- */

static bool place_randomly(struct space *space, size_t size, size_t align, vaddr_t *out) {
    vaddr_t low = (ARCH_USER_START + align - 1) & ~(align - 1);
    if (low >= arch_user_end() || size > arch_user_end() - low) {
        return false;
    }
    uint64_t slots = (arch_user_end() - low - size) / align + 1;
    for (int i = 0; i < SPACE_PLACE_TRIES; i++) {
        vaddr_t addr = low + random_u64() % slots * align;
        if (range_free(space, addr, size)) {
            *out = addr;
            return true;
        }
    }
    return false;
}

/* The lowest gap, for a space so full that chance does not find one. */
static bool place_in_order(struct space *space, size_t size, size_t align, vaddr_t *out) {
    vaddr_t addr = (ARCH_USER_START + align - 1) & ~(align - 1);
    while (addr >= ARCH_USER_START && addr < arch_user_end() && size <= arch_user_end() - addr) {
        struct region *region = region_at_or_after(&space->regions, addr);
        if (!region || region->start >= addr + size) {
            *out = addr;
            return true;
        }
        addr = (region->end + align - 1) & ~(align - 1);
    }
    return false;
}

static status_t place(struct space *space, size_t size, size_t align, vaddr_t *out) {
    bool found = place_randomly(space, size, align, out) || place_in_order(space, size, align, out);
    return found ? STATUS_OK : STATUS_NO_SPACE;
}

static status_t reserve(struct space *space, vaddr_t addr, size_t size) {
    struct region *region;
    TRY(region_new(space, addr, addr + size, &region));
    region_insert(&space->regions, region);
    return STATUS_OK;
}

status_t space_reserve(struct space *space, size_t size, size_t align, vaddr_t *out) {
    align = align ? align : PAGE_SIZE;
    if (size == 0 || size % PAGE_SIZE || align % PAGE_SIZE || (align & (align - 1))) {
        return STATUS_BAD_ARGUMENT;
    }
    mutex_lock(&space->mutex);
    status_t status = place(space, size, align, out);
    if (status == STATUS_OK) {
        status = reserve(space, *out, size);
    }
    mutex_unlock(&space->mutex);
    return status;
}

/* ---- pages ---- */

/* New zeroed pages from va on, where there are none; at least one, and at most `len`. */
static status_t make_pages(struct space *space, vaddr_t va, size_t len, unsigned prot,
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
        TRY(make_pages(space, page, len, region->prot, frame_out, &len));
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
    drop_pages(space, page, PAGE_SIZE); /* what is there is the source's, if anything */
    return arch_map(&space->table, page, *frame_out, prot | PROT_USER | PROT_SHARED, space->quota);
}

/* The frame at va for an access, made now if the region allows the access and has no page yet. */
static status_t page_for(struct space *space, vaddr_t va, unsigned access, paddr_t *frame_out) {
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

status_t space_fault(struct space *space, vaddr_t addr, unsigned access) {
    paddr_t frame;
    counters_add(COUNTER_FAULTS, 1);
    mutex_lock(&space->mutex);
    status_t status = page_for(space, addr, access, &frame);
    mutex_unlock(&space->mutex);
    if (status == STATUS_OK) {
        /* The hart may remember that there was no page; others that do will fault and come here. */
        arch_tlb_forget_page(addr);
    }
    return status;
}

/* ---- changes of a range ---- */

/* Each of these has the range's bounds checked, and the mutex. */
typedef status_t (*change_t)(struct space *space, vaddr_t addr, size_t size, unsigned prot);

static status_t change(struct space *space, vaddr_t addr, size_t size, unsigned prot, change_t fn) {
    prot &= ~(unsigned)PROT_USER;
    if (!range_valid(addr, size)) {
        return STATUS_BAD_RANGE;
    }
    if (prot != PROT_NONE && prot != PROT_READ && prot != (PROT_READ | PROT_WRITE)) {
        return STATUS_BAD_ARGUMENT;
    }
    mutex_lock(&space->mutex);
    status_t status = fn(space, addr, size, prot);
    mutex_unlock(&space->mutex);
    return status;
}

static status_t reserve_at(struct space *space, vaddr_t addr, size_t size, unsigned prot) {
    (void)prot;
    return range_free(space, addr, size) ? reserve(space, addr, size) : STATUS_EXISTS;
}

static status_t protect(struct space *space, vaddr_t addr, size_t size, unsigned prot) {
    if (!range_covered(space, addr, size, REGION_ZERO)) {
        return STATUS_BAD_RANGE;
    }
    TRY(split_around(space, addr, size));
    set_range(space, addr, size, prot, REGION_ZERO);
    unsigned page_prot = prot ? prot | PROT_USER : PROT_NONE;
    if (arch_protect(&space->table, addr, addr + size, page_prot) > 0) {
        arch_tlb_flush(&space->table, addr, addr + size);
    }
    return STATUS_OK;
}

static status_t commit(struct space *space, vaddr_t addr, size_t size, unsigned prot) {
    if (prot == PROT_NONE) {
        return STATUS_BAD_ARGUMENT;
    }
    TRY(protect(space, addr, size, prot));
    vaddr_t va = addr;
    while (va < addr + size) {
        paddr_t frame;
        unsigned have;
        size_t len = 1;
        if (make_large(space, va, addr + size - va, prot)) {
            len = ARCH_LARGE_SIZE >> PAGE_SHIFT;
        } else if (!arch_lookup(&space->table, va, &frame, &have)) {
            size_t left = (addr + size - va) >> PAGE_SHIFT;
            len = arch_gap(&space->table, va, left < SPACE_AROUND_MAX ? left : SPACE_AROUND_MAX);
            TRY(make_pages(space, va, len, prot, &frame, &len));
        }
        va += len * PAGE_SIZE;
    }
    return STATUS_OK;
}

static status_t decommit(struct space *space, vaddr_t addr, size_t size, unsigned prot) {
    if (!range_covered(space, addr, size, REGION_ZERO) &&
        !range_covered(space, addr, size, REGION_CODE)) {
        return STATUS_BAD_RANGE;
    }
    TRY(split_around(space, addr, size));
    set_range(space, addr, size, prot, REGION_ZERO);
    drop_pages(space, addr, size);
    return STATUS_OK;
}

static status_t unmap(struct space *space, vaddr_t addr, size_t size, unsigned prot) {
    (void)prot;
    TRY(split_around(space, addr, size));
    drop_pages(space, addr, size);
    struct region *region = region_at_or_after(&space->regions, addr);
    while (region && region->start < addr + size) {
        struct region *next = region_next(&space->regions, region);
        region_free(space, region);
        region = next;
    }
    return STATUS_OK;
}

status_t space_reserve_at(struct space *space, vaddr_t addr, size_t size) {
    return change(space, addr, size, PROT_NONE, reserve_at);
}

status_t space_protect(struct space *space, vaddr_t addr, size_t size, unsigned prot) {
    return change(space, addr, size, prot, protect);
}

status_t space_commit(struct space *space, vaddr_t addr, size_t size, unsigned prot) {
    return change(space, addr, size, prot, commit);
}

status_t space_decommit(struct space *space, vaddr_t addr, size_t size) {
    return change(space, addr, size, PROT_NONE, decommit);
}

status_t space_unmap(struct space *space, vaddr_t addr, size_t size) {
    return change(space, addr, size, PROT_NONE, unmap);
}

/* ---- frames given by others ---- */

static bool any_page(const struct space *space, vaddr_t addr, size_t size) {
    for (vaddr_t va = addr; va < addr + size; va += PAGE_SIZE) {
        paddr_t frame;
        unsigned prot;
        if (arch_lookup(&space->table, va, &frame, &prot)) {
            return true;
        }
    }
    return false;
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

/* Maps the run of frames; on failure none of them is mapped. Those that are not PROT_SHARED and were
 * mapped are free then: *left_out says where the others begin. */
static status_t map_run(struct space *space, vaddr_t addr, size_t size, paddr_t first,
                        unsigned prot, size_t *left_out) {
    size_t step;
    for (size_t at = 0; at < size; at += step) {
        status_t status =
            map_next(space, addr + at, size - at, first + at, prot | PROT_USER, &step);
        if (status != STATUS_OK) {
            *left_out = at;
            drop_pages(space, addr, size);
            return status;
        }
    }
    return STATUS_OK;
}

static status_t commit_wired(struct space *space, vaddr_t addr, size_t size, unsigned prot,
                             void **kernel_out) {
    paddr_t first;
    size_t left;
    if (any_page(space, addr, size)) {
        return STATUS_EXISTS;
    }
    TRY(protect(space, addr, size, prot));
    TRY(frame_alloc_run(size >> PAGE_SHIFT, space->quota, &first));
    for (size_t at = 0; at < size; at += PAGE_SIZE) {
        arch_page_zero(frame_pointer(first + at));
    }
    status_t status = map_run(space, addr, size, first, prot, &left);
    for (; status != STATUS_OK && left < size; left += PAGE_SIZE) {
        frame_free(first + left, 0);
    }
    *kernel_out = frame_pointer(first);
    return status;
}

status_t space_commit_wired(struct space *space, vaddr_t addr, size_t size, unsigned prot,
                            void **kernel_out) {
    prot &= ~(unsigned)PROT_USER;
    if (!range_valid(addr, size)) {
        return STATUS_BAD_RANGE;
    }
    if (prot != PROT_READ && prot != (PROT_READ | PROT_WRITE)) {
        return STATUS_BAD_ARGUMENT;
    }
    mutex_lock(&space->mutex);
    status_t status = commit_wired(space, addr, size, prot, kernel_out);
    mutex_unlock(&space->mutex);
    return status;
}

/* The pages of objects that have all from the start are mapped at once. */
static status_t map_object(struct space *space, struct region *region, vaddr_t addr, size_t size) {
    size_t left;
    if (object_is_fixed(region->object)) {
        paddr_t first;
        bool own;
        TRY(object_page(region->object, region->offset >> PAGE_SHIFT, true, &first, &own));
        TRY(map_run(space, addr, size, first, region->prot | PROT_SHARED, &left));
    }
    region_insert(&space->regions, region);
    return STATUS_OK;
}

/* `object` is mapped, but nowhere yet. */
static status_t map(struct space *space, struct object *object, uint64_t offset, size_t size,
                    unsigned prot, vaddr_t *addr_out) {
    struct region *region;
    bool large = object_is_fixed(object) && size >= ARCH_LARGE_SIZE;
    TRY(place(space, size, large ? ARCH_LARGE_SIZE : PAGE_SIZE, addr_out));
    TRY(region_new(space, *addr_out, *addr_out + size, &region));
    region->prot = (uint8_t)prot;
    region->kind = REGION_OBJECT;
    region->object = object;
    region->offset = offset;
    status_t status = map_object(space, region, *addr_out, size);
    if (status != STATUS_OK) {
        heap_free(region);
    }
    return status;
}

status_t space_map(struct space *space, struct object *object, uint64_t offset, size_t size,
                   unsigned prot, vaddr_t *addr_out) {
    prot &= ~(unsigned)PROT_USER;
    bool writable = prot == (PROT_READ | PROT_WRITE);
    if (size == 0 || (offset | size) % PAGE_SIZE || (prot != PROT_READ && !writable)) {
        return STATUS_BAD_ARGUMENT;
    }
    TRY(object_map(object, offset, size, writable));
    mutex_lock(&space->mutex);
    status_t status = map(space, object, offset, size, prot, addr_out);
    mutex_unlock(&space->mutex);
    if (status != STATUS_OK) {
        object_unmap(object, writable);
    }
    return status;
}

/* ---- code ---- */

/* Turns untouched reserved memory of the range into code; what is code already stays. */
static status_t become_code(struct space *space, vaddr_t start, vaddr_t end) {
    vaddr_t at = start;
    while (at < end) {
        struct region *region = region_at_or_after(&space->regions, at);
        if (!region || region->start > at || region->kind == REGION_OBJECT ||
            (region->kind == REGION_ZERO && region->prot != PROT_NONE)) {
            return STATUS_BAD_RANGE;
        }
        at = region->end;
    }
    TRY(split_around(space, start, end - start));
    set_range(space, start, end - start, PROT_READ | PROT_EXECUTE, REGION_CODE);
    return STATUS_OK;
}

static status_t publish(struct space *space, vaddr_t addr, const char *code, size_t size) {
    vaddr_t start = PAGE_ALIGN_DOWN(addr);
    vaddr_t end = PAGE_ALIGN_UP(addr + size);
    if (!range_valid(start, end - start)) {
        return STATUS_BAD_RANGE;
    }
    TRY(become_code(space, start, end));
    while (size > 0) {
        paddr_t frame;
        size_t offset = addr % PAGE_SIZE;
        size_t len = size < PAGE_SIZE - offset ? size : PAGE_SIZE - offset;
        TRY(page_for(space, addr, PROT_EXECUTE, &frame));
        memcpy((char *)frame_pointer(frame) + offset, code, len);
        addr += len;
        code += len;
        size -= len;
    }
    return STATUS_OK;
}

status_t space_publish_code(struct space *space, vaddr_t addr, const void *code, size_t size) {
    if (size == 0 || addr < ARCH_USER_START || size > arch_user_end() ||
        addr > arch_user_end() - size) {
        return STATUS_BAD_RANGE;
    }
    mutex_lock(&space->mutex);
    status_t status = publish(space, addr, code, size);
    mutex_unlock(&space->mutex);
    arch_icache_publish();
    return status;
}

/* ---- copies ---- */

/* The kernel's address of the guest's, and how far it goes in the same page. */
static status_t peek(struct space *space, vaddr_t addr, size_t size, unsigned access, void **out,
                     size_t *size_out) {
    paddr_t frame;
    TRY(page_for(space, addr, access, &frame));
    size_t offset = addr % PAGE_SIZE;
    *out = (char *)frame_pointer(frame) + offset;
    *size_out = size < PAGE_SIZE - offset ? size : PAGE_SIZE - offset;
    return STATUS_OK;
}

/* Whether the hart, wherever the calling thread is, translates through the space. */
static bool is_active(const struct space *space) {
    return thread_current()->space == space;
}

/* The rest of a copy, a page through the physical map and then what can be had directly, by turns. */
static status_t copy(struct space *space, vaddr_t addr, void *kernel, size_t size,
                     unsigned access) {
    bool all = false;
    while (!all) {
        void *guest;
        size_t len;
        TRY(space_peek(space, addr, access, &guest, &len));
        len = len < size ? len : size;
        memcpy(access == PROT_WRITE ? guest : kernel, access == PROT_WRITE ? kernel : guest, len);
        addr += len;
        kernel = (char *)kernel + len;
        size -= len;
        all = size == 0;
        if (!all && is_active(space)) {
            all = access == PROT_WRITE ? arch_copy_out(&addr, (const void **)&kernel, &size)
                                       : arch_copy_in(&kernel, &addr, &size);
        }
    }
    return STATUS_OK;
}

status_t space_copy_in(struct space *space, void *to, vaddr_t from, size_t size) {
    if (size == 0 || (is_active(space) && arch_copy_in(&to, &from, &size))) {
        return STATUS_OK;
    }
    return copy(space, from, to, size, PROT_READ);
}

status_t space_copy_out(struct space *space, vaddr_t to, const void *from, size_t size) {
    if (size == 0 || (is_active(space) && arch_copy_out(&to, &from, &size))) {
        return STATUS_OK;
    }
    return copy(space, to, (void *)from, size, PROT_WRITE);
}

bool space_copy_try_in(const struct space *space, void *to, vaddr_t from, size_t size) {
    return is_active(space) && arch_copy_in(&to, &from, &size);
}

bool space_copy_try_out(const struct space *space, vaddr_t to, const void *from, size_t size) {
    return is_active(space) && arch_copy_out(&to, &from, &size);
}

status_t space_peek(struct space *space, vaddr_t addr, unsigned access, void **out,
                    size_t *size_out) {
    mutex_lock(&space->mutex);
    status_t status = peek(space, addr, PAGE_SIZE, access, out, size_out);
    mutex_unlock(&space->mutex);
    return status;
}

status_t space_query(struct space *space, vaddr_t addr, unsigned *prot_out, vaddr_t *start_out,
                     vaddr_t *end_out) {
    mutex_lock(&space->mutex);
    const struct region *region = region_at_or_after(&space->regions, addr);
    status_t status = STATUS_NOT_FOUND;
    if (region && region->start <= addr) {
        *prot_out = region->prot;
        *start_out = region->start;
        *end_out = region->end;
        status = STATUS_OK;
    }
    mutex_unlock(&space->mutex);
    return status;
}
