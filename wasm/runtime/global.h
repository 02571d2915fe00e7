/*
 * Globals, and how a value looks in 8 bytes of guest memory or in a register: i32 sign-extended,
 * f32 with its upper half all ones (NaN-boxed), everything else as it is.
 */
#ifndef WASM_RUNTIME_GLOBAL_H
#define WASM_RUNTIME_GLOBAL_H

#include "wasm/runtime/objects.h"

static inline uint64_t value_to_bits(const struct wasm_value *value) {
    switch (valtype_kind(value->type)) {
    case VAL_I32:
        return (uint64_t)(int64_t)(int32_t)value->i32;
    case VAL_F32:
        return 0xffffffff00000000u | value->f32;
    default:
        return value->i64;
    }
}

static inline struct wasm_value value_from_bits(valtype_t type, uint64_t bits) {
    enum val_kind kind = valtype_kind(type);
    bool is_half = kind == VAL_I32 || kind == VAL_F32;
    return (struct wasm_value){.type = type, .i64 = is_half ? (uint32_t)bits : bits};
}

MUST_CHECK status_t global_write(struct wasm_store *store, const struct wasm_global *global,
                                 uint64_t bits);
MUST_CHECK status_t global_read(struct wasm_store *store, const struct wasm_global *global,
                                uint64_t *bits_out);

#endif
