/*
 * Who runs: one ready queue a hart, by weight; idle harts take threads from busy ones. No timer runs
 * when nothing waits for it. docs/sched.md says what is promised.
 */
#ifndef KERNEL_SCHED_H
#define KERNEL_SCHED_H

#include "kernel/thread.h"

/* A number of threads that are ready or running and share one weight among them, and one more: so what
 * it was before another one was counted is their number. Only sched.c changes it. */
#define SCHED_NO_SHARERS UINT64_C(1)

/* Before the first thread. */
void sched_init(void);

/* The code that runs on this hart is that thread from now on. Interrupts off, or no thread yet. */
void sched_adopt(struct thread *thread);

/* From now on the thread is one of those; it is new or the calling one. They must stay until it is dead. */
void sched_join(struct thread *thread, uint64_t *sharers);

/* Lets the other ready threads of this hart run. */
void sched_yield(void);

/* Whether no other thread of this hart is ready, so that yielding would change nothing. */
bool sched_alone(void);

/* Runs the next ready thread; the current one's state is set already. Interrupts off. */
void sched_switch(void);

/* The current thread sleeps from its next sched_switch() on, until sched_wake() or
 * the deadline (time_now_ns(), or WAIT_FOREVER) or, if `killable`, thread_kill(); thread->woke says
 * which. False: it was killed before, and does not sleep. Interrupts off from here to the switch. */
bool sched_prepare_sleep(uint64_t deadline_ns, bool killable);

/* Sleeps like that, at once, and gives `lock` back, under which the caller looked at its condition, when it
 * counts as asleep; not at all if it was killed before. Returns with interrupts off, and what to give
 * arch_irq_restore(). */
irq_state_t sched_sleep(struct spinlock *lock, uint64_t deadline_ns, bool killable);

/* Sleeps, killable, and wakes another one, who gets this hart at once, for the rest of the slice, if it may run
 * here; only the waking if the caller was killed before. `held` is given back in between; it
 * guards what the two sleep for, and `to` is not touched after that, so that it may be gone then if it takes the
 * lock before it goes. Interrupts off. */
void sched_exchange(struct thread *to, uint64_t deadline_ns, struct spinlock *held);

/* Makes a sleeping thread ready on its home hart; nothing if it is not sleeping. Any context. */
void sched_wake(struct thread *thread);

/* After thread->kill was set: ends a killable sleep, or makes the hart look where it runs. */
void sched_interrupt(struct thread *thread);

/* Makes a new thread ready: here if nobody waits here, else on the hart with the least to do. */
void sched_add(struct thread *thread);

/* Ticks of the timebase for which a thread has had a hart. */
uint64_t sched_ran(struct thread *thread);

/* thread_set_weight(), thread_set_class(), thread_set_harts() */
void sched_set_weight(struct thread *thread, uint32_t weight);
void sched_set_class(struct thread *thread, enum thread_class class);
void sched_set_harts(struct thread *thread, uint64_t hart_mask);

/* A ready thread of no queue that is on no hart goes to that one. Interrupts off. */
void sched_move(struct thread *thread, struct hart *to);

/* Lets somebody else run if the slice is over or a wake-up asked for it. Thread context, interrupts
 * on; or the end of an interrupt that came while they were on. */
void sched_preempt(void);

/* The timer interrupt of this hart: wakes sleepers, ends slices, sets the next one. */
void sched_tick(void);

/* This hart's loop when nothing is ready. */
_Noreturn void sched_idle(void);

#endif
