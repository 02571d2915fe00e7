/*
 * Fixed-size bit sets in an arena, for data-flow passes.
 */
#ifndef BASE_BITSET_H
#define BASE_BITSET_H

#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>

struct bitset {
    uint64_t *words;
    uint32_t len; /* bits */
};

struct bitset bitset_new(struct arena *arena, uint32_t len); /* all clear */

static inline bool bitset_has(const struct bitset *s, uint32_t i) {
    return (s->words[i / 64] >> (i % 64)) & 1;
}
static inline void bitset_add(struct bitset *s, uint32_t i) {
    s->words[i / 64] |= (uint64_t)1 << (i % 64);
}
static inline void bitset_remove(struct bitset *s, uint32_t i) {
    s->words[i / 64] &= ~((uint64_t)1 << (i % 64));
}
void bitset_clear(struct bitset *s);
void bitset_copy(struct bitset *to, const struct bitset *from);  /* same len */
bool bitset_union(struct bitset *to, const struct bitset *from); /* true if `to` changed */
/* The first member at or after `from`, or len. */
uint32_t bitset_next(const struct bitset *s, uint32_t from);

#define bitset_each(s, i)                                                                          \
    for (uint32_t i = bitset_next((s), 0); i < (s)->len; i = bitset_next((s), i + 1))

#endif
