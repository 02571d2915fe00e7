/*
 * The buddy allocator of frames (Knuth, The Art of Computer Programming 1, 2.5).
 *
 * A block of order k is 2^k frames at a multiple of 2^k. One byte a frame in states[] says what it
 * is: the head of a free block, the head of an allocated block, inside a block, or not ours. Free
 * blocks of each order form a list through their own memory. Freeing joins a block with its buddy,
 * the block whose address differs in bit k alone, for as long as that one is free and as large.
 *
 * Before the buddies stands a small stack of single frames for each hart, so that harts seldom meet at
 * the buddies' lock, and one pool of frames that idle harts have zeroed. Frames there are marked CACHED
 * and count as free. owners[] holds the quota of each allocated block.
 *
 * Locks: one spinlock a cache, one for the pool, and below them one for the buddies.
 */
#include "kernel/mm/frame.h"

#include "abi/boot.h"
#include "base/list.h"
#include "kernel/assert.h"
#include "kernel/harts.h"
#include "kernel/mm/inject.h"
#include "kernel/mm/kasan.h"
#include "kernel/mm/quota.h"
#include "kernel/sync.h"

#include <string.h>

enum {
    STATE_INSIDE = 0x00,
    STATE_FREE = 0x40,      /* | order */
    STATE_ALLOCATED = 0x80, /* | order */
    STATE_MORE = 0x20,      /* with ALLOCATED: the block after this one belongs to it */
    STATE_ORDER = 0x1f,
    STATE_CACHED = 0x60, /* free, in a cache or in the pool */
    STATE_NONE = 0xff,   /* not memory, or not given to us */
};

vaddr_t frame_physmap;

static struct spinlock lock = SPINLOCK_INIT(LOCK_FRAME);
static struct list free_lists[FRAME_MAX_ORDER + 1];
static uint8_t *states;
static quota_id_t *owners;  /* of the heads of allocated blocks */
static uint64_t base_index; /* frame number of states[0], a multiple of the largest block */
static uint64_t states_len;
static size_t free_count, total_count; /* free_count: of the buddies */

/* Single frames, by index. */
struct frame_cache {
    struct spinlock lock;
    uint32_t len;
    uint64_t *at;
};

static uint64_t cached[KERNEL_MAX_HARTS][FRAME_CACHE_LEN];
static uint64_t zeroed[FRAME_ZEROED_MAX];
static struct frame_cache caches[KERNEL_MAX_HARTS], pool;
static uint32_t pool_cap;

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

/* ---- caches and pool ---- */

/* Under the cache's lock, as all that follows. */
static void push(struct frame_cache *cache, uint64_t index) {
    states[index] = STATE_CACHED;
    cache->at[cache->len++] = index;
}

static uint64_t pop(struct frame_cache *cache) {
    uint64_t index = cache->at[--cache->len];
    mark(index, STATE_ALLOCATED, 0);
    return index;
}

/* Blocks of up to FRAME_FILL_ORDER are taken as they are, the largest first; larger ones are divided when there is
 * nothing else. */
static unsigned order_to_fill(void) {
    unsigned order = FRAME_FILL_ORDER;
    while (order > 0 && list_empty(&free_lists[order])) {
        order--;
    }
    return list_empty(&free_lists[order]) ? FRAME_FILL_ORDER : order;
}

/* Half of what a cache holds comes from the buddies to an empty one, in blocks: each is found once. */
static void fill(struct frame_cache *cache) {
    spinlock_lock(&lock);
    while (cache->len < FRAME_CACHE_LEN / 2) {
        unsigned order = order_to_fill();
        uint64_t index = acquire(order);
        if (index == UINT64_MAX) {
            break;
        }
        for (uint64_t i = UINT64_C(1) << order; i > 0; i--) {
            push(cache, index + i - 1);
        }
    }
    spinlock_unlock(&lock);
}

/* Gives frames back to the buddies until `len` are left. */
static size_t drain(struct frame_cache *cache, uint32_t len) {
    size_t drained = cache->len - len;
    spinlock_lock(&lock);
    while (cache->len > len) {
        uint64_t index = cache->at[--cache->len];
        states[index] = STATE_INSIDE;
        release(index, 0);
    }
    spinlock_unlock(&lock);
    return drained;
}

/* Under pressure: everything that is free goes to the buddies. True if there was anything. */
static bool reclaim(void) {
    size_t drained = 0;
    for (uint32_t i = 0; i <= KERNEL_MAX_HARTS; i++) {
        struct frame_cache *cache = i == 0 ? &pool : &caches[i - 1];
        spinlock_lock(&cache->lock);
        drained += cache->len ? drain(cache, 0) : 0;
        spinlock_unlock(&cache->lock);
    }
    return drained > 0;
}

