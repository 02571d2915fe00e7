/*
 * Handle tables, and the grants by which derived handles die together.
 */
#include "kernel/ipc/handle.h"

#include "abi/syscall.h"
#include "kernel/assert.h"
#include "kernel/limits.h"
#include "kernel/mm/heap.h"
#include "kernel/program.h"
#include "kernel/sync.h"

#include <string.h>

enum { FIRST_CAP = 16, NONE = -1 };

#define GENERATION_MAX ((1u << (32 - HANDLE_INDEX_BITS)) - 1)

_Static_assert(HANDLE_MAX <= 1 << HANDLE_INDEX_BITS, "a handle holds an index");

uint64_t handle_revocations;

/* ---- grants ---- */

void handle_put_grant(struct grant *grant) {
    while (grant && __atomic_sub_fetch(&grant->refs, 1, __ATOMIC_ACQ_REL) == 0) {
        struct grant *parent = grant->parent;
        heap_free(grant);
        grant = parent;
    }
}

void handle_hold_grant(struct grant *grant) {
    if (grant) {
        __atomic_fetch_add(&grant->refs, 1, __ATOMIC_RELAXED);
    }
}

/* What is set first is seen by who looks after it took a lock that the kind's functions take. */
bool handle_stands(const struct grant *grant) {
    bool stands = !__atomic_load_n(&grant->closed, __ATOMIC_SEQ_CST);
    for (; grant; grant = grant->parent) {
        stands = stands && !__atomic_load_n(&grant->revoked, __ATOMIC_SEQ_CST);
    }
    return stands;
}

/* ---- who may receive ---- */

/*
 * A handle with RIGHT_RECEIVE counts in its object and in every grant on its way up, as far as no revoked one comes
 * before. So revoking takes what the grant counts out of all above it; and a handle that goes later counts down as
 * far as it still counts, which may be nowhere.
 */
static struct spinlock receivers_lock = SPINLOCK_INIT(LOCK_OBJECT);

/* Under the lock: so many more, or fewer, in `grant` and above it. Whether the object counts them too. */
static bool count_up(struct grant *grant, uint32_t more) {
    for (; grant && !grant->revoked; grant = grant->parent) {
        grant->receivers += more;
    }
    return !grant;
}

static void add_receiver(const struct handle_passed *passed) {
    spinlock_lock(&receivers_lock);
    if (count_up(passed->from, 1)) {
        kobject_add_receiver(passed->object);
    }
    spinlock_unlock(&receivers_lock);
}

static void drop_receiver(const struct handle_passed *passed) {
    spinlock_lock(&receivers_lock);
    bool counts = count_up(passed->from, UINT32_MAX);
    spinlock_unlock(&receivers_lock);
    kobject_drop_receivers(passed->object, counts);
}

/* Returns how many of the object's receivers are dead by that. */
static uint32_t revoke(struct grant *grant) {
    spinlock_lock(&receivers_lock);
    uint32_t len = grant->receivers;
    __atomic_store_n(&grant->revoked, true, __ATOMIC_SEQ_CST);
    bool counted = count_up(grant->parent, -len);
    spinlock_unlock(&receivers_lock);
    return counted ? len : 0;
}

/* ---- entries, under the table's lock ---- */

static void chain(struct handle_table *table, uint32_t from, uint32_t to) {
    for (uint32_t i = to; i-- > from;) {
        table->entries[i].next_free = table->first_free;
        table->first_free = (int32_t)i;
    }
}

static struct handle_passed empty(struct handle_table *table, struct handle_entry *entry) {
    struct handle_passed passed = {.object = entry->object,
                                   .from = entry->from,
                                   .given = entry->given,
                                   .badge = entry->badge,
                                   .rights = entry->rights};
    entry->object = NULL;
    __atomic_store_n(&table->epoch, table->epoch + 1, __ATOMIC_RELEASE);
    entry->generation = entry->generation < GENERATION_MAX ? entry->generation + 1 : 1;
    entry->next_free = table->first_free;
    table->first_free = (int32_t)(entry - table->entries);
    table->len--;
    return passed;
}

static handle_t fill(struct handle_table *table, const struct handle_passed *passed) {
    struct handle_entry *entry = &table->entries[table->first_free];
    table->first_free = entry->next_free;
    table->len++;
    entry->object = passed->object;
    entry->from = passed->from;
    entry->given = passed->given;
    entry->badge = passed->badge;
    entry->rights = passed->rights;
    return (uint32_t)(entry - table->entries) | entry->generation << HANDLE_INDEX_BITS;
}

/* The first entry that is dead, taken out; its object is NULL if there is none. */
static struct handle_passed find_dead(struct handle_table *table) {
    for (uint32_t i = 0; i < table->cap; i++) {
        if (table->entries[i].object && !handle_alive(&table->entries[i])) {
            return empty(table, &table->entries[i]);
        }
    }
    return (struct handle_passed){0};
}

/* ---- tables ---- */

static struct handle_entry *new_entries(struct quota *quota, uint32_t cap) {
    struct handle_entry *entries = heap_alloc_for(quota, cap * sizeof(*entries));
    for (uint32_t i = 0; entries && i < cap; i++) {
        entries[i].generation = 1;
    }
    return entries;
}

