/*
 * The rules of locks, checked in debug builds (MODE=debug) and free in others:
 *
 *   - a lock is taken only under locks of lower rank (enum lock_rank), or of its own at a lower
 *     address, spinlocks and mutexes apart;
 *   - nobody sleeps, takes a mutex, leaves for user mode or ends under a spinlock;
 *   - a spinlock is given back by the hart that holds it, with interrupts still off, a mutex by its
 *     thread;
 *   - spinlocks are given back in reverse order, as each brings back the interrupts it found;
 *   - a mutex is taken with interrupts on, a wait queue's waiters are woken under its lock.
 *
 * Who breaks one panics with the names of the locks concerned. A hart's list of spinlocks needs no lock:
 * interrupts are off while it is not empty. A thread's list of mutexes is its own.
 */
#ifndef KERNEL_LOCKCHECK_H
#define KERNEL_LOCKCHECK_H

struct mutex;
struct spinlock;

#if K23_DEBUG

/* Before waiting for it; and when it is free again. Interrupts off. */
void lockcheck_take(const struct spinlock *lock);
void lockcheck_drop(const struct spinlock *lock);

/* A lock that was free when tried: its rank does not matter, since nobody waited. */
void lockcheck_took(const struct spinlock *lock);

/* Before waiting for it; when it is taken; and when it is free again. */
void lockcheck_want_mutex(const struct mutex *mutex);
void lockcheck_took_mutex(const struct mutex *mutex);
void lockcheck_drop_mutex(const struct mutex *mutex);

/* This thread gives up the hart, holding no spinlock but `allowed` (or NULL). */
void lockcheck_sleep(const struct spinlock *allowed);

/* This thread holds no lock at all: it leaves for user mode, or for good. */
void lockcheck_none(void);

/* Interrupts are off, as `what` demands. */
void lockcheck_irq_off(const char *what);

/* Some spinlock is held: who looks at a wait queue needs one. */
void lockcheck_some(void);

#else

static inline void lockcheck_take(const struct spinlock *lock) {
    (void)lock;
}
static inline void lockcheck_drop(const struct spinlock *lock) {
    (void)lock;
}
static inline void lockcheck_took(const struct spinlock *lock) {
    (void)lock;
}
static inline void lockcheck_want_mutex(const struct mutex *mutex) {
    (void)mutex;
}
static inline void lockcheck_took_mutex(const struct mutex *mutex) {
    (void)mutex;
}
static inline void lockcheck_drop_mutex(const struct mutex *mutex) {
    (void)mutex;
}
static inline void lockcheck_sleep(const struct spinlock *allowed) {
    (void)allowed;
}
static inline void lockcheck_none(void) {
}
static inline void lockcheck_irq_off(const char *what) {
    (void)what;
}
static inline void lockcheck_some(void) {
}

#endif
#endif
