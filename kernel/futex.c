/*
 * The hash table of waiting threads: a group for each of some owners of places (spaces, memory objects), a list in it
 * for each of some places. Everything between futexes of one owner is under one lock.
 *
 * A waiter is taken out of its list by who wakes it, which says so to it under the lock (`waits` becomes
 * false). A waiter that sees that and was woken returns, and its stack may be gone; one that woke by itself takes
 * the lock first, and itself out.
 */
#include "kernel/futex.h"

#include "base/list.h"
#include "kernel/arch.h"
#include "kernel/limits.h"
#include "kernel/mm/space.h"
#include "kernel/sched.h"
#include "kernel/sync.h"
#include "kernel/thread.h"

#include <stdbool.h>

struct waiter {
    struct list node;
    struct thread *thread;
    struct space_place place; /* of the word that it waits for */
    bool waits;
};

static struct spinlock locks[FUTEX_GROUPS];
static struct list lists[FUTEX_GROUPS][FUTEX_LISTS]; /* struct waiter.node, longest first */

#define HASH UINT64_C(0x9e3779b97f4a7c15) /* 2^64 by the golden ratio: spreads neighbours */
_Static_assert((FUTEX_LISTS & (FUTEX_LISTS - 1)) == 0, "a hash is cut to its low bits");
_Static_assert((FUTEX_GROUPS & (FUTEX_GROUPS - 1)) == 0, "a hash is cut to its low bits");

void futex_init(void) {
    for (unsigned i = 0; i < FUTEX_GROUPS; i++) {
        spinlock_init(&locks[i], LOCK_FUTEX);
        for (unsigned k = 0; k < FUTEX_LISTS; k++) {
            list_init(&lists[i][k]);
        }
    }
}

static inline uint32_t group_of(struct space_place place) {
    return place.owner * HASH >> 32 & (FUTEX_GROUPS - 1);
}

static inline struct list *list_of(struct space_place place) {
    return &lists[group_of(place)][(place.at >> 2) * HASH >> 32 & (FUTEX_LISTS - 1)];
}

static inline struct space_place place_of(struct space *space, vaddr_t addr) {
    return space_maps_objects(space) ? space_find_place(space, addr) : space_own_place(space, addr);
}

/* Under the lock, like all that follow: who has waited longest there, or NULL. */
static inline bool is_at(const struct waiter *waiter, struct space_place place) {
    return waiter->place.at == place.at && waiter->place.owner == place.owner;
}

static inline struct waiter *first_at(const struct list *list, struct space_place place) {
    list_each(node, list) {
        struct waiter *waiter = list_entry(node, struct waiter, node);
        if (is_at(waiter, place)) {
            return waiter;
        }
    }
    return NULL;
}

/* Every field by itself: this is where a switch spends its time. */
static inline void join(struct waiter *waiter, struct thread *self, struct space_place place) {
    waiter->thread = self;
    waiter->place.owner = place.owner;
    waiter->place.at = place.at;
    waiter->waits = true;
    list_push_back(list_of(place), &waiter->node);
}

/* The thread may run at once, elsewhere, but not return before the last line. */
static void wake(struct waiter *waiter) {
    list_remove(&waiter->node);
    sched_wake(waiter->thread);
    __atomic_store_n(&waiter->waits, false, __ATOMIC_RELEASE);
}

/* The end of a wait that no wake-up was seen to end; one may have come meanwhile. */
static status_t give_up(struct waiter *waiter, uint32_t group) {
    spinlock_lock(&locks[group]);
    bool waited = waiter->waits;
    if (waited) {
        list_remove(&waiter->node);
    } else if (waiter->thread->woke == STATUS_KILLED) {
        /* Both killed and woken: the wake-up is for the next one, who may pass it on too. */
        struct waiter *next = first_at(list_of(waiter->place), waiter->place);
        if (next) {
            wake(next);
        }
    }
    spinlock_unlock(&locks[group]);
    return waited ? waiter->thread->woke : STATUS_OK;
}

/* What ended the wait, without the lock. Whoever woke without being woken takes it, for somebody may be about
 * to wake it nevertheless. */
static inline status_t leave(struct waiter *waiter, uint32_t group) {
    bool woken =
        waiter->thread->woke == STATUS_OK && !__atomic_load_n(&waiter->waits, __ATOMIC_ACQUIRE);
    return woken ? STATUS_OK : give_up(waiter, group);
}

