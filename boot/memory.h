/*
 * The map of physical memory: regions, each of one kind (abi/boot.h), page-aligned, sorted and
 * disjoint, neighbours of one kind merged. It is also the loader's only allocator: taking frames is
 * giving a part of a usable region another kind, so what was taken is always exactly what the map
 * says. What the payload keeps is taken from low addresses, what it gets back later from high ones,
 * so that both stay in few pieces.
 */
#ifndef BOOT_MEMORY_H
#define BOOT_MEMORY_H

#include "abi/boot.h"
#include "boot/refusal.h"

#include <stdbool.h>
#include <stdint.h>

struct memory {
    struct boot_region regions[BOOT_MAX_REGIONS];
    uint32_t len;
};

/* Adds RAM, cut inwards to whole pages; what overlaps RAM known already counts once. LIMIT. */
MUST_CHECK status_t memory_add(struct memory *memory, uint64_t start, uint64_t end,
                               struct refusal *why);

/* Gives `kind` to the usable pages that [start, end) touches. Other pages keep the kind they have,
 * so whoever marks first wins. LIMIT. */
MUST_CHECK status_t memory_mark(struct memory *memory, uint64_t start, uint64_t end,
                                enum boot_memory_kind kind, struct refusal *why);

/* Contiguous usable pages, size > 0 in bytes rounded up, now of `kind` (PAYLOAD: lowest place,
 * LOADER: highest). Not zeroed. NO_MEMORY, LIMIT. */
MUST_CHECK status_t memory_take(struct memory *memory, enum boot_memory_kind kind, uint64_t size,
                                uint64_t *phys_out, struct refusal *why);

/* Is all of [start, end) RAM, of whatever kind? */
bool memory_has(const struct memory *memory, uint64_t start, uint64_t end);

/* One past the last byte of RAM. */
uint64_t memory_end(const struct memory *memory);

#endif
