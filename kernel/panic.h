/*
 * The end: what the kernel does when it finds itself wrong.
 *
 * All harts are stopped, and the console gets the message, the hart and the thread, the registers if it
 * was a trap, the functions on the stack with file and line and those of the guest between them, and
 * the last lines of the log. Then the machine goes off with BOOT_EXIT_PANIC. No lock is taken. A panic
 * in the middle of that ends the part that it came in, and the next part follows.
 */
#ifndef KERNEL_PANIC_H
#define KERNEL_PANIC_H

#include <stdbool.h>
#include <stdint.h>

struct sink;

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

/* Who knows guests: prints the guest's functions that thread->guest had called when the kernel was
 * entered by frames between the stack addresses `from` and `below`. No locks, no allocation. */
void panic_set_guest_printer(void (*print)(const void *guest, uint64_t from, uint64_t below,
                                           struct sink *sink));

#endif
