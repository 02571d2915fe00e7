/*
 * Loading, linking and instantiation, as far as they go without running anything: what fits, what is
 * refused and how it says so, what a failed instantiation leaves behind, and running out of memory at
 * every point where that can be, and being killed at every look.
 */
#include "wasm/wasm.h"

#include "gen/wat/data.h"
#include "gen/wat/link.h"
#include "gen/wat/segments.h"
#include "test/support/check.h"
#include "test/support/platform_linux.h"
#include "test/support/runtime.h"

static const valtype_t i32_type[] = {VALTYPE_I32};

static status_t twice(void *ctx, struct wasm_caller *caller, uint64_t *values) {
    (void)ctx;
    (void)caller;
    values[0] *= 2;
    return STATUS_OK;
}

static status_t define_env(struct wasm_store *store) {
    struct wasm_value base = {.type = VALTYPE_I32, .i32 = 37};
    TRY(wasm_define_func(store, "env", "twice", i32_type, 1, i32_type, 1, twice, NULL));
    TRY(wasm_define_global(store, "env", "base", false, base));
    struct limits one = {.min = 1}, ten = {.min = 10, .max = 10, .has_max = true};
    TRY(wasm_define_memory(store, "env", "memory", one));
    return wasm_define_table(store, "env", "table", VALTYPE_FUNCREF, ten);
}

static const struct wasm_config config;

static struct loaded make(void) {
    struct loaded l = {0};
    CHECK_EQ(wasm_store_new(&config, &l.store), STATUS_OK);
    CHECK_EQ(define_env(l.store), STATUS_OK);
    return l;
}

static struct wasm_value global(const struct loaded *l, const char *name) {
    struct wasm_extern found;
    struct wasm_value value = {0};
    CHECK_EQ(wasm_export(l->instance, name, strlen(name), &found), STATUS_OK);
    CHECK_EQ(found.kind, EXTERN_GLOBAL);
    CHECK_EQ(wasm_global_get(l->store, &found, &value), STATUS_OK);
    return value;
}

TEST(instantiates) {
    struct loaded l = make();
    CHECK_EQ(runtime_load(&l, link_wasm, sizeof(link_wasm)), STATUS_OK);
    CHECK_EQ(global(&l, "sum").i32, 42);
    CHECK_EQ(global(&l, "wide").i64, (uint64_t)-7);
    struct wasm_extern found;
    CHECK_EQ(wasm_export(l.instance, "f", 1, &found), STATUS_OK);
    CHECK_EQ(wasm_func_type(&found)->result_count, 1);
    CHECK_EQ(wasm_export(l.instance, "g", 1, &found), STATUS_NOT_FOUND);
    struct wasm_caller caller;
    wasm_caller_init(&caller, l.store, l.instance);
    char text[5];
    CHECK_EQ(wasm_memory_read(&caller, 8, text, 5), STATUS_OK);
    CHECK(memcmp(text, "hello", 5) == 0);
    CHECK_EQ(caller.memory_size, 65536);
    CHECK_EQ(wasm_memory_read(&caller, 65532, text, 5), STATUS_FAULT);
    CHECK_EQ(wasm_memory_write(&caller, 65536, text, 0), STATUS_OK);
    CHECK_EQ(wasm_memory_write(&caller, 65537, text, 0), STATUS_FAULT);
    CHECK_EQ(wasm_memory_write(&caller, UINT32_MAX, text, 5), STATUS_FAULT);
    wasm_store_free(l.store);
    CHECK_EQ(platform_held(), 0);
}

static void check_refused(struct loaded *l, const char *text) {
    CHECK_EQ(runtime_load(l, link_wasm, sizeof(link_wasm)), STATUS_UNLINKABLE);
    if (strcmp(l->error.text, text) != 0) {
        FAIL("%s, expected %s", l->error.text, text);
    }
    wasm_store_free(l->store);
    CHECK_EQ(platform_held(), 0);
}

TEST(unknown_import) {
    struct loaded l = {0};
    CHECK_EQ(wasm_store_new(&config, &l.store), STATUS_OK);
    check_refused(&l, "unknown import: \"env\" \"twice\": expected function (i32) -> (i32)");
}

TEST(wrong_function_type) {
    struct loaded l = make();
    CHECK_EQ(wasm_define_func(l.store, "env", "twice", i32_type, 1, NULL, 0, twice, NULL),
             STATUS_OK); /* hides the right one */
    check_refused(&l,
                  "incompatible import type: \"env\" \"twice\": expected function (i32) -> (i32), "
                  "found function (i32) -> ()");
}

