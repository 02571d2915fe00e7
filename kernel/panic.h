/*
 * The end: what the kernel does when it finds itself wrong.
 */
#ifndef KERNEL_PANIC_H
#define KERNEL_PANIC_H

#include <stdint.h>

/* From an IPI: halts this hart if another one has panicked. */
void panic_check(void);

/* Prints the message and a symbolized backtrace, and powers off with BOOT_EXIT_PANIC. */
_Noreturn void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same from a trap in the kernel: registers are shown, the backtrace starts at pc. */
struct panic_trap {
    const uint64_t *x; /* 32 integer registers */
    uint64_t pc, frame, cause, value, status;
    const char *what;
};
_Noreturn void panic_trap(const struct panic_trap *trap);

#endif
