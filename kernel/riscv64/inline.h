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
#include <stddef.h>

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

static inline void arch_tlb_forget_page(vaddr_t addr) {
    __asm__ volatile("sfence.vma %0, zero" ::"r"(addr) : "memory");
}

static inline void arch_tlb_forget(void) {
    __asm__ volatile("sfence.vma" ::: "memory");
}

/* usercopy.S: a call by a convention of its own, so that the caller has nothing to save. */
static inline bool user_copy(vaddr_t *to, vaddr_t *from, size_t *size) {
    register vaddr_t a0 __asm__("a0") = *to;
    register vaddr_t a1 __asm__("a1") = *from;
    register size_t a2 __asm__("a2") = *size;
    __asm__ volatile("call t0, usercopy"
                     : "+r"(a0), "+r"(a1), "+r"(a2)
                     :
                     : "a3", "a4", "a5", "t0", "t1", "t2", "t3", "t4", "t5", "t6", "memory");
    *to = a0;
    *from = a1;
    *size = a2;
    return a2 == 0;
}

/* The user half is the lower one, and no page lies near its border: an address of neither half faults. */
static inline bool in_user_half(vaddr_t addr, size_t size) {
    return (int64_t)(addr | size | (addr + size)) >= 0;
}

/* What a load gave that may fail, in two registers. */
struct probed {
    uint64_t value;
    bool good;
};
struct probed probe_user_load(vaddr_t from, bool wide);

static inline bool arch_load_word(vaddr_t from, unsigned size, uint64_t *out) {
    struct probed probed = {0, false};
    if (in_user_half(from, size)) {
        probed = probe_user_load(from, size == 8);
    }
    *out = probed.value;
    return probed.good;
}

static inline bool arch_copy_in(void **to, vaddr_t *from, size_t *size) {
    vaddr_t kernel = (vaddr_t)*to;
    bool all = *size == 0 || (in_user_half(*from, *size) && user_copy(&kernel, from, size));
    *to = (void *)kernel;
    return all;
}

static inline bool arch_copy_out(vaddr_t *to, const void **from, size_t *size) {
    vaddr_t kernel = (vaddr_t)*from;
    bool all = *size == 0 || (in_user_half(*to, *size) && user_copy(to, &kernel, size));
    *from = (const void *)kernel;
    return all;
}

static inline bool arch_load8(vaddr_t from, uint64_t *out) {
    register vaddr_t a0 __asm__("a0") = from;
    register uint64_t value __asm__("t1");
    register uint64_t failed __asm__("a2");
    if (!in_user_half(from, sizeof(*out))) {
        return false;
    }
    __asm__ volatile("call t0, usercopy_load8"
                     : "=r"(value), "=r"(failed)
                     : "r"(a0)
                     : "t0", "t6", "memory");
    *out = value;
    return !failed;
}

static inline bool arch_store4(vaddr_t to, uint32_t word) {
    register vaddr_t a0 __asm__("a0") = to;
    register uint32_t value __asm__("t1") = word;
    register uint64_t failed __asm__("a2");
    if (!in_user_half(to, sizeof(word))) {
        return false;
    }
    __asm__ volatile("call t0, usercopy_store4"
                     : "=r"(failed)
                     : "r"(a0), "r"(value)
                     : "t0", "t6", "memory");
    return !failed;
}

static inline uint64_t arch_user_status(void) {
    return csr_read(sstatus);
}

static inline void arch_set_user_status(uint64_t status) {
    csr_write(sstatus, status);
}

static inline bool arch_uses_floats(uint64_t status) {
    return (status & SSTATUS_FS) != 0;
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
