/*
 * Address-space identifiers by generations. A page table's context is a generation and a number; it is
 * good while the generation is the current one. When all numbers are given out, a new generation begins:
 * every hart forgets its translations before it enters a page table again, and all numbers are free but
 * those that harts are using at this moment, which stay with their page tables. So translations of one
 * page table have the same number on all harts, and a number is never used for two.
 *
 * Locks: one spinlock. A hart that enters a page table of the current generation does not take it
 * (entry.h): it says so in hart->context first and looks at the generation and at
 * asid_must_flush afterwards; who begins a generation does the reverse, so one of the two sees the other.
 */
#include "kernel/assert.h"
#include "kernel/harts.h"
#include "kernel/riscv64/asm.h"
#include "kernel/riscv64/csr.h"
#include "kernel/riscv64/entry.h"
#include "kernel/sync.h"

#include <string.h>

enum { NUMBER_MAX = 1 << ASID_BITS };

uint64_t asid_generation = NUMBER_MAX;
uint64_t asid_must_flush;

static struct spinlock lock = SPINLOCK_INIT(LOCK_ASID);
static uint32_t len = 1; /* numbers of this machine; 1: it has none to tell apart */
static uint32_t next = 1;
static uint64_t used[NUMBER_MAX / 64];
static uint64_t reserved[KERNEL_MAX_HARTS]; /* contexts that were in use when it ended */

static uint32_t number_of(uint64_t context) {
    return (uint32_t)(context % NUMBER_MAX);
}

static bool test_and_set(uint32_t number) {
    bool was = used[number / 64] >> number % 64 & 1;
    used[number / 64] |= UINT64_C(1) << number % 64;
    return was;
}

void asid_limit(uint32_t most) {
    len = most > harts_count() + 1 && most <= NUMBER_MAX ? most : 1;
}

void asid_init(void) {
    uint64_t satp = csr_read(satp);
    csr_write(satp, satp | (uint64_t)(NUMBER_MAX - 1) << 44);
    uint32_t most = (uint32_t)(csr_read(satp) >> 44 & (NUMBER_MAX - 1));
    csr_write(satp, satp);
    __asm__ volatile("sfence.vma" ::: "memory");
    asid_limit(most + 1);
}

/* ---- under the lock ---- */

static void begin_generation(void) {
    uint64_t ending = asid_generation >> ASID_BITS;
    __atomic_store_n(&asid_must_flush, UINT64_MAX, __ATOMIC_SEQ_CST);
    __atomic_store_n(&asid_generation, asid_generation + NUMBER_MAX, __ATOMIC_SEQ_CST);
    memset(used, 0, sizeof(used));
    for (uint32_t i = 0; i < harts_count(); i++) {
        uint64_t context = __atomic_exchange_n(&harts_at(i)->context, 0, __ATOMIC_SEQ_CST);
        /* One of an older generation was announced and not entered: its number may be another's by now. */
        if (context >> ASID_BITS == ending) {
            reserved[i] = context;
        }
        test_and_set(number_of(reserved[i]));
    }
    next = 1;
}

/* Whether a hart was using it when its generation ended; then it goes on as `renewed`. */
static bool renew_reserved(uint64_t context, uint64_t renewed) {
    bool found = false;
    for (uint32_t i = 0; i < KERNEL_MAX_HARTS; i++) {
        if (reserved[i] == context) {
            reserved[i] = renewed;
            found = true;
        }
    }
    return found;
}

static bool find_free(uint64_t *context_out) {
    for (; next < len; next++) {
        if (!test_and_set(next)) {
            *context_out = asid_generation | next;
            return true;
        }
    }
    return false;
}

/* A context of this generation, with the old number where that is free. */
static uint64_t renew(uint64_t context) {
    if (context) {
        uint64_t renewed = asid_generation | number_of(context);
        if (renew_reserved(context, renewed) || !test_and_set(number_of(context))) {
            return renewed;
        }
    }
    if (!find_free(&context)) {
        begin_generation();
        bool found = find_free(&context);
        assert(found); /* there are more numbers than harts */
    }
    return context;
}

static __attribute__((noinline)) uint64_t enter_locked(struct pagetable *pt, struct hart *hart) {
    uint64_t bit = UINT64_C(1) << hart->index;
    spinlock_lock(&lock);
    if (!asid_is_current(pt->context)) {
        __atomic_store_n(&pt->context, renew(pt->context), __ATOMIC_SEQ_CST);
    }
    if (asid_must_flush & bit) {
        __atomic_store_n(&asid_must_flush, asid_must_flush & ~bit, __ATOMIC_SEQ_CST);
        __asm__ volatile("sfence.vma" ::: "memory");
    }
    uint64_t context = pt->context;
    __atomic_store_n(&hart->context, context, __ATOMIC_SEQ_CST);
    spinlock_unlock(&lock);
    return context;
}

/* ---- for paging.c ---- */

uint32_t asid_enter(struct pagetable *pt) {
    if (len == 1) {
        return 0;
    }
    struct hart *hart = hart_self();
    uint64_t context = asid_announce(pt, hart);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (!asid_is_current(context) ||
        (__atomic_load_n(&asid_must_flush, __ATOMIC_RELAXED) >> hart->index & 1)) {
        context = enter_locked(pt, hart);
    }
    return number_of(context);
}

uint32_t asid_of(const struct pagetable *pt) {
    /* The entries of the table were changed before; a hart that enters it from now on sees that. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return number_of(__atomic_load_n(&pt->context, __ATOMIC_SEQ_CST));
}
