/*
 * A random generator with fast key erasure: ChaCha20 under a key of 32 bytes makes a block, of which the
 * first 32 bytes are the next key at once, and the rest is handed out once and wiped. So whoever sees
 * all of the state learns nothing of what came out before.
 *
 * What is absorbed goes into the key through HChaCha20, 15 bytes at a time: the output is unknown to all
 * who do not know the key before, or all that was absorbed since they did.
 *
 * No locks, no machine: kernel/random.h is the kernel's face of it.
 */
#ifndef KERNEL_DRBG_H
#define KERNEL_DRBG_H

#include <stddef.h>
#include <stdint.h>

#define DRBG_KEY_SIZE    32
#define DRBG_BUFFER_SIZE 480 /* with the key, a whole number of ChaCha20's blocks */

struct drbg {
    uint8_t key[DRBG_KEY_SIZE];
    uint8_t buffer[DRBG_BUFFER_SIZE]; /* its last `left` bytes are still to be handed out */
    uint32_t left;
};

/* The key is what the seed makes of a key of zeros. */
void drbg_init(struct drbg *drbg, const void *seed, size_t size);

/* All output from now on depends on these bytes too. Any number of bytes, none included. */
void drbg_absorb(struct drbg *drbg, const void *bytes, size_t size);

void drbg_bytes(struct drbg *drbg, void *out, size_t size);

/* Zeros what is a secret and not read again. */
void drbg_wipe(void *bytes, size_t size);

#endif
