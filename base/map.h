/*
 * Hash map from 64-bit keys to 32-bit values, in an arena; open addressing, no removal but of all.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>

struct map_entry {
    uint64_t key;
    uint32_t value;
    uint32_t used;
};

struct map {
    struct arena *arena;
    struct map_entry *entries;
    uint32_t len, cap; /* cap: 0 or a power of two */
    uint64_t multiplier;
};

/* Where keys lie depends on the seed: who chooses keys and does not know it cannot make them collide. 0 will
 * do where nobody chooses. What the map holds and gives does not depend on it. */
void map_init(struct map *map, struct arena *arena, uint64_t seed);
bool map_get(const struct map *map, uint64_t key, uint32_t *value_out);
/* Adds or replaces. False, with nothing changed, when the arena has no more. */
bool map_put(struct map *map, uint64_t key, uint32_t value);
void map_clear(struct map *map);

/* How many entries a search for the key passes over: for tests. */
uint32_t map_distance(const struct map *map, uint64_t key);

/* 64-bit mix, the one used by the map; and over bytes, seeded. */
uint64_t hash_u64(uint64_t x);
uint64_t hash_bytes(const void *bytes, size_t size, uint64_t seed);

#endif
