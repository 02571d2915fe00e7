/*
 * Harts: one struct each, reached through hart_self(), and what the boot said about the machine.
 */
#ifndef KERNEL_HARTS_H
#define KERNEL_HARTS_H

#include "abi/boot.h"
#include "base/list.h"
#include "kernel/arch.h"
#include "kernel/limits.h"
#include "kernel/sync.h"

#include <stdbool.h>
#include <stdint.h>

#define HART_EMERGENCY_STACK 8192
#define HARTS_BOOTARGS_SIZE  1024 /* longer boot arguments are cut */

struct hart {
    /* tp points here, and so the C library finds its thread-local variables here: errno alone. */
    uint64_t libc[4];
    /* The next four are known to assembly (kernel/riscv64/offsets.h). */
    uint64_t scratch;              /* one register, during trap entry */
    vaddr_t stack_low, stack_high; /* of the thread that runs */
    vaddr_t emergency_stack;       /* its top: where a stack overflow is reported */
    uint64_t id;                   /* hartid of firmware and device tree */
    uint32_t index;                /* in harts[], bit in hart masks */
    bool online;                   /* runs threads */
    bool need_switch;              /* somebody else should run; own hart only */
    bool in_panic;
    struct thread *current;
    struct thread *idle;
    struct thread *left;        /* who ran before the last switch */
    struct spinlock queue_lock; /* guards ready, timers, and the state of home threads */
    struct list ready;          /* struct thread.run_node */
    struct list timers;         /* struct thread.timer_node by deadline */
    uint64_t slice_end;         /* ticks; UINT64_MAX while nobody waits */
    uint64_t timer_at;          /* what the timer is set to */
    uint64_t switches, timer_irqs, device_irqs, ipis, faults;
    const struct boot_hart *boot;
};

/* The kernel's copy of boot_info and the boot arguments; valid for ever, unlike the original. */
extern struct boot_info harts_boot_info;

/* Copies boot_info and readies the struct of the hart that runs. First of all calls. */
void harts_init(size_t boot_hart, const struct boot_info *info);

uint32_t harts_count(void); /* known; not all of them run */
struct hart *harts_at(uint32_t index);
uint64_t harts_online_mask(void);

#endif
