/*
 * Linear memories: reservation, growth, and the bulk operations that arrive from a guest as exits
 * (those on memory 0 run in user mode instead; wasm/codegen/riscv64/stubs.h).
 */
#include "wasm/runtime/memory.h"

#include <string.h>

/* Bytes copied at a time; the buffer is on the stack. */
enum { CHUNK = 2048 };

static status_t tell_guest(struct wasm_store *store, const struct wasm_memory *memory) {
    struct memory_area area = {.base = memory->base, .size = memory_size(memory)};
    return plat_copy_out(store->space, memory->area, &area, sizeof(area));
}

/* Commits `delta` more pages; the caller has checked that the memory may have them. */
static status_t add_pages(struct wasm_store *store, struct wasm_memory *memory, uint64_t delta) {
    uint64_t size = delta * WASM_PAGE_SIZE;
    uint64_t max = store->config.max_memory;
    if (max != 0 && size > max - store->memory_committed) {
        return STATUS_NO_MEMORY;
    }
    if (size > 0) {
        TRY(plat_commit(store->space, memory->base + memory_size(memory), size));
    }
    memory->pages += delta;
    store->quick.area = 0;
    status_t status = tell_guest(store, memory);
    if (status != STATUS_OK) {
        memory->pages -= delta; /* the pages stay committed, for the next try */
        return status;
    }
    store->memory_committed += size;
    return STATUS_OK;
}

status_t memory_init(struct wasm_store *store, struct wasm_memory *memory,
                     const struct limits *limits, gaddr_t area) {
    *memory = (struct wasm_memory){.limits = *limits, .area = area};
    memory->max_pages =
        limits->has_max && limits->max < LIMIT_MEMORY_PAGES ? limits->max : LIMIT_MEMORY_PAGES;
    if (limits->min > memory->max_pages) {
        return STATUS_LIMIT;
    }
    TRY(plat_reserve(store->space, MEMORY_RESERVED, WASM_PAGE_SIZE, &memory->reservation));
    memory->base = memory->reservation + MEMORY_GUARD_BELOW;
    status_t status = add_pages(store, memory, limits->min);
    if (status != STATUS_OK) {
        memory_fini(store, memory);
    }
    return status;
}

void memory_fini(struct wasm_store *store, struct wasm_memory *memory) {
    if (memory->reservation != 0) {
        plat_release(store->space, memory->reservation, MEMORY_RESERVED);
        store->memory_committed -= memory_size(memory);
        *memory = (struct wasm_memory){0};
    }
}

int32_t memory_grow(struct wasm_store *store, struct wasm_memory *memory, uint32_t delta) {
    uint64_t old = memory->pages;
    if (delta > memory->max_pages - old || add_pages(store, memory, delta) != STATUS_OK) {
        return -1;
    }
    return (int32_t)old;
}

status_t memory_write(struct wasm_store *store, struct wasm_memory *memory, uint64_t at,
                      const void *from, uint64_t size) {
    if (!memory_has(memory, at, size)) {
        return STATUS_FAULT;
    }
    return size == 0 ? STATUS_OK : plat_copy_out(store->space, memory->base + at, from, size);
}

status_t memory_fill(struct wasm_store *store, struct wasm_memory *memory, uint64_t at,
                     uint8_t value, uint64_t size) {
    uint8_t chunk[CHUNK];
    if (!memory_has(memory, at, size)) {
        return STATUS_FAULT;
    }
    memset(chunk, value, sizeof(chunk));
    for (uint64_t done = 0; done < size;) {
        uint64_t n = size - done < CHUNK ? size - done : CHUNK;
        TRY(plat_copy_out(store->space, memory->base + at + done, chunk, n));
        done += n;
    }
    return STATUS_OK;
}

status_t memory_copy(struct wasm_store *store, struct wasm_memory *to, uint64_t to_at,
                     struct wasm_memory *from, uint64_t from_at, uint64_t size) {
    uint8_t chunk[CHUNK];
    if (!memory_has(to, to_at, size) || !memory_has(from, from_at, size)) {
        return STATUS_FAULT;
    }
    bool downwards = to == from && to_at > from_at; /* overlapping parts must be read first */
    for (uint64_t done = 0; done < size;) {
        uint64_t n = size - done < CHUNK ? size - done : CHUNK;
        uint64_t offset = downwards ? size - done - n : done;
        TRY(plat_copy_in(store->space, chunk, from->base + from_at + offset, n));
        TRY(plat_copy_out(store->space, to->base + to_at + offset, chunk, n));
        done += n;
    }
    return STATUS_OK;
}
