/*
 * The host module that the scripts of the official suite import from.
 */
#ifndef TEST_SPEC_SPECTEST_H
#define TEST_SPEC_SPECTEST_H

#include "wasm/wasm.h"

MUST_CHECK status_t spectest_define(struct wasm_store *store);

/* The reference that number n of a script stands for, as in (ref.extern n). */
static inline uint64_t spectest_ref(uint64_t n) {
    return n + 1; /* 0 is null */
}

#endif
