/*
 * Who runs: one ready queue a hart, round robin, a slice each while others wait. No timer runs when
 * nothing waits for it.
 */
#ifndef KERNEL_SCHED_H
#define KERNEL_SCHED_H

#include "kernel/thread.h"

/* Lets the other ready threads of this hart run. */
void sched_yield(void);

/* Whether no other thread of this hart is ready, so that yielding would change nothing. */
bool sched_alone(void);

/* Runs the next ready thread; the current one's state is set already. Interrupts off. */
void sched_switch(void);

/* The current thread sleeps from its next sched_switch() on, until sched_wake() or the deadline
 * (time_now_ns(), or WAIT_FOREVER). Interrupts off from here to the switch. */
void sched_prepare_sleep(uint64_t deadline_ns);

/* Makes a sleeping thread ready on its home hart; nothing if it is not sleeping. Any context. */
void sched_wake(struct thread *thread);

/* Puts a new thread in its home hart's queue. */
void sched_add(struct thread *thread);

/* Lets somebody else run if the slice is over or a wake-up asked for it. Thread context, interrupts
 * on; or the end of an interrupt that came while they were on. */
void sched_preempt(void);

/* The timer interrupt of this hart: wakes sleepers, ends slices, sets the next one. */
void sched_tick(void);

/* This hart's loop when nothing is ready. */
_Noreturn void sched_idle(void);

#endif
