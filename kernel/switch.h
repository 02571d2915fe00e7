/*
 * The switch of a hart from one thread to another: registers, address space, kernel stack, accounts. For
 * sched.c, which decides on it, and for the first run of a thread.
 *
 * In line, and what is needed again after a call is read again from the hart: half of a switch is registers that
 * go to memory and back, so as little as possible is kept across.
 */
#ifndef KERNEL_SWITCH_H
#define KERNEL_SWITCH_H

#include "kernel/harts.h"
#include "kernel/lockcheck.h"
#include "kernel/mm/stack.h"
#include "kernel/riscv64/entry.h"
#include "kernel/thread.h"

#include <stdbool.h>

/* What of the guest's registers is in the hart goes to where it belongs, and then the switch. */
void switch_saving_guest(struct thread *from, struct thread *to);

/* Mappings of kernel stacks have changed. */
void switch_learn_stacks(struct hart *hart);

/* With hart->leaving. */
void switch_finish_leaving(void);

/* The last of a switch, by the thread that runs now. */
static inline void switch_finish(void) {
    struct hart *hart = hart_self();
    __atomic_store_n(&hart->left->on_hart, false, __ATOMIC_RELEASE);
    if (hart->leaving) {
        switch_finish_leaving();
    }
}

/* switch_here() as a call, for those who are in no hurry. */
void switch_to(struct thread *from, struct thread *to);

/* To hart->current, interrupts off, no lock held; returns when somebody switches back, maybe on another one. */
static inline __attribute__((always_inline)) void switch_here(struct hart *hart,
                                                              struct thread *from,
                                                              struct thread *to) {
    lockcheck_irq_off("a switch of threads");
    lockcheck_sleep(NULL);
    if (from->regs && from->regs->live) {
        switch_saving_guest(from, to);
        return;
    }
    uint64_t instret = arch_instret();
    from->instret += instret - hart->instret_at;
    hart->instret_at = instret;
    hart->counters[COUNTER_SWITCHES]++; /* nobody comes between */
    hart->left = from;
    if (from->table != to->table) {
        if (!arch_pagetable_try(hart, to->table)) {
            arch_pagetable_use(to->table);
            hart = hart_self();
            from = hart->left;
            to = hart->current;
        }
    }
    if (hart->stack_epoch != __atomic_load_n(&stack_epoch, __ATOMIC_RELAXED)) {
        switch_learn_stacks(hart);
        hart = hart_self();
        from = hart->left;
        to = hart->current;
    }
    hart->stack_low = to->stack_low;
    hart->stack_high = to->stack_high;
    arch_switch(&from->context, &to->context);
    switch_finish();
}

#endif
