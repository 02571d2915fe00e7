/*
 * Handles: how a program names kernel objects. A table a program; a handle is an index and a
 * generation, so that one that was closed is not mistaken for its successor; with each goes what it
 * may be used for (RIGHT_*) and a badge, by which a server tells its callers apart.
 *
 * A handle is derived from another by handle_duplicate(), with no more rights. Revoking a handle kills
 * all that were derived from it, and from those, in whatever table they are by now, in one store:
 *
 *     handle a ── given ──> grant A <── from ── handle b      revoke(a): A->revoked = true
 *                              ^                   │
 *                              └──── parent ── grant B <── from ── handle c
 *
 * A handle is alive while no grant on its way up is revoked; the way has at most HANDLE_MAX_DEPTH
 * steps. A dead handle's place is given back by handle_reap() or when its table is full; but it does not count
 * as one that may receive from the moment it is dead: every grant counts those below it, for that.
 *
 * Locks: one spinlock a table, inside nothing, with objects' locks inside it, and the one of all counts of
 * receivers. Calls that may free an object are for threads that hold no lock.
 */
#ifndef KERNEL_IPC_HANDLE_H
#define KERNEL_IPC_HANDLE_H

#include "base/status.h"
#include "kernel/ipc/kobject.h"
#include "kernel/sync.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint32_t handle_t; /* never 0 */

/* What one handle gave to others, and what was set up by it. Freed when the handle and all those are gone. */
struct grant {
    struct grant *parent; /* of the handle that gave; a reference */
    uint32_t refs;
    uint32_t depth;
    uint32_t receivers; /* handles below that may receive, with no revoked grant in between */
    bool revoked;
    bool closed; /* the handle is gone; what it gave to others stays */
};

struct handle_entry {
    struct kobject *object; /* NULL: free */
    struct grant *from;     /* which it was derived by; NULL: it is a first one */
    struct grant *given;    /* by which others were derived from it; NULL: none yet */
    uint64_t badge;
    uint32_t rights;
    uint32_t generation;
    int32_t next_free;
};

/* An array that grows by doubling. A handle is index | generation << HANDLE_INDEX_BITS; the generation
 * of an entry grows when it is freed and is never 0. Laid open for handle_enter() alone. */
struct handle_table {
    struct spinlock lock;
    struct handle_entry *entries;
    uint32_t cap;
    uint32_t len;       /* in use */
    int32_t first_free; /* chained through next_free; negative: none */
    uint64_t epoch;     /* grows, from 1, when a handle ceases to be what it was */
};

/* Grows with every revocation, before anybody is sent to look again. */
extern uint64_t handle_revocations __attribute__((visibility("hidden")));

#define HANDLE_INDEX_BITS 12

/* NO_MEMORY. `quota` pays for the table, else the caller's program. */
status_t handle_table_new(struct handle_table **out) MUST_CHECK;
status_t handle_table_new_for(struct quota *quota, struct handle_table **out) MUST_CHECK;

/* Closes all handles. Nobody may use the table any more. NULL is allowed. */
void handle_table_free(struct handle_table *table);

/* A first handle for an object, underived; takes over the caller's reference on success. LIMIT when
 * HANDLE_MAX are in use. */
status_t handle_add(struct handle_table *table, struct kobject *object, uint32_t rights,
                    uint64_t badge, handle_t *out) MUST_CHECK;

/* The object, with a reference for the caller. NOT_FOUND: no such handle, dead, or of another kind;
 * DENIED: it lacks one of the rights. */
status_t handle_get(struct handle_table *table, handle_t handle, const struct kobject_kind *kind,
                    uint32_t rights, struct kobject **out) MUST_CHECK;

/* The same for what is to last until the handle is closed or revoked, or one on its way up is: *grant_out is what
 * the handle gives by, with a reference for the caller. The object's kind hears of the end, by `closed` or
 * `recheck`, and has it from handle_stands(), under a lock of its own. NO_MEMORY; LIMIT: it is too far from
 * the first one. */