/* Whether to wait for a word of this thread's space. */
static inline status_t look(vaddr_t addr, uint64_t expected, unsigned size) {
    uint64_t value;
    if (!arch_load_word(addr, size, &value)) {
        return STATUS_UNSUPPORTED;
    }
    return value == (size == 4 ? (uint32_t)expected : expected) ? STATUS_OK : STATUS_WOULD_BLOCK;
}

static bool valid(vaddr_t addr, unsigned size) {
    return (size == 4 || size == 8) && (addr & (size - 1)) == 0;
}

static inline __attribute__((always_inline)) status_t wait_at(struct space_place place,
                                                              vaddr_t addr, uint64_t expected,
                                                              unsigned size, uint64_t deadline_ns) {
    uint32_t group = group_of(place);
    struct waiter waiter;
    spinlock_lock(&locks[group]);
    status_t status = look(addr, expected, size);
    if (status != STATUS_OK) {
        spinlock_unlock(&locks[group]);
        return status;
    }
    join(&waiter, thread_current(), place);
    arch_irq_restore(sched_sleep(&locks[group], deadline_ns, true));
    return leave(&waiter, group);
}

status_t futex_wait_quick(vaddr_t addr, uint64_t expected, unsigned size, uint64_t deadline_ns) {
    struct space *space = thread_current()->space;
    struct space_place place = space_own_place(space, addr);
    if (!valid(addr, size)) {
        return STATUS_BAD_ARGUMENT;
    }
    if (space_maps_objects(space) && !space_try_place(space, addr, &place)) {
        return STATUS_UNSUPPORTED;
    }
    return wait_at(place, addr, expected, size, deadline_ns);
}

/* UNSUPPORTED was said of this word: makes its page, or says why there is none. Another thread may take it
 * away again, so the caller tries in a loop. */
static status_t make_word(vaddr_t addr, unsigned size) {
    uint64_t value;
    if (thread_killed()) {
        return STATUS_KILLED;
    }
    return space_copy_in(thread_current()->space, &value, addr, size);
}

status_t futex_wait(vaddr_t addr, uint64_t expected, unsigned size, uint64_t deadline_ns) {
    struct space *space = thread_current()->space;
    status_t status = STATUS_UNSUPPORTED;
    if (!valid(addr, size)) {
        return STATUS_BAD_ARGUMENT;
    }
    for (;;) {
        status = wait_at(place_of(space, addr), addr, expected, size, deadline_ns);
        if (status != STATUS_UNSUPPORTED) {
            return status;
        }
        TRY(make_word(addr, size));
    }
}

static inline __attribute__((always_inline)) uint32_t wake_at(struct space_place place,
                                                              uint32_t max) {
    uint32_t group = group_of(place);
    struct list *list = list_of(place);
    uint32_t len = 0;
    spinlock_lock(&locks[group]);
    for (struct list *node = list->next, *next; node != list && len < max; node = next) {
        struct waiter *waiter = list_entry(node, struct waiter, node);
        next = node->next;
        if (is_at(waiter, place)) {
            wake(waiter);
            len++;
        }
    }
    spinlock_unlock(&locks[group]);
    return len;
}

uint32_t futex_wake(struct space *space, vaddr_t addr, uint32_t max) {
    return wake_at(place_of(space, addr), max);
}

/* Nobody is there to be woken, or the word is not as expected: what is left of a swap. */
static __attribute__((noinline)) status_t swap_alone(status_t status, struct space_place from,
                                                     struct space_place to, vaddr_t addr,
                                                     uint64_t expected, unsigned size,
                                                     uint64_t deadline_ns) {
    if (status == STATUS_OK) {
        return wait_at(to, addr, expected, size, deadline_ns);
    }
    if (status == STATUS_WOULD_BLOCK) {
        wake_at(from, 1);
    }
    return status;
}

/* Places of one owner: wakes at `from` and waits at `to`, which is at `addr`. */
static inline __attribute__((always_inline)) status_t swap_at(struct space_place from,
                                                              struct space_place to, vaddr_t addr,
                                                              uint64_t expected, unsigned size,
                                                              uint64_t deadline_ns) {
    struct thread *self = thread_current();
    uint32_t group = group_of(to);
    struct waiter waiter, *other = NULL;
    irq_state_t irq = arch_irq_save();
    spinlock_enter(&locks[group]);
    status_t status = look(addr, expected, size);
    if (status == STATUS_OK) {
        other = first_at(list_of(from), from);
    }
    if (!other) {
        spinlock_leave(&locks[group]);
        arch_irq_restore(irq);
        return swap_alone(status, from, to, addr, expected, size, deadline_ns);
    }
    join(&waiter, self, to);
    list_remove(&other->node);
    __atomic_store_n(&other->waits, false, __ATOMIC_RELAXED);
    sched_exchange(other->thread, deadline_ns, &locks[group]);
    arch_irq_restore(irq);
    return leave(&waiter, group);
}

