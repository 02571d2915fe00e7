/*
 * Locks and waiting. A spinlock is a ticket lock that keeps interrupts off; nothing may sleep under
 * one. A mutex sleeps. A wait queue is where threads sleep for a condition that a spinlock guards.
 *
 * Every lock has a rank; debug builds check the order and more (kernel/lockcheck.h).
 */
#ifndef KERNEL_SYNC_H
#define KERNEL_SYNC_H

#include "base/list.h"
#include "base/status.h"
#include "kernel/arch.h"
#include "kernel/assert.h"
#include "kernel/lockcheck.h"

#include <stdbool.h>
#include <stdint.h>

/* The order of locks, outer first: under one of them those below it may be taken. Mutexes are ordered
 * among each other and spinlocks among each other; no mutex is taken under a spinlock. */
#define LOCK_RANKS(X)                                                                              \
    X(FILES, "files")            /* mutex: a file system */                                        \
    X(PROGRAM, "program")        /* the table of programs */                                       \
    X(HANDLES, "handles")        /* of a program */                                                \
    X(SPACE, "space")            /* mutex: an address space */                                     \
    X(OBJECT, "object")          /* a memory object, a kernel object */                            \
    X(IPC, "ipc")                /* an endpoint, a notification */                                 \
    X(IRQ, "irq")                /* table of interrupt handlers */                                 \
    X(DEVICE, "device")          /* a device driver */                                             \
    X(FUTEX, "futex")            /* a bucket of futexes */                                         \
    X(THREAD, "thread")          /* the end of a thread */                                         \
    X(WAIT, "wait")              /* inside mutexes, and sleeps of one thread */                    \
    X(QUEUE, "run queue")        /* one hart's */                                                  \
    X(QUOTA, "quota")            /* a program's account */                                         \
    X(STACK, "kernel stacks")    /* their window */                                                \
    X(HEAP, "heap")              /* the general allocator */                                       \
    X(ASID, "address-space ids") /* which are in use */                                            \
    X(FRAME_POOL, "zeroed frames")                                                                 \
    X(FRAME_CACHE, "frames of a hart")                                                             \
    X(FRAME, "frames")    /* physical memory */                                                    \
    X(RANDOM, "random")   /* the generator */                                                      \
    X(LOG, "log")         /* ring of lines: any other may be held */                               \
    X(CONSOLE, "console") /* the serial port that the log is written to */

enum lock_rank {
    LOCK_UNRANKED,
#define RANK(rank, text) LOCK_##rank,
    LOCK_RANKS(RANK)
#undef RANK
};

/* What a lock knows of itself, and what a hart or a thread knows of those it holds. */
#if K23_DEBUG
#define LOCK_DEPTH_MAX 8
struct lock_label {
    enum lock_rank rank;
};
struct lock_list {
    uint32_t len;
    enum lock_rank ranks[LOCK_DEPTH_MAX];
    const void *locks[LOCK_DEPTH_MAX];
};
#define LOCK_LABEL(rank) {(rank)}
#else
struct lock_label {};
struct lock_list {};
#define LOCK_LABEL(rank)                                                                           \
    {                                                                                              \
    }
#endif

struct spinlock {
    uint32_t next, owner; /* ticket to draw, ticket being served */
    irq_state_t irq;      /* state to restore, owned by the holder */
    struct lock_label label;
};

#define SPINLOCK_INIT(rank) {0, 0, 0, LOCK_LABEL(rank)}

void spinlock_init(struct spinlock *lock, enum lock_rank rank);
bool spinlock_try(struct spinlock *lock);

/* Somebody else is served: waits for the ticket's turn. Locks are held for far less than the time after which
 * a hart rests in between: unless the holder's hart is not run at all by a host that has too few processors. */
void spinlock_wait(struct spinlock *lock, uint32_t ticket);

static inline void spinlock_lock(struct spinlock *lock) {
    irq_state_t irq = arch_irq_save();
    lockcheck_take(lock);
    uint32_t ticket = __atomic_fetch_add(&lock->next, 1, __ATOMIC_RELAXED);
    if (__builtin_expect(__atomic_load_n(&lock->owner, __ATOMIC_ACQUIRE) != ticket, 0)) {
        spinlock_wait(lock, ticket);
    }
    lock->irq = irq;
}

