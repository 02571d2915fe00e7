/*
 * Counters of what happens often: one row a counter in counters.def, one value a hart, no locks.
 * A hart adds to its own by one atomic instruction, so that an interrupt or a move to another hart
 * in between loses nothing; readers add up all harts. Values only grow, and start at 0 at boot.
 *
 *     counters_add(COUNTER_SWITCHES, 1);
 */
#ifndef KERNEL_COUNTERS_H
#define KERNEL_COUNTERS_H

#include "kernel/arch.h"

#include <stdint.h>

enum counter {
#define X(name, text, what) COUNTER_##name,
#include "kernel/counters.def"
#undef X
    COUNTER_COUNT
};

/* Any context. */
static inline void counters_add(enum counter counter, uint64_t n) {
    __atomic_fetch_add(&arch_counters()[counter], n, __ATOMIC_RELAXED);
}

uint64_t counters_sum(enum counter counter); /* over all harts */
uint64_t counters_of(uint32_t hart_index, enum counter counter);

const char *counters_name(enum counter counter); /* as users write it */
const char *counters_text(enum counter counter); /* what it counts */

/* By its name; COUNTER_COUNT if there is none. */
enum counter counters_find(const char *name);

#endif
