/*
 * Instructions on words, run as emitted code on registers whose high half is not the low one's extension: with
 * the extensions that have a form for words, and without.
 */
#include "gen/wat/words.h"
#include "test/support/check.h"
#include "test/support/runtime.h"

static const uint32_t samples[] = {
    0, 1, 2, 7, 99, 100, 0x80, 0x7fffffff, 0x80000000, 0x80000001, 0xffff8000, 0xffffffff};

static uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

static void check_word(struct loaded *l, const char *name, uint32_t x, uint32_t wanted) {
    uint32_t result = 0;
    CHECK_EQ(runtime_call(l, name, x, &result), STATUS_OK);
    if (result != wanted) {
        FAIL("%s of 0x%x is 0x%x, not 0x%x", name, x, result, wanted);
    }
}

static void check_sample(struct loaded *l, uint32_t x) {
    int32_t s = (int32_t)x;
    check_word(l, "clz", x, x ? (uint32_t)__builtin_clz(x) : 32);
    check_word(l, "ctz", x, x ? (uint32_t)__builtin_ctz(x) : 32);
    check_word(l, "popcnt", x, (uint32_t)__builtin_popcount(x));
    check_word(l, "is_zero", x, x == 0);
    check_word(l, "shl", x, x << 3);
    check_word(l, "shr_s", x, (uint32_t)(s >> 3));
    check_word(l, "shr_u", x, x >> 3);
    check_word(l, "rotl", x, x << 3 | x >> 29);
    check_word(l, "mul", x, x * 7);
    check_word(l, "div_s", x, (uint32_t)(s / 7));
    check_word(l, "rem_u", x, x % 7);
    check_word(l, "extend8", x, (uint32_t)(int8_t)x);
    check_word(l, "extend16", x, (uint32_t)(int16_t)x);
    check_word(l, "below", x, x < 100);
    check_word(l, "convert", x, bits_of((float)x));
}

static void check_isa(const char *isa) {
    static const struct wasm_config config = {.verify = true};
    struct loaded l = {0};
    setenv("K23_ISA", isa, 1);
    CHECK_EQ(wasm_store_new(&config, &l.store), STATUS_OK);
    CHECK_EQ(runtime_load(&l, words_wasm, sizeof(words_wasm)), STATUS_OK);
    for (uint32_t k = 0; k < sizeof(samples) / sizeof(samples[0]); k++) {
        check_sample(&l, samples[k]);
    }
    wasm_store_free(l.store);
}

TEST(words_with_bit_manipulation) {
    check_isa("rv64imafdc_zba_zbb_zbs");
}

TEST(words_without) {
    check_isa("rv64imafdc");
}

CHECK_MAIN
