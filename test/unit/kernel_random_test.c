/*
 * The random generator: ChaCha20 as others have it, keys that are gone when they were used, output that
 * depends on all that was absorbed, and bytes that look random to tests that notice when they do not.
 */
#include "kernel/drbg.h"
#include "test/support/check.h"
#include "test/support/stats.h"

#include <sodium/crypto_core_hchacha20.h>
#include <sodium/crypto_stream_chacha20.h>

enum { SAMPLE_SIZE = 1 << 20 };

static const char *hex(const uint8_t *bytes, size_t size) {
    static char text[2 * 64 + 1];
    for (size_t i = 0; i < size; i++) {
        sprintf(text + 2 * i, "%02x", bytes[i]);
    }
    return text;
}

static struct drbg seeded(const char *seed) {
    struct drbg drbg;
    drbg_init(&drbg, seed, strlen(seed));
    return drbg;
}

/* draft-irtf-cfrg-xchacha-03, 2.2.1, and the first block of ChaCha20 under zeros. */
TEST(the_ciphers_are_the_known_ones) {
    uint8_t key[32], out[64], nonce[8] = {0};
    static const uint8_t input[16] = {0, 0, 0, 9, 0,    0,    0,    0x4a,
                                      0, 0, 0, 0, 0x31, 0x41, 0x59, 0x27};
    for (unsigned i = 0; i < 32; i++) {
        key[i] = (uint8_t)i;
    }
    crypto_core_hchacha20(out, input, key, NULL);
    CHECK_TEXT(hex(out, 32), "82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc");
    memset(key, 0, sizeof(key));
    crypto_stream_chacha20(out, sizeof(out), nonce, key);
    CHECK_TEXT(hex(out, 32), "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7");
}

/* Computed by another implementation of the description in kernel/drbg.h. */
TEST(output_is_as_described) {
    uint8_t out[1000], key[32];
    struct drbg drbg = seeded("");
    drbg_bytes(&drbg, out, 16);
    CHECK_TEXT(hex(out, 16), "7b6342a5d7c6766af19a24c70a26b662");
    drbg = seeded("k23");
    drbg_bytes(&drbg, out, 16);
    CHECK_TEXT(hex(out, 16), "f0f0f800f2ccad5ec3ede13d0c3bcae2");
    for (unsigned i = 0; i < 32; i++) {
        key[i] = (uint8_t)i;
    }
    drbg_init(&drbg, key, sizeof(key));
    drbg_bytes(&drbg, out, sizeof(out));
    CHECK_TEXT(hex(out, 16), "21ab7b952116790b36c0208a54e5e491");
    CHECK_TEXT(hex(out + 475, 16), "1d7fd5ca5602b06be546ade197f52d9a"); /* over a new key */
    CHECK_TEXT(hex(out + 984, 16), "58d832bdeb78929c9c3589fbcaccc657");
    drbg_absorb(&drbg, "0123456789abcde", 15);
    drbg_bytes(&drbg, out, 16);
    CHECK_TEXT(hex(out, 16), "8195e0289f23482702656966e168ee29");
}

TEST(pieces_and_the_whole_are_the_same) {
    uint8_t whole[5000], pieces[5000];
    struct drbg a = seeded("seed"), b = seeded("seed");
    drbg_bytes(&a, whole, sizeof(whole));
    for (size_t at = 0, size = 1; at < sizeof(pieces); at += size, size = size % 37 + 1) {
        size = size < sizeof(pieces) - at ? size : sizeof(pieces) - at;
        drbg_bytes(&b, pieces + at, size);
    }
    CHECK(!memcmp(whole, pieces, sizeof(whole)));
}

static bool holds(const struct drbg *drbg, const uint8_t *bytes, size_t size) {
    const uint8_t *state = (const uint8_t *)drbg;
    for (size_t i = 0; i + size <= sizeof(*drbg); i++) {
        if (!memcmp(state + i, bytes, size)) {
            return true;
        }
    }
    return false;
}

