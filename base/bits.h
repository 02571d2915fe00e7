/*
 * Single bits of words. RV64GC has no instruction that counts zeros, and the compiler's own function is
 * some thirty of them behind a call; where the target has one, compilers know this multiplication.
 */
#ifndef BASE_BITS_H
#define BASE_BITS_H

#include <stdint.h>

extern const uint8_t bits_place[64];

/* The number of the lowest bit set in x, which is not 0. */
static inline uint32_t bits_lowest(uint64_t x) {
    return bits_place[((x & -x) * 0x03f79d71b4cb0a89) >> 58];
}

#endif