status_t handle_table_new_for(struct quota *quota, struct handle_table **out) {
    struct handle_table *table = heap_new_for(quota, struct handle_table);
    if (!table) {
        return STATUS_NO_MEMORY;
    }
    table->entries = new_entries(quota, FIRST_CAP);
    if (!table->entries) {
        heap_free(table);
        return STATUS_NO_MEMORY;
    }
    spinlock_init(&table->lock, LOCK_HANDLES);
    table->cap = FIRST_CAP;
    table->epoch = 1;
    table->first_free = NONE;
    chain(table, 0, FIRST_CAP);
    *out = table;
    return STATUS_OK;
}

status_t handle_table_new(struct handle_table **out) {
    return handle_table_new_for(program_quota(), out);
}

void handle_table_free(struct handle_table *table) {
    if (!table) {
        return;
    }
    for (uint32_t i = 0; i < table->cap; i++) {
        if (table->entries[i].object) {
            struct handle_passed passed = empty(table, &table->entries[i]);
            handle_drop(&passed);
        }
    }
    heap_free(table->entries);
    heap_free(table);
}

/* With the lock held on entry and return, free in between: one free entry, by giving back a dead
 * handle or by growing. */
static status_t make_room(struct handle_table *table) {
    struct handle_passed dead = find_dead(table);
    bool found = dead.object != NULL;
    uint32_t cap = table->cap;
    if (!found && cap >= HANDLE_MAX) {
        return STATUS_LIMIT;
    }
    spinlock_unlock(&table->lock);
    handle_drop(&dead);
    struct handle_entry *entries = found ? NULL : new_entries(program_quota(), 2 * cap);
    struct handle_entry *old = entries;
    spinlock_lock(&table->lock);
    if (entries && table->cap == cap) {
        memcpy(entries, table->entries, cap * sizeof(*entries));
        old = table->entries;
        table->entries = entries;
        table->cap = 2 * cap;
        chain(table, cap, 2 * cap);
    }
    spinlock_unlock(&table->lock);
    heap_free(old);
    spinlock_lock(&table->lock);
    return found || entries || table->first_free != NONE ? STATUS_OK : STATUS_NO_MEMORY;
}

static status_t insert(struct handle_table *table, const struct handle_passed *passed,
                       handle_t *out) {
    status_t status = STATUS_OK;
    spinlock_lock(&table->lock);
    while (status == STATUS_OK && table->first_free == NONE) {
        status = make_room(table);
    }
    if (status == STATUS_OK) {
        *out = fill(table, passed);
    }
    spinlock_unlock(&table->lock);
    return status;
}

struct handle_passed handle_new(struct kobject *object, uint32_t rights, uint64_t badge) {
    struct handle_passed passed = {
        .object = object, .badge = badge, .rights = rights & object->kind->rights};
    if (passed.rights & RIGHT_RECEIVE) {
        add_receiver(&passed);
    }
    return passed;
}

status_t handle_add(struct handle_table *table, struct kobject *object, uint32_t rights,
                    uint64_t badge, handle_t *out) {
    struct handle_passed passed = handle_new(object, rights, badge);
    status_t status = insert(table, &passed, out);
    if (status != STATUS_OK && (passed.rights & RIGHT_RECEIVE)) {
        drop_receiver(&passed);
    }
    return status;
}

/* ---- finding ---- */

/* As handle_enter(), with interrupts in any state: handle_unlock() brings them back. */
static status_t lock(struct handle_table *table, handle_t handle, uint32_t rights,
                     const struct kobject_kind *kind, struct handle_entry **out, irq_state_t *irq) {
    *irq = arch_irq_save();
    status_t status = handle_enter(table, handle, kind, rights, out);
    if (status != STATUS_OK) {
        arch_irq_restore(*irq);
    }
    return status;
}

static void unlock(struct handle_table *table, irq_state_t irq) {
    handle_leave(table);
    arch_irq_restore(irq);
}

status_t handle_get(struct handle_table *table, handle_t handle, const struct kobject_kind *kind,
                    uint32_t rights, struct kobject **out) {
    struct handle_entry *entry;
    irq_state_t irq;
    TRY(lock(table, handle, rights, kind, &entry, &irq));
    *out = entry->object;
    kobject_get(*out);
    unlock(table, irq);
    return STATUS_OK;
}

void handle_reap(struct handle_table *table, handle_t handle) {
    struct handle_passed dead = {0};
    spinlock_lock(&table->lock);
    struct handle_entry *entry = handle_find(table, handle);
    if (entry && !handle_alive(entry)) {
        dead = empty(table, entry);
    }
    spinlock_unlock(&table->lock);
    handle_drop(&dead);
}

/* ---- deriving and revoking ---- */

/* Under the lock: the grant by which others are derived from the entry, made of *spare if it has none
 * yet. NULL: the handle is too far from the first one. */
