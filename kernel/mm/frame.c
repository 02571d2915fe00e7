/*
 * The buddy allocator of frames (Knuth, The Art of Computer Programming 1, 2.5).
 *
 * A block of order k is 2^k frames at a multiple of 2^k. One byte a frame in states[] says what it
 * is: the head of a free block, the head of an allocated block, inside a block, or not ours. Free
 * blocks of each order form a list through their own memory. Freeing joins a block with its buddy,
 * the block whose address differs in bit k alone, for as long as that one is free and as large.
 *
 * Locks: one spinlock, innermost but for the log.
 */
#include "kernel/mm/frame.h"

#include "abi/boot.h"
#include "base/list.h"
#include "kernel/assert.h"
#include "kernel/sync.h"

#include <string.h>

enum {
    STATE_INSIDE = 0x00,
    STATE_FREE = 0x40,      /* | order */
    STATE_ALLOCATED = 0x80, /* | order */
    STATE_MORE = 0x20,      /* with ALLOCATED: the block after this one belongs to it */
    STATE_ORDER = 0x1f,
    STATE_NONE = 0xff, /* not memory, or not given to us */
};

vaddr_t frame_physmap;

static struct spinlock lock = SPINLOCK_INIT(LOCK_FRAME);
static struct list free_lists[FRAME_MAX_ORDER + 1];
static uint8_t *states;
static uint64_t base_index; /* frame number of states[0], a multiple of the largest block */
static uint64_t states_len;
static size_t free_count, total_count;

static uint64_t index_of(paddr_t pa) {
    return (pa >> PAGE_SHIFT) - base_index;
}

static paddr_t address_of(uint64_t index) {
    return (base_index + index) << PAGE_SHIFT;
}

static struct list *node_of(uint64_t index) {
    return frame_pointer(address_of(index));
}

static void mark(uint64_t index, unsigned state, unsigned order) {
    states[index] = (uint8_t)(state | order);
}

/* A block that is neither free nor allocated now becomes free, with its buddies. */
static void release(uint64_t index, unsigned order) {
    free_count += (size_t)1 << order;
    while (order < FRAME_MAX_ORDER) {
        uint64_t buddy = index ^ (UINT64_C(1) << order);
        if (buddy >= states_len || states[buddy] != (STATE_FREE | order)) {
            break;
        }
        list_remove(node_of(buddy));
        states[buddy] = STATE_INSIDE;
        states[index] = STATE_INSIDE;
        index &= ~(UINT64_C(1) << order);
        order++;
    }
    mark(index, STATE_FREE, order);
    list_push_front(&free_lists[order], node_of(index));
}

/* Frames [index, end) in the largest blocks that are aligned. */
static void release_range(uint64_t index, uint64_t end) {
    while (index < end) {
        unsigned order = 0;
        while (order < FRAME_MAX_ORDER && !(index >> order & 1) &&
               index + (UINT64_C(2) << order) <= end) {
            order++;
        }
        release(index, order);
        index += UINT64_C(1) << order;
    }
}

/* A block of exactly this order, allocated; UINT64_MAX if there is none. */
static uint64_t acquire(unsigned order) {
    unsigned have = order;
    while (have <= FRAME_MAX_ORDER && list_empty(&free_lists[have])) {
        have++;
    }
    if (have > FRAME_MAX_ORDER) {
        return UINT64_MAX;
    }
    struct list *node = free_lists[have].next;
    list_remove(node);
    uint64_t index = index_of(frame_address(node));
    while (have > order) {
        have--;
        uint64_t upper = index + (UINT64_C(1) << have);
        mark(upper, STATE_FREE, have);
        list_push_front(&free_lists[have], node_of(upper));
    }
    mark(index, STATE_ALLOCATED, order);
    free_count -= (size_t)1 << order;
    return index;
}

static bool quota_take(struct frame_quota *quota, size_t len) {
    if (!quota) {
        return true;
    }
    if (quota->used + len > quota->limit) {
        return false;
    }
    quota->used += len;
    return true;
}

static void quota_give(struct frame_quota *quota, size_t len) {
    if (quota) {
        assert(quota->used >= len);
        quota->used -= len;
    }
}

/* Under the lock: a block of this order if the quota allows `len` frames. */
static status_t acquire_charged(unsigned order, size_t len, struct frame_quota *quota,
                                uint64_t *index_out) {
    if (!quota_take(quota, len)) {
        return STATUS_NO_MEMORY;
    }
    *index_out = acquire(order);
    if (*index_out == UINT64_MAX) {
        quota_give(quota, len);
        return STATUS_NO_MEMORY;
    }
    return STATUS_OK;
}

status_t frame_alloc(unsigned order, struct frame_quota *quota, paddr_t *out) {
    if (order > FRAME_MAX_ORDER) {
        return STATUS_NO_MEMORY;
    }
    uint64_t index;
    spinlock_lock(&lock);
    status_t status = acquire_charged(order, (size_t)1 << order, quota, &index);
    spinlock_unlock(&lock);
    if (status == STATUS_OK) {
        *out = address_of(index);
    }
    return status;
}

/* Under the lock: takes the allocated block at index out of use. Returns its state byte. */
static uint8_t retire(uint64_t index) {
    assert(index < states_len);
    uint8_t state = states[index];
    /* A state that is not ALLOCATED is a double free, or memory that was never ours. */
    assert((state & (STATE_ALLOCATED | STATE_FREE)) == STATE_ALLOCATED);
#if K23_DEBUG
    memset(frame_pointer(address_of(index)), 0xdd, PAGE_SIZE << (state & STATE_ORDER));
#endif
    states[index] = STATE_INSIDE;
    return state;
}

