/*
 * memory.copy and memory.fill, which run in user mode, against memmove and memset: every alignment,
 * small and large sizes, overlap in both directions, and the ends of the memory.
 */
#include "wasm/wasm.h"

#include "gen/wat/bulk.h"
#include "test/support/check.h"
#include "test/support/platform_linux.h"
#include "test/support/runtime.h"

#define SIZE   65536u
#define WINDOW 1024u

static struct loaded l;
static uint8_t model[2 * SIZE], seen[2 * SIZE];
static uint32_t state = 1;

static uint32_t random_below(uint32_t n) {
    state = state * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)state * n >> 32);
}

static status_t call(const char *name, uint32_t a, uint32_t b, uint32_t c) {
    struct wasm_extern func;
    struct wasm_value none[1];
    struct wasm_value args[] = {{.type = VALTYPE_I32, .i32 = a},
                                {.type = VALTYPE_I32, .i32 = b},
                                {.type = VALTYPE_I32, .i32 = c}};
    CHECK_EQ(wasm_export(l.instance, name, strlen(name), &func), STATUS_OK);
    return wasm_call(l.store, &func, args, none, &l.trap);
}

/* The guest's memory is as the model says, in [at, at + size). */
static void check_memory(uint32_t at, uint32_t size) {
    struct wasm_caller caller;
    wasm_caller_init(&caller, l.store, l.instance);
    CHECK_EQ(wasm_memory_read(&caller, at, seen, size), STATUS_OK);
    CHECK(memcmp(seen, model + at, size) == 0);
}

static void make(void) {
    static const struct wasm_config config = {.verify = true};
    l = (struct loaded){0};
    CHECK_EQ(wasm_store_new(&config, &l.store), STATUS_OK);
    CHECK_EQ(runtime_load(&l, bulk_wasm, sizeof(bulk_wasm)), STATUS_OK);
    struct wasm_caller caller;
    wasm_caller_init(&caller, l.store, l.instance);
    memset(model, 0, sizeof(model));
    for (uint32_t i = 0; i < SIZE; i++) {
        model[i] = (uint8_t)(i * 31 + (i >> 8) * 7 + 1);
    }
    CHECK_EQ(wasm_memory_write(&caller, 0, model, SIZE), STATUS_OK);
}

static void copy(uint32_t to, uint32_t from, uint32_t size) {
    CHECK_EQ(call("copy", to, from, size), STATUS_OK);
    memmove(model + to, model + from, size);
}

TEST(copies_at_every_alignment) {
    make();
    for (uint32_t to = 0; to < 8; to++) {
        for (uint32_t from = 0; from < 8; from++) {
            for (uint32_t size = 0; size < 80; size += 1 + size / 24) {
                copy(256 + to, 8 + from, size);
                copy(64 + to, 64 + from, size);
                check_memory(0, WINDOW);
            }
        }
    }
    wasm_store_free(l.store);
}

TEST(copies_at_random) {
    make();
    for (int i = 0; i < 2000; i++) {
        uint32_t size = random_below(i % 4 ? 100 : 700);
        copy(random_below(WINDOW - size), random_below(WINDOW - size), size);
        check_memory(0, WINDOW);
    }
    wasm_store_free(l.store);
}

TEST(fills) {
    make();
    for (int i = 0; i < 1500; i++) {
        uint32_t size = random_below(i % 4 ? 50 : 500), at = random_below(WINDOW - size);
        uint32_t value = 0xabcdef00u + (uint32_t)i;
        CHECK_EQ(call("fill", at, value, size), STATUS_OK);
        memset(model + at, (int)(value & 0xff), size);
        check_memory(0, WINDOW);
    }
    wasm_store_free(l.store);
}

static void check_traps(const char *name, uint32_t a, uint32_t b, uint32_t c) {
    CHECK_EQ(call(name, a, b, c), STATUS_TRAPPED);
    CHECK_EQ(l.trap.kind, TRAP_MEMORY_BOUNDS);
    CHECK_EQ(l.trap.frame_count, 1);
}

TEST(bounds) {
    make();
    copy(0, SIZE - 100, 100);
    copy(SIZE - 100, 0, 100);
    copy(SIZE, 0, 0);
    copy(0, SIZE, 0);
    check_traps("copy", SIZE - 99, 0, 100);
    check_traps("copy", 0, SIZE - 99, 100);
    check_traps("copy", SIZE + 1, 0, 0);
    check_traps("copy", 0, SIZE + 1, 0);
    check_traps("copy", 0xffffffff, 0, 2);
    check_traps("copy", 0, 0xfffffff0, 0x20);
    check_traps("copy", 0, 0, 0xffffffff);
    CHECK_EQ(call("fill", SIZE, 1, 0), STATUS_OK);
    check_traps("fill", SIZE - 1, 1, 2);
    check_traps("fill", SIZE + 1, 1, 0);
    check_traps("fill", 1, 1, 0xffffffff);
    check_memory(0, SIZE); /* nothing was written before a trap */
    CHECK_EQ(call("grow", 0, 0, 0), STATUS_OK);
    copy(SIZE - 50, 0, 100);
    check_memory(SIZE - 100, 300);
    wasm_store_free(l.store);
    CHECK_EQ(platform_held(), 0);
}

CHECK_MAIN
