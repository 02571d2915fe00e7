/*
 * Quotas: how much memory somebody may hold, and who pays for which piece. A program has one, a space
 * has one below that of its program; what is charged to a quota is charged to all above it. Frames
 * and heap objects remember their quota, so whoever frees them need not know it.
 *
 * A quota that was closed lives on until the last piece charged to it has come back: memory may
 * outlive the program that asked for it.
 *
 * Amounts are bytes: pages, page tables, kernel objects and stacks in one currency. Any context;
 * no locks but that of the table, which quota_new() takes.
 */
#ifndef KERNEL_MM_QUOTA_H
#define KERNEL_MM_QUOTA_H

#include "base/status.h"
#include "kernel/limits.h"
#include "kernel/types.h"

#include <stdbool.h>
#include <stdint.h>

struct quota {
    uint64_t used, limit; /* limit UINT64_MAX: none */
    struct quota *parent; /* NULL: the kernel, which has no quota */
    uint32_t holds;       /* 1 while open, and one for each quota below */
    uint32_t use;         /* of this entry of the table: the number of its use, 0: it is free */
};

extern struct quota quota_table[]; /* for quota_id() alone */

/* An empty quota below `parent` (may be NULL). LIMIT when QUOTA_MAX are in use. */
status_t quota_new(uint64_t limit, struct quota *parent, struct quota **out) MUST_CHECK;

/* Nothing more will be charged to it. NULL is allowed. */
void quota_close(struct quota *quota);

/* NO_MEMORY when it, or one above it, would pass its limit; NULL bears all. */
status_t quota_charge(struct quota *quota, uint64_t size) MUST_CHECK;
void quota_credit(struct quota *quota, uint64_t size);

/* A limit given in frames, as bytes. */
static inline uint64_t quota_limit(uint64_t frames) {
    return frames < UINT64_MAX / PAGE_SIZE ? frames * PAGE_SIZE : UINT64_MAX;
}

static inline uint64_t quota_used(const struct quota *quota) {
    return __atomic_load_n(&quota->used, __ATOMIC_RELAXED);
}

/* A number that stands for a quota in tables; 0 for NULL. */
static inline quota_id_t quota_id(const struct quota *quota) {
    return quota ? (quota_id_t)(quota - quota_table + 1) : 0;
}
struct quota *quota_of(quota_id_t id);

/* How many there are, closed ones with something left included. */
uint32_t quota_count(void);

#endif