/* The caller may be on another hart by now: then it is another hart's, and locked all the same. */
static struct frame_cache *lock_cache(void) {
    struct frame_cache *cache = &caches[hart_self()->index];
    spinlock_lock(&cache->lock);
    return cache;
}

/* Under its lock. UINT64_MAX: it is empty and cannot be filled. */
static uint64_t pop_filled(struct frame_cache *cache) {
    if (cache->len == 0) {
        fill(cache);
    }
    return cache->len > 0 ? pop(cache) : UINT64_MAX;
}

static uint64_t take_cached(void) {
    struct frame_cache *cache = lock_cache();
    uint64_t index = pop_filled(cache);
    spinlock_unlock(&cache->lock);
    return index;
}

static size_t take_some_cached(size_t len, paddr_t *frames) {
    size_t taken = 0;
    struct frame_cache *cache = lock_cache();
    for (; taken < len; taken++) {
        uint64_t index = pop_filled(cache);
        if (index == UINT64_MAX) {
            break;
        }
        frames[taken] = address_of(index);
    }
    spinlock_unlock(&cache->lock);
    return taken;
}

static void put_cached(uint64_t index) {
    struct frame_cache *cache = lock_cache();
    push(cache, index);
    if (cache->len == FRAME_CACHE_LEN) {
        drain(cache, FRAME_CACHE_LEN / 2);
    }
    spinlock_unlock(&cache->lock);
}

static uint32_t len_of(const struct frame_cache *cache) {
    return __atomic_load_n(&cache->len, __ATOMIC_RELAXED);
}

/* Up to `len` frames of the pool. None if somebody else is at it: zeroing is quicker than waiting. */
static size_t take_zeroed(size_t len, paddr_t *frames) {
    size_t taken = 0;
    if (len_of(&pool) == 0 || !spinlock_try(&pool.lock)) {
        return 0;
    }
    for (; taken < len && pool.len > 0; taken++) {
        frames[taken] = address_of(pop(&pool));
    }
    spinlock_unlock(&pool.lock);
    return taken;
}

/* Then nobody gets more than is needed now, and zeroing for later stops. */
static bool scarce(void) {
    return __atomic_load_n(&free_count, __ATOMIC_RELAXED) < (size_t)2 * FRAME_ZEROED_MAX;
}

bool frame_prezero(void) {
    if (len_of(&pool) >= pool_cap || scarce()) {
        return false;
    }
    /* Held all along, so that no frame is ever out of sight of reclaim(). One hart at a time does. */
    if (!spinlock_try(&pool.lock)) {
        return false;
    }
    bool done = false;
    if (pool.len < pool_cap) {
        uint64_t index = take_cached();
        if (index != UINT64_MAX) {
            arch_page_zero(frame_pointer(address_of(index)));
            push(&pool, index);
            done = true;
        }
    }
    spinlock_unlock(&pool.lock);
    return done;
}

/* ---- blocks for others ---- */

static void set_owner(uint64_t index, const struct quota *quota) {
    owners[index] = quota_id(quota);
}

static uint64_t acquire_locked(unsigned order) {
    spinlock_lock(&lock);
    uint64_t index = acquire(order);
    spinlock_unlock(&lock);
    return index;
}

/* A block of 2^order, not charged yet. UINT64_MAX: there is none. */
static uint64_t take(unsigned order) {
    uint64_t index = order == 0 ? take_cached() : acquire_locked(order);
    if (index == UINT64_MAX && reclaim()) {
        index = acquire_locked(order);
    }
    return index;
}

status_t frame_alloc(unsigned order, struct quota *quota, paddr_t *out) {
    if (order > FRAME_MAX_ORDER || inject_fails()) {
        return STATUS_NO_MEMORY;
    }
    TRY(quota_charge(quota, PAGE_SIZE << order));
    uint64_t index = take(order);
    if (index == UINT64_MAX) {
        quota_credit(quota, PAGE_SIZE << order);
        return STATUS_NO_MEMORY;
    }
    set_owner(index, quota);
    *out = address_of(index);
    kasan_allow(frame_pointer(*out), PAGE_SIZE << order);
    return STATUS_OK;
}

/* Up to `len` zeroed frames, from the pool first. */
static size_t take_some(size_t len, paddr_t *frames) {
    size_t ready = take_zeroed(len, frames);
    size_t taken = ready + take_some_cached(len - ready, frames + ready);
    for (; taken < len; taken++) {
        uint64_t index = take(0);
        if (index == UINT64_MAX) {
            break;
        }
        frames[taken] = address_of(index);
    }
    for (size_t i = ready; i < taken; i++) {
        arch_page_zero(frame_pointer(frames[i]));
    }
    return taken;
}