static inline void spinlock_unlock(struct spinlock *lock) {
    irq_state_t irq = lock->irq;
    lockcheck_drop(lock);
    __atomic_store_n(&lock->owner, lock->owner + 1, __ATOMIC_RELEASE);
    arch_irq_restore(irq);
}

/* Half of spinlock_enter(): whether it is one's turn at once. Who gets false calls spinlock_wait() and then has the
 * lock too. */
static inline bool spinlock_draw(struct spinlock *lock, uint32_t *ticket_out) {
#if K23_DEBUG
    *ticket_out = 0;
    spinlock_lock(lock);
    return true;
#else
    *ticket_out = __atomic_fetch_add(&lock->next, 1, __ATOMIC_RELAXED);
    return __builtin_expect(__atomic_load_n(&lock->owner, __ATOMIC_ACQUIRE) == *ticket_out, 1);
#endif
}

/* The same as spinlock_lock() for a caller that has interrupts off throughout; in line, and given back in any order. */
static inline void spinlock_enter(struct spinlock *lock) {
    uint32_t ticket;
    if (!spinlock_draw(lock, &ticket)) {
        spinlock_wait(lock, ticket);
    }
}

/* spinlock_enter() if nobody has it. */
static inline bool spinlock_enter_free(struct spinlock *lock) {
#if K23_DEBUG
    return spinlock_try(lock);
#else
    uint32_t owner = __atomic_load_n(&lock->owner, __ATOMIC_RELAXED);
    return __atomic_compare_exchange_n(&lock->next, &owner, owner + 1, false, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED);
#endif
}

static inline void spinlock_leave(struct spinlock *lock) {
#if K23_DEBUG
    spinlock_unlock(lock);
#else
    (void)__atomic_fetch_add(&lock->owner, 1, __ATOMIC_RELEASE);
#endif
}

/* Gives the lock back and leaves interrupts off, for a switch of threads; the caller restores them after
 * it. */
static inline irq_state_t spinlock_unlock_only(struct spinlock *lock) {
    irq_state_t irq = lock->irq;
    lock->irq = 0;
    spinlock_unlock(lock);
    return irq;
}

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

/* The same for waits that may be long: OK, TIMED_OUT, or KILLED if the thread is killed meanwhile or
 * was before. */
status_t waitqueue_sleep_killable(struct waitqueue *queue, struct spinlock *lock,
                                  uint64_t deadline_ns);

/* Under the lock that guards the queue. Any context. */
void waitqueue_wake_one(struct waitqueue *queue);
void waitqueue_wake_all(struct waitqueue *queue);

/* `owner` changes hands by one instruction; whoever does not get it counts itself in `waiting` before it
 * tries again and sleeps, and whoever gives it back looks at `waiting` afterwards: one sees the other. */
struct mutex {
    struct thread *owner;
    uint32_t waiting; /* guarded by lock */
    struct spinlock lock;
    struct waitqueue waiters;
    struct lock_label label;
};

/* Taken in thread context alone, with interrupts on. Who gives it back gives it to the one that has waited
 * longest, so that nobody waits for longer than all before it hold it. */
void mutex_init(struct mutex *mutex, enum lock_rank rank);
void mutex_lock(struct mutex *mutex);
/* Takes it if nobody has it; in a thread, interrupts on or off. */
static inline bool mutex_try(struct mutex *mutex);
/* The mutex must stay until it returns. */
static inline void mutex_unlock(struct mutex *mutex);

/* For mutex_unlock(): somebody waits, and gets it. */
void mutex_pass(struct mutex *mutex);

static inline bool mutex_try(struct mutex *mutex) {
    struct thread *nobody = NULL;
    bool taken = __atomic_compare_exchange_n(&mutex->owner, &nobody, arch_current(), false,
                                             __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
    if (taken) {
        lockcheck_took_mutex(mutex);
    }
    return taken;
}

static inline void mutex_unlock(struct mutex *mutex) {
    lockcheck_drop_mutex(mutex);
    assert(mutex->owner == arch_current());
    if (__atomic_load_n(&mutex->waiting, __ATOMIC_RELAXED) == 0) {
        __atomic_store_n(&mutex->owner, NULL, __ATOMIC_SEQ_CST);
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        if (__atomic_load_n(&mutex->waiting, __ATOMIC_RELAXED) == 0) {
            return;
        }
    }
    mutex_pass(mutex);
}

#endif
