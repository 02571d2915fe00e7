/*
 * Sets of deadlines, of which the earliest is at hand: a leftist heap (C. Crane, 1972) through structs of the
 * caller's, so nothing is allocated. Adding and removing cost the logarithm of the count at worst, with
 * interrupts off, whatever the order: any guest can make as many sleepers as it may have threads.
 *
 * Of equal ones any may be first. Locks: the caller's.
 */
#ifndef KERNEL_DEADLINE_H
#define KERNEL_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

/* All zero: in no set. */
struct deadline {
    uint64_t at; /* ticks */
    struct deadline *parent, *left, *right;
    uint32_t rank; /* that of `right`, and 1; at most that of `left`, and 1. 0: in no set */
};

/* All zero: empty. */
struct deadlines {
    struct deadline *first; /* the earliest, or NULL */
};

static inline bool deadline_is_set(const struct deadline *deadline) {
    return deadline->rank != 0;
}

/* `at` is set, and it is in no set. */
void deadline_add(struct deadlines *set, struct deadline *deadline);

/* It is in this one, and in none afterwards. */
void deadline_remove(struct deadlines *set, struct deadline *deadline);

#endif
