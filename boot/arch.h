/*
 * What the loader asks of the processor and its firmware; implemented in boot/riscv64/.
 */
#ifndef BOOT_ARCH_H
#define BOOT_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Clock ticks and instructions retired. */
uint64_t arch_time(void);
uint64_t arch_instret(void);

/* Waits for about `ticks`, asleep: an emulator that runs harts in turn goes on to the next. */
void arch_pause(uint64_t ticks);

/* Random bytes from the hart's own source; size is even. False if it gives none. */
bool arch_seed(uint8_t *out, size_t size);

/* Text to the firmware's console. */
void arch_console_write(const char *text, size_t len);

/* Asks the firmware to switch the machine off and say that it failed; returns if it cannot. */
void arch_shutdown(void);

_Noreturn void arch_halt(void);

/* One for each hart that enters: what it needs for that, at the top of its own stack. */
struct arch_entry {
    uint64_t state; /* enum arch_entry_state */
    uint64_t root;  /* as the hart's page table register wants it (arch_root) */
    uint64_t handoff, entry, stack, area, hart, info; /* virtual addresses; the hart's id */
};

enum arch_entry_state { ARCH_ENTRY_LEFT_OUT, ARCH_ENTRY_WAITED_FOR, ARCH_ENTRY_ARRIVED };

/* What satp is for the page table at `phys`. */
uint64_t arch_root(uint64_t phys, uint32_t levels);

/* The hand-over page: the code that harts run between the loader and the payload, and the trap vector
 * that reports a fault of a payload which has not set its own. It is run by physical address first,
 * by virtual address then. */
struct arch_handoff {
    uint64_t phys, virt;
    uint64_t put, exit; /* the payload's two services in it, virtual */
};

/* Makes it in the page at `phys`, to be mapped at `virt`. `test_device` is virtual, 0 if none. */
struct arch_handoff arch_handoff_make(uint64_t phys, uint64_t virt, uint64_t test_device);

/* Asks the firmware to start a stopped hart, which then arrives in the hand-over page and waits.
 * Returns 0 or the firmware's error. */
int64_t arch_start_hart(const struct arch_handoff *handoff, struct arch_entry *entry);

/* True while the firmware says that the hart is stopped: not started, or back from going astray. */
bool arch_has_stopped(const struct arch_entry *entry);

/* True once the hart has arrived. arch_leave_out() gives up on it, false if it arrived after all. */
bool arch_has_arrived(const struct arch_entry *entry);
bool arch_leave_out(struct arch_entry *entry);

/* Lets all harts that have arrived enter the payload; each has to be woken up then. */
void arch_open(const struct arch_handoff *handoff);
void arch_wake(uint64_t hart);

/* Leaves the loader for the payload, once the way is open. */
_Noreturn void arch_enter(const struct arch_handoff *handoff, struct arch_entry *entry);

#endif
