/*
 * spectest, as the suite's reference interpreter has it. What it prints is of no interest here.
 */
#include "test/spec/spectest.h"

static status_t print(void *ctx, struct wasm_caller *caller, uint64_t *values) {
    (void)ctx;
    (void)caller;
    (void)values;
    return STATUS_OK;
}

static const struct {
    const char *name;
    uint32_t count;
    valtype_t params[2];
} functions[] = {
    {"print", 0, {0}},
    {"print_i32", 1, {VALTYPE_I32}},
    {"print_i64", 1, {VALTYPE_I64}},
    {"print_f32", 1, {VALTYPE_F32}},
    {"print_f64", 1, {VALTYPE_F64}},
    {"print_i32_f32", 2, {VALTYPE_I32, VALTYPE_F32}},
    {"print_f64_f64", 2, {VALTYPE_F64, VALTYPE_F64}},
};

static const struct {
    const char *name;
    struct wasm_value value;
} globals[] = {
    {"global_i32", {.type = VALTYPE_I32, .i32 = 666}},
    {"global_i64", {.type = VALTYPE_I64, .i64 = 666}},
    {"global_f32", {.type = VALTYPE_F32, .f32 = 0x4426a666}},         /* 666.6 */
    {"global_f64", {.type = VALTYPE_F64, .f64 = 0x4084d4cccccccccd}}, /* 666.6 */
};

status_t spectest_define(struct wasm_store *store) {
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        TRY(wasm_define_func(store, "spectest", functions[i].name, functions[i].params,
                             functions[i].count, NULL, 0, print, NULL));
    }
    for (size_t i = 0; i < sizeof(globals) / sizeof(globals[0]); i++) {
        TRY(wasm_define_global(store, "spectest", globals[i].name, false, globals[i].value));
    }
    struct limits table = {.min = 10, .max = 20, .has_max = true};
    TRY(wasm_define_table(store, "spectest", "table", VALTYPE_FUNCREF, table));
    struct limits memory = {.min = 1, .max = 2, .has_max = true};
    return wasm_define_memory(store, "spectest", "memory", memory);
}
