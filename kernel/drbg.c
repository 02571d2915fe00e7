/*
 * The generator (kernel/drbg.h) over libsodium's ChaCha20 and HChaCha20.
 */
#include "kernel/drbg.h"

#include <sodium/crypto_core_hchacha20.h>
#include <sodium/crypto_stream_chacha20.h>
#include <stdbool.h>
#include <string.h>

enum { ABSORB_SIZE = 15, LAST = 0x80 };

_Static_assert(DRBG_KEY_SIZE == crypto_stream_chacha20_KEYBYTES, "the key is ChaCha20's");
_Static_assert((DRBG_KEY_SIZE + DRBG_BUFFER_SIZE) % 64 == 0, "whole blocks");
_Static_assert(ABSORB_SIZE + 1 == crypto_core_hchacha20_INPUTBYTES, "a byte for the length");

static void refill(struct drbg *drbg) {
    static const uint8_t nonce[crypto_stream_chacha20_NONCEBYTES];
    uint8_t block[DRBG_KEY_SIZE + DRBG_BUFFER_SIZE];
    crypto_stream_chacha20(block, sizeof(block), nonce, drbg->key);
    memcpy(drbg->key, block, DRBG_KEY_SIZE);
    memcpy(drbg->buffer, block + DRBG_KEY_SIZE, DRBG_BUFFER_SIZE);
    drbg->left = DRBG_BUFFER_SIZE;
    drbg_wipe(block, sizeof(block));
}

void drbg_wipe(void *bytes, size_t size) {
    /* Who knows what this calls? Not the compiler, so it may not leave the call out. */
    static void *(*const volatile set)(void *, int, size_t) = memset;
    set(bytes, 0, size);
}

void drbg_init(struct drbg *drbg, const void *seed, size_t size) {
    memset(drbg->key, 0, sizeof(drbg->key));
    drbg_absorb(drbg, seed, size);
}

/* Each piece carries its length, and the last one a mark, so that no two inputs look alike. */
void drbg_absorb(struct drbg *drbg, const void *bytes, size_t size) {
    const uint8_t *from = bytes;
    uint8_t piece[ABSORB_SIZE + 1], key[DRBG_KEY_SIZE];
    bool last = false;
    while (!last) {
        size_t len = size < ABSORB_SIZE ? size : ABSORB_SIZE;
        last = len == size;
        memset(piece, 0, sizeof(piece));
        if (len > 0) {
            memcpy(piece, from, len);
        }
        piece[ABSORB_SIZE] = (uint8_t)(len | (last ? LAST : 0));
        crypto_core_hchacha20(key, piece, drbg->key, NULL);
        memcpy(drbg->key, key, sizeof(key));
        from += len;
        size -= len;
    }
    drbg_wipe(piece, sizeof(piece));
    drbg_wipe(key, sizeof(key));
    drbg_wipe(drbg->buffer, sizeof(drbg->buffer));
    drbg->left = 0;
}

void drbg_bytes(struct drbg *drbg, void *out, size_t size) {
    uint8_t *to = out;
    while (size > 0) {
        if (drbg->left == 0) {
            refill(drbg);
        }
        size_t len = size < drbg->left ? size : drbg->left;
        uint8_t *from = drbg->buffer + DRBG_BUFFER_SIZE - drbg->left;
        memcpy(to, from, len);
        drbg_wipe(from, len);
        drbg->left -= (uint32_t)len;
        to += len;
        size -= len;
    }
}
