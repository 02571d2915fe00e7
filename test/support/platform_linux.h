/*
 * The Linux platform beyond wasm/platform.h: what tests ask of it, and what its two halves ask of
 * each other: platform_linux.c, which holds the guest's memory, and riscv64/guest.c, which runs the
 * guest.
 */
#ifndef TEST_SUPPORT_PLATFORM_LINUX_H
#define TEST_SUPPORT_PLATFORM_LINUX_H

#include <stdbool.h>
#include <stddef.h>

/* For tests of running out: this many more chunks, reservations, commits and publications succeed,
 * then all fail. Negative: no limit, as at first. */
void platform_limit(int calls);

/* For tests of being killed: this many more looks at whether the program is to end find that it is not,
 * then all find that it is, and there is no more memory. Negative: never, as at first. */
void platform_kill(int looks);

/* Times that guest code was entered. */
unsigned platform_entries(void);

/* Arena chunks and reservations that were not given back. */
int platform_held(void);

/* Catches the signals by which guest code leaves and copies fail. Any number of times. */
void guest_init(void);

/* memcpy that comes back with false when it faults. */
bool guest_copy(void *to, const void *from, size_t size);

/* Makes bytes that were written elsewhere visible to instruction fetch at [at, at + size). */
void guest_sync_code(void *at, size_t size);

/* Protection (mmap(2)) of pages that hold guest code. */
int guest_code_protection(void);

#endif
