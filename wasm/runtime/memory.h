/*
 * Linear memories (core 3.0, 4.2.8). A 32-bit memory is reserved whole, so that compiled code needs
 * no bounds checks: any base + 32-bit index + static offset below 2 GiB that is outside of the
 * memory hits the guard.
 *
 *     reservation: | guard | committed: pages * 64 KiB | ...reserved, 4 GiB in all | guard 2 GiB |
 *                          ^ base, aligned to 64 KiB
 */
#ifndef WASM_RUNTIME_MEMORY_H
#define WASM_RUNTIME_MEMORY_H

#include "wasm/runtime/objects.h"

#define WASM_PAGE_SIZE     65536u
#define MEMORY_GUARD_BELOW WASM_PAGE_SIZE
#define MEMORY_GUARD_ABOVE ((uint64_t)2 << 30)
#define MEMORY_RESERVED    (MEMORY_GUARD_BELOW + ((uint64_t)4 << 30) + MEMORY_GUARD_ABOVE)

/* Makes a memory of limits.min zero pages, whose memory_area is (and is kept) at `area`, which must
 * be committed. NO_MEMORY beyond the store's max_memory; NO_SPACE. On failure nothing is kept. */
MUST_CHECK status_t memory_init(struct wasm_store *store, struct wasm_memory *memory,
                                const struct limits *limits, gaddr_t area);
void memory_fini(struct wasm_store *store, struct wasm_memory *memory);

/* memory.grow: the old size in pages, or -1. */
int32_t memory_grow(struct wasm_store *store, struct wasm_memory *memory, uint32_t delta);

static inline uint64_t memory_size(const struct wasm_memory *memory) {
    return memory->pages * WASM_PAGE_SIZE;
}

/* Whether [at, at + size) is inside the memory. */
static inline bool memory_has(const struct wasm_memory *memory, uint64_t at, uint64_t size) {
    return at <= memory_size(memory) && size <= memory_size(memory) - at;
}

/* The bulk operations; FAULT when out of bounds, with nothing written; NO_MEMORY when a page could
 * not be had. */
MUST_CHECK status_t memory_write(struct wasm_store *store, struct wasm_memory *memory, uint64_t at,
                                 const void *from, uint64_t size);
MUST_CHECK status_t memory_fill(struct wasm_store *store, struct wasm_memory *memory, uint64_t at,
                                uint8_t value, uint64_t size);
MUST_CHECK status_t memory_copy(struct wasm_store *store, struct wasm_memory *to, uint64_t to_at,
                                struct wasm_memory *from, uint64_t from_at, uint64_t size);

#endif
