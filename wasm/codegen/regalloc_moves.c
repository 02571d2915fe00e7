/*
 * Moves: between the pieces of a value, into FIXED registers, and along the edges of the flow graph.
 *
 * Needs: pieces with places, slots. Gives: loc of every operand, m->moves. Breaks: nothing.
 *
 * Moves at one point form a group that happens at once; there are up to three groups in front of an
 * instruction, in this order: those of the edge into its block, its own, and those of the edge
 * out of its block. Each group is put into a sequence in the end (regalloc_order.c).
 *
 * A value that is spilled gets stored once, right after its definition, or wherever it goes from a
 * register to memory, whichever runs less often.
 */
#include "wasm/codegen/regalloc_order.h"
#include "wasm/codegen/regalloc_piece.h"

#include <assert.h>

struct store {
    uint32_t inst, weight;
    enum move_group group;
    loc_t from;
};

struct moves {
    struct regalloc *ra;
    struct move_list list;
    VEC(struct store) stores;   /* of the value at hand */
    VEC(struct piece *) pieces; /* likewise */
    vreg_t vreg;
};

static struct value *current(const struct moves *s) {
    return &s->ra->values[s->vreg];
}

/* --- recording --- */

static void add_move(struct moves *s, uint32_t inst, enum move_group group, loc_t from, loc_t to) {
    const struct value *value = current(s);
    struct move move = {.from = from, .to = to, .reg_class = value->class};
    if (from == LOC_SPILLED && value->remat) {
        move.from = LOC_NONE;
        move.remat = value->def_inst + 1;
    } else if (from == LOC_SPILLED) {
        move.from = LOC_SLOT(value->slot);
    }
    if (move.from != to) {
        move_list_add(&s->list, inst, group, move);
    }
}

/* The value has another place from here on. */
static void change_place(struct moves *s, uint32_t inst, enum move_group group, loc_t from,
                         loc_t to) {
    if (from == to) {
        return;
    }
    if (to != LOC_SPILLED) {
        add_move(s, inst, group, from, to);
    } else if (!current(s)->remat) {
        uint32_t weight = block_weight(s->ra, s->ra->inst_block[inst]);
        vec_push(s->ra->arena, &s->stores, ((struct store){inst, weight, group, from}));
    }
}

/* Where the moves of an edge stand: at the end that has only this edge. */
static uint32_t edge_inst(const struct regalloc *ra, uint32_t pred, uint32_t succ,
                          enum move_group *group) {
    bool at_end = ra->m->blocks.at[pred].succs.len == 1;
    assert((at_end || ra->m->blocks.at[succ].preds.len == 1) && "no critical edges");
    *group = at_end ? MOVES_OUT : MOVES_IN;
    return at_end ? block_last(ra, pred) : ra->m->blocks.at[succ].first;
}

static loc_t slot_or_reg(const struct value *value, loc_t loc) {
    return loc == LOC_SPILLED ? LOC_SLOT(value->slot) : loc;
}

/* --- operands --- */

static void place_argument(struct moves *s, uint32_t operand, uint32_t block, loc_t loc) {
    const struct regalloc *ra = s->ra;
    const struct value *param = &ra->values[argument_param(ra, block, operand)];
    loc_t to = slot_or_reg(param, param->pieces->loc);
    enum move_group group;
    uint32_t inst = edge_inst(ra, block, ra->m->blocks.at[block].succs.at[0], &group);
    add_move(s, inst, group, loc, to);
    ra->m->operands.at[operand].loc = to;
}

static inline void place_operand(struct moves *s, const struct use *use, loc_t loc) {
    struct moperand *o = &s->ra->m->operands.at[use->operand];
    const struct value *value = current(s);
    if (o->constraint == OPERAND_REG && loc != LOC_SPILLED) {
        o->loc = loc;
    } else if (role_is_def(o->role)) {
        assert(loc != LOC_SPILLED || value->remat);
        o->loc = loc == LOC_SPILLED ? LOC_NONE : loc;
    } else if (o->constraint == OPERAND_FIXED) {
        o->loc = LOC_REG(value->class, o->reg);
        s->ra->used |= (uint64_t)1 << (o->loc - 1);
        add_move(s, pos_inst(use->pos), MOVES_AT, loc, o->loc);
    } else if (o->constraint == OPERAND_ANY && pos_step(use->pos) == POS_WRITE) {
        place_argument(s, use->operand, pos_block(s->ra, use->pos), loc);
    } else {
        assert(loc != LOC_SPILLED || (o->constraint == OPERAND_ANY && !value->remat));
        o->loc = slot_or_reg(value, loc);
    }
}

static void place_operands(struct moves *s) {
    const struct value *value = current(s);
    const struct piece *piece = value->pieces;
    const struct use *use = &s->ra->uses[value->use], *end = &s->ra->uses[value->use_end];
    for (; use < end; use++) {
        while (piece->end <= use->pos) {
            piece = piece->next;
        }
        place_operand(s, use, piece->loc);
    }
}

/* --- between pieces --- */

/* Moves inside of blocks. A piece that starts at CLOBBER is in memory; the store, if there is one,
 * stands in front of the instruction, where the value may still be in another place. */
static void join_pieces(struct moves *s) {
    const struct piece *previous = NULL;
    for (const struct piece *piece = current(s)->pieces; piece->next; piece = piece->next) {
        const struct piece *next = piece->next;
        uint32_t inst = pos_inst(next->start);
        if (next->start == piece->end && !pos_starts_block(s->ra, next->start)) {
            bool late = piece->start > pos_at(inst, POS_BEFORE);
            assert(!late || previous);
            change_place(s, inst, MOVES_AT, late ? previous->loc : piece->loc, next->loc);
        }
        previous = piece;
    }
}

