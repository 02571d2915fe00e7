/*
 * The features of WebAssembly beyond its first version, and which of them this runtime has.
 *
 * WASM_FEATURE_TABLE is the one place that decides: a module that needs a feature whose row says
 * `false` is refused by the feature's name (STATUS_UNSUPPORTED), wherever the need shows. To enable
 * one: make everything after the validator able, then change its row.
 */
#ifndef WASM_MODULE_FEATURE_H
#define WASM_MODULE_FEATURE_H

#include <stdbool.h>
#include <stdint.h>

#define WASM_FEATURE_TABLE(X)                                                                      \
    X(CORE, "core", true)                                                                          \
    X(SIGN_EXTENSION, "sign-extension", true)                                                      \
    X(SATURATING, "saturating-float-to-int", true)                                                 \
    X(MUTABLE_GLOBALS, "mutable-globals", true)                                                    \
    X(MULTI_VALUE, "multi-value", true)                                                            \
    X(BULK_MEMORY, "bulk-memory", true)                                                            \
    X(REFERENCE_TYPES, "reference-types", true)                                                    \
    X(EXTENDED_CONST, "extended-const", true)                                                      \
    X(TAIL_CALL, "tail-call", false)                                                               \
    X(FUNCTION_REFERENCES, "function-references", false)                                           \
    X(EXCEPTIONS, "exceptions", false)                                                             \
    X(GC, "gc", false)                                                                             \
    X(SIMD, "simd", false)                                                                         \
    X(RELAXED_SIMD, "relaxed-simd", false)                                                         \
    X(MULTI_MEMORY, "multi-memory", false)                                                         \
    X(MEMORY64, "memory64", false)                                                                 \
    X(THREADS, "threads", false)

enum wasm_feature {
#define X(name, text, enabled) WASM_FEATURE_##name,
    WASM_FEATURE_TABLE(X)
#undef X
        WASM_FEATURE_COUNT
};

/* A set of features, one bit each. */
typedef uint32_t wasm_features_t;
_Static_assert(WASM_FEATURE_COUNT <= 32, "wasm_features_t has a bit a feature");

static inline bool wasm_features_has(wasm_features_t set, enum wasm_feature feature) {
    return (set >> feature & 1) != 0;
}

/* The features whose row says so. */
#define X(name, text, enabled) | (wasm_features_t)(enabled) << WASM_FEATURE_##name
static const wasm_features_t wasm_features_enabled = 0 WASM_FEATURE_TABLE(X);
#undef X

/* The table's text. */
const char *wasm_feature_text(enum wasm_feature feature);

#endif
