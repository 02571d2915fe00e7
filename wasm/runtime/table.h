/*
 * Tables (core 3.0, 4.2.7): 8-byte references in guest memory, reserved up to the largest length
 * that the table may have and committed as it grows, so that they never move.
 */
#ifndef WASM_RUNTIME_TABLE_H
#define WASM_RUNTIME_TABLE_H

#include "wasm/runtime/objects.h"

/* Makes a table of limits.min elements, all `value`, whose table_area is (and is kept) at `area`,
 * which must be committed. LIMIT, NO_MEMORY, NO_SPACE. On failure nothing is kept. */
MUST_CHECK status_t table_init(struct wasm_store *store, struct wasm_table *table, valtype_t elem,
                               const struct limits *limits, uint64_t value, gaddr_t area);
void table_fini(struct wasm_store *store, struct wasm_table *table);

/* table.grow: the old length, or -1. */
int32_t table_grow(struct wasm_store *store, struct wasm_table *table, uint64_t value,
                   uint32_t delta);

/* Whether elements [at, at + len) exist. */
static inline bool table_has(const struct wasm_table *table, uint64_t at, uint64_t len) {
    return at <= table->len && len <= table->len - at;
}

/* FAULT when out of bounds, with nothing written; NO_MEMORY. */
MUST_CHECK status_t table_write(struct wasm_store *store, struct wasm_table *table, uint64_t at,
                                const uint64_t *from, uint64_t len);
MUST_CHECK status_t table_fill(struct wasm_store *store, struct wasm_table *table, uint64_t at,
                               uint64_t value, uint64_t len);
MUST_CHECK status_t table_copy(struct wasm_store *store, struct wasm_table *to, uint64_t to_at,
                               struct wasm_table *from, uint64_t from_at, uint64_t len);

#endif
