/*
 * Harts: one struct each, reached through hart_self(), and what the boot said about the machine.
 */
#ifndef KERNEL_HARTS_H
#define KERNEL_HARTS_H

#include "abi/boot.h"
#include "base/list.h"
#include "kernel/arch.h"
#include "kernel/counters.h"
#include "kernel/deadline.h"
#include "kernel/limits.h"
#include "kernel/sync.h"

#include <stdbool.h>
#include <stdint.h>

#define HART_EMERGENCY_STACK 8192
#define HARTS_BOOTARGS_SIZE  1024 /* longer boot arguments are cut */

struct hart {
    /* tp points here, and so the C library finds its thread-local variables here: errno alone. */
    uint64_t libc[4];
    /* The next five are known to assembly and compiler (kernel/riscv64/offsets.h). */
    uint64_t scratch;              /* one register, during trap entry */
    vaddr_t stack_low, stack_high; /* of the thread that runs */
    vaddr_t emergency_stack;       /* its top: where a stack overflow is reported */
    uint64_t guard;                /* of the stack protector (stackguard.h) */
    uint64_t id;                   /* hartid of firmware and device tree */
    uint32_t index;                /* in harts[], bit in hart masks */
    bool online;                   /* runs threads */
    bool need_switch;              /* somebody else should run; own hart only */
    bool in_panic;
    bool slice_over;        /* need_switch is because of it */
    uint32_t ready_len;     /* of `ready`; others look at it without the lock */
    struct thread *current; /* under queue_lock; assembly knows where it and the next one are */
    uint64_t counters[COUNTER_COUNT];
    struct thread *idle;
    struct thread *left;        /* who ran before the last switch */
    struct spinlock queue_lock; /* guards ready, timers, and the state of home threads */
    struct list ready;          /* struct thread.run_node, by virtual time */
    struct list strays;         /* woken here, but not to run here: sent away at once */
    uint64_t vtime;             /* of the one who has had least; never goes back */
    uint64_t charged_at;        /* ticks: up to here the current thread has paid */
    uint64_t pace;              /* what a tick costs it: 1 / SCHED_WEIGHT of virtual time */
    uint32_t load;              /* what `ready` weigh; others look at both without the lock */
    struct thread *leaving;     /* `left`, when it has exited or is to go to moving_to */
    struct hart *moving_to;
    uint32_t last_to;        /* the hart that it gave a thread to */
    uint32_t rounds;         /* slices over while this hart had a bit too much */
    const void *newest;      /* the thread that came last from another hart; never followed */
    uint32_t stack_epoch;    /* mappings of kernel stacks that this hart knows */
    uint64_t instret_at;     /* instructions retired at the last switch */
    struct deadlines timers; /* struct thread.deadline of home threads */
    bool spreading;          /* at slice_end, wake an idle hart */
    uint64_t slice_end;      /* ticks; UINT64_MAX while nobody waits */
    uint64_t fair_until;     /* ticks: later, the hart was held up; UINT64_MAX while nobody waits */
    uint64_t timer_at;       /* what the timer is set to */
    uint64_t beat_at;    /* ticks: while it runs a thread, a timer interrupt at the latest then */
    uint64_t called_at;  /* ticks: another hart's call that was not taken; 0: none (watchdog.h) */
    uint64_t look_at;    /* ticks: when this hart looks at the others again */
    uint64_t stall_told; /* the beginning of the last stall that another hart told of */
    vaddr_t waits_at;    /* where in the code it waits for a lock; 0: it does not */
    struct pagetable *table; /* translates; NULL: the kernel's. Others look at it, as at the next */
    uint64_t context;        /* the table's; 0: none since its generation began (asid.c) */
    const struct boot_hart *boot;
    struct lock_list spinlocks; /* that it holds; debug builds */
};

/* The kernel's copy of boot_info and the boot arguments; valid for ever, unlike the original. */
extern struct boot_info harts_boot_info;

/* First of all calls. On the boot hart, copies boot_info and readies all structs. All other harts wait
 * here for harts_release() and then run threads: for them it does not return. */
void harts_init(size_t hart_id, const struct boot_info *info);

/* The other harts begin to run threads. After thread_init(). Waits until they do; one that there is no
 * memory for stays off. */
void harts_release(void);

uint32_t harts_count(void); /* known; not all of them run */
struct hart *harts_at(uint32_t index);
uint32_t harts_find(uint64_t hart_id); /* its index; KERNEL_MAX_HARTS if it is not known */
uint64_t harts_online_mask(void);

#endif
