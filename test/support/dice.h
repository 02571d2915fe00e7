/*
 * Random numbers of a test, which can be had again: dice_begin() prints the seed, and `-append seed=N` makes
 * it N (BOOTARGS=seed=N make test-vm T=name). Any thread may draw: who gets which number depends on who
 * comes first, so where several draw a seed repeats the numbers and not the order of events.
 */
#ifndef TEST_SUPPORT_DICE_H
#define TEST_SUPPORT_DICE_H

#include "kernel/harts.h"
#include "kernel/random.h"
#include "test/support/payload.h"

#include <stdint.h>
#include <string.h>

static uint64_t dice_seed;

/* After machine_init(). */
static inline void dice_begin(void) {
    const char *at = strstr((const char *)harts_boot_info.bootargs, "seed=");
    if (at) {
        for (at += 5; *at >= '0' && *at <= '9'; at++) {
            dice_seed = dice_seed * 10 + (uint64_t)(*at - '0');
        }
    } else {
        dice_seed = random_u64();
    }
    payload_print("# seed=%llu\n", (unsigned long long)dice_seed);
}

/* SplitMix64. */
static inline uint64_t dice_roll(void) {
    uint64_t n = __atomic_add_fetch(&dice_seed, 0x9e3779b97f4a7c15, __ATOMIC_RELAXED);
    n = (n ^ n >> 30) * 0xbf58476d1ce4e5b9;
    n = (n ^ n >> 27) * 0x94d049bb133111eb;
    return n ^ n >> 31;
}

#endif
