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
 * steps. A dead handle's place is given back by handle_reap() or when its table is full.
 *
 * Locks: one spinlock a table, inside nothing, with objects' locks inside it. Calls that may free
 * an object are for threads that hold no lock.
 */
#ifndef KERNEL_IPC_HANDLE_H
#define KERNEL_IPC_HANDLE_H

#include "base/status.h"
#include "kernel/ipc/kobject.h"

#include <stdbool.h>
#include <stdint.h>

typedef uint32_t handle_t; /* never 0 */

struct handle_table;

/* NO_MEMORY. */
status_t handle_table_new(struct handle_table **out) MUST_CHECK;

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

/* The same without a reference: on OK the table stays locked, so that the object lives, until
 * handle_unlock(). Interrupts must be off. `kind` may be NULL for any. */
status_t handle_lock(struct handle_table *table, handle_t handle, const struct kobject_kind *kind,
                     uint32_t rights, struct kobject **out, uint64_t *badge_out) MUST_CHECK;
void handle_unlock(struct handle_table *table);

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

#endif
