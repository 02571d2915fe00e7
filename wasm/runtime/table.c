/*
 * Tables: reservation, growth and the bulk operations.
 */
#include "wasm/runtime/table.h"

/* Elements copied at a time; the buffer is on the stack. */
enum { CHUNK = 256 };

#define ELEM_SIZE sizeof(uint64_t)

static uint64_t pages_size(uint64_t len) {
    return (len * ELEM_SIZE + PLAT_PAGE_SIZE - 1) / PLAT_PAGE_SIZE * PLAT_PAGE_SIZE;
}

/* At least a page, so that every table has an address. */
static uint64_t reserved_size(const struct wasm_table *table) {
    uint64_t size = pages_size(table->max_len);
    return size == 0 ? PLAT_PAGE_SIZE : size;
}

/* The elements before they count; bounds are the caller's. */
static status_t put(struct wasm_store *store, struct wasm_table *table, uint64_t at, uint64_t value,
                    uint64_t len) {
    uint64_t chunk[CHUNK];
    for (uint32_t i = 0; i < CHUNK; i++) {
        chunk[i] = value;
    }
    for (uint64_t done = 0; done < len;) {
        uint64_t n = len - done < CHUNK ? len - done : CHUNK;
        TRY(plat_copy_out(store->space, table->base + (at + done) * ELEM_SIZE, chunk,
                          n * ELEM_SIZE));
        done += n;
    }
    return STATUS_OK;
}

static status_t add_elements(struct wasm_store *store, struct wasm_table *table, uint64_t value,
                             uint64_t delta) {
    uint64_t len = table->len + delta;
    uint64_t committed = pages_size(table->len);
    if (pages_size(len) > committed) {
        TRY(plat_commit(store->space, table->base + committed, pages_size(len) - committed));
    }
    if (value != 0 || table->written > table->len) { /* fresh pages are null */
        table->written = len;
        TRY(put(store, table, table->len, value, delta));
    }
    struct table_area area = {.base = table->base, .len = len};
    TRY(plat_copy_out(store->space, table->area, &area, sizeof(area)));
    table->len = len;
    return STATUS_OK;
}

status_t table_init(struct wasm_store *store, struct wasm_table *table, valtype_t elem,
                    const struct limits *limits, uint64_t value, gaddr_t area) {
    *table = (struct wasm_table){.elem = elem, .limits = *limits, .area = area};
    table->max_len =
        limits->has_max && limits->max < LIMIT_TABLE_ELEMENTS ? limits->max : LIMIT_TABLE_ELEMENTS;
    if (limits->min > table->max_len) {
        return STATUS_LIMIT;
    }
    TRY(plat_reserve(store->space, reserved_size(table), PLAT_PAGE_SIZE, &table->base));
    status_t status = add_elements(store, table, value, limits->min);
    if (status != STATUS_OK) {
        table_fini(store, table);
    }
    return status;
}

void table_fini(struct wasm_store *store, struct wasm_table *table) {
    if (table->base != 0) {
        plat_release(store->space, table->base, reserved_size(table));
        *table = (struct wasm_table){0};
    }
}

int32_t table_grow(struct wasm_store *store, struct wasm_table *table, uint64_t value,
                   uint32_t delta) {
    uint64_t old = table->len;
    if (delta > table->max_len - old || add_elements(store, table, value, delta) != STATUS_OK) {
        return -1;
    }
    return (int32_t)old;
}

status_t table_write(struct wasm_store *store, struct wasm_table *table, uint64_t at,
                     const uint64_t *from, uint64_t len) {
    if (!table_has(table, at, len)) {
        return STATUS_FAULT;
    }
    return len == 0
               ? STATUS_OK
               : plat_copy_out(store->space, table->base + at * ELEM_SIZE, from, len * ELEM_SIZE);
}

status_t table_fill(struct wasm_store *store, struct wasm_table *table, uint64_t at, uint64_t value,
                    uint64_t len) {
    return table_has(table, at, len) ? put(store, table, at, value, len) : STATUS_FAULT;
}

status_t table_copy(struct wasm_store *store, struct wasm_table *to, uint64_t to_at,
                    struct wasm_table *from, uint64_t from_at, uint64_t len) {
    uint64_t chunk[CHUNK];
    if (!table_has(to, to_at, len) || !table_has(from, from_at, len)) {
        return STATUS_FAULT;
    }
    bool downwards = to == from && to_at > from_at; /* overlapping parts must be read first */
    for (uint64_t done = 0; done < len;) {
        uint64_t n = len - done < CHUNK ? len - done : CHUNK;
        uint64_t offset = downwards ? len - done - n : done;
        TRY(plat_copy_in(store->space, chunk, from->base + (from_at + offset) * ELEM_SIZE,
                         n * ELEM_SIZE));
        TRY(plat_copy_out(store->space, to->base + (to_at + offset) * ELEM_SIZE, chunk,
                          n * ELEM_SIZE));
        done += n;
    }
    return STATUS_OK;
}
