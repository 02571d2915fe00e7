/*
 * Pieces of values: what they cover and use, and where they may be cut.
 */
#ifndef WASM_CODEGEN_REGALLOC_PIECE_H
#define WASM_CODEGEN_REGALLOC_PIECE_H

#include "wasm/codegen/regalloc.h"

static inline pos_t min_pos(pos_t a, pos_t b) {
    return a < b ? a : b;
}
static inline struct value *value_of(const struct regalloc *ra, const struct piece *piece) {
    return &ra->values[piece->vreg];
}

/* Whether use k, which is not before the piece, is in it. */
static inline bool piece_has_use(const struct regalloc *ra, const struct piece *piece, uint32_t k) {
    return k < value_of(ra, piece)->use_end && ra->uses[k].pos < piece->end;
}

/* The part of range k that lies in the piece; false if it begins after it. */
static inline bool piece_clip(const struct regalloc *ra, const struct piece *piece, uint32_t k,
                              struct range *range) {
    if (k >= value_of(ra, piece)->range_end || ra->ranges.at[k].start >= piece->end) {
        return false;
    }
    *range = ra->ranges.at[k];
    range->start = range->start > piece->start ? range->start : piece->start;
    range->end = min_pos(range->end, piece->end);
    return true;
}

/* Makes `piece`, which is zero, the value's first: its whole life. */
void piece_init(struct regalloc *ra, struct piece *piece, vreg_t vreg);

/* Cuts the piece in two at `pos`, or at the range after the hole that `pos` lies in; gives the second,
 * which has no place yet. */
struct piece *piece_cut(struct regalloc *ra, struct piece *piece, pos_t pos);

/* First range of the value that ends after `pos`, from range k on. */
uint32_t piece_find_range(const struct regalloc *ra, const struct value *value, uint32_t k,
                          pos_t pos);
/* First use of the value at or after `pos`, from use k on. */
uint32_t piece_find_use(const struct regalloc *ra, const struct value *value, uint32_t k,
                        pos_t pos);
/* First use of the piece that must be in a register, or UINT32_MAX. */
uint32_t piece_first_must(const struct regalloc *ra, const struct piece *piece);
/* Last use of the piece before `pos`, or UINT32_MAX. What is made again needs no definition. */
uint32_t piece_last_use(const struct regalloc *ra, const struct piece *piece, pos_t pos);
/* Up to where a register has to last to be of help for use k. A definition is still to be stored. */
pos_t piece_use_until(const struct regalloc *ra, const struct piece *piece, uint32_t k);

/* First position at which both pieces live, or POS_NONE. */
pos_t piece_intersect(const struct regalloc *ra, const struct piece *a, const struct piece *b);

/* Loops around a place that are looked at. */
#define NEST_MAX 8

/* Start of the outermost loop that holds `pos` and begins after `after`; `pos` if there is none. A
 * value that lives at both lives on the way into the loop. */
pos_t piece_out_of_loops(const struct regalloc *ra, pos_t after, pos_t pos);
/* Where to cut a piece that is used at `last` for the last time and has to let go of its register by
 * `until`: outside of loops if possible. */
pos_t piece_cut_position(const struct regalloc *ra, pos_t last, pos_t until);

#endif
