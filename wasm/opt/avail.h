/*
 * Which values of memory, globals and tables are known at a place: those loaded or stored on the way
 * there and not overwritten since. A few at a time: the oldest is forgotten first.
 */
#ifndef WASM_OPT_AVAIL_H
#define WASM_OPT_AVAIL_H

#include "wasm/opt/effects.h"

#include <stddef.h>
#include <string.h>

#define AVAIL_CAP 24u

/* One known value: reading `op` with these operands gives it. */
struct avail_entry {
    uint8_t op, sub, type;
    uint32_t aux;
    int64_t imm;  /* offset, or index of the global */
    value_t base; /* argument 0 of the reading, or 0 */
    value_t root; /* an address is root + distance (modulo 2^32) + imm */
    uint32_t distance;
    value_t value;
};

struct avail {
    uint32_t len, oldest;
    struct avail_entry entry[AVAIL_CAP];
};

/* Copies, of which no more need be allocated than is in use. */
static inline size_t avail_size(const struct avail *a) {
    return offsetof(struct avail, entry) + a->len * sizeof(struct avail_entry);
}
static inline void avail_copy(struct avail *to, const struct avail *from) {
    memcpy(to, from, avail_size(from));
}

/* The value that reading instruction v would give, or 0. */
value_t avail_find(const struct avail *a, const struct func *f, value_t v);
/* v is executed: what it reads becomes known, what it overwrites is forgotten. True if it changed. */
bool avail_note(struct avail *a, const struct func *f, value_t v);
/* Forgets what reads of these classes gave. */
void avail_kill(struct avail *a, const struct func *f, effects_t written);
/* Keeps what is known in both. */
void avail_intersect(struct avail *a, const struct avail *b);

#endif
