/*
 * The inline part of kernel/arch.h for a simulated machine on this host, instead of
 * kernel/riscv64/inline.h: for unit tests of what needs harts and a clock, and no instructions of the
 * real machine. One host thread plays all harts in turn, each for as long as it has work at a moment; so locks are
 * never contended. The test owns the machine: it says whose turn it is and what the time is.
 *
 * Breaks: user mode, page tables and copies. They abort.
 */
#ifndef TEST_SUPPORT_MACHINE_KERNEL_RISCV64_INLINE_H
#define TEST_SUPPORT_MACHINE_KERNEL_RISCV64_INLINE_H

#include "kernel/types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

extern struct hart *machine_hart; /* whose turn it is */
extern uint64_t machine_ticks;    /* the time */

struct thread *machine_current(void);
uint64_t *machine_counters(void);

/* The hart has nothing to do until something is due. */
_Noreturn void machine_wait(void);

static inline irq_state_t arch_irq_save(void) {
    return 0;
}
static inline void arch_irq_restore(irq_state_t state) {
    (void)state;
}
static inline void arch_irq_on(void) {
}
static inline void arch_irq_off(void) {
}
static inline bool arch_irq_enabled(void) {
    return false;
}
static inline void arch_wait_for_interrupt(void) {
    machine_wait();
}
static inline void arch_relax(void) {
    __builtin_trap(); /* nobody else would get on */
}
static inline struct hart *hart_self(void) {
    return machine_hart;
}
static inline struct thread *arch_current(void) {
    return machine_current();
}
static inline uint64_t *arch_counters(void) {
    return machine_counters();
}
static inline uint64_t arch_ticks(void) {
    return machine_ticks;
}
static inline uint64_t arch_instret(void) {
    return machine_ticks;
}
static inline void arch_io_fence(void) {
}
static inline void arch_tlb_forget(void) {
}
static inline void arch_tlb_forget_page(vaddr_t addr) {
    (void)addr;
}
static inline bool arch_copy_in(void **to, vaddr_t *from, size_t *size) {
    (void)to, (void)from, (void)size;
    __builtin_trap();
}
static inline bool arch_copy_out(vaddr_t *to, const void **from, size_t *size) {
    (void)to, (void)from, (void)size;
    __builtin_trap();
}
static inline bool arch_load8(vaddr_t from, uint64_t *out) {
    (void)from, (void)out;
    __builtin_trap();
}
static inline bool arch_store4(vaddr_t to, uint32_t word) {
    (void)to, (void)word;
    __builtin_trap();
}
static inline bool arch_load_word(vaddr_t from, unsigned size, uint64_t *out) {
    (void)from, (void)size, (void)out;
    __builtin_trap();
}
static inline uint64_t arch_user_status(void) {
    __builtin_trap();
}
static inline void arch_set_user_status(uint64_t status) {
    (void)status;
    __builtin_trap();
}
static inline bool arch_uses_floats(uint64_t status) {
    (void)status;
    __builtin_trap();
}

#endif
