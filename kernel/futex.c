/*
 * The hash table of waiting threads.
 *
 * A waiter is taken out of its bucket by who wakes it, and says so to it last of all (`bucket` becomes
 * NULL): then, and not before, its stack may be gone. A waiter that wakes by itself takes itself out, under
 * the lock of the bucket where it is by then.
 */
#include "kernel/futex.h"

#include "base/list.h"
#include "kernel/limits.h"
#include "kernel/mm/space.h"
#include "kernel/sched.h"
#include "kernel/sync.h"
#include "kernel/thread.h"

#include <stdbool.h>

struct bucket {
    struct spinlock lock;
    struct list waiters; /* struct waiter.node, longest first */
};

/* What makes two waits the same. */
struct key {
    const void *owner; /* the space */
    uint64_t offset;   /* the address in it */
};

struct waiter {
    struct list node;
    struct thread *thread;
    struct key key;
    struct bucket *bucket; /* where it is; NULL: woken */
};

static struct bucket buckets[FUTEX_BUCKETS];

void futex_init(void) {
    for (unsigned i = 0; i < FUTEX_BUCKETS; i++) {
        spinlock_init(&buckets[i].lock, LOCK_FUTEX);
        list_init(&buckets[i].waiters);
    }
}

static struct key key_of(const struct space *space, vaddr_t addr) {
    return (struct key){.owner = space, .offset = addr};
}

static bool same(const struct key *a, const struct key *b) {
    return a->owner == b->owner && a->offset == b->offset;
}

static struct bucket *bucket_of(const struct key *key) {
    uint64_t hash = ((uint64_t)key->owner >> 4 ^ key->offset >> 2) * UINT64_C(0x9e3779b97f4a7c15);
    return &buckets[hash >> 32 & (FUTEX_BUCKETS - 1)];
}

_Static_assert((FUTEX_BUCKETS & (FUTEX_BUCKETS - 1)) == 0, "a hash is cut to its low bits");

/* Under the bucket's lock. The thread may run at once, elsewhere, but not return before the last line. */
static void wake(struct waiter *waiter) {
    list_remove(&waiter->node);
    sched_wake(waiter->thread);
    __atomic_store_n(&waiter->bucket, NULL, __ATOMIC_RELEASE);
}

/* Takes a waiter that woke by itself out of its bucket. False: it was woken meanwhile. */
static bool give_up(struct waiter *waiter) {
    struct bucket *bucket;
    while ((bucket = __atomic_load_n(&waiter->bucket, __ATOMIC_ACQUIRE))) {
        spinlock_lock(&bucket->lock);
        bool here = waiter->bucket == bucket;
        if (here) {
            list_remove(&waiter->node);
        }
        spinlock_unlock(&bucket->lock);
        if (here) {
            return true;
        }
    }
    return false;
}

/* Under the bucket's lock, which it gives back: sleeps. */
static status_t sleep(struct waiter *waiter, struct bucket *bucket, uint64_t deadline_ns) {
    if (!sched_prepare_sleep(deadline_ns, true)) {
        spinlock_unlock(&bucket->lock);
        return STATUS_KILLED;
    }
    waiter->bucket = bucket;
    list_push_back(&bucket->waiters, &waiter->node);
    irq_state_t irq = spinlock_unlock_only(&bucket->lock);
    sched_switch();
    arch_irq_restore(irq);
    return give_up(waiter) ? waiter->thread->woke : STATUS_OK;
}

status_t futex_wait_quick(vaddr_t addr, uint64_t expected, unsigned size, uint64_t deadline_ns) {
    struct thread *self = thread_current();
    struct waiter waiter = {.thread = self, .key = key_of(self->space, addr)};
    uint64_t value = 0;
    if ((size != 4 && size != 8) || addr % size != 0) {
        return STATUS_BAD_ARGUMENT;
    }
    struct bucket *bucket = bucket_of(&waiter.key);
    spinlock_lock(&bucket->lock);
    status_t status = STATUS_OK;
    if (!space_copy_try_in(self->space, &value, addr, size)) {
        status = STATUS_UNSUPPORTED;
    } else if (value != (size == 4 ? (uint32_t)expected : expected)) {
        status = STATUS_WOULD_BLOCK;
    }
    if (status != STATUS_OK) {
        spinlock_unlock(&bucket->lock);
        return status;
    }
    return sleep(&waiter, bucket, deadline_ns);
}

status_t futex_wait(vaddr_t addr, uint64_t expected, unsigned size, uint64_t deadline_ns) {
    struct space *space = thread_current()->space;
    for (;;) {
        status_t status = futex_wait_quick(addr, expected, size, deadline_ns);
        if (status != STATUS_UNSUPPORTED) {
            return status;
        }
        /* Makes the page, or says why there is none; another thread may take it away again. */
        uint64_t value;
        TRY(space_copy_in(space, &value, addr, size));
        if (thread_killed()) {
            return STATUS_KILLED;
        }
    }
}

uint32_t futex_wake(const struct space *space, vaddr_t addr, uint32_t max) {
    struct key key = key_of(space, addr);
    struct bucket *bucket = bucket_of(&key);
    uint32_t len = 0;
    spinlock_lock(&bucket->lock);
    struct list *node = bucket->waiters.next;
    while (node != &bucket->waiters && len < max) {
        struct waiter *waiter = list_entry(node, struct waiter, node);
        node = node->next;
        if (same(&waiter->key, &key)) {
            wake(waiter);
            len++;
        }
    }
    spinlock_unlock(&bucket->lock);
    return len;
}

static void lock_both(struct bucket *a, struct bucket *b) {
    spinlock_lock(a < b ? &a->lock : &b->lock);
    if (a != b) {
        spinlock_lock(a < b ? &b->lock : &a->lock);
    }
}

static void unlock_both(struct bucket *a, struct bucket *b) {
    if (a != b) {
        spinlock_unlock(a < b ? &b->lock : &a->lock);
    }
    spinlock_unlock(a < b ? &a->lock : &b->lock);
}

uint32_t futex_requeue(const struct space *space, vaddr_t from, vaddr_t to, uint32_t wake_max,
                       uint32_t move_max) {
    struct key old = key_of(space, from), new = key_of(space, to);
    struct bucket *source = bucket_of(&old), *target = bucket_of(&new);
    struct list moved = LIST_INIT(moved);
    uint32_t woken_len = 0, moved_len = 0;
    lock_both(source, target);
    for (struct list *node = source->waiters.next, *next; node != &source->waiters; node = next) {
        struct waiter *waiter = list_entry(node, struct waiter, node);
        next = node->next;
        if (!same(&waiter->key, &old)) {
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
        waiter->key = new;
        __atomic_store_n(&waiter->bucket, target, __ATOMIC_RELEASE);
        list_push_back(&target->waiters, &waiter->node);
    }
    unlock_both(source, target);
    return woken_len + moved_len;
}

uint32_t futex_waiters(void) {
    uint32_t len = 0;
    for (unsigned i = 0; i < FUTEX_BUCKETS; i++) {
        spinlock_lock(&buckets[i].lock);
        list_each(node, &buckets[i].waiters) {
            len++;
        }
        spinlock_unlock(&buckets[i].lock);
    }
    return len;
}
