/*
 * Spinlocks, wait queues, mutexes.
 *
 * A thread sleeps by queueing itself while it holds the lock that guards its condition;
 * sched_sleep() gives that lock back when the thread counts as asleep. A waker on another hart may make
 * it ready before it is off its hart: no other runs it until then.
 */
#include "kernel/sync.h"

#include "kernel/assert.h"
#include "kernel/harts.h"
#include "kernel/lockcheck.h"
#include "kernel/sched.h"
#include "kernel/thread.h"
#include "kernel/time.h"

static struct lock_label label_of(enum lock_rank rank) {
    (void)rank;
    return (struct lock_label)LOCK_LABEL(rank);
}

void spinlock_init(struct spinlock *lock, enum lock_rank rank) {
    *lock = (struct spinlock){.label = label_of(rank)};
}

void spinlock_wait(struct spinlock *lock, uint32_t ticket) {
    struct hart *hart = hart_self();
    __atomic_store_n(&hart->waits_at, (vaddr_t)__builtin_return_address(0), __ATOMIC_RELAXED);
    for (unsigned spins = 1; __atomic_load_n(&lock->owner, __ATOMIC_ACQUIRE) != ticket; spins++) {
        if (spins % SPINLOCK_SPINS != 0) {
            arch_relax();
        } else {
            arch_rest(time_ticks_from_ns(SPINLOCK_REST_NS));
        }
    }
    __atomic_store_n(&hart->waits_at, 0, __ATOMIC_RELAXED);
}

bool spinlock_try(struct spinlock *lock) {
    irq_state_t irq = arch_irq_save();
    uint32_t owner = __atomic_load_n(&lock->owner, __ATOMIC_RELAXED);
    uint32_t expected = owner;
    if (!__atomic_compare_exchange_n(&lock->next, &expected, owner + 1, false, __ATOMIC_ACQUIRE,
                                     __ATOMIC_RELAXED)) {
        arch_irq_restore(irq);
        return false;
    }
    lockcheck_took(lock);
    lock->irq = irq;
    return true;
}

void waitqueue_init(struct waitqueue *queue) {
    list_init(&queue->waiters);
}

static status_t sleep(struct waitqueue *queue, struct spinlock *lock, uint64_t deadline_ns,
                      bool killable) {
    struct thread *self = thread_current();
    assert(self->state == THREAD_RUNNING);
    list_push_back(&queue->waiters, &self->wait_node);
    /* Threads that wake each other in turn would else never leave the hart its interrupts. */
    arch_irq_restore(sched_sleep(lock, deadline_ns, killable));
    spinlock_lock(lock);
    list_remove(&self->wait_node);
    return self->woke;
}

bool waitqueue_sleep(struct waitqueue *queue, struct spinlock *lock, uint64_t deadline_ns) {
    return sleep(queue, lock, deadline_ns, false) == STATUS_OK;
}

status_t waitqueue_sleep_killable(struct waitqueue *queue, struct spinlock *lock,
                                  uint64_t deadline_ns) {
    return sleep(queue, lock, deadline_ns, true);
}

void waitqueue_wake_one(struct waitqueue *queue) {
    lockcheck_some();
    if (!list_empty(&queue->waiters)) {
        struct list *node = queue->waiters.next;
        list_remove(node);
        sched_wake(list_entry(node, struct thread, wait_node));
    }
}

void waitqueue_wake_all(struct waitqueue *queue) {
    while (!list_empty(&queue->waiters)) {
        waitqueue_wake_one(queue);
    }
}

void mutex_init(struct mutex *mutex, enum lock_rank rank) {
    *mutex = (struct mutex){.lock = SPINLOCK_INIT(LOCK_WAIT), .label = label_of(rank)};
    waitqueue_init(&mutex->waiters);
}

/* Counted before it tries again, so that who gives it back meanwhile sees it or is seen. */
static void wait_for(struct mutex *mutex) {
    struct thread *self = thread_current();
    spinlock_lock(&mutex->lock);
    __atomic_add_fetch(&mutex->waiting, 1, __ATOMIC_SEQ_CST);
    if (!mutex_try(mutex)) {
        while (__atomic_load_n(&mutex->owner, __ATOMIC_ACQUIRE) != self) {
            waitqueue_sleep(&mutex->waiters, &mutex->lock, WAIT_FOREVER);
        }
        lockcheck_took_mutex(mutex);
    }
    __atomic_sub_fetch(&mutex->waiting, 1, __ATOMIC_SEQ_CST);
    spinlock_unlock(&mutex->lock);
}

void mutex_lock(struct mutex *mutex) {
    lockcheck_want_mutex(mutex);
    assert(mutex->owner != thread_current());
    if (!mutex_try(mutex)) {
        wait_for(mutex);
    }
}

/* It is the caller's still; or free, and then another may take it first and will pass it on. */
void mutex_pass(struct mutex *mutex) {
    struct list *waiters = &mutex->waiters.waiters;
    struct thread *holder = thread_current(), *nobody = NULL, *first = NULL;
    spinlock_lock(&mutex->lock);
    if (!list_empty(waiters)) {
        first = list_entry(waiters->next, struct thread, wait_node);
    }
    bool passed = __atomic_compare_exchange_n(&mutex->owner, &holder, first, false,
                                              __ATOMIC_SEQ_CST, __ATOMIC_RELAXED) ||
                  __atomic_compare_exchange_n(&mutex->owner, &nobody, first, false,
                                              __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
    if (passed && first) {
        waitqueue_wake_one(&mutex->waiters);
    }
    spinlock_unlock(&mutex->lock);
}
