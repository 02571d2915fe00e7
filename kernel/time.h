/*
 * Time since reset and counters.
 */
#ifndef KERNEL_TIME_H
#define KERNEL_TIME_H

#include "kernel/arch.h"

#include <stdint.h>

void time_init(void);

/* Set by time_init(), for time_now_ns() alone. */
extern uint64_t time_ns_per_tick; /* << 32 */
extern uint64_t time_start;       /* ticks at reset */

/* Monotonic, nanoseconds since the loader's first instruction. */
static inline uint64_t time_now_ns(void) {
    return (uint64_t)((unsigned __int128)(arch_ticks() - time_start) * time_ns_per_tick >> 32);
}

/* Instructions retired by this hart, kernel and guest. */
uint64_t time_instret(void);

uint64_t time_ticks_from_ns(uint64_t ns); /* a duration; saturates */
uint64_t time_ns_from_ticks(uint64_t ticks);
uint64_t time_ticks_at_ns(uint64_t now_ns); /* the moment time_now_ns() says now_ns */

#endif