TEST(wrong_mutability) {
    struct loaded l = make();
    struct wasm_value value = {.type = VALTYPE_I32};
    CHECK_EQ(wasm_define_global(l.store, "env", "base", true, value), STATUS_OK);
    check_refused(&l, "incompatible import type: \"env\" \"base\": expected global i32, "
                      "found global mutable i32");
}

TEST(wrong_kind) {
    struct loaded l = make();
    struct limits limits = {.min = 1};
    CHECK_EQ(wasm_define_memory(l.store, "env", "base", limits), STATUS_OK);
    check_refused(&l, "incompatible import type: \"env\" \"base\": expected global i32, "
                      "found memory 1..");
}

TEST(element_segment_out_of_bounds) {
    struct loaded l = make();
    CHECK_EQ(runtime_load(&l, segments_wasm, sizeof(segments_wasm)), STATUS_TRAPPED);
    CHECK_EQ(l.trap.kind, TRAP_TABLE_BOUNDS);
    wasm_store_free(l.store);
    CHECK_EQ(platform_held(), 0);
}

TEST(data_segment_out_of_bounds) {
    struct loaded l = make();
    CHECK_EQ(runtime_load(&l, data_wasm, sizeof(data_wasm)), STATUS_TRAPPED);
    CHECK_EQ(l.trap.kind, TRAP_MEMORY_BOUNDS);
    wasm_store_free(l.store);
    CHECK_EQ(platform_held(), 0);
}

TEST(memory_quota) {
    struct loaded l = {0};
    struct wasm_config small = {.max_memory = 65536};
    CHECK_EQ(wasm_store_new(&small, &l.store), STATUS_OK);
    CHECK_EQ(define_env(l.store), STATUS_OK); /* takes all of it */
    CHECK_EQ(runtime_load(&l, link_wasm, sizeof(link_wasm)), STATUS_NO_MEMORY);
    wasm_store_free(l.store);
    CHECK_EQ(platform_held(), 0);
}

/* Everything once, with only so many calls for memory granted. */
static status_t run_limited(int calls) {
    struct loaded l = {0};
    platform_limit(calls);
    status_t status = wasm_store_new(&config, &l.store);
    if (status == STATUS_OK) {
        status = define_env(l.store);
    }
    for (int i = 0; i < 2 && status == STATUS_OK; i++) {
        status = runtime_load(&l, link_wasm, sizeof(link_wasm));
        if (status == STATUS_OK) {
            status = wasm_define_instance(l.store, "again", l.instance);
        }
    }
    wasm_store_free(l.store);
    platform_limit(-1);
    bool out_of_memory = status == STATUS_TRAPPED && l.trap.kind == TRAP_OUT_OF_MEMORY;
    return out_of_memory ? STATUS_NO_MEMORY : status;
}

TEST(running_out_leaks_nothing) {
    int calls = 0;
    for (; calls < 1000; calls++) {
        status_t status = run_limited(calls);
        if (platform_held() != 0) {
            FAIL("with %d calls: %s, %d held", calls, status_text(status), platform_held());
        }
        if (status == STATUS_OK) {
            break;
        }
        if (status != STATUS_NO_MEMORY && status != STATUS_NO_SPACE) {
            FAIL("with %d calls: %s", calls, status_text(status));
        }
    }
    CHECK(calls > 30 && calls < 1000);
}

/* Everything once, with all compiled at once, and killed after so many looks. */
static status_t run_killed(int looks) {
    static const struct wasm_config eager = {.eager = true};
    struct loaded l = {0};
    platform_kill(looks);
    status_t status = wasm_store_new(&eager, &l.store);
    if (status == STATUS_OK) {
        status = define_env(l.store);
    }
    if (status == STATUS_OK) {
        status = runtime_load(&l, link_wasm, sizeof(link_wasm));
    }
    wasm_store_free(l.store);
    platform_kill(-1);
    return status;
}

TEST(killed_at_every_look) {
    int looks = 1, killed = 0;
    for (; looks < 1000; looks++) {
        status_t status = run_killed(looks);
        CHECK_EQ(platform_held(), 0);
        if (status == STATUS_OK) {
            break;
        }
        /* Between looks it is noticed by memory that is refused. */
        CHECK(status == STATUS_KILLED || status == STATUS_NO_MEMORY);
        killed += status == STATUS_KILLED;
    }
    CHECK(killed > 20 && looks < 1000);
}

CHECK_MAIN
