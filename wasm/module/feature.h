/*
 * The features of WebAssembly beyond its first version, and which of them this runtime has.
 *
 * FEATURE_TABLE is the one place that decides: a module that needs a feature whose row says `false`
 * is refused by the feature's name (STATUS_UNSUPPORTED), wherever the need shows. To enable one:
 * make everything after the validator able, then change its row.
 */
#ifndef WASM_MODULE_FEATURE_H
#define WASM_MODULE_FEATURE_H

#include <stdbool.h>
#include <stdint.h>

#define FEATURE_TABLE(X)                                                                           \
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

enum feature {
#define X(name, text, enabled) FEATURE_##name,
    FEATURE_TABLE(X)
#undef X
    FEATURE_COUNT
};

/* A set of features, one bit each. */
typedef uint32_t features_t;
_Static_assert(FEATURE_COUNT <= 32, "features_t has a bit a feature");

static inline bool features_has(features_t set, enum feature feature) {
    return (set >> feature & 1) != 0;
}

/* The features whose row says so. */
#define X(name, text, enabled) | (features_t)(enabled) << FEATURE_##name
static const features_t features_enabled = 0 FEATURE_TABLE(X);
#undef X

/* The table's text. */
const char *feature_text(enum feature feature);

#endif