static struct grant *grant_of(struct handle_entry *entry, struct grant **spare) {
    uint32_t depth = entry->from ? entry->from->depth + 1 : 1;
    if (!entry->given && depth <= HANDLE_MAX_DEPTH) {
        entry->given = *spare;
        *spare = NULL;
        *entry->given = (struct grant){.parent = entry->from, .refs = 1, .depth = depth};
        handle_hold_grant(entry->from);
    }
    return entry->given;
}

/* Under the lock. */
static status_t derive(struct handle_entry *entry, uint32_t rights, uint64_t badge,
                       struct grant **spare, struct handle_passed *out) {
    if (badge && entry->badge) {
        return STATUS_BAD_ARGUMENT;
    }
    struct grant *grant = grant_of(entry, spare);
    if (!grant) {
        return STATUS_LIMIT;
    }
    handle_hold_grant(grant);
    kobject_get(entry->object);
    *out = (struct handle_passed){.object = entry->object,
                                  .from = grant,
                                  .badge = badge ? badge : entry->badge,
                                  .rights = entry->rights & rights};
    if (out->rights & RIGHT_RECEIVE) {
        add_receiver(out);
    }
    return STATUS_OK;
}

status_t handle_duplicate(struct handle_table *table, handle_t handle, uint32_t rights,
                          uint64_t badge, handle_t *out) {
    struct handle_passed derived;
    struct handle_entry *entry;
    irq_state_t irq;
    struct grant *spare = heap_new_for(program_quota(), struct grant);
    if (!spare) {
        return STATUS_NO_MEMORY;
    }
    status_t status = lock(table, handle, RIGHT_DUPLICATE, NULL, &entry, &irq);
    if (status == STATUS_OK) {
        status = derive(entry, rights, badge, &spare, &derived);
        unlock(table, irq);
    }
    heap_free(spare);
    TRY(status);
    status = handle_put(table, &derived, out);
    handle_drop(&derived);
    return status;
}

status_t handle_get_grant(struct handle_table *table, handle_t handle,
                          const struct kobject_kind *kind, uint32_t rights, struct kobject **out,
                          struct grant **grant_out) {
    struct handle_entry *entry;
    irq_state_t irq;
    struct grant *spare = heap_new_for(program_quota(), struct grant);
    if (!spare) {
        return STATUS_NO_MEMORY;
    }
    status_t status = lock(table, handle, rights, kind, &entry, &irq);
    if (status == STATUS_OK) {
        *grant_out = grant_of(entry, &spare);
        *out = entry->object;
        if (*grant_out) {
            handle_hold_grant(*grant_out);
            kobject_get(*out);
        } else {
            status = STATUS_LIMIT;
        }
        unlock(table, irq);
    }
    heap_free(spare);
    return status;
}

status_t handle_revoke(struct handle_table *table, handle_t handle) {
    struct handle_entry *entry;
    irq_state_t irq;
    uint32_t dead = 0;
    TRY(lock(table, handle, RIGHT_REVOKE, NULL, &entry, &irq));
    struct kobject *object = entry->object;
    struct grant *given = entry->given;
    entry->given = NULL;
    kobject_get(object);
    if (given) {
        dead = revoke(given);
        __atomic_fetch_add(&handle_revocations, 1, __ATOMIC_SEQ_CST);
    }
    unlock(table, irq);
    kobject_drop_receivers(object, dead);
    if (given && object->kind->recheck) {
        object->kind->recheck(object);
    }
    handle_put_grant(given);
    kobject_put(object);
    return STATUS_OK;
}

status_t handle_close(struct handle_table *table, handle_t handle) {
    struct handle_passed passed = {0};
    spinlock_lock(&table->lock);
    struct handle_entry *entry = handle_find(table, handle);
    if (entry) {
        passed = empty(table, entry);
    }
    spinlock_unlock(&table->lock);
    bool found = passed.object != NULL;
    handle_drop(&passed);
    return found ? STATUS_OK : STATUS_NOT_FOUND;
}

/* ---- passing ---- */

status_t handle_take(struct handle_table *table, handle_t handle, struct handle_passed *out) {
    struct handle_entry *entry;
    irq_state_t irq;
    TRY(lock(table, handle, RIGHT_TRANSFER, NULL, &entry, &irq));
    *out = empty(table, entry);
    unlock(table, irq);
    return STATUS_OK;
}

status_t handle_put(struct handle_table *table, struct handle_passed *passed, handle_t *out) {
    TRY(insert(table, passed, out));
    passed->object = NULL;
    return STATUS_OK;
}

void handle_drop(struct handle_passed *passed) {
    struct kobject *object = passed->object;
    if (!object) {
        return;
    }
    if (passed->rights & RIGHT_RECEIVE) {
        drop_receiver(passed);
    }
    passed->object = NULL;
    if (passed->given && object->kind->closed) {
        __atomic_store_n(&passed->given->closed, true, __ATOMIC_SEQ_CST);
        object->kind->closed(object);
    }
    kobject_put(object);
    handle_put_grant(passed->from);
    handle_put_grant(passed->given);
}

uint32_t handle_count(const struct handle_table *table) {
    return __atomic_load_n(&table->len, __ATOMIC_RELAXED);
}
