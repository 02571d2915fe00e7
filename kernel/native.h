/*
 * Native domains: programs of machine code in user mode, with system calls (kernel/syscall.h). Drivers and
 * servers that are no WebAssembly run as these, and so do the tests of all that.
 *
 * A domain is a program (kernel/program.h) with a space and a table of handles. Its code is position
 * independent, has no data that it writes but what it maps, and begins at its first byte, with a0 the
 * argument, a1 to a4 the handles it was given (0: none) and a stack.
 */
#ifndef KERNEL_NATIVE_H
#define KERNEL_NATIVE_H

#include "abi/syscall.h"
#include "base/status.h"
#include "kernel/ipc/handle.h"
#include "kernel/types.h"

#include <stddef.h>

struct thread;

struct native_options {
    const char *name;
    const void *code;
    size_t code_size;
    size_t stack_size; /* a multiple of a page */
    uint64_t frame_limit;
    uint64_t arg;
    struct handle_passed handles[SYSCALL_MAX_HANDLES]; /* become the domain's, also on failure */
};

/* The status of a program that ended by a fault is this and an enum user_exit; by exit(), the lower eight
 * bits of its argument. */
#define NATIVE_FAULT 256

/* As program_start(). */
status_t native_start(struct native_options *options, uint32_t *pid_out) MUST_CHECK;

/* For kernel/syscall.c; `self` is the calling thread, of a domain. Another thread that begins at pc with
 * a0 = arg: LIMIT beyond NATIVE_MAX_THREADS. */
status_t native_add_thread(struct thread *self, vaddr_t pc, vaddr_t sp, uint64_t arg) MUST_CHECK;

/* The calling thread, or all of its domain, is to end: they do when they would go back to user mode. */
void native_leave(struct thread *self);
void native_exit(struct thread *self, int status);

#endif
