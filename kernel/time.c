/*
 * Ticks to nanoseconds and back by multiplication with 32-bit fractions, set up once.
 */
#include "kernel/time.h"

#include "abi/boot.h"
#include "kernel/harts.h"

#define NS_PER_S 1000000000ul

uint64_t time_ns_per_tick;
uint64_t time_start;
static uint64_t ticks_per_ns; /* << 32 */

void time_init(void) {
    uint64_t hz = harts_boot_info.timebase_hz ? harts_boot_info.timebase_hz : 1;
    time_ns_per_tick = (NS_PER_S << 32) / hz;
    /* Rounded up, so that a deadline is never early. hz is below 2^32 on any machine we know. */
    ticks_per_ns = ((hz << 32) + NS_PER_S - 1) / NS_PER_S;
    time_start = harts_boot_info.ticks_at_reset;
}

static uint64_t scale(uint64_t value, uint64_t factor) {
    unsigned __int128 product = (unsigned __int128)value * factor >> 32;
    return product > UINT64_MAX ? UINT64_MAX : (uint64_t)product;
}

uint64_t time_ns_from_ticks(uint64_t ticks) {
    return scale(ticks, time_ns_per_tick);
}

uint64_t time_ticks_from_ns(uint64_t ns) {
    return scale(ns, ticks_per_ns);
}

uint64_t time_ticks_at_ns(uint64_t now_ns) {
    uint64_t ticks = time_ticks_from_ns(now_ns);
    return ticks > UINT64_MAX - time_start - 1 ? UINT64_MAX : time_start + ticks + 1;
}

uint64_t time_instret(void) {
    return arch_instret();
}
