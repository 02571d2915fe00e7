/*
 * The choice between two builds of SHA-512 (boot/sha512.h). Both work on the same state, so that even a
 * hash begun with one could be finished with the other.
 */
#include "boot/sha512.h"

#include <sodium/crypto_hash_sha512.h>

int sha512_base_init(crypto_hash_sha512_state *state);
int sha512_base_update(crypto_hash_sha512_state *state, const unsigned char *in,
                       unsigned long long size);
int sha512_base_final(crypto_hash_sha512_state *state, unsigned char *out);
int sha512_zbb_update(crypto_hash_sha512_state *state, const unsigned char *in,
                      unsigned long long size);
int sha512_zbb_final(crypto_hash_sha512_state *state, unsigned char *out);

static bool use_zbb;

void sha512_use_zbb(bool zbb) {
    use_zbb = zbb;
}

int crypto_hash_sha512_init(crypto_hash_sha512_state *state) {
    return sha512_base_init(state);
}

int crypto_hash_sha512_update(crypto_hash_sha512_state *state, const unsigned char *in,
                              unsigned long long size) {
    return use_zbb ? sha512_zbb_update(state, in, size) : sha512_base_update(state, in, size);
}

int crypto_hash_sha512_final(crypto_hash_sha512_state *state, unsigned char *out) {
    return use_zbb ? sha512_zbb_final(state, out) : sha512_base_final(state, out);
}
