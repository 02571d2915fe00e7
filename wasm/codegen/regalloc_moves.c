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

#include <assert.h>

struct store {
    uint32_t inst, weight;
    enum move_group group;
    loc_t from;
};

/* Predecessors of a block, or of all blocks of a span. */
struct preds {
    uint32_t least, greatest;
};

#define SPAN        64u
#define SPAN_LEVELS 3u

struct moves {
    struct regalloc *ra;
    struct preds *preds[SPAN_LEVELS]; /* level n: of spans of SPAN^n blocks */
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

static void place_operand(struct moves *s, const struct use *use, loc_t loc) {
    struct moperand *o = &s->ra->m->operands.at[use->operand];
    const struct value *value = current(s);
    if (role_is_def(o->role)) {
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
    for (uint32_t k = value->use; k < value->use_end; k++) {
        while (piece->end <= s->ra->uses[k].pos) {
            piece = piece->next;
        }
        assert(piece->start <= s->ra->uses[k].pos ||
               role_is_def(s->ra->m->operands.at[s->ra->uses[k].operand].role));
        place_operand(s, &s->ra->uses[k], piece->loc);
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

/* The piece that covers `pos`. */
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
    return s->pieces.at[low];
}

static void find_preds(struct moves *s) {
    const struct mfunc *m = s->ra->m;
    uint32_t span = 1;
    for (uint32_t level = 0; level < SPAN_LEVELS; level++, span *= SPAN) {
        uint32_t count = m->blocks.len / span + 1;
        s->preds[level] = arena_array(s->ra->arena, struct preds, count);
        for (uint32_t k = 0; k < count; k++) {
            s->preds[level][k].least = UINT32_MAX;
        }
    }
    for (uint32_t b = 0; b < m->blocks.len; b++) {
        for (uint32_t k = 0; k < m->blocks.at[b].preds.len; k++) {
            uint32_t pred = m->blocks.at[b].preds.at[k];
            span = 1;
            for (uint32_t level = 0; level < SPAN_LEVELS; level++, span *= SPAN) {
                struct preds *preds = &s->preds[level][b / span];
                preds->least = pred < preds->least ? pred : preds->least;
                preds->greatest = pred > preds->greatest ? pred : preds->greatest;
            }
        }
    }
}

/* The first block from b to end with a predecessor that is not within `in`, or end. */
static uint32_t next_entry(const struct moves *s, uint32_t b, uint32_t end, struct preds in) {
    while (b < end) {
        uint32_t span = 1, step = 0;
        for (uint32_t level = 0; level < SPAN_LEVELS && b % span == 0; level++, span *= SPAN) {
            const struct preds *preds = &s->preds[level][b / span];
            if (preds->least != UINT32_MAX &&
                (preds->least < in.least || preds->greatest > in.greatest)) {
                break;
            }
            step = span;
        }
        if (step == 0) {
            return b;
        }
        b += step;
    }
    return end;
}

/* Moves on the edges into a block at whose start the value lives in `piece`. */
static void join_edges_of(struct moves *s, uint32_t block, const struct piece *piece) {
    const struct regalloc *ra = s->ra;
    const struct mblock *b = &ra->m->blocks.at[block];
    for (uint32_t k = 0; k < b->preds.len; k++) {
        uint32_t pred = b->preds.at[k];
        pos_t end = block_end(ra, pred) - 1;
        const struct piece *from = find_piece(s, end);
        if (from != piece && from->start <= end && end < from->end) {
            enum move_group group;
            uint32_t inst = edge_inst(ra, pred, block, &group);
            change_place(s, inst, group, from->loc, piece->loc);
        }
    }
}

/* The same for all blocks that start within a range of the piece; if the definition is among them,
 * it is the start of the range. */
static void join_range(struct moves *s, const struct piece *piece, pos_t start, pos_t end) {
    const struct regalloc *ra = s->ra;
    uint32_t block = pos_block(ra, start);
    uint32_t last = pos_block(ra, end - 1);
    struct preds in = {pos_block(ra, piece->start), pos_block(ra, piece->end - 1)};
    in.greatest -= block_end(ra, in.greatest) > piece->end; /* wraps only where nothing is in */
    block +=
        block_start(ra, block) < start || (piece == current(s)->pieces && start == piece->start);
    if (in.greatest == UINT32_MAX) {
        in.least = in.greatest = 0;
    }
    for (block = next_entry(s, block, last + 1, in); block <= last;
         block = next_entry(s, block + 1, last + 1, in)) {
        join_edges_of(s, block, piece);
    }
}

/* Moves on all edges between pieces. */
static void join_edges(struct moves *s) {
    const struct regalloc *ra = s->ra;
    const struct value *value = current(s);
    uint32_t k = value->range;
    vec_clear(&s->pieces);
    for (struct piece *piece = value->pieces; piece; piece = piece->next) {
        vec_push(ra->arena, &s->pieces, piece);
    }
    if (!s->preds[0]) {
        find_preds(s);
    }
    for (const struct piece *piece = value->pieces; piece; piece = piece->next) {
        while (ra->ranges.at[k].end <= piece->start) {
            k++;
        }
        for (; k < value->range_end && ra->ranges.at[k].start < piece->end; k++) {
            const struct range *range = &ra->ranges.at[k];
            pos_t start = range->start > piece->start ? range->start : piece->start;
            join_range(s, piece, start, range->end < piece->end ? range->end : piece->end);
            if (range->end > piece->end) {
                break;
            }
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
        if (!current(&s)->pieces) {
            continue;
        }
        vec_clear(&s.stores);
        place_operands(&s);
        if (current(&s)->pieces->next) {
            join_pieces(&s);
            join_edges(&s);
            add_stores(&s);
        }
    }
    move_list_write(&s.list, ra->m, ra->target);
}