void frame_free(paddr_t frame, unsigned order, struct frame_quota *quota) {
    spinlock_lock(&lock);
    uint8_t state = retire(index_of(frame));
    assert(state == (STATE_ALLOCATED | order));
    quota_give(quota, (size_t)1 << order);
    release(index_of(frame), order);
    spinlock_unlock(&lock);
}

static unsigned order_for(size_t len) {
    unsigned order = 0;
    while (((size_t)1 << order) < len) {
        order++;
    }
    return order;
}

/* Under the lock: `len` frames at *index_out, those of the block beyond them free again. The caller
 * marks the states of the `len`. */
static status_t acquire_exact(size_t len, struct frame_quota *quota, uint64_t *index_out) {
    unsigned order = order_for(len);
    TRY(acquire_charged(order, len, quota, index_out));
    release_range(*index_out + len, *index_out + (UINT64_C(1) << order));
    return STATUS_OK;
}

status_t frame_alloc_run(size_t len, struct frame_quota *quota, paddr_t *out) {
    if (len == 0 || len > (size_t)1 << FRAME_MAX_ORDER) {
        return STATUS_NO_MEMORY;
    }
    uint64_t index;
    spinlock_lock(&lock);
    status_t status = acquire_exact(len, quota, &index);
    if (status == STATUS_OK) {
        for (size_t i = 0; i < len; i++) {
            mark(index + i, STATE_ALLOCATED, 0);
        }
        *out = address_of(index);
    }
    spinlock_unlock(&lock);
    return status;
}

/* Marks [index, index + len) as a chain of allocated blocks, largest first. */
static void mark_chain(uint64_t index, size_t len) {
    while (len > 0) {
        unsigned order = 63u - (unsigned)__builtin_clzll(len);
        size_t block = (size_t)1 << order;
        len -= block;
        mark(index, STATE_ALLOCATED | (len > 0 ? STATE_MORE : 0u), order);
        index += block;
    }
}

status_t frame_alloc_pages(size_t len, struct frame_quota *quota, paddr_t *out) {
    if (len == 0 || len > (size_t)1 << FRAME_MAX_ORDER) {
        return STATUS_NO_MEMORY;
    }
    uint64_t index;
    spinlock_lock(&lock);
    status_t status = acquire_exact(len, quota, &index);
    if (status == STATUS_OK) {
        mark_chain(index, len);
        *out = address_of(index);
    }
    spinlock_unlock(&lock);
    return status;
}

void frame_free_pages(paddr_t first, struct frame_quota *quota) {
    uint64_t index = index_of(first);
    uint8_t state;
    spinlock_lock(&lock);
    do {
        state = retire(index);
        unsigned order = state & STATE_ORDER;
        quota_give(quota, (size_t)1 << order);
        release(index, order);
        index += UINT64_C(1) << order;
    } while (state & STATE_MORE);
    spinlock_unlock(&lock);
}

size_t frame_free_count(void) {
    return __atomic_load_n(&free_count, __ATOMIC_RELAXED);
}

size_t frame_total_count(void) {
    return total_count;
}

static bool is_ours(const struct boot_region *region) {
    return region->kind == BOOT_MEMORY_USABLE || region->kind == BOOT_MEMORY_LOADER;
}

/* One byte for every frame between the lowest and the highest that may ever be ours. */
static void measure(const struct boot_info *info) {
    paddr_t low = UINT64_MAX, high = 0;
    for (uint32_t i = 0; i < info->region_count; i++) {
        const struct boot_region *region = &info->regions[i];
        if (is_ours(region)) {
            low = region->start < low ? region->start : low;
            high = region->end > high ? region->end : high;
        }
    }
    if (low >= high) {
        panic("the machine has no free memory");
    }
    base_index = (low >> PAGE_SHIFT) & ~((UINT64_C(1) << FRAME_MAX_ORDER) - 1);
    states_len = (high >> PAGE_SHIFT) - base_index;
}

/* The first usable region that states[] fits in holds it, at its start. */
static paddr_t place_states(const struct boot_info *info) {
    for (uint32_t i = 0; i < info->region_count; i++) {
        const struct boot_region *region = &info->regions[i];
        if (region->kind == BOOT_MEMORY_USABLE && region->end - region->start >= states_len) {
            return region->start;
        }
    }
    panic("no room for the frame table");
}

static size_t give_region(const struct boot_region *region, paddr_t taken_from, paddr_t taken_to) {
    paddr_t start = region->start == taken_from ? taken_to : region->start;
    if (start >= region->end) {
        return 0;
    }
    uint64_t from = index_of(start), to = index_of(region->end);
    memset(states + from, STATE_INSIDE, to - from);
    release_range(from, to);
    total_count += to - from;
    return to - from;
}

void frame_init(const struct boot_info *info) {
    frame_physmap = info->physmap;
    for (unsigned order = 0; order <= FRAME_MAX_ORDER; order++) {
        list_init(&free_lists[order]);
    }
    measure(info);
    paddr_t start = place_states(info);
    paddr_t end = PAGE_ALIGN_UP(start + states_len);
    states = frame_pointer(start);
    memset(states, STATE_NONE, states_len);
    for (uint32_t i = 0; i < info->region_count; i++) {
        if (info->regions[i].kind == BOOT_MEMORY_USABLE) {
            give_region(&info->regions[i], start, end);
        }
    }
}

size_t frame_reclaim_loader(const struct boot_info *info) {
    size_t gained = 0;
    spinlock_lock(&lock);
    for (uint32_t i = 0; i < info->region_count; i++) {
        if (info->regions[i].kind == BOOT_MEMORY_LOADER) {
            gained += give_region(&info->regions[i], UINT64_MAX, UINT64_MAX);
        }
    }
    spinlock_unlock(&lock);
    return gained;
}
