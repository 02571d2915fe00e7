/*
 * xoshiro256** (Blackman and Vigna, 2018), seeded with the boot seed.
 *
 * Locks: one spinlock.
 */
#include "kernel/random.h"

#include "kernel/arch.h"
#include "kernel/sync.h"

#include <string.h>

static struct spinlock lock = SPINLOCK_INIT(LOCK_RANDOM);
static uint64_t state[4];

void random_init(uint8_t *seed, size_t size) {
    size_t len = size < sizeof(state) ? size : sizeof(state);
    memcpy(state, seed, len);
    memset(seed, 0, size);
    if (!(state[0] | state[1] | state[2] | state[3])) {
        state[0] = arch_ticks() | 1;
    }
}

static uint64_t rotate(uint64_t x, int by) {
    return x << by | x >> (64 - by);
}

uint64_t random_u64(void) {
    spinlock_lock(&lock);
    uint64_t result = rotate(state[1] * 5, 7) * 9;
    uint64_t t = state[1] << 17;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= t;
    state[3] = rotate(state[3], 45);
    spinlock_unlock(&lock);
    return result;
}

void random_bytes(void *out, size_t size) {
    char *at = out;
    while (size > 0) {
        uint64_t word = random_u64();
        size_t len = size < sizeof(word) ? size : sizeof(word);
        memcpy(at, &word, len);
        at += len;
        size -= len;
    }
}
