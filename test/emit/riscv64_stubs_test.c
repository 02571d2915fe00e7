/*
 * The stubs of memory.copy and memory.fill, run: against byte loops over every way through them,
 * and at the bounds of the memory, where nothing may have been written when they trap.
 */
#include "gen/wat/stubs.h"
#include "test/support/check.h"
#include "test/support/runtime.h"

#define PAGE 65536u

static const struct wasm_config config = {.verify = true};

static struct loaded load(void) {
    struct loaded l = {0};
    CHECK_EQ(wasm_store_new(&config, &l.store), STATUS_OK);
    CHECK_EQ(runtime_load(&l, stubs_wasm, sizeof(stubs_wasm)), STATUS_OK);
    return l;
}

TEST(copies_of_all_sizes_and_alignments) {
    struct loaded l = load();
    for (uint32_t first = 0; first < 3; first++) {
        uint32_t wrong = 1;
        CHECK_EQ(runtime_call(&l, "copies", first, &wrong), STATUS_OK);
        CHECK_EQ(wrong, 0);
    }
    wasm_store_free(l.store);
}

TEST(fills_of_all_sizes_and_alignments) {
    struct loaded l = load();
    uint32_t wrong = 1;
    CHECK_EQ(runtime_call(&l, "fills", 0, &wrong), STATUS_OK);
    CHECK_EQ(wrong, 0);
    wasm_store_free(l.store);
}

static void check_trap(struct loaded *l, const char *name, uint32_t arg) {
    uint32_t last;
    CHECK_EQ(runtime_call(l, name, arg, &last), STATUS_TRAPPED);
    CHECK_EQ(l->trap.kind, TRAP_MEMORY_BOUNDS);
    last = 1;
    CHECK_EQ(runtime_call(l, "last", 0, &last), STATUS_OK);
    CHECK_EQ(last, 0);
}

TEST(bounds) {
    struct loaded l = load();
    static const char *const names[] = {"copy_to", "copy_from", "fill_to"};
    for (uint32_t i = 0; i < 3; i++) {
        check_trap(&l, names[i], PAGE - 15);
        check_trap(&l, names[i], PAGE);
        check_trap(&l, names[i], 0x80000000);
        check_trap(&l, names[i], 0xfffffff8);
    }
    check_trap(&l, "copy_size", PAGE);
    check_trap(&l, "copy_size", 0xffffffff);
    uint32_t none;
    for (uint32_t i = 0; i < 3; i++) {
        CHECK_EQ(runtime_call(&l, names[i], PAGE - 16, &none), STATUS_OK);
    }
    CHECK_EQ(runtime_call(&l, "copy_size", PAGE - 1, &none), STATUS_OK);
    wasm_store_free(l.store);
}

CHECK_MAIN
