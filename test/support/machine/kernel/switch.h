/*
 * Instead of kernel/switch.h on the simulated machine (see riscv64/inline.h): the test switches.
 */
#ifndef TEST_SUPPORT_MACHINE_KERNEL_SWITCH_H
#define TEST_SUPPORT_MACHINE_KERNEL_SWITCH_H

#include "kernel/harts.h"
#include "kernel/thread.h"

void switch_to(struct thread *from, struct thread *to);

static inline void switch_here(struct hart *hart, struct thread *from, struct thread *to) {
    (void)hart;
    switch_to(from, to);
}

#endif
