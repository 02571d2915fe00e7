/*
 * Address spaces. The tree of regions says what may be; the page table says what is (pages.c). Every
 * change of the tree first makes sure that it will succeed (memory for splits, no holes, kinds that fit)
 * and then acts.
 *
 * A guest's accesses to missing pages end in space_fault(). Code pages are made and written through
 * the physical map and are never writable for the guest.
 *
 * Locks: one mutex a space, below that of files and above that of objects.
 */
#include "kernel/mm/space.h"

#include "kernel/assert.h"
#include "kernel/counters.h"
#include "kernel/limits.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/internal.h"
#include "kernel/mm/object.h"
#include "kernel/mm/quota.h"
#include "kernel/program.h"
#include "kernel/random.h"
#include "kernel/sync.h"

#include <string.h>

void space_init(void) {
    assert(arch_user_end() > ARCH_USER_START);
}

status_t space_new_for(struct quota *payer, uint64_t frame_limit, struct space **out) {
    struct quota *quota = NULL;
    struct space *space = heap_new_for(payer, struct space);
    if (!space) {
        return STATUS_NO_MEMORY;
    }
    mutex_init(&space->mutex, LOCK_SPACE);
    region_tree_init(&space->regions);
    status_t status = quota_new(quota_limit(frame_limit), payer, &quota);
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

status_t space_new(uint64_t frame_limit, struct space **out) {
    return space_new_for(program_quota(), frame_limit, out);
}

struct pagetable *space_table(struct space *space) {
    return space ? &space->table : NULL;
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

/* One region of an object more, or less: under the mutex, looked at without it. */
static void count_objects(struct space *space, uint32_t more) {
    __atomic_store_n(&space->head.objects, space->head.objects + more, __ATOMIC_RELAXED);
}

static void region_free(struct space *space, struct region *region) {
    region_remove(&space->regions, region);
    if (region->object) {
        count_objects(space, UINT32_MAX);
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
        count_objects(space, 1);
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
    pages_drop(space, 0, arch_user_end());
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

static status_t reserve(struct space *space, vaddr_t addr, size_t size, unsigned prot) {
    struct region *region;
    TRY(region_new(space, addr, addr + size, &region));
    region->prot = (uint8_t)prot;
    region_insert(&space->regions, region);
    return STATUS_OK;
}

static bool prot_valid(unsigned prot) {
    return prot == PROT_NONE || prot == PROT_READ || prot == (PROT_READ | PROT_WRITE);
}

static status_t reserve_anywhere(struct space *space, size_t size, size_t align, unsigned prot,
                                 vaddr_t *out) {
    if (size == 0 || size % PAGE_SIZE || align % PAGE_SIZE || (align & (align - 1))) {
        return STATUS_BAD_ARGUMENT;
    }
    mutex_lock(&space->mutex);
    status_t status = place(space, size, align, out);
    if (status == STATUS_OK) {
        status = reserve(space, *out, size, prot);
    }
    mutex_unlock(&space->mutex);
    return status;
}

status_t space_reserve(struct space *space, size_t size, size_t align, vaddr_t *out) {
    return reserve_anywhere(space, size, align ? align : PAGE_SIZE, PROT_NONE, out);
}

status_t space_allocate(struct space *space, size_t size, unsigned prot, vaddr_t *out) {
    prot &= ~(unsigned)PROT_USER;
    return prot_valid(prot) ? reserve_anywhere(space, size, PAGE_SIZE, prot, out)
                            : STATUS_BAD_ARGUMENT;
}

/* ---- changes of a range ---- */

/* Each of these has the range's bounds checked, and the mutex. */
typedef status_t (*change_t)(struct space *space, vaddr_t addr, size_t size, unsigned prot);

static status_t change(struct space *space, vaddr_t addr, size_t size, unsigned prot, change_t fn) {
    prot &= ~(unsigned)PROT_USER;
    if (!range_valid(addr, size)) {
        return STATUS_BAD_RANGE;
    }
    if (!prot_valid(prot)) {
        return STATUS_BAD_ARGUMENT;
    }
    mutex_lock(&space->mutex);
    status_t status = fn(space, addr, size, prot);
    mutex_unlock(&space->mutex);
    return status;
}

static status_t reserve_at(struct space *space, vaddr_t addr, size_t size, unsigned prot) {
    return range_free(space, addr, size) ? reserve(space, addr, size, prot) : STATUS_EXISTS;
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
    return pages_commit(space, addr, size, prot);
}

static status_t decommit(struct space *space, vaddr_t addr, size_t size, unsigned prot) {
    if (!range_covered(space, addr, size, REGION_ZERO) &&
        !range_covered(space, addr, size, REGION_CODE)) {
        return STATUS_BAD_RANGE;
    }
    TRY(split_around(space, addr, size));
    set_range(space, addr, size, prot, REGION_ZERO);
    pages_drop(space, addr, size);
    return STATUS_OK;
}

static status_t unmap(struct space *space, vaddr_t addr, size_t size, unsigned prot) {
    (void)prot;
    TRY(split_around(space, addr, size));
    pages_drop(space, addr, size);
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

/* ---- wired memory and memory objects ---- */

static status_t commit_wired(struct space *space, vaddr_t addr, size_t size, unsigned prot,
                             void **kernel_out) {
    paddr_t first;
    size_t left;
    if (pages_any(space, addr, size)) {
        return STATUS_EXISTS;
    }
    TRY(protect(space, addr, size, prot));
    TRY(frame_alloc_run(size >> PAGE_SHIFT, space->quota, &first));
    for (size_t at = 0; at < size; at += PAGE_SIZE) {
        arch_page_zero(frame_pointer(first + at));
    }
    status_t status = pages_map_run(space, addr, size, first, prot, &left);
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
        TRY(pages_map_run(space, addr, size, first, region->prot | PROT_SHARED, &left));
    }
    region_insert(&space->regions, region);
    count_objects(space, 1);
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
        TRY(pages_find(space, addr, PROT_EXECUTE, &frame));
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
    arch_icache_publish(&space->table);
    return status;
}

/* ---- looking ---- */

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

/* Under the mutex. */
static struct space_place find_place(const struct space *space, vaddr_t addr) {
    const struct region *region = region_at_or_after(&space->regions, addr);
    if (!region || region->start > addr || !region->object) {
        return space_own_place(space, addr);
    }
    return (struct space_place){.owner = object_id(region->object),
                                .at = region->offset + (addr - region->start)};
}

struct space_place space_find_place(struct space *space, vaddr_t addr) {
    mutex_lock(&space->mutex);
    struct space_place place = find_place(space, addr);
    mutex_unlock(&space->mutex);
    return place;
}

bool space_try_place(struct space *space, vaddr_t addr, struct space_place *out) {
    if (!mutex_try(&space->mutex)) {
        return false;
    }
    *out = find_place(space, addr);
    mutex_unlock(&space->mutex);
    return true;
}

status_t space_fault(struct space *space, vaddr_t addr, unsigned access) {
    paddr_t frame;
    counters_add(COUNTER_FAULTS, 1);
    mutex_lock(&space->mutex);
    status_t status = pages_find(space, addr, access, &frame);
    mutex_unlock(&space->mutex);
    if (status == STATUS_OK) {
        /* The hart may remember that there was no page; others that do will fault and come here. */
        arch_tlb_forget_page(addr);
    }
    return status;
}