static bool covers(const struct piece *piece, pos_t pos) {
    return piece->start <= pos && pos < piece->end;
}

/* The piece that covers `pos`, which may lie in a hole of it; NULL if none does. */
static const struct piece *find_piece(const struct moves *s, pos_t pos) {
    uint32_t low = 0, high = s->pieces.len;
    while (high - low > 1) {
        uint32_t mid = low + (high - low) / 2;
        if (s->pieces.at[mid]->start <= pos) {
            low = mid;
        } else {
            high = mid;
        }
    }
    return covers(s->pieces.at[low], pos) ? s->pieces.at[low] : NULL;
}

static void join_edge(struct moves *s, uint32_t pred, uint32_t succ, loc_t from, loc_t to) {
    enum move_group group;
    uint32_t inst = edge_inst(s->ra, pred, succ, &group);
    change_place(s, inst, group, from, to);
}

/* Moves on the edges into a block at whose start the piece has its register. */
static void join_preds(struct moves *s, uint32_t block, const struct piece *piece) {
    const struct mblock *b = &s->ra->m->blocks.at[block];
    for (uint32_t k = 0; k < b->preds.len; k++) {
        pos_t end = block_end(s->ra, b->preds.at[k]) - 1;
        const struct piece *from = covers(piece, end) ? piece : find_piece(s, end);
        if (from && from != piece) {
            join_edge(s, b->preds.at[k], block, from->loc, piece->loc);
        }
    }
}

static bool lives_at(const struct moves *s, pos_t pos) {
    const struct value *value = current(s);
    uint32_t k = piece_find_range(s->ra, value, value->range, pos);
    return k < value->range_end && s->ra->ranges.at[k].start <= pos;
}

/* Moves to memory on the edges out of a block at whose end the piece has its register. */
static void join_succs(struct moves *s, uint32_t block, const struct piece *piece) {
    const struct mblock *b = &s->ra->m->blocks.at[block];
    for (uint32_t k = 0; k < b->succs.len; k++) {
        uint32_t succ = b->succs.at[k];
        pos_t start = block_start(s->ra, succ);
        const struct piece *to = covers(piece, start) ? piece : find_piece(s, start);
        if (to && to->loc == LOC_SPILLED && succ != current(s)->def_block && lives_at(s, start)) {
            join_edge(s, block, succ, piece->loc, LOC_SPILLED);
        }
    }
}

/* What begins or ends while the piece has its register. */
static void join_blocks(struct moves *s, const struct piece *piece) {
    const struct regalloc *ra = s->ra;
    const struct value *value = current(s);
    struct range range;
    for (uint32_t k = piece_find_range(ra, value, value->range, piece->start);
         piece_clip(ra, piece, k, &range); k++) {
        uint32_t last = pos_block(ra, range.end - 1);
        for (uint32_t b = pos_block(ra, range.start); b <= last; b++) {
            if (block_start(ra, b) >= range.start && b != value->def_block) {
                join_preds(s, b, piece);
            }
            if (block_end(ra, b) <= range.end) {
                join_succs(s, b, piece);
            }
        }
    }
}

/* Moves on all edges between pieces. Where both are in memory there is none; so it is enough to look around
 * those in registers, of which no more live at a time than there are registers, while thousands of values
 * in memory may live where thousands of branches meet. */
static void join_edges(struct moves *s) {
    vec_clear(&s->pieces);
    for (struct piece *piece = current(s)->pieces; piece; piece = piece->next) {
        vec_push(s->ra->arena, &s->pieces, piece);
    }
    for (uint32_t k = 0; k < s->pieces.len; k++) {
        if (s->pieces.at[k]->loc != LOC_SPILLED) {
            join_blocks(s, s->pieces.at[k]);
        }
    }
}

/* --- stores --- */

/* In front of the first instruction after the definition. */
static void store_at_definition(struct moves *s) {
    const struct value *value = current(s);
    uint32_t inst =
        value_is_param(value) ? s->ra->m->blocks.at[value->def_block].first : value->def_inst + 1;
    add_move(s, inst, MOVES_AT, value->pieces->loc, LOC_SLOT(value->slot));
}

static void add_stores(struct moves *s) {
    const struct value *value = current(s);
    uint64_t cost = 0;
    if (!s->stores.len || value->pieces->loc == LOC_SPILLED) {
        return; /* the second: it was in memory before it ever was in a register */
    }
    for (uint32_t k = 0; k < s->stores.len; k++) {
        cost += s->stores.at[k].weight;
    }
    if (cost > block_weight(s->ra, value->def_block)) {
        store_at_definition(s);
        return;
    }
    for (uint32_t k = 0; k < s->stores.len; k++) {
        const struct store *store = &s->stores.at[k];
        add_move(s, store->inst, store->group, store->from, LOC_SLOT(value->slot));
    }
}

void regalloc_moves_build(struct regalloc *ra) {
    struct moves s = {.ra = ra};
    move_list_init(&s.list, ra->arena, ra->m->insts.len);
    for (uint32_t k = 0; k < ra->order.len; k++) {
        s.vreg = ra->order.at[k];
        place_operands(&s);
        if (current(&s)->pieces->next) {
            vec_clear(&s.stores);
            join_pieces(&s);
            join_edges(&s);
            add_stores(&s);
        }
    }
    move_list_write(&s.list, ra->m, ra->target);
}
