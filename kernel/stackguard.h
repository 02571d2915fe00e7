/*
 * The stack protector's guard value: functions with arrays keep it between their locals and their
 * return address, and end in a panic when it has changed. It is random, the same on all harts (a
 * thread may move in the middle of a function), and new at each boot.
 *
 * GCC finds it in struct hart, one load from tp; clang in a global of a fixed name.
 */
#ifndef KERNEL_STACKGUARD_H
#define KERNEL_STACKGUARD_H

/* For the few functions that are on the stack while the guard gets its value, or tp its own. */
#define STACKGUARD_NONE __attribute__((no_stack_protector))

/* After random_init(), while the boot hart is alone: the others are on their way to harts_init(), in functions
 * without a guard. */
void stackguard_init(void);

#endif
