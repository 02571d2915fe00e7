/*
 * A table of quotas. An entry is in use from quota_new() until it is closed, has no quota below it and
 * nothing charged to it; whoever brings about the last of the three gives the entry back. Several may
 * find that they have: each frees the use of the entry that it looked at, so only the first one does.
 */
#include "kernel/mm/quota.h"

#include "kernel/assert.h"
#include "kernel/limits.h"
#include "kernel/sync.h"

struct quota quota_table[QUOTA_MAX];
static struct spinlock lock = SPINLOCK_INIT(LOCK_QUOTA); /* guards the search for a free entry */
static uint32_t last;                                    /* entry given out */
static uint32_t uses;                                    /* number of the last use */
static uint32_t count;

static struct quota *find_free(void) {
    for (uint32_t i = 0; i < QUOTA_MAX; i++) {
        last = last + 1 < QUOTA_MAX ? last + 1 : 0;
        if (!__atomic_load_n(&quota_table[last].use, __ATOMIC_ACQUIRE)) {
            return &quota_table[last];
        }
    }
    return NULL;
}

status_t quota_new(uint64_t limit, struct quota *parent, struct quota **out) {
    spinlock_lock(&lock);
    struct quota *quota = find_free();
    if (quota) {
        *quota = (struct quota){.limit = limit, .parent = parent, .holds = 1};
        uses += uses + 1 == 0 ? 2 : 1;
        __atomic_store_n(&quota->use, uses, __ATOMIC_RELEASE); /* whoever sees it sees the rest */
    }
    spinlock_unlock(&lock);
    if (!quota) {
        return STATUS_LIMIT;
    }
    __atomic_fetch_add(&count, 1, __ATOMIC_RELAXED);
    if (parent) {
        __atomic_fetch_add(&parent->holds, 1, __ATOMIC_RELAXED);
    }
    *out = quota;
    return STATUS_OK;
}

/* Nothing holds an entry in that use any more, and so nothing ever will. */
static bool is_over(const struct quota *quota, uint32_t use) {
    return use != 0 && __atomic_load_n(&quota->holds, __ATOMIC_SEQ_CST) == 0 &&
           __atomic_load_n(&quota->used, __ATOMIC_SEQ_CST) == 0;
}

/* Gives entries back, from this one up, as far as nothing holds them. */
static void release(struct quota *quota) {
    while (quota) {
        uint32_t use = __atomic_load_n(&quota->use, __ATOMIC_SEQ_CST); /* before what it is of */
        struct quota *parent = quota->parent;
        if (!is_over(quota, use) ||
            !__atomic_compare_exchange_n(&quota->use, &use, 0, false, __ATOMIC_SEQ_CST,
                                         __ATOMIC_RELAXED)) {
            return; /* or another hart was quicker */
        }
        __atomic_fetch_sub(&count, 1, __ATOMIC_RELAXED);
        if (parent) {
            __atomic_fetch_sub(&parent->holds, 1, __ATOMIC_SEQ_CST);
        }
        quota = parent;
    }
}

void quota_close(struct quota *quota) {
    if (quota) {
        uint32_t holds = __atomic_fetch_sub(&quota->holds, 1, __ATOMIC_SEQ_CST);
        assert(holds > 0);
        release(quota);
    }
}

static bool charge_one(struct quota *quota, uint64_t size) {
    uint64_t used = __atomic_load_n(&quota->used, __ATOMIC_RELAXED);
    do {
        if (size > quota->limit || used > quota->limit - size) {
            return false;
        }
    } while (!__atomic_compare_exchange_n(&quota->used, &used, used + size, true, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED));
    return true;
}

/* From `quota` up to, and without, `end`. */
static void credit_below(struct quota *quota, const struct quota *end, uint64_t size) {
    while (quota != end) {
        struct quota *parent = quota->parent;
        uint64_t used = __atomic_fetch_sub(&quota->used, size, __ATOMIC_SEQ_CST);
        assert(used >= size);
        if (used == size && __atomic_load_n(&quota->holds, __ATOMIC_RELAXED) == 0) {
            release(quota);
        }
        quota = parent;
    }
}

status_t quota_charge(struct quota *quota, uint64_t size) {
    for (struct quota *at = quota; at; at = at->parent) {
        if (!charge_one(at, size)) {
            credit_below(quota, at, size);
            return STATUS_NO_MEMORY;
        }
    }
    return STATUS_OK;
}

void quota_credit(struct quota *quota, uint64_t size) {
    credit_below(quota, NULL, size);
}

struct quota *quota_of(quota_id_t id) {
    assert(id <= QUOTA_MAX);
    return id ? &quota_table[id - 1] : NULL;
}

uint32_t quota_count(void) {
    return __atomic_load_n(&count, __ATOMIC_RELAXED);
}
