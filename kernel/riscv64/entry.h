/*
 * Entering an address space in a few instructions: the part of kernel/arch.h that looks into struct hart, for
 * kernel/switch.h. asid.c says what contexts are.
 */
#ifndef KERNEL_RISCV64_ENTRY_H
#define KERNEL_RISCV64_ENTRY_H

#include "kernel/harts.h"
#include "kernel/riscv64/csr.h"

#include <stdbool.h>
#include <stdint.h>

enum { ASID_BITS = 16, SATP_ASID_SHIFT = 44 };

extern uint64_t asid_generation __attribute__((visibility("hidden"))); /* its low bits are 0 */
extern uint64_t asid_must_flush __attribute__((visibility("hidden"))); /* a mask of harts */

static inline bool asid_is_current(uint64_t context) {
    return (context ^ __atomic_load_n(&asid_generation, __ATOMIC_RELAXED)) >> ASID_BITS == 0;
}

/* The context under which this hart translates through pt from now on, if it is a current one and the hart has
 * nothing to flush: which the caller looks at after a fence. */
static inline uint64_t asid_announce(const struct pagetable *pt, struct hart *hart) {
    uint64_t context = __atomic_load_n(&pt->context, __ATOMIC_RELAXED);
    __atomic_store_n(&hart->context, context, __ATOMIC_RELAXED);
    return context;
}

/* The register's value for a page table and its context, of which the number alone counts. */
static inline uint64_t satp_of(const struct pagetable *pt, uint64_t context) {
    return pt->selector | context << (64 - ASID_BITS) >> (64 - ASID_BITS - SATP_ASID_SHIFT);
}

/* arch_pagetable_use() on this hart, if it was there before and has nothing to forget; else false, and that is to
 * be called. Whoever makes something of this page table stale after the look finds that the hart is there, and
 * interrupts it. */
static inline bool arch_pagetable_try(struct hart *hart, struct pagetable *pt) {
    if (!pt) {
        return false;
    }
    __atomic_store_n(&hart->table, pt, __ATOMIC_RELAXED);
    uint64_t context = asid_announce(pt, hart);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    uint64_t ran_on = __atomic_load_n(&pt->ran_on, __ATOMIC_RELAXED);
    uint64_t stale_on = __atomic_load_n(&pt->stale_on, __ATOMIC_RELAXED) |
                        __atomic_load_n(&pt->stale_code_on, __ATOMIC_RELAXED) |
                        __atomic_load_n(&asid_must_flush, __ATOMIC_RELAXED);
    if (!((ran_on & ~stale_on) >> hart->index & 1) || !asid_is_current(context)) {
        return false;
    }
    csr_write(satp, satp_of(pt, context));
    return true;
}

#endif