status_t handle_get_grant(struct handle_table *table, handle_t handle,
                          const struct kobject_kind *kind, uint32_t rights, struct kobject **out,
                          struct grant **grant_out) MUST_CHECK;
bool handle_stands(const struct grant *grant);
void handle_hold_grant(struct grant *grant); /* one more reference; NULL is allowed */
void handle_put_grant(struct grant *grant);  /* thread context, no lock held; NULL is allowed */

/* The same without a reference, for callers with interrupts off: on OK the table stays locked, so that the
 * object lives, until handle_leave(). `kind` may be NULL for any. */
static inline status_t handle_enter(struct handle_table *table, handle_t handle,
                                    const struct kobject_kind *kind, uint32_t rights,
                                    struct handle_entry **out) MUST_CHECK;
static inline void handle_leave(struct handle_table *table) {
    spinlock_leave(&table->lock);
}

/* Gives a dead handle's place back; nothing if it is alive. */
void handle_reap(struct handle_table *table, handle_t handle);

/* One more for the same object, with those of `rights` that the first has. A badge other than 0 is
 * given to it if the first has none (else BAD_ARGUMENT). */
status_t handle_duplicate(struct handle_table *table, handle_t handle, uint32_t rights,
                          uint64_t badge, handle_t *out) MUST_CHECK;

status_t handle_close(struct handle_table *table, handle_t handle) MUST_CHECK;

/* Kills all that were derived from the handle, which itself stays. */
status_t handle_revoke(struct handle_table *table, handle_t handle) MUST_CHECK;

/* A handle outside of any table, on its way from one to another. */
struct handle_passed {
    struct kobject *object; /* NULL: none */
    struct grant *from, *given;
    uint64_t badge;
    uint32_t rights;
};

/* A first one, underived; takes over the caller's reference. */
struct handle_passed handle_new(struct kobject *object, uint32_t rights, uint64_t badge);

/* Out of the table; DENIED without RIGHT_TRANSFER. */
status_t handle_take(struct handle_table *table, handle_t handle,
                     struct handle_passed *out) MUST_CHECK;

/* Into a table; on success *passed is empty. */
status_t handle_put(struct handle_table *table, struct handle_passed *passed,
                    handle_t *out) MUST_CHECK;

/* Closes it. */
void handle_drop(struct handle_passed *passed);

/* Handles in use in the table, dead ones that nobody came across included. */
uint32_t handle_count(const struct handle_table *table);

static inline bool handle_alive(const struct handle_entry *entry) {
    for (const struct grant *from = entry->from; from; from = from->parent) {
        if (__atomic_load_n(&from->revoked, __ATOMIC_ACQUIRE)) {
            return false;
        }
    }
    return true;
}

/* Under the lock: dead or alive, or NULL. */
static inline struct handle_entry *handle_find(struct handle_table *table, handle_t handle) {
    uint32_t index = handle & ((1u << HANDLE_INDEX_BITS) - 1);
    if (index >= table->cap) {
        return NULL;
    }
    struct handle_entry *entry = &table->entries[index];
    return entry->object && entry->generation == handle >> HANDLE_INDEX_BITS ? entry : NULL;
}

static inline status_t handle_enter(struct handle_table *table, handle_t handle,
                                    const struct kobject_kind *kind, uint32_t rights,
                                    struct handle_entry **out) {
    spinlock_enter(&table->lock);
    struct handle_entry *entry = handle_find(table, handle);
    bool found = entry && (!kind || entry->object->kind == kind) && handle_alive(entry);
    if (found && (entry->rights & rights) == rights) {
        *out = entry;
        return STATUS_OK;
    }
    spinlock_leave(&table->lock);
    return found ? STATUS_DENIED : STATUS_NOT_FOUND;
}

#endif
