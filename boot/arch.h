/*
 * What the loader asks of the processor and its firmware; implemented in boot/riscv64/.
 */
#ifndef BOOT_ARCH_H
#define BOOT_ARCH_H

#include <stddef.h>
#include <stdint.h>

/* Clock ticks and instructions retired. */
uint64_t arch_time(void);
uint64_t arch_instret(void);

/* Text to the firmware's console. */
void arch_console_write(const char *text, size_t len);

/* Asks the firmware to switch the machine off and say that it failed; returns if it cannot. */
void arch_shutdown(void);

_Noreturn void arch_halt(void);

/* The code that a hart runs between the loader and the payload: it has to be mapped in the payload's
 * address space, so it is copied to a page of its own. It also holds the trap vector that reports a
 * fault of a payload which has not set its own. `test_device` is virtual, 0 if there is none. */
void arch_handoff_copy(void *page, uint64_t test_device);

struct arch_entry {
    uint64_t root; /* page table, physical */
    uint32_t levels;
    uint64_t handoff; /* where the copied page is mapped */
    uint64_t entry, stack, area, hart, info;
};

/* Leaves the loader: paging on, then the payload's entry. */
_Noreturn void arch_enter(const struct arch_entry *entry);

#endif
