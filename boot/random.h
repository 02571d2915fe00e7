/*
 * Random numbers of the loader: SHA-512 over a secret state and a counter. The state comes from the
 * machine's seed and from the jitter of its clock, hashed together.
 */
#ifndef BOOT_RANDOM_H
#define BOOT_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct random {
    uint8_t state[64];
    uint64_t counter;
    uint8_t block[64]; /* numbers made and not yet handed out */
    uint32_t used;     /* bytes of block */
};

/* `jitter` is hashed in beside the seed; either may be empty. */
void random_init(struct random *random, const void *seed, size_t seed_size, const void *jitter,
                 size_t jitter_size);

uint64_t random_u64(struct random *random);

/* Uniform below `bound` > 0, up to a bias of bound / 2^64. */
uint64_t random_below(struct random *random, uint64_t bound);

/* `size` bytes, at most 64, for somebody else: nothing of the loader's own numbers follows from
 * them, nor the other way round. */
void random_derive(const struct random *random, const char *label, void *out, size_t size);

#endif