/* Neither the key that made it nor the output itself is in the state afterwards. */
TEST(what_was_handed_out_is_gone) {
    uint8_t out[100], key[DRBG_KEY_SIZE];
    struct drbg drbg = seeded("seed");
    memcpy(key, drbg.key, sizeof(key));
    CHECK(holds(&drbg, key, 8));
    drbg_bytes(&drbg, out, sizeof(out));
    CHECK(!holds(&drbg, key, 8));
    for (size_t i = 0; i + 8 <= sizeof(out); i++) {
        CHECK(!holds(&drbg, out + i, 8));
    }
    memcpy(key, drbg.key, sizeof(key));
    drbg_absorb(&drbg, "x", 1);
    CHECK(!holds(&drbg, key, 8));
    CHECK_EQ(drbg.left, 0);
}

/* Every input gives another stream, those of zeros included, and however it is cut. */
TEST(all_that_is_absorbed_counts) {
    enum { INPUTS = 70 };
    static uint8_t outs[INPUTS][16];
    static const uint8_t zeros[64];
    unsigned len = 0;
    for (size_t size = 0; size < 64; size++) {
        struct drbg drbg;
        drbg_init(&drbg, zeros, size);
        drbg_bytes(&drbg, outs[len++], 16);
    }
    static const char *const cuts[][2] = {{"ab", ""}, {"a", "b"}, {"", "ab"}};
    for (unsigned i = 0; i < 3; i++) {
        struct drbg drbg = seeded(cuts[i][0]);
        drbg_absorb(&drbg, cuts[i][1], strlen(cuts[i][1]));
        drbg_bytes(&drbg, outs[len++], 16);
    }
    for (unsigned i = 0; i < len; i++) {
        for (unsigned j = 0; j < i; j++) {
            CHECK(memcmp(outs[i], outs[j], 16) != 0);
        }
    }
}

static uint8_t *sample(struct drbg *drbg) {
    static uint8_t bytes[SAMPLE_SIZE];
    drbg_bytes(drbg, bytes, sizeof(bytes));
    return bytes;
}

TEST(output_looks_random) {
    for (char seed[] = "a"; seed[0] < 'e'; seed[0]++) {
        struct drbg drbg = seeded(seed);
        const char *fault = stats_fault(sample(&drbg), SAMPLE_SIZE);
        if (fault) {
            FAIL("seed %s: %s", seed, fault);
        }
    }
}

/* The same test on bytes that were spoilt a little. */
TEST(the_test_of_that_can_fail) {
    struct drbg drbg = seeded("a");
    uint8_t *bytes = sample(&drbg);
    for (size_t i = 0; i < SAMPLE_SIZE; i += 40) {
        bytes[i] |= 1;
    }
    CHECK_TEXT(stats_fault(bytes, SAMPLE_SIZE), "bits set");
    bytes = sample(&drbg);
    for (size_t i = 0; i < SAMPLE_SIZE; i += 50) {
        bytes[i] = 0x55;
    }
    CHECK_TEXT(stats_fault(bytes, SAMPLE_SIZE), "bits that change");
    bytes = sample(&drbg);
    for (size_t i = 0; i < SAMPLE_SIZE; i += 100) {
        bytes[i] = 0x33;
    }
    CHECK_TEXT(stats_fault(bytes, SAMPLE_SIZE), "values of bytes");
    bytes = sample(&drbg);
    for (size_t i = 1; i < SAMPLE_SIZE; i += 100) {
        bytes[i] = bytes[i - 1];
    }
    CHECK_TEXT(stats_fault(bytes, SAMPLE_SIZE), "bytes that repeat");
    for (size_t i = 0; i < SAMPLE_SIZE; i++) {
        bytes[i] = (uint8_t)i;
    }
    CHECK(stats_fault(bytes, SAMPLE_SIZE) != NULL);
    memset(bytes, 0, SAMPLE_SIZE);
    CHECK(stats_fault(bytes, SAMPLE_SIZE) != NULL);
}

CHECK_MAIN
