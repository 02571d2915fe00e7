/*
 * Random numbers of the loader (boot/random.h): each use of the hash begins with a label of its own,
 * so that no two uses can meet.
 */
#include "boot/random.h"

#include <sodium/crypto_hash_sha512.h>
#include <string.h>

static void hash_label(crypto_hash_sha512_state *h, const char *label) {
    crypto_hash_sha512_init(h);
    crypto_hash_sha512_update(h, (const uint8_t *)label, strlen(label) + 1);
}

void random_init(struct random *random, const void *seed, size_t seed_size, const void *jitter,
                 size_t jitter_size) {
    uint64_t size = seed_size;
    crypto_hash_sha512_state h;
    hash_label(&h, "k23 seed");
    crypto_hash_sha512_update(&h, (const uint8_t *)&size, sizeof(size));
    crypto_hash_sha512_update(&h, seed, seed_size);
    crypto_hash_sha512_update(&h, jitter, jitter_size);
    crypto_hash_sha512_final(&h, random->state);
    memset(&h, 0, sizeof(h));
    random->counter = 0;
    random->used = sizeof(random->block);
}

static void refill(struct random *random) {
    crypto_hash_sha512_state h;
    hash_label(&h, "k23 place");
    crypto_hash_sha512_update(&h, random->state, sizeof(random->state));
    crypto_hash_sha512_update(&h, (const uint8_t *)&random->counter, sizeof(random->counter));
    crypto_hash_sha512_final(&h, random->block);
    random->counter++;
    random->used = 0;
}

uint64_t random_u64(struct random *random) {
    if (random->used == sizeof(random->block)) {
        refill(random);
    }
    uint64_t n;
    memcpy(&n, random->block + random->used, sizeof(n));
    random->used += (uint32_t)sizeof(n);
    return n;
}

uint64_t random_below(struct random *random, uint64_t bound) {
    return random_u64(random) % bound;
}

void random_derive(const struct random *random, const char *label, void *out, size_t size) {
    uint8_t digest[64];
    crypto_hash_sha512_state h;
    hash_label(&h, label);
    crypto_hash_sha512_update(&h, random->state, sizeof(random->state));
    crypto_hash_sha512_final(&h, digest);
    memcpy(out, digest, size);
    memset(digest, 0, sizeof(digest));
}
