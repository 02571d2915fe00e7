/*
 * The rules of locks (kernel/lockcheck.h), by a list of what each hart and each thread holds. Empty
 * in release builds.
 */
#include "kernel/lockcheck.h"

#include "kernel/sync.h"
#if K23_DEBUG

#include "kernel/harts.h"
#include "kernel/panic.h"
#include "kernel/sync.h"
#include "kernel/thread.h"

static const char *name_of(enum lock_rank rank) {
    static const char *const names[] = {
#define NAME(rank, text) [LOCK_##rank] = text,
        LOCK_RANKS(NAME)
#undef NAME
    };
    return rank < sizeof(names) / sizeof(names[0]) && names[rank] ? names[rank] : "without a rank";
}

/* The place of the lock in the list, or its length. */
static uint32_t find(const struct lock_list *list, const void *lock) {
    uint32_t at = 0;
    while (at < list->len && list->locks[at] != lock) {
        at++;
    }
    return at;
}

static void check_order(const struct lock_list *list, const void *lock, enum lock_rank rank) {
    if (rank == LOCK_UNRANKED) {
        panic("a lock without a rank, at %p", lock);
    }
    if (find(list, lock) < list->len) {
        panic("lock \"%s\" taken twice", name_of(rank));
    }
    for (uint32_t i = 0; i < list->len; i++) {
        if (list->ranks[i] > rank || (list->ranks[i] == rank && list->locks[i] > lock)) {
            panic("lock order: \"%s\" taken under \"%s\"", name_of(rank), name_of(list->ranks[i]));
        }
    }
}

static void push(struct lock_list *list, const void *lock, enum lock_rank rank) {
    if (list->len == LOCK_DEPTH_MAX) {
        panic("more than %d locks held, the last \"%s\"", LOCK_DEPTH_MAX, name_of(rank));
    }
    list->locks[list->len] = lock;
    list->ranks[list->len++] = rank;
}

static void drop(struct lock_list *list, const void *lock, enum lock_rank rank) {
    uint32_t at = find(list, lock);
    if (at == list->len) {
        panic("lock \"%s\" given back by one that does not hold it", name_of(rank));
    }
    list->len--;
    for (; at < list->len; at++) {
        list->locks[at] = list->locks[at + 1];
        list->ranks[at] = list->ranks[at + 1];
    }
}

static void check_irq(const struct lock_list *list) {
    if (arch_irq_enabled() && list->len > 0) {
        panic("interrupts are on under lock \"%s\"", name_of(list->ranks[list->len - 1]));
    }
}

void lockcheck_take(const struct spinlock *lock) {
    struct lock_list *list = &hart_self()->spinlocks;
    check_order(list, lock, lock->label.rank);
    push(list, lock, lock->label.rank);
}

void lockcheck_took(const struct spinlock *lock) {
    push(&hart_self()->spinlocks, lock, lock->label.rank);
}

void lockcheck_drop(const struct spinlock *lock) {
    struct lock_list *list = &hart_self()->spinlocks;
    check_irq(list);
    drop(list, lock, lock->label.rank);
}

void lockcheck_want_mutex(const struct mutex *mutex) {
    struct lock_list *list = &thread_current()->mutexes;
    if (!arch_irq_enabled()) {
        const struct lock_list *held = &hart_self()->spinlocks;
        panic("mutex \"%s\" taken %s%s", name_of(mutex->label.rank),
              held->len ? "under spinlock " : "with interrupts off",
              held->len ? name_of(held->ranks[held->len - 1]) : "");
    }
    check_order(list, mutex, mutex->label.rank);
}

void lockcheck_took_mutex(const struct mutex *mutex) {
    push(&thread_current()->mutexes, mutex, mutex->label.rank);
}

void lockcheck_drop_mutex(const struct mutex *mutex) {
    drop(&thread_current()->mutexes, mutex, mutex->label.rank);
}

void lockcheck_sleep(const struct spinlock *allowed) {
    irq_state_t irq = arch_irq_save();
    const struct lock_list *list = &hart_self()->spinlocks;
    for (uint32_t i = 0; i < list->len; i++) {
        if (list->locks[i] != allowed) {
            panic("sleep under spinlock \"%s\"", name_of(list->ranks[i]));
        }
    }
    arch_irq_restore(irq);
}

void lockcheck_none(void) {
    const struct lock_list *mutexes = &thread_current()->mutexes;
    lockcheck_sleep(NULL);
    if (mutexes->len > 0) {
        panic("thread leaves the kernel with mutex \"%s\"", name_of(mutexes->ranks[0]));
    }
}

void lockcheck_irq_off(const char *what) {
    if (arch_irq_enabled()) {
        panic("%s with interrupts on", what);
    }
}

void lockcheck_some(void) {
    if (arch_irq_enabled() || hart_self()->spinlocks.len == 0) {
        panic("a wait queue used without its lock");
    }
}

#endif
