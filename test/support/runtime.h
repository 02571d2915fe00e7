/*
 * What tests of the runtime share: a store with modules in it, in few words.
 */
#ifndef TEST_SUPPORT_RUNTIME_H
#define TEST_SUPPORT_RUNTIME_H

#include "wasm/wasm.h"

struct loaded {
    struct wasm_store *store;
    struct wasm_instance *instance;
    struct wasm_error error;
    struct wasm_trap trap;
};

/* Loads and instantiates in l->store. */
status_t runtime_load(struct loaded *l, const void *bytes, size_t size);

/* Calls an export that takes one i32, or none, and gives one i32, or none. */
status_t runtime_call(struct loaded *l, const char *name, uint32_t arg, uint32_t *result_out);

/* Text of the trap into buf, which is returned. */
const char *runtime_trap_text(const struct wasm_trap *trap, char *buf, size_t cap);

#endif
