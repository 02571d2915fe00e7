/*
 * Locks and waiting. A spinlock is a ticket lock that keeps interrupts off; nothing may sleep under
 * one. A mutex sleeps. A wait queue is where threads sleep for a condition that a spinlock guards.
 *
 * Lock order, outer first: space mutex, device locks, thread and wait queues, run queue, heap,
 * frames, log.
 */
#ifndef KERNEL_SYNC_H
#define KERNEL_SYNC_H

#include "base/list.h"
#include "base/status.h"
#include "kernel/arch.h"

#include <stdbool.h>
#include <stdint.h>

struct spinlock {
    uint32_t next, owner; /* ticket to draw, ticket being served */
    irq_state_t irq;      /* state to restore, owned by the holder */
};

#define SPINLOCK_INIT {0, 0, 0}

void spinlock_lock(struct spinlock *lock);
void spinlock_unlock(struct spinlock *lock);
bool spinlock_try(struct spinlock *lock);

struct waitqueue {
    struct list waiters; /* struct thread.wait_node */
};

#define WAITQUEUE_INIT(q) {LIST_INIT((q).waiters)}
void waitqueue_init(struct waitqueue *queue);

#define WAIT_FOREVER UINT64_MAX

/* Sleeps until woken or until time_now_ns() reaches the deadline. `lock` guards the condition and
 * the queue; it is held on entry and on return and free in between. The caller looks at its
 * condition again in a loop. Returns false when the deadline passed. */
bool waitqueue_sleep(struct waitqueue *queue, struct spinlock *lock, uint64_t deadline_ns);

/* Under the lock that guards the queue. Any context. */
void waitqueue_wake_one(struct waitqueue *queue);
void waitqueue_wake_all(struct waitqueue *queue);

struct mutex {
    struct spinlock lock;
    struct thread *owner;
    struct waitqueue waiters;
};

void mutex_init(struct mutex *mutex);
void mutex_lock(struct mutex *mutex);
void mutex_unlock(struct mutex *mutex);

#endif
