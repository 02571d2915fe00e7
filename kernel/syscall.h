/*
 * The system calls of native guests: abi/syscall.h says what they are, abi/syscalls.def which.
 */
#ifndef KERNEL_SYSCALL_H
#define KERNEL_SYSCALL_H

#include "kernel/arch.h"

#include <stdbool.h>

/* One call, in the middle of its trap: struct user_regs.syscall of a native guest whose thread's `ipc` is
 * set up. */
bool syscall_enter(struct user_regs *regs);

#endif
