/*
 * Fixed-size bit sets. Bits at and above len are always clear, so words may be compared whole.
 */
#include "base/bitset.h"

#include "base/bits.h"

#include <string.h>

static uint32_t words_len(uint32_t len) {
    return len / 64 + (len % 64 != 0);
}

struct bitset bitset_new(struct arena *arena, uint32_t len) {
    return (struct bitset){.words = arena_array(arena, uint64_t, words_len(len)), .len = len};
}

void bitset_clear(struct bitset *s) {
    memset(s->words, 0, words_len(s->len) * sizeof(uint64_t));
}

void bitset_copy(struct bitset *to, const struct bitset *from) {
    memcpy(to->words, from->words, words_len(to->len) * sizeof(uint64_t));
}

bool bitset_union(struct bitset *to, const struct bitset *from) {
    uint64_t changed = 0;
    for (uint32_t i = 0; i < words_len(to->len); i++) {
        uint64_t joined = to->words[i] | from->words[i];
        changed |= joined ^ to->words[i];
        to->words[i] = joined;
    }
    return changed != 0;
}

uint32_t bitset_next(const struct bitset *s, uint32_t from) {
    if (from >= s->len) {
        return s->len;
    }
    uint32_t i = from / 64;
    uint64_t word = s->words[i] >> (from % 64) << (from % 64);
    while (word == 0) {
        if (++i == words_len(s->len)) {
            return s->len;
        }
        word = s->words[i];
    }
    return i * 64 + bits_lowest(word);
}
