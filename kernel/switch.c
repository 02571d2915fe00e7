/*
 * What few switches of threads do.
 */
#include "kernel/switch.h"

#include "kernel/sched.h"

void switch_to(struct thread *from, struct thread *to) {
    switch_here(hart_self(), from, to);
}

void switch_saving_guest(struct thread *from, struct thread *to) {
    arch_user_save(from->regs);
    switch_to(from, to);
}

void switch_learn_stacks(struct hart *hart) {
    hart->stack_epoch = __atomic_load_n(&stack_epoch, __ATOMIC_RELAXED);
    arch_tlb_forget();
}

void switch_finish_leaving(void) {
    struct hart *hart = hart_self();
    struct thread *leaving = hart->leaving;
    hart->leaving = NULL;
    if (leaving->state == THREAD_EXITED) {
        thread_bury(leaving);
    } else {
        sched_move(leaving, hart->moving_to);
    }
}
