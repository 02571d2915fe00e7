/*
 * The watchdog: tells of harts that held interrupts off for too long (WATCHDOG_NS). A hart that runs
 * a thread takes a timer interrupt every fourth part of that (kernel/sched.c); idle harts stay quiet.
 *
 * A hart finds out about itself when its timer interrupt comes late. A hart that is stuck is found by
 * others, whose timer interrupts come in time: its own one is overdue, or it was called and does not
 * answer. Each is told of by one warning in the log and counted (COUNTER_STALLS). A host that does not run
 * a hart looks the same from inside, so it is never more than a warning.
 *
 * Locks: none; what others read of a hart is read as it is.
 */
#ifndef KERNEL_WATCHDOG_H
#define KERNEL_WATCHDOG_H

#include "base/bits.h"
#include "kernel/harts.h"
#include "kernel/types.h"

#include <stdint.h>

/* After time_init(). */
void watchdog_init(void);

/* This hart's timer interrupt came `late` ticks after it was due, at pc (0: on the way to user mode). */
void watchdog_report_self(uint64_t late, vaddr_t pc);

/* Looks at the other harts. */
void watchdog_look(struct hart *self, uint64_t now);

extern uint64_t watchdog_limit; /* WATCHDOG_NS in ticks; UINT64_MAX before watchdog_init() */

/* At this hart's timer interrupt, before it is set again. */
static inline void watchdog_tick(vaddr_t pc) {
    struct hart *self = hart_self();
    uint64_t now = arch_ticks();
    if (__builtin_expect(now > self->timer_at && now - self->timer_at > watchdog_limit, 0)) {
        watchdog_report_self(now - self->timer_at, pc);
    } else if (now >= self->look_at) {
        watchdog_look(self, now);
    }
}

/* This hart is about to call others. */
static inline void watchdog_call(uint64_t hart_mask) {
    for (; hart_mask; hart_mask &= hart_mask - 1) {
        struct hart *hart = harts_at(bits_lowest(hart_mask));
        if (__atomic_load_n(&hart->called_at, __ATOMIC_RELAXED) == 0) {
            __atomic_store_n(&hart->called_at, arch_ticks(), __ATOMIC_RELAXED);
        }
    }
}

/* This hart has been called, and has taken note of that before. */
static inline void watchdog_answer(void) {
    __atomic_store_n(&hart_self()->called_at, 0, __ATOMIC_RELAXED);
}

#endif
