/*
 * Pieces of values; see regalloc_piece.h. All lookups are binary searches, so that a value with
 * thousands of uses costs no more a step than one with two.
 */
#include "wasm/codegen/regalloc_piece.h"

#include <assert.h>

void piece_init(struct regalloc *ra, struct piece *piece, vreg_t vreg) {
    struct value *value = &ra->values[vreg];
    piece->vreg = vreg;
    piece->range = value->range;
    piece->use = value->use;
    piece->start = ra->ranges.at[value->range].start;
    piece->end = ra->ranges.at[value->range_end - 1].end;
    value->pieces = piece;
}

uint32_t piece_find_range(const struct regalloc *ra, const struct value *value, uint32_t k,
                          pos_t pos) {
    uint32_t high = value->range_end;
    while (k < high) {
        uint32_t mid = k + (high - k) / 2;
        if (ra->ranges.at[mid].end <= pos) {
            k = mid + 1;
        } else {
            high = mid;
        }
    }
    return k;
}

uint32_t piece_find_use(const struct regalloc *ra, const struct value *value, uint32_t k,
                        pos_t pos) {
    uint32_t high = value->use_end;
    while (k < high) {
        uint32_t mid = k + (high - k) / 2;
        if (ra->uses[mid].pos < pos) {
            k = mid + 1;
        } else {
            high = mid;
        }
    }
    return k;
}

uint32_t piece_first_must(const struct regalloc *ra, const struct piece *piece) {
    uint32_t k = piece->use;
    while (piece_has_use(ra, piece, k) && !ra->uses[k].must) {
        k++;
    }
    return piece_has_use(ra, piece, k) ? k : UINT32_MAX;
}

pos_t piece_use_until(const struct regalloc *ra, const struct piece *piece, uint32_t k) {
    const struct use *use = &ra->uses[k];
    pos_t until = use->pos + 1;
    if (role_is_def(ra->m->operands.at[use->operand].role)) {
        until = pos_at(pos_inst(use->pos) + 1, POS_READ);
    }
    return min_pos(until, piece->end);
}

pos_t piece_intersect(const struct regalloc *ra, const struct piece *a, const struct piece *b) {
    uint32_t i = a->range, j = b->range;
    struct range x, y;
    while (piece_clip(ra, a, i, &x) && piece_clip(ra, b, j, &y)) {
        if (x.end <= y.start) {
            i = piece_find_range(ra, value_of(ra, a), i + 1, y.start);
        } else if (y.end <= x.start) {
            j = piece_find_range(ra, value_of(ra, b), j + 1, x.start);
        } else {
            return x.start > y.start ? x.start : y.start;
        }
    }
    return POS_NONE;
}

struct piece *piece_cut(struct regalloc *ra, struct piece *piece, pos_t pos) {
    const struct value *value = value_of(ra, piece);
    assert(pos > piece->start && pos < piece->end);
    uint32_t k = piece_find_range(ra, value, value->range, pos);
    struct piece *rest = arena_new(ra->arena, struct piece);
    rest->vreg = piece->vreg;
    rest->range = k;
    rest->start = ra->ranges.at[k].start > pos ? ra->ranges.at[k].start : pos;
    rest->end = piece->end;
    rest->use = piece_find_use(ra, value, value->use, pos);
    rest->next = piece->next;
    piece->next = rest;
    piece->end = ra->ranges.at[k].start < pos ? pos : ra->ranges.at[k - 1].end;
    assert(piece->end > piece->start && rest->start < rest->end);
    return rest;
}

pos_t piece_out_of_loops(const struct regalloc *ra, pos_t after, pos_t pos) {
    pos_t best = pos;
    uint32_t l = ra->block_loop[pos_block(ra, pos)];
    for (int nest = 0; l && nest < NEST_MAX; l = ra->loops.at[l].parent, nest++) {
        pos_t start = block_start(ra, ra->loops.at[l].first);
        if (start <= after) {
            break;
        }
        best = start;
    }
    return best;
}

uint32_t piece_last_use(const struct regalloc *ra, const struct piece *piece, pos_t pos) {
    const struct value *value = value_of(ra, piece);
    uint32_t k = piece_find_use(ra, value, value->use, pos);
    if (k == value->use || ra->uses[k - 1].pos < piece->start ||
        (value->remat && k - 1 == value->use)) {
        return UINT32_MAX;
    }
    return k - 1;
}

pos_t piece_cut_position(const struct regalloc *ra, pos_t last, pos_t until) {
    if (pos_starts_block(ra, until)) {
        return piece_out_of_loops(ra, last, until);
    }
    pos_t gap = pos_at(pos_inst(until), POS_READ);
    if (gap <= last) {
        assert(until > last && pos_inst(last) == pos_inst(until));
        return pos_at(pos_inst(until), POS_CLOBBER); /* used right there: on to memory */
    }
    return piece_out_of_loops(ra, last, gap);
}
