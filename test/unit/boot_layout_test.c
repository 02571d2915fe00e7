/*
 * Random places: inside the window, aligned, apart; spread over the whole of it; and an error where
 * there is no room.
 */
#include "boot/layout.h"
#include "test/support/check.h"

static struct refusal why;

static struct random seeded(uint64_t seed) {
    struct random random;
    random_init(&random, &seed, sizeof(seed), NULL, 0);
    return random;
}

TEST(places_are_apart_and_inside) {
    for (uint32_t levels = 3; levels <= 5; levels++) {
        struct random random = seeded(levels);
        struct layout layout;
        layout_init(&layout, levels, &random);
        uint64_t virt[40];
        CHECK_EQ(layout_place(&layout, "x", 64ull << 30, 1 << 30, 4096, &virt[0], &why), STATUS_OK);
        CHECK_EQ(virt[0] % (1 << 30), 0);
        for (int i = 1; i < 40; i++) {
            CHECK_EQ(layout_place(&layout, "x", 8192, 4096, 4096, &virt[i], &why), STATUS_OK);
            CHECK(virt[i] >= layout.low + 4096);
            CHECK(virt[i] + 8192 + 4096 <= layout.high);
            for (int j = 0; j < i; j++) {
                uint64_t size = j == 0 ? 64ull << 30 : 8192;
                CHECK(virt[i] >= virt[j] + size + 8192 || virt[i] + 8192 + 8192 <= virt[j]);
            }
        }
    }
}

TEST(the_lowest_quarter_is_left_alone) {
    struct layout layout;
    layout_init(&layout, 3, NULL);
    CHECK_EQ(layout.low, 0 - (256ull << 30) + (64ull << 30));
}

TEST(without_randomness_always_the_same) {
    uint64_t first[2][3];
    for (int round = 0; round < 2; round++) {
        struct layout layout;
        layout_init(&layout, 4, NULL);
        for (int i = 0; i < 3; i++) {
            CHECK_EQ(layout_place(&layout, "x", 5 * 4096, 4096, 4096, &first[round][i], &why),
                     STATUS_OK);
        }
    }
    CHECK(memcmp(first[0], first[1], sizeof(first[0])) == 0);
}

/* Each of 16 equal parts of the window gets its share of 4096 draws, give or take a half. */
TEST(draws_are_spread) {
    struct random random = seeded(7);
    unsigned count[16] = {0};
    for (int i = 0; i < 4096; i++) {
        struct layout layout;
        layout_init(&layout, 3, &random);
        uint64_t virt;
        CHECK_EQ(layout_place(&layout, "x", 4096, 4096, 4096, &virt, &why), STATUS_OK);
        count[(virt - layout.low) / ((layout.high - layout.low) / 16 + 1)]++;
    }
    for (int i = 0; i < 16; i++) {
        CHECK(count[i] > 128 && count[i] < 384);
    }
}

TEST(no_room_is_an_error) {
    struct random random = seeded(9);
    struct layout layout;
    uint64_t virt;
    layout_init(&layout, 3, &random);
    CHECK_EQ(layout_place(&layout, "it", 1ull << 40, 4096, 4096, &virt, &why), STATUS_NO_SPACE);
    CHECK_EQ(layout_place(&layout, "it", UINT64_MAX, 4096, 4096, &virt, &why), STATUS_NO_SPACE);
    CHECK_EQ(layout_place(&layout, "it", 4096, 4096, UINT64_MAX, &virt, &why), STATUS_NO_SPACE);
    CHECK_EQ(layout_place(&layout, "it", 190ull << 30, 4096, 4096, &virt, &why), STATUS_OK);
    CHECK_EQ(layout_place(&layout, "it", 190ull << 30, 4096, 4096, &virt, &why), STATUS_NO_SPACE);
    CHECK(strstr(why.text, "no room for it") != NULL);
}

TEST(numbers_differ_by_seed_and_use) {
    struct random a = seeded(1), b = seeded(2), c = seeded(1);
    uint8_t key[32], other[32];
    CHECK(random_u64(&a) != random_u64(&b));
    CHECK(random_u64(&a) != random_u64(&c));
    random_derive(&a, "one", key, sizeof(key));
    random_derive(&a, "two", other, sizeof(other));
    CHECK(memcmp(key, other, sizeof(key)) != 0);
    random_derive(&c, "one", other, sizeof(other));
    CHECK(memcmp(key, other, sizeof(key)) == 0);
}
CHECK_MAIN
