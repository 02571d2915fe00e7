/*
 * The window is cut into slots of a power of two pages; a stack is the upper part of its slot, so
 * what lies below it is unmapped, and what lies above belongs to the next slot's lower part.
 *
 *     slot: | unmapped | stack, THREAD_STACK_PAGES |
 *
 * Other harts are not told of a stack that comes or goes: nobody uses an address here but the thread
 * whose stack it is, and each hart forgets old translations before it runs a thread in a new epoch.
 *
 * The frames are the kernel's; a stack is charged while it is in use, and not while it is kept.
 *
 * Locks: one spinlock, above the frames'.
 */
#include "kernel/mm/stack.h"

#include "kernel/arch.h"
#include "kernel/assert.h"
#include "kernel/harts.h"
#include "kernel/limits.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/inject.h"
#include "kernel/mm/quota.h"
#include "kernel/random.h"
#include "kernel/sync.h"

enum { SLOT_PAGES = 2 * THREAD_STACK_PAGES, KEPT_MAX = 8 };

#define SLOT_SIZE  (SLOT_PAGES * PAGE_SIZE)
#define STACK_SIZE (THREAD_STACK_PAGES * PAGE_SIZE)

uint32_t stack_epoch;

static struct spinlock lock = SPINLOCK_INIT(LOCK_STACK);
static vaddr_t first_slot;
static uint64_t used[THREAD_MAX / 64];
static quota_id_t owners[THREAD_MAX];
static uint32_t kept[KEPT_MAX]; /* slots mapped but free */
static unsigned kept_len;

void stack_init(void) {
    size_t window;
    vaddr_t start = arch_kernel_window(&window);
    size_t spare = window - THREAD_MAX * SLOT_SIZE;
    first_slot = start + random_u64() % (spare / PAGE_SIZE + 1) * PAGE_SIZE;
}

static vaddr_t stack_low(uint32_t slot) {
    return first_slot + slot * SLOT_SIZE + (SLOT_SIZE - STACK_SIZE);
}

static void unmap(uint32_t slot, size_t size) {
    vaddr_t low = stack_low(slot);
    arch_unmap_free(arch_kernel_pagetable(), low, low + size);
    __atomic_fetch_add(&stack_epoch, 1, __ATOMIC_SEQ_CST);
}

static status_t map(uint32_t slot) {
    vaddr_t low = stack_low(slot);
    for (size_t at = 0; at < STACK_SIZE; at += PAGE_SIZE) {
        paddr_t frame;
        status_t status = frame_alloc(0, NULL, &frame);
        if (status == STATUS_OK) {
            status =
                arch_map(arch_kernel_pagetable(), low + at, frame, PROT_READ | PROT_WRITE, NULL);
            if (status != STATUS_OK) {
                frame_free(frame, 0);
            }
        }
        if (status != STATUS_OK) {
            unmap(slot, at);
            return status;
        }
    }
    arch_tlb_flush(arch_kernel_pagetable(), low, low + STACK_SIZE);
    __atomic_fetch_add(&stack_epoch, 1, __ATOMIC_SEQ_CST);
    return STATUS_OK;
}

static bool slot_used(uint32_t slot) {
    return used[slot / 64] >> slot % 64 & 1;
}

static void slot_set(uint32_t slot, bool in_use) {
    uint64_t bit = UINT64_C(1) << slot % 64;
    used[slot / 64] = in_use ? used[slot / 64] | bit : used[slot / 64] & ~bit;
}

static status_t take_slot(uint32_t *slot_out) {
    if (kept_len > 0) {
        *slot_out = kept[--kept_len];
        return STATUS_OK;
    }
    for (uint32_t slot = 0; slot < THREAD_MAX; slot++) {
        if (!slot_used(slot)) {
            TRY(map(slot));
            slot_set(slot, true);
            *slot_out = slot;
            return STATUS_OK;
        }
    }
    return STATUS_LIMIT;
}

status_t stack_alloc(struct quota *quota, vaddr_t *low_out, vaddr_t *high_out) {
    uint32_t slot = 0;
    if (inject_fails()) {
        return STATUS_NO_MEMORY;
    }
    TRY(quota_charge(quota, STACK_SIZE));
    spinlock_lock(&lock);
    status_t status = take_slot(&slot);
    spinlock_unlock(&lock);
    if (status != STATUS_OK) {
        quota_credit(quota, STACK_SIZE);
        return status;
    }
    owners[slot] = quota_id(quota);
    *low_out = stack_low(slot);
    *high_out = *low_out + STACK_SIZE;
    return STATUS_OK;
}

static void release(uint32_t slot) {
    unmap(slot, STACK_SIZE);
    slot_set(slot, false);
}

void stack_free(vaddr_t low) {
    uint32_t slot = (uint32_t)((low - first_slot) / SLOT_SIZE);
    assert(slot < THREAD_MAX && slot_used(slot) && low == stack_low(slot));
    struct quota *quota = quota_of(owners[slot]);
    spinlock_lock(&lock);
    if (kept_len < KEPT_MAX) {
        kept[kept_len++] = slot;
    } else {
        release(slot);
    }
    spinlock_unlock(&lock);
    quota_credit(quota, STACK_SIZE);
}

unsigned stack_trim(void) {
    unsigned frames = 0;
    spinlock_lock(&lock);
    while (kept_len > 0) {
        release(kept[--kept_len]);
        frames += THREAD_STACK_PAGES;
    }
    spinlock_unlock(&lock);
    return frames;
}

uint32_t stack_count(void) {
    uint32_t count = 0;
    spinlock_lock(&lock);
    for (size_t i = 0; i < sizeof(used) / sizeof(used[0]); i++) {
        count += (uint32_t)__builtin_popcountll(used[i]);
    }
    count -= kept_len;
    spinlock_unlock(&lock);
    return count;
}
