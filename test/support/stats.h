/*
 * Whether bytes look random: how many bits are set, how often a bit follows its like, how often each byte
 * value occurs, how often a byte follows its like. Each bound is six standard deviations from what
 * is expected, which good bytes exceed once in a hundred million times. In integers: it runs in the
 * kernel too.
 */
#ifndef TEST_SUPPORT_STATS_H
#define TEST_SUPPORT_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* |count - expected| <= 6 sqrt(variance) */
static inline bool stats_near(uint64_t count, uint64_t expected, uint64_t variance) {
    uint64_t off = count > expected ? count - expected : expected - count;
    return off * off <= 36 * variance;
}

/* At least 64 KiB. NULL, or what is wrong with them. */
static inline const char *stats_fault(const uint8_t *bytes, size_t size) {
    uint64_t ones = 0, changes = 0, repeats = 0, squares = 0, bits = 8 * (uint64_t)size;
    static uint32_t values[256];
    unsigned last_bit = 0;
    for (unsigned i = 0; i < 256; i++) {
        values[i] = 0;
    }
    for (size_t i = 0; i < size; i++) {
        values[bytes[i]]++;
        repeats += i > 0 && bytes[i] == bytes[i - 1];
        for (unsigned b = 0; b < 8; b++) {
            unsigned bit = bytes[i] >> b & 1;
            ones += bit;
            changes += bit != last_bit;
            last_bit = bit;
        }
    }
    for (unsigned i = 0; i < 256; i++) {
        uint64_t expected = size / 256;
        uint64_t off = values[i] > expected ? values[i] - expected : expected - values[i];
        squares += off * off;
    }
    /* Chi-square of 255 degrees: mean 255, variance 510. */
    uint64_t chi = squares / (size / 256);
    if (!stats_near(ones, bits / 2, bits / 4)) {
        return "bits set";
    }
    if (!stats_near(changes, bits / 2, bits / 4)) {
        return "bits that change";
    }
    if (!stats_near(chi, 255, 510)) {
        return "values of bytes";
    }
    if (!stats_near(repeats, size / 256, size / 256)) {
        return "bytes that repeat";
    }
    return NULL;
}

#endif
