/*
 * base/arena, vec, map, bitset.
 */
#include "base/arena.h"
#include "base/bits.h"
#include "base/bitset.h"
#include "base/map.h"
#include "base/vec.h"
#include "test/support/check.h"
#include "test/support/heap.h"

TEST(objects_are_zeroed_aligned_and_apart) {
    struct arena arena;
    arena_init(&arena, &heap_source);
    char *last = NULL;
    for (size_t size = 0; size < 3000; size += 7) {
        char *object = arena_alloc(&arena, size);
        CHECK_EQ((uintptr_t)object % 16, 0);
        CHECK(object != last);
        for (size_t i = 0; i < size; i++) {
            CHECK_EQ(object[i], 0);
        }
        memset(object, 0xff, size);
        last = object;
    }
    arena_fini(&arena);
    CHECK_EQ(arena.used, 0);
}

TEST(reset_frees_what_came_after_the_mark) {
    struct heap_limited heap;
    heap_limit(&heap, 100);
    struct arena arena;
    arena_init(&arena, &heap.source);
    struct arena_mark empty = arena_mark(&arena);
    char *kept = arena_strndup(&arena, "kept text", 4);
    struct arena_mark mark = arena_mark(&arena);
    char *first = arena_alloc(&arena, 100);
    for (int i = 0; i < 100; i++) {
        memset(arena_alloc(&arena, 1000), 1, 1000);
    }
    CHECK(heap.held > 1);
    arena_reset(&arena, mark);
    CHECK_EQ(heap.held, 1);
    CHECK(arena_alloc(&arena, 100) == first);
    CHECK_TEXT(kept, "kept");
    arena_reset(&arena, empty);
    CHECK_EQ(heap.held, 0);
}

TEST(growth_keeps_content) {
    struct arena arena;
    arena_init(&arena, &heap_source);
    unsigned char *a = arena_alloc(&arena, 10);
    memset(a, 7, 10);
    CHECK(arena_grow(&arena, a, 10, 300) == a);
    arena_alloc(&arena, 1);
    unsigned char *b = arena_grow(&arena, a, 300, 9000);
    CHECK(b != a);
    for (int i = 0; i < 10; i++) {
        CHECK_EQ(b[i], 7);
    }
    memset(b, 8, 9000);
    unsigned char *c = arena_alloc(&arena, 9000);
    for (int i = 0; i < 9000; i++) {
        CHECK_EQ(b[i], 8);
        CHECK_EQ(c[i], 0);
    }
    CHECK(arena_grow(&arena, NULL, 0, 5) != NULL);
    arena_fini(&arena);
}

static jmp_buf out_of_memory;

static void exhausted(void *ctx) {
    ++*(int *)ctx;
    longjmp(out_of_memory, 1);
}

TEST(running_out_is_null_or_the_callback) {
    struct heap_limited heap;
    heap_limit(&heap, 1);
    struct arena arena;
    arena_init(&arena, &heap.source);
    CHECK(arena_alloc(&arena, 100) != NULL);
    CHECK(arena_alloc(&arena, 5000) == NULL);
    volatile size_t huge = SIZE_MAX - 5;
    CHECK(arena_alloc(&arena, huge) == NULL);
    CHECK(arena_strndup(&arena, "", SIZE_MAX) == NULL);
    int called = 0;
    arena.exhausted = exhausted;
    arena.exhausted_ctx = &called;
    if (setjmp(out_of_memory) == 0) {
        arena_alloc(&arena, 5000);
    }
    CHECK_EQ(called, 1);
    arena_fini(&arena);
}

TEST(the_limit_holds_and_may_be_used_up) {
    struct arena arena;
    arena_init(&arena, &heap_source);
    arena.limit = 10000;
    size_t got = 0;
    while (arena_alloc(&arena, 100)) {
        got += 100;
    }
    CHECK(arena.used <= arena.limit);
    CHECK(got > 7000);
    arena_fini(&arena);
}

TEST(vectors) {
    struct arena arena;
    arena_init(&arena, &heap_source);
    VEC(uint32_t) v = {0};
    VEC(uint64_t) w = {0};
    for (uint32_t i = 0; i < 10000; i++) {
        vec_push(&arena, &v, i * 3);
        vec_push(&arena, &w, i);
    }
    for (uint32_t i = 0; i < v.len; i++) {
        CHECK_EQ(v.at[i], i * 3);
        CHECK_EQ(w.at[i], i);
    }
    CHECK_EQ(vec_pop(&v), 9999 * 3);
    CHECK_EQ(vec_last(&v), 9998 * 3);
    vec_clear(&w);
    vec_resize(&arena, &w, 3);
    CHECK_EQ(w.len, 3);
    arena_fini(&arena);
}

TEST(vectors_that_grow_if_they_can) {
    struct arena arena;
    arena_init(&arena, &heap_source);
    arena.limit = 20000;
    VEC(uint32_t) v = {0};
    while (vec_try_reserve(&arena, &v, v.len + 1)) {
        v.at[v.len] = v.len * 7;
        v.len++;
    }
    CHECK(v.len > 1000);
    CHECK_EQ(v.cap, v.len);
    for (uint32_t i = 0; i < v.len; i++) {
        CHECK_EQ(v.at[i], i * 7);
    }
    arena_fini(&arena);
}

TEST(vectors_that_cannot_grow) {
    struct heap_limited heap;
    heap_limit(&heap, 0);
    struct arena arena;
    arena_init(&arena, &heap.source);
    VEC(uint32_t) v = {0};
    vec_reserve(&arena, &v, 5);
    CHECK(v.at == NULL);
    CHECK_EQ(v.cap, 0);
}

