/*
 * Hash map with linear probing; at most three quarters full. Growing leaves the old table in the
 * arena, which costs as much again as the last one and is gone with the arena.
 */
#include "base/map.h"

#include <string.h>

/* The finalizer of MurmurHash3: every input bit reaches every output bit. */
uint64_t hash_u64(uint64_t x) {
    x ^= x >> 33;
    x *= 0xff51afd7ed558ccdull;
    x ^= x >> 33;
    x *= 0xc4ceb9fe1a85ec53ull;
    x ^= x >> 33;
    return x;
}

uint64_t hash_bytes(const void *bytes, size_t size, uint64_t seed) {
    const uint8_t *at = bytes;
    uint64_t hash = hash_u64(seed ^ (uint64_t)size * 0x9e3779b97f4a7c15ull);
    for (; size >= 8; size -= 8, at += 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        hash = hash_u64(hash ^ word) + 0x9e3779b97f4a7c15ull;
    }
    if (size > 0) {
        uint64_t word = 0;
        memcpy(&word, at, size);
        hash = hash_u64(hash ^ word);
    }
    return hash;
}

/* An odd number, that of the golden ratio for seed 0. */
void map_init(struct map *map, struct arena *arena, uint64_t seed) {
    *map = (struct map){.arena = arena, .multiplier = 0x9e3779b97f4a7c15ull ^ seed << 1};
}

void map_clear(struct map *map) {
    if (map->cap > 0) {
        memset(map->entries, 0, map->cap * sizeof(struct map_entry));
    }
    map->len = 0;
}

/* Where the key's search starts: the upper bits of its product with an odd number. For any two keys they
 * are the same for at most a 2 / cap-th of all such numbers (Dietzfelbinger, Hagerup, Katajainen and
 * Penttonen, "A reliable randomized algorithm for the closest-pair problem", 1997). */
static uint32_t place_of(const struct map *map, uint64_t key) {
    uint64_t product = (key ^ key >> 32) * map->multiplier;
    return (uint32_t)((product >> 32) * map->cap >> 32);
}

/* The entry that holds the key, or the free one where it would go. */
static struct map_entry *find(const struct map *map, uint64_t key) {
    uint32_t mask = map->cap - 1;
    uint32_t i = place_of(map, key);
    while (map->entries[i].used && map->entries[i].key != key) {
        i = (i + 1) & mask;
    }
    return &map->entries[i];
}

uint32_t map_distance(const struct map *map, uint64_t key) {
    if (map->len == 0) {
        return 0;
    }
    uint32_t at = (uint32_t)(find(map, key) - map->entries);
    return (at - place_of(map, key)) & (map->cap - 1);
}

static bool grow(struct map *map) {
    struct map old = *map;
    uint32_t cap = old.cap ? old.cap * 2 : 16;
    struct map_entry *entries = arena_array(map->arena, struct map_entry, cap);
    if (!entries) {
        return false;
    }
    map->cap = cap;
    map->entries = entries;
    for (uint32_t i = 0; i < old.cap; i++) {
        if (old.entries[i].used) {
            *find(map, old.entries[i].key) = old.entries[i];
        }
    }
    return true;
}

bool map_get(const struct map *map, uint64_t key, uint32_t *value_out) {
    if (map->len == 0) {
        return false;
    }
    const struct map_entry *entry = find(map, key);
    if (entry->used) {
        *value_out = entry->value;
    }
    return entry->used;
}

bool map_put(struct map *map, uint64_t key, uint32_t value) {
    if (map->len >= map->cap / 4 * 3 && !grow(map)) {
        return false;
    }
    struct map_entry *entry = find(map, key);
    map->len += !entry->used;
    *entry = (struct map_entry){.key = key, .value = value, .used = 1};
    return true;
}
