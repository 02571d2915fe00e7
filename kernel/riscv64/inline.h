/*
 * The parts of kernel/arch.h that are one or two instructions. Only kernel/arch.h includes this.
 * tp holds the hart's struct whenever the kernel runs.
 */
#ifndef KERNEL_RISCV64_INLINE_H
#define KERNEL_RISCV64_INLINE_H

#include "kernel/riscv64/csr.h"
#include "kernel/riscv64/offsets.h"
#include "kernel/types.h"

#include <stdbool.h>

static inline irq_state_t arch_irq_save(void) {
    irq_state_t old;
    __asm__ volatile("csrrci %0, sstatus, %1" : "=r"(old) : "i"(SSTATUS_SIE) : "memory");
    return old & SSTATUS_SIE;
}

static inline void arch_irq_restore(irq_state_t state) {
    __asm__ volatile("csrs sstatus, %0" ::"r"(state) : "memory");
}

static inline void arch_irq_on(void) {
    csr_set(sstatus, SSTATUS_SIE);
}

static inline void arch_irq_off(void) {
    csr_clear(sstatus, SSTATUS_SIE);
}

static inline bool arch_irq_enabled(void) {
    return (csr_read(sstatus) & SSTATUS_SIE) != 0;
}

static inline void arch_wait_for_interrupt(void) {
    __asm__ volatile("wfi" ::: "memory");
}

static inline struct hart *hart_self(void) {
    struct hart *self;
    __asm__ volatile("mv %0, tp" : "=r"(self));
    return self;
}

static inline struct thread *arch_current(void) {
    struct thread *current;
    __asm__ volatile("ld %0, %1(tp)" : "=r"(current) : "i"(HART_CURRENT));
    return current;
}

static inline uint64_t *arch_counters(void) {
    uint64_t *counters;
    __asm__ volatile("addi %0, tp, %1" : "=r"(counters) : "i"(HART_COUNTERS));
    return counters;
}

static inline void arch_relax(void) {
    __asm__ volatile(".insn 0x0100000f" ::: "memory"); /* pause */
}

static inline void arch_tlb_forget(void) {
    __asm__ volatile("sfence.vma" ::: "memory");
}

static inline void arch_io_fence(void) {
    __asm__ volatile("fence iorw, iorw" ::: "memory");
}

static inline uint64_t arch_ticks(void) {
    return csr_read(time);
}

static inline uint64_t arch_instret(void) {
    return csr_read(instret);
}

#endif