status_t frame_alloc_some(size_t len, struct quota *quota, paddr_t *frames, size_t *len_out) {
    len = len > 1 && scarce() ? 1 : len;
    if (inject_fails()) {
        return STATUS_NO_MEMORY;
    }
    while (quota_charge(quota, len * PAGE_SIZE) != STATUS_OK) {
        len /= 2;
        if (len == 0) {
            return STATUS_NO_MEMORY;
        }
    }
    size_t taken = take_some(len, frames);
    if (taken < len) {
        quota_credit(quota, (len - taken) * PAGE_SIZE);
    }
    quota_id_t owner = quota_id(quota);
    for (size_t i = 0; i < taken; i++) {
        owners[index_of(frames[i])] = owner;
        kasan_allow(frame_pointer(frames[i]), PAGE_SIZE);
    }
    *len_out = taken;
    return taken > 0 ? STATUS_OK : STATUS_NO_MEMORY;
}

status_t frame_alloc_zeroed(struct quota *quota, paddr_t *out) {
    size_t len;
    return frame_alloc_some(1, quota, out, &len);
}

/* The state of an allocated block whose end has come; its quota is credited. */
static uint8_t retire(uint64_t index) {
    assert(index < states_len);
    uint8_t state = states[index];
    /* A state that is not ALLOCATED is a double free, or memory that was never ours. */
    assert((state & (STATE_ALLOCATED | STATE_FREE)) == STATE_ALLOCATED);
    uint64_t size = PAGE_SIZE << (state & STATE_ORDER);
#if K23_DEBUG
    kasan_allow(frame_pointer(address_of(index)), size);
    memset(frame_pointer(address_of(index)), 0xdd, size);
#endif
    kasan_forbid(frame_pointer(address_of(index)), size, KASAN_FREE_FRAME);
    quota_credit(quota_of(owners[index]), size);
    return state;
}

static void release_locked(uint64_t index, unsigned order) {
    spinlock_lock(&lock);
    states[index] = STATE_INSIDE;
    release(index, order);
    spinlock_unlock(&lock);
}

void frame_free(paddr_t frame, unsigned order) {
    uint64_t index = index_of(frame);
    uint8_t state = retire(index);
    assert(state == (STATE_ALLOCATED | order));
    if (order == 0) {
        put_cached(index);
    } else {
        release_locked(index, order);
    }
}

static unsigned order_for(size_t len) {
    unsigned order = 0;
    while (((size_t)1 << order) < len) {
        order++;
    }
    return order;
}

/* `len` frames, those of their block beyond them free again. The caller marks the `len`. */
static status_t take_exact(size_t len, struct quota *quota, uint64_t *index_out) {
    if (len == 0 || len > (size_t)1 << FRAME_MAX_ORDER || inject_fails()) {
        return STATUS_NO_MEMORY;
    }
    TRY(quota_charge(quota, len * PAGE_SIZE));
    unsigned order = order_for(len);
    uint64_t index = take(order);
    if (index == UINT64_MAX) {
        quota_credit(quota, len * PAGE_SIZE);
        return STATUS_NO_MEMORY;
    }
    spinlock_lock(&lock);
    release_range(index + len, index + (UINT64_C(1) << order));
    spinlock_unlock(&lock);
    kasan_allow(frame_pointer(address_of(index)), len * PAGE_SIZE);
    *index_out = index;
    return STATUS_OK;
}

status_t frame_alloc_run(size_t len, struct quota *quota, paddr_t *out) {
    uint64_t index;
    TRY(take_exact(len, quota, &index));
    for (size_t i = 0; i < len; i++) {
        mark(index + i, STATE_ALLOCATED, 0);
        set_owner(index + i, quota);
    }
    *out = address_of(index);
    return STATUS_OK;
}

/* A chain of allocated blocks, largest first. */
status_t frame_alloc_pages(size_t len, struct quota *quota, paddr_t *out) {
    uint64_t index;
    TRY(take_exact(len, quota, &index));
    *out = address_of(index);
    while (len > 0) {
        unsigned order = 63u - (unsigned)__builtin_clzll(len);
        size_t block = (size_t)1 << order;
        len -= block;
        mark(index, STATE_ALLOCATED | (len > 0 ? STATE_MORE : 0u), order);
        set_owner(index, quota);
        index += block;
    }
    return STATUS_OK;
}

