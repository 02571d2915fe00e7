/*
 * SHA-512 (FIPS 180-4) under libsodium's names, so that its Ed25519 uses this one (boot/sha512.h).
 * A block's work is boot/riscv64/sha512.S on
 * harts with Zbb.
 */
#include "boot/sha512.h"

#include <sodium/crypto_hash_sha512.h>
#include <string.h>

enum { BLOCK_SIZE = 128, LENGTH_AT = BLOCK_SIZE - 16 };

extern const uint64_t sha512_constants[80];
void sha512_block_zbb(uint64_t state[8], const uint8_t block[BLOCK_SIZE]);

static uint64_t get_be64(const uint8_t *in) {
    uint64_t n = 0;
    for (int i = 0; i < 8; i++) {
        n = n << 8 | in[i];
    }
    return n;
}

static inline uint64_t rotate(uint64_t x, int n) {
    return x >> n | x << (64 - n);
}

/* For a hart without Zbb: small, and not as quick as it could be. */
static void block_base(uint64_t state[8], const uint8_t block[BLOCK_SIZE]) {
    uint64_t w[80];
    for (int i = 0; i < 16; i++) {
        w[i] = get_be64(block + 8 * i);
    }
    for (int i = 16; i < 80; i++) {
        uint64_t x = w[i - 15], y = w[i - 2];
        w[i] = w[i - 16] + w[i - 7] + (rotate(x, 1) ^ rotate(x, 8) ^ x >> 7) +
               (rotate(y, 19) ^ rotate(y, 61) ^ y >> 6);
    }
    uint64_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint64_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (int i = 0; i < 80; i++) {
        uint64_t t1 = h + (rotate(e, 14) ^ rotate(e, 18) ^ rotate(e, 41)) + (((f ^ g) & e) ^ g) +
                      sha512_constants[i] + w[i];
        uint64_t t2 = (rotate(a, 28) ^ rotate(a, 34) ^ rotate(a, 39)) + ((a & b) | ((a | b) & c));
        h = g, g = f, f = e, e = d + t1;
        d = c, c = b, b = a, a = t1 + t2;
    }
    const uint64_t more[8] = {a, b, c, d, e, f, g, h};
    for (int i = 0; i < 8; i++) {
        state[i] += more[i];
    }
}

static void (*block_function)(uint64_t state[8], const uint8_t block[BLOCK_SIZE]) = block_base;

void sha512_use_zbb(bool zbb) {
    block_function = zbb ? sha512_block_zbb : block_base;
}

int crypto_hash_sha512_init(crypto_hash_sha512_state *state) {
    *state = (crypto_hash_sha512_state){.state = {
                                            0x6a09e667f3bcc908,
                                            0xbb67ae8584caa73b,
                                            0x3c6ef372fe94f82b,
                                            0xa54ff53a5f1d36f1,
                                            0x510e527fade682d1,
                                            0x9b05688c2b3e6c1f,
                                            0x1f83d9abfb41bd6b,
                                            0x5be0cd19137e2179,
                                        }};
    return 0;
}

/* Whole blocks go past the buffer when they are aligned as the block function wants them. */
int crypto_hash_sha512_update(crypto_hash_sha512_state *state, const unsigned char *in,
                              unsigned long long size) {
    size_t used = state->count[0] % BLOCK_SIZE;
    state->count[0] += size; /* in bytes; 2^64 of them are enough */
    while (size > 0) {
        if (used == 0 && size >= BLOCK_SIZE && (uintptr_t)in % 8 == 0) {
            block_function(state->state, in);
            in += BLOCK_SIZE;
            size -= BLOCK_SIZE;
            continue;
        }
        size_t n = BLOCK_SIZE - used < size ? BLOCK_SIZE - used : (size_t)size;
        memcpy(state->buf + used, in, n);
        in += n;
        size -= n;
        used += n;
        if (used == BLOCK_SIZE) {
            block_function(state->state, state->buf);
            used = 0;
        }
    }
    return 0;
}

static void put_be64(uint8_t *out, uint64_t n) {
    for (int i = 0; i < 8; i++) {
        out[i] = (uint8_t)(n >> (56 - 8 * i));
    }
}

int crypto_hash_sha512_final(crypto_hash_sha512_state *state, unsigned char *out) {
    static const uint8_t padding[BLOCK_SIZE] = {0x80};
    uint8_t length[16] = {0};
    put_be64(length, state->count[0] >> 61);
    put_be64(length + 8, state->count[0] << 3);
    size_t used = state->count[0] % BLOCK_SIZE;
    size_t pad = (used < LENGTH_AT ? LENGTH_AT : LENGTH_AT + BLOCK_SIZE) - used;
    crypto_hash_sha512_update(state, padding, pad);
    crypto_hash_sha512_update(state, length, sizeof(length));
    for (int i = 0; i < 8; i++) {
        put_be64(out + 8 * i, state->state[i]);
    }
    memset(state, 0, sizeof(*state));
    return 0;
}