/* In a space that maps objects. */
static __attribute__((noinline)) status_t swap_looked_up(vaddr_t wake_addr, vaddr_t addr,
                                                         uint64_t expected, unsigned size,
                                                         uint64_t deadline_ns) {
    struct space *space = thread_current()->space;
    struct space_place from, to;
    if (!space_try_place(space, wake_addr, &from) || !space_try_place(space, addr, &to) ||
        from.owner != to.owner) {
        return STATUS_UNSUPPORTED;
    }
    return swap_at(from, to, addr, expected, size, deadline_ns);
}

status_t futex_swap_quick(vaddr_t wake_addr, vaddr_t addr, uint64_t expected, unsigned size,
                          uint64_t deadline_ns) {
    struct space *space = thread_current()->space;
    if (!valid(addr, size)) {
        return STATUS_BAD_ARGUMENT;
    }
    if (space_maps_objects(space)) {
        return swap_looked_up(wake_addr, addr, expected, size, deadline_ns);
    }
    return swap_at(space_own_place(space, wake_addr), space_own_place(space, addr), addr, expected,
                   size, deadline_ns);
}

status_t futex_swap(vaddr_t wake_addr, vaddr_t addr, uint64_t expected, unsigned size,
                    uint64_t deadline_ns) {
    struct space *space = thread_current()->space;
    if (!valid(addr, size)) {
        return STATUS_BAD_ARGUMENT;
    }
    for (;;) {
        struct space_place from = place_of(space, wake_addr), to = place_of(space, addr);
        if (from.owner != to.owner) {
            wake_at(from, 1);
            return futex_wait(addr, expected, size, deadline_ns);
        }
        status_t status = swap_at(from, to, addr, expected, size, deadline_ns);
        if (status != STATUS_UNSUPPORTED) {
            return status;
        }
        status = make_word(addr, size);
        if (status != STATUS_OK) {
            wake_at(from, 1);
            return status;
        }
    }
}

static uint32_t requeue(struct space_place from, struct space_place to, uint32_t wake_max,
                        uint32_t move_max) {
    uint32_t group = group_of(from);
    struct list *list = list_of(from);
    struct list moved = LIST_INIT(moved); /* apart, so that nobody moves twice */
    uint32_t woken_len = 0, moved_len = 0;
    spinlock_lock(&locks[group]);
    for (struct list *node = list->next, *next; node != list; node = next) {
        struct waiter *waiter = list_entry(node, struct waiter, node);
        next = node->next;
        if (!is_at(waiter, from)) {
            continue;
        }
        if (woken_len < wake_max) {
            wake(waiter);
            woken_len++;
        } else if (moved_len < move_max) {
            list_remove(node);
            list_push_back(&moved, node);
            moved_len++;
        } else {
            break;
        }
    }
    while (!list_empty(&moved)) {
        struct waiter *waiter = list_entry(moved.next, struct waiter, node);
        list_remove(&waiter->node);
        waiter->place = to;
        list_push_back(list_of(to), &waiter->node);
    }
    spinlock_unlock(&locks[group]);
    return woken_len + moved_len;
}

uint32_t futex_requeue(struct space *space, vaddr_t from_addr, vaddr_t to_addr, uint32_t wake_max,
                       uint32_t move_max) {
    struct space_place from = place_of(space, from_addr), to = place_of(space, to_addr);
    if (from.owner != to.owner) {
        return wake_at(from, move_max < UINT32_MAX - wake_max ? wake_max + move_max : UINT32_MAX);
    }
    return requeue(from, to, wake_max, move_max);
}

uint32_t futex_waiters(void) {
    uint32_t len = 0;
    for (unsigned i = 0; i < FUTEX_GROUPS; i++) {
        spinlock_lock(&locks[i]);
        for (unsigned k = 0; k < FUTEX_LISTS; k++) {
            list_each(node, &lists[i][k]) {
                len++;
            }
        }
        spinlock_unlock(&locks[i]);
    }
    return len;
}