void frame_free_pages(paddr_t first) {
    uint64_t index = index_of(first);
    uint8_t state;
    do {
        state = retire(index);
        unsigned order = state & STATE_ORDER;
        release_locked(index, order);
        index += UINT64_C(1) << order;
    } while (state & STATE_MORE);
}

void frame_split(paddr_t frame, unsigned order) {
    uint64_t index = index_of(frame);
    assert(states[index] == (STATE_ALLOCATED | order));
    for (uint64_t i = 0; i < UINT64_C(1) << order; i++) {
        mark(index + i, STATE_ALLOCATED, 0);
        owners[index + i] = owners[index];
    }
}

bool frame_is_plenty(void) {
    return __atomic_load_n(&free_count, __ATOMIC_RELAXED) > total_count / 4;
}

void frame_stats(struct frame_stats *out) {
    kasan_drain();
    spinlock_lock(&pool.lock); /* or a frame may be on its way to the pool */
    *out = (struct frame_stats){.total = total_count, .zeroed = pool.len};
    for (uint32_t i = 0; i < KERNEL_MAX_HARTS; i++) {
        out->cached += len_of(&caches[i]);
    }
    out->free = __atomic_load_n(&free_count, __ATOMIC_RELAXED) + out->cached + out->zeroed;
    spinlock_unlock(&pool.lock);
}

size_t frame_free_count(void) {
    struct frame_stats stats;
    frame_stats(&stats);
    return stats.free;
}

size_t frame_total_count(void) {
    return total_count;
}

/* ---- the start ---- */

static void init_caches(void) {
    for (uint32_t i = 0; i < KERNEL_MAX_HARTS; i++) {
        spinlock_init(&caches[i].lock, LOCK_FRAME_CACHE);
        caches[i].at = cached[i];
    }
    spinlock_init(&pool.lock, LOCK_FRAME_POOL);
    pool.at = zeroed;
    size_t part = total_count / FRAME_ZEROED_PART;
    pool_cap = part < FRAME_ZEROED_MAX ? (uint32_t)part : FRAME_ZEROED_MAX;
}

static bool is_ours(const struct boot_region *region) {
    return region->kind == BOOT_MEMORY_USABLE || region->kind == BOOT_MEMORY_LOADER;
}

/* An entry for every frame between the lowest and the highest that may ever be ours. */
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

/* The first usable region that owners[] and states[] fit in holds them, at its start. */
static paddr_t place_tables(const struct boot_info *info, size_t size) {
    for (uint32_t i = 0; i < info->region_count; i++) {
        const struct boot_region *region = &info->regions[i];
        if (region->kind == BOOT_MEMORY_USABLE && region->end - region->start >= size) {
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
    kasan_forbid(frame_pointer(start), region->end - start, KASAN_FREE_FRAME);
    return to - from;
}

#if K23_SANITIZE
static void init_kasan(void) {
    paddr_t shadow;
    if (frame_alloc_run(PAGE_ALIGN_UP(kasan_shadow_size(states_len)) / PAGE_SIZE, NULL, &shadow) !=
        STATUS_OK) {
        panic("no room for the shadow of memory");
    }
    kasan_init(base_index << PAGE_SHIFT, states_len, frame_pointer(shadow));
    for (uint64_t i = 0; i < states_len; i++) {
        if ((states[i] & ~STATE_ORDER) == STATE_FREE) {
            kasan_forbid(frame_pointer(address_of(i)), PAGE_SIZE << (states[i] & STATE_ORDER),
                         KASAN_FREE_FRAME);
        }
    }
}
#endif

void frame_init(const struct boot_info *info) {
    frame_physmap = info->physmap;
    for (unsigned order = 0; order <= FRAME_MAX_ORDER; order++) {
        list_init(&free_lists[order]);
    }
    measure(info);
    size_t size = states_len * (sizeof(*states) + sizeof(*owners));
    paddr_t start = place_tables(info, size);
    paddr_t end = PAGE_ALIGN_UP(start + size);
    owners = frame_pointer(start);
    states = (uint8_t *)(owners + states_len);
    memset(states, STATE_NONE, states_len);
    for (uint32_t i = 0; i < info->region_count; i++) {
        if (info->regions[i].kind == BOOT_MEMORY_USABLE) {
            give_region(&info->regions[i], start, end);
        }
    }
    init_caches();
#if K23_SANITIZE
    init_kasan();
#endif
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

bool frame_is_memory(paddr_t start, uint64_t size) {
    for (uint32_t i = 0; i < harts_boot_info.region_count; i++) {
        const struct boot_region *region = &harts_boot_info.regions[i];
        if (start < region->end && region->start < start + size) {
            return true;
        }
    }
    return false;
}