TEST(a_resized_vector_has_zeroes) {
    struct arena arena;
    arena_init(&arena, &heap_source);
    VEC(uint32_t) v = {0};
    vec_push(&arena, &v, 7);
    vec_push(&arena, &v, 8);
    vec_clear(&v);
    vec_resize(&arena, &v, 100);
    for (uint32_t i = 0; i < v.len; i++) {
        CHECK_EQ(v.at[i], 0);
    }
    arena_fini(&arena);
}

TEST(lowest_bits) {
    for (uint32_t i = 0; i < 64; i++) {
        uint64_t bit = (uint64_t)1 << i;
        CHECK_EQ(bits_lowest(bit), i);
        CHECK_EQ(bits_lowest(-bit), i);
        CHECK_EQ(bits_lowest(bit | (uint64_t)1 << 63), i);
    }
}

TEST(a_vector_of_known_length) {
    struct arena arena;
    arena_init(&arena, &heap_source);
    VEC(uint32_t) v = {0};
    vec_start(&arena, &v, 3);
    CHECK_EQ(v.len, 0);
    const uint32_t *at = v.at;
    for (uint32_t i = 0; i < 3; i++) {
        vec_push(&arena, &v, i);
    }
    CHECK(v.at == at);
    arena_alloc(&arena, 1);
    vec_push(&arena, &v, 3);
    for (uint32_t i = 0; i < 4; i++) {
        CHECK_EQ(v.at[i], i);
    }
    arena_fini(&arena);
}

/* Puts keys that all have one place without a seed, and gives the entries that were passed over. */
static uint64_t put_chosen(uint64_t seed) {
    enum { KEYS = 4096 };
    struct arena arena;
    arena_init(&arena, &heap_source);
    struct map map;
    map_init(&map, &arena, seed);
    uint64_t inverse = 1, distance = 0;
    for (int i = 0; i < 6; i++) { /* Newton's: twice as many bits are right each time */
        inverse *= 2 - 0x9e3779b97f4a7c15ull * inverse;
    }
    for (uint64_t i = 0; i < KEYS; i++) {
        uint64_t folded = (0x1234567ull << 36 | i) * inverse; /* its product has these upper bits */
        CHECK(map_put(&map, folded ^ folded >> 32, (uint32_t)i));
    }
    for (uint64_t i = 0; i < KEYS; i++) {
        uint64_t folded = (0x1234567ull << 36 | i) * inverse;
        distance += map_distance(&map, folded ^ folded >> 32);
    }
    CHECK_EQ(map.len, KEYS);
    arena_fini(&arena);
    return distance / KEYS;
}

TEST(keys_cannot_be_chosen_against_a_seeded_map) {
    CHECK(put_chosen(0) > 1000); /* so they are chosen well */
    for (uint64_t seed = 1; seed <= 32; seed++) {
        CHECK(put_chosen(hash_u64(seed)) < 20); /* the same each time: the seeds are given */
    }
}

TEST(maps) {
    struct arena arena;
    arena_init(&arena, &heap_source);
    struct map map;
    map_init(&map, &arena, 0);
    uint32_t value = 0;
    CHECK(!map_get(&map, 0, &value));
    for (uint32_t i = 0; i < 5000; i++) {
        map_put(&map, (uint64_t)i << 32, i);
    }
    map_put(&map, 0, 77);
    CHECK_EQ(map.len, 5000);
    for (uint32_t i = 1; i < 5000; i++) {
        CHECK(map_get(&map, (uint64_t)i << 32, &value));
        CHECK_EQ(value, i);
    }
    CHECK(map_get(&map, 0, &value));
    CHECK_EQ(value, 77);
    CHECK(!map_get(&map, 1, &value));
    map_clear(&map);
    CHECK(!map_get(&map, 0, &value));
    arena_fini(&arena);
}

TEST(hashes) {
    CHECK(hash_u64(1) != hash_u64(2));
    CHECK(hash_bytes("abc", 3, 0) != hash_bytes("abc", 3, 1));
    CHECK(hash_bytes("abc\0", 4, 0) != hash_bytes("abc", 3, 0));
    CHECK_EQ(hash_bytes("123456789", 9, 5), hash_bytes("123456789x", 9, 5));
}

TEST(bitsets) {
    struct arena arena;
    arena_init(&arena, &heap_source);
    struct bitset a = bitset_new(&arena, 200), b = bitset_new(&arena, 200);
    CHECK_EQ(bitset_next(&a, 0), 200);
    bitset_add(&a, 0);
    bitset_add(&a, 63);
    bitset_add(&a, 64);
    bitset_add(&b, 199);
    CHECK(bitset_union(&a, &b));
    CHECK(!bitset_union(&a, &b));
    uint32_t want[] = {0, 63, 64, 199}, seen = 0;
    bitset_each(&a, i) {
        CHECK_EQ(i, want[seen]);
        seen++;
    }
    CHECK_EQ(seen, 4);
    bitset_copy(&b, &a);
    bitset_remove(&b, 63);
    CHECK(!bitset_has(&b, 63) && bitset_has(&b, 64) && bitset_has(&a, 63));
    bitset_clear(&a);
    CHECK_EQ(bitset_next(&a, 0), 200);
    struct bitset none = bitset_new(&arena, 0);
    CHECK_EQ(bitset_next(&none, 0), 0);
    arena_fini(&arena);
}

CHECK_MAIN
