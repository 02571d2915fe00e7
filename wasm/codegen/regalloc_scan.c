/*
 * The scan: goes through the values by start, gives each a register for as long as one can be had,
 * and cuts off the rest to be looked at again when its time comes.
 *
 * Needs: liveness. Gives: pieces, each with a register or LOC_SPILLED. Breaks: nothing.
 *
 * Invariant: at position `now` each register has at most one active piece, the one that covers `now`;
 * pieces with a register that are in a hole at `now` are inactive, and start again at a later range.
 * Whatever has been decided about positions before `now` stays, but for one thing: a piece may
 * lose its register from a position before `now` on if it was not used since.
 */
#include "wasm/codegen/regalloc.h"

#include <assert.h>
#include <string.h>

/* A value in a register at the end of a block, and all of them. */
struct resident {
    vreg_t vreg;
    loc_t loc;
};
struct exit {
    uint32_t len;
    struct resident *at;
};

struct scan {
    struct regalloc *ra;
    uint32_t block;                      /* next to be entered */
    struct exit *exits;                  /* by block, where a later block will ask for it */
    pos_t now;
    uint32_t order_next;
    VEC(struct piece *) heap;            /* cut-off pieces by start */
    uint64_t active_mask;
    struct piece *active[REGALLOC_REGS];
    pos_t check[REGALLOC_REGS];          /* when the active piece ends or enters a hole */
    VEC(struct piece *) inactive;
    pos_t wake;                          /* when the first inactive piece starts again or ends */
    uint32_t fixed_cursor[REGALLOC_REGS];
    uint32_t call_cursor;
    uint8_t regs[REG_CLASS_COUNT][32];   /* of each class, the preferred ones first */
    uint32_t reg_count[REG_CLASS_COUNT];
    uint64_t clobbers, callee_saved;
    /* About the piece at hand. Of the arrays, those entries are valid whose bit is set. */
    pos_t call;                              /* first call that it lives across */
    uint64_t known;
    pos_t fixed_until[REGALLOC_REGS];        /* first fixed range or clobber in its way */
    pos_t free_until[REGALLOC_REGS];         /* that, or a piece */
    uint64_t met;
    pos_t meet[REGALLOC_REGS];               /* first meeting with an inactive piece */
    uint64_t hinted;
    int32_t hint[REGALLOC_REGS], hint_max;   /* moves saved there, by weight */
};

#define REG_NONE REGALLOC_REGS

static struct value *value_of(const struct scan *s, const struct piece *piece) {
    return &s->ra->values[piece->vreg];
}

static uint32_t weight_at(const struct scan *s, pos_t pos) {
    return block_weight(s->ra, pos_block(s->ra, pos));
}

static pos_t min_pos(pos_t a, pos_t b) {
    return a < b ? a : b;
}

/* --- what is to be done next --- */

static void push_piece(struct scan *s, struct piece *piece) {
    vec_push(s->ra->arena, &s->heap, piece);
    uint32_t k = s->heap.len - 1;
    for (; k && s->heap.at[(k - 1) / 2]->start > piece->start; k = (k - 1) / 2) {
        s->heap.at[k] = s->heap.at[(k - 1) / 2];
    }
    s->heap.at[k] = piece;
}

static struct piece *pop_piece(struct scan *s) {
    struct piece *top = s->heap.at[0], *last = vec_pop(&s->heap);
    uint32_t k = 0, len = s->heap.len;
    for (uint32_t child = 1; child < len; child = 2 * k + 1) {
        child += child + 1 < len && s->heap.at[child + 1]->start < s->heap.at[child]->start;
        if (s->heap.at[child]->start >= last->start) {
            break;
        }
        s->heap.at[k] = s->heap.at[child];
        k = child;
    }
    if (len) {
        s->heap.at[k] = last;
    }
    return top;
}

static struct piece *first_piece(struct regalloc *ra, vreg_t vreg) {
    struct value *value = &ra->values[vreg];
    struct piece *piece = arena_new(ra->arena, struct piece);
    piece->vreg = vreg;
    piece->range = value->range;
    piece->use = value->use;
    piece->start = ra->ranges.at[value->range].start;
    piece->end = ra->ranges.at[value->range_end - 1].end;
    value->pieces = piece;
    return piece;
}

/* Where the next value starts, or POS_NONE; passes those that have no life. */
static pos_t next_value_start(struct scan *s) {
    const struct regalloc *ra = s->ra;
    for (; s->order_next < ra->order.len; s->order_next++) {
        const struct value *value = &ra->values[ra->order.at[s->order_next]];
        if (value->range < value->range_end) {
            return ra->ranges.at[value->range].start;
        }
    }
    return POS_NONE;
}

static pos_t next_piece_start(struct scan *s) {
    while (s->heap.len && s->heap.at[0]->vreg == 0) {   /* made part of another */
        pop_piece(s);
    }
    return s->heap.len ? s->heap.at[0]->start : POS_NONE;
}

static pos_t next_start(struct scan *s) {
    return min_pos(next_value_start(s), next_piece_start(s));
}

/* Values come before cut-off pieces that start with them: they may be FIXED there. */
static struct piece *next_piece(struct scan *s) {
    pos_t value_start = next_value_start(s), piece_start = next_piece_start(s);
    if (value_start != POS_NONE && value_start <= piece_start) {
        return first_piece(s->ra, s->ra->order.at[s->order_next++]);
    }
    return piece_start != POS_NONE ? pop_piece(s) : NULL;
}

/* --- ranges and uses of pieces --- */

/* First range of the value that ends after `pos`, from range k on. */
static uint32_t find_range(const struct regalloc *ra, const struct value *value, uint32_t k,
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

/* First use of the value at or after `pos`, from use k on. */
static uint32_t find_use(const struct regalloc *ra, const struct value *value, uint32_t k, pos_t pos) {
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

static bool has_use(const struct scan *s, const struct piece *piece, uint32_t use) {
    return use < value_of(s, piece)->use_end && s->ra->uses[use].pos < piece->end;
}

/* First use of the piece that must be in a register, or POS_NONE's index. */
static uint32_t first_must(const struct scan *s, const struct piece *piece) {
    uint32_t k = piece->use;
    while (has_use(s, piece, k) && !s->ra->uses[k].must) {
        k++;
    }
    return has_use(s, piece, k) ? k : UINT32_MAX;
}

/* Up to where a register has to last to be of help for use k. A definition is still to be stored. */
static pos_t use_until(const struct scan *s, const struct piece *piece, uint32_t k) {
    const struct use *use = &s->ra->uses[k];
    pos_t until = use->pos + 1;
    if (role_is_def(s->ra->m->operands.at[use->operand].role)) {
        until = pos_at(pos_inst(use->pos) + 1, POS_READ);
    }
    return min_pos(until, piece->end);
}

/* The part of range k that lies in the piece; false if it begins after it. */
static bool clip_range(const struct scan *s, const struct piece *piece, uint32_t k,
                       struct range *range) {
    if (k >= value_of(s, piece)->range_end || s->ra->ranges.at[k].start >= piece->end) {
        return false;
    }
    *range = s->ra->ranges.at[k];
    range->start = range->start > piece->start ? range->start : piece->start;
    range->end = min_pos(range->end, piece->end);
    return true;
}

/* First position at which both pieces live, or POS_NONE. */
static pos_t intersect(const struct scan *s, const struct piece *a, const struct piece *b) {
    uint32_t i = a->range, j = b->range;
    struct range x, y;
    while (clip_range(s, a, i, &x) && clip_range(s, b, j, &y)) {
        if (x.end <= y.start) {
            i = find_range(s->ra, value_of(s, a), i + 1, y.start);
        } else if (y.end <= x.start) {
            j = find_range(s->ra, value_of(s, b), j + 1, x.start);
        } else {
            return x.start > y.start ? x.start : y.start;
        }
    }
    return POS_NONE;
}

/* --- cutting --- */

/* Cuts the piece in two at `pos`, or at the range after the hole that `pos` lies in. */
static struct piece *cut(struct scan *s, struct piece *piece, pos_t pos) {
    struct regalloc *ra = s->ra;
    const struct value *value = value_of(s, piece);
    assert(pos > piece->start && pos < piece->end);
    uint32_t k = find_range(ra, value, value->range, pos);
    struct piece *rest = arena_new(ra->arena, struct piece);
    rest->vreg = piece->vreg;
    rest->range = k;
    rest->start = ra->ranges.at[k].start > pos ? ra->ranges.at[k].start : pos;
    rest->end = piece->end;
    rest->use = find_use(ra, value, value->use, pos);
    rest->next = piece->next;
    piece->next = rest;
    piece->end = ra->ranges.at[k].start < pos ? pos : ra->ranges.at[k - 1].end;
    assert(piece->end > piece->start && rest->start < rest->end);
    return rest;
}

/* Loops around a place that are looked at. */
#define NEST_MAX 8

/* Start of the outermost loop that holds `pos` and begins after `after`; `pos` if there is none.
 * A value that lives at both lives on the way into the loop. */
static pos_t out_of_loops(const struct scan *s, pos_t after, pos_t pos) {
    pos_t best = pos;
    uint32_t l = s->ra->block_loop[pos_block(s->ra, pos)];
    for (int nest = 0; l && nest < NEST_MAX; l = s->ra->loops.at[l].parent, nest++) {
        pos_t start = block_start(s->ra, s->ra->loops.at[l].first);
        if (start <= after) {
            break;
        }
        best = start;
    }
    return best;
}

/* Last use of the piece before `pos`, or UINT32_MAX. What is made again needs no definition. */
static uint32_t last_use(const struct scan *s, const struct piece *piece, pos_t pos) {
    const struct value *value = value_of(s, piece);
    uint32_t k = find_use(s->ra, value, value->use, pos);
    if (k == value->use || s->ra->uses[k - 1].pos < piece->start ||
        (value->remat && k - 1 == value->use)) {
        return UINT32_MAX;
    }
    return k - 1;
}

/* Where to cut so that the piece has its register for everything up to use `last` and lets go of
 * it at `until`: outside of loops if possible. */
static pos_t cut_position(const struct scan *s, pos_t last, pos_t until) {
    if (pos_starts_block(s->ra, until)) {
        return out_of_loops(s, last, until);
    }
    pos_t gap = pos_at(pos_inst(until), POS_READ);
    if (gap <= last) {
        assert(until > last && pos_inst(last) == pos_inst(until));
        return pos_at(pos_inst(until), POS_CLOBBER);   /* used right there: on to memory */
    }
    return out_of_loops(s, last, gap);
}

/* A value that gets no register at the start of its loop is loaded inside; after so many tries it is
 * not tried again at the loops within. */
#define HOIST_FAILURES_MAX 2

/* Lets the piece be in memory from its start on, until it must be in a register. */
static void spill_piece(struct scan *s, struct piece *piece) {
    struct value *value = value_of(s, piece);
    piece->loc = LOC_SPILLED;
    value->spilled = !value->remat;
    value->in_memory = piece;
    uint32_t k = first_must(s, piece);
    if (k != UINT32_MAX) {
        pos_t after = piece->start > s->now ? piece->start : s->now;
        pos_t gap = pos_at(pos_inst(s->ra->uses[k].pos), POS_READ);
        bool hoist = piece->failures < HOIST_FAILURES_MAX;
        struct piece *rest = cut(s, piece, hoist ? out_of_loops(s, after, gap) : gap);
        rest->failures = (uint8_t)(piece->failures + hoist);
        push_piece(s, rest);
    }
}

/* --- time passes --- */

static void activate(struct scan *s, struct piece *piece) {
    uint32_t r = piece->loc - 1;
    assert(!s->active[r]);
    s->active[r] = piece;
    s->active_mask |= (uint64_t)1 << r;
    s->check[r] = min_pos(s->ra->ranges.at[piece->range].end, piece->end);
}

static void deactivate(struct scan *s, uint32_t r) {
    s->active[r] = NULL;
    s->active_mask &= ~((uint64_t)1 << r);
}

static void put_to_sleep(struct scan *s, struct piece *piece) {
    vec_push(s->ra->arena, &s->inactive, piece);
    s->wake = min_pos(s->wake, s->ra->ranges.at[piece->range].start);
}

static void advance_active(struct scan *s) {
    for (uint64_t mask = s->active_mask; mask; mask &= mask - 1) {
        uint32_t r = (uint32_t)__builtin_ctzll(mask);
        struct piece *piece = s->active[r];
        if (s->check[r] > s->now) {
            continue;
        }
        if (piece->end <= s->now) {
            deactivate(s, r);
            continue;
        }
        piece->range = find_range(s->ra, value_of(s, piece), piece->range, s->now);
        const struct range *range = &s->ra->ranges.at[piece->range];
        s->check[r] = min_pos(range->end, piece->end);
        if (range->start > s->now) {
            deactivate(s, r);
            put_to_sleep(s, piece);
        }
    }
}

static void advance_inactive(struct scan *s) {
    uint32_t keep = 0, len = s->inactive.len;
    if (s->now < s->wake) {
        return;
    }
    s->wake = POS_NONE;
    s->inactive.len = 0;
    for (uint32_t k = 0; k < len; k++) {
        struct piece *piece = s->inactive.at[k];
        if (piece->end <= s->now) {
            continue;
        }
        piece->range = find_range(s->ra, value_of(s, piece), piece->range, s->now);
        pos_t start = s->ra->ranges.at[piece->range].start;
        if (start <= s->now) {
            activate(s, piece);
        } else {
            s->inactive.at[keep++] = piece;
            s->wake = min_pos(s->wake, start);
        }
    }
    s->inactive.len = keep;
}

static void advance(struct scan *s, pos_t now) {
    s->now = now;
    advance_active(s);
    advance_inactive(s);
}

/* --- what stands in the way of the piece at hand --- */

static pos_t find_call(const struct scan *s, pos_t from, pos_t to) {
    uint32_t low = s->call_cursor, high = s->ra->calls.len;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (s->ra->calls.at[mid] < from) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low < s->ra->calls.len && s->ra->calls.at[low] < to ? s->ra->calls.at[low] : POS_NONE;
}

static pos_t find_clobber(struct scan *s, const struct piece *piece) {
    struct range range;
    while (s->call_cursor < s->ra->calls.len && s->ra->calls.at[s->call_cursor] < s->now) {
        s->call_cursor++;
    }
    if (s->call_cursor == s->ra->calls.len ||
        s->ra->calls.at[s->call_cursor] >= piece->end) {
        return POS_NONE;
    }
    for (uint32_t k = piece->range; clip_range(s, piece, k, &range); k++) {
        pos_t call = find_call(s, range.start, range.end);
        if (call != POS_NONE) {
            return call;
        }
    }
    return POS_NONE;
}

static uint32_t find_fixed(const struct scan *s, uint32_t r, uint32_t k, pos_t pos) {
    uint32_t high = s->ra->fixed[r].len;
    while (k < high) {
        uint32_t mid = k + (high - k) / 2;
        if (s->ra->fixed[r].at[mid].end <= pos) {
            k = mid + 1;
        } else {
            high = mid;
        }
    }
    return k;
}

/* First place where register r is FIXED to another value while the piece lives. */
static pos_t find_conflict(struct scan *s, const struct piece *piece, uint32_t r) {
    uint32_t k = s->fixed_cursor[r], len = s->ra->fixed[r].len;
    const struct fixed *fixed = s->ra->fixed[r].at;
    struct range range;
    while (k < len && fixed[k].end <= s->now) {
        k++;
    }
    s->fixed_cursor[r] = k;
    if (k == len || fixed[k].start >= piece->end) {
        return POS_NONE;
    }
    for (uint32_t i = piece->range; clip_range(s, piece, i, &range); i++) {
        for (k = find_fixed(s, r, k, range.start); k < len && fixed[k].start < range.end; k++) {
            if (fixed[k].owner != piece->vreg) {
                return fixed[k].start > range.start ? fixed[k].start : range.start;
            }
        }
    }
    return POS_NONE;
}

static bool has_bit(uint64_t mask, uint32_t r) {
    return mask >> r & 1;
}

/* Begins to look at a piece. */
static void survey(struct scan *s, const struct piece *piece) {
    s->call = find_clobber(s, piece);
    s->known = s->met = s->hinted = 0;
    s->hint_max = 0;
    /* A whole value and a sleeping one never meet: in SSA form, of two values that live at the same
     * time one lives at the definition of the other. */
    if (piece == value_of(s, piece)->pieces) {
        return;
    }
    for (uint32_t k = 0; k < s->inactive.len; k++) {
        const struct piece *other = s->inactive.at[k];
        uint32_t r = other->loc - 1;
        if (value_of(s, other)->class == value_of(s, piece)->class && !has_bit(s->active_mask, r)) {
            pos_t meet = intersect(s, piece, other);
            s->meet[r] = has_bit(s->met, r) ? min_pos(s->meet[r], meet) : meet;
            s->met |= (uint64_t)1 << r;
        }
    }
}

static pos_t fixed_until(struct scan *s, const struct piece *piece, uint32_t r) {
    if (!has_bit(s->known, r)) {
        pos_t until = find_conflict(s, piece, r);
        until = has_bit(s->clobbers, r) ? min_pos(until, s->call) : until;
        s->known |= (uint64_t)1 << r;
        s->fixed_until[r] = until;
        s->free_until[r] = has_bit(s->met, r) ? min_pos(until, s->meet[r]) : until;
    }
    return s->fixed_until[r];
}

/* 0: it is taken. */
static pos_t free_until(struct scan *s, const struct piece *piece, uint32_t r) {
    if (has_bit(s->active_mask, r)) {
        return 0;
    }
    fixed_until(s, piece, r);
    return s->free_until[r];
}

/* --- hints: registers in which the piece needs no move --- */

#define HINT_USES 16u

static void add_hint(struct scan *s, uint32_t r, int32_t weight) {
    s->hint[r] = weight + (has_bit(s->hinted, r) ? s->hint[r] : 0);
    s->hint_max = s->hint[r] > s->hint_max ? s->hint[r] : s->hint_max;
    s->hinted |= (uint64_t)1 << r;
}

/* At `pos` the value had better be in `loc`; false if it cannot. */
static bool hint_loc(struct scan *s, const struct piece *piece, loc_t loc, pos_t pos,
                     uint32_t weight) {
    if (!loc_is_reg(loc) || free_until(s, piece, loc - 1) <= pos) {
        return false;
    }
    add_hint(s, loc - 1, (int32_t)weight);
    return true;
}

/* Where a value is wanted by its own FIXED uses near its start. */
static loc_t wanted_loc(const struct scan *s, const struct value *value) {
    if (value->wanted != LOC_NONE) {
        return value->wanted;
    }
    for (uint32_t k = value->use; k < value->use_end && k < value->use + 4; k++) {
        const struct moperand *o = &s->ra->m->operands.at[s->ra->uses[k].operand];
        if (o->constraint == OPERAND_FIXED) {
            return LOC_REG(value->class, o->reg);
        }
    }
    return LOC_NONE;
}

static void hint_definition(struct scan *s, const struct piece *piece) {
    const struct value *value = value_of(s, piece);
    const struct mfunc *m = s->ra->m;
    if (!value_is_param(value)) {
        const struct minst *inst = &m->insts.at[value->def_inst];
        if (inst->flags & MINST_MOVE) {
            vreg_t from = m->operands.at[inst->operand + 1].vreg;
            hint_loc(s, piece, s->ra->values[from].recent, s->now, weight_at(s, s->now));
        }
        return;
    }
    const struct mblock *block = &m->blocks.at[value->def_block];
    for (uint32_t p = 0; p < block->preds.len && p < HINT_USES; p++) {
        uint32_t pred = block->preds.at[p];
        uint32_t operand = param_argument(s->ra, pred, value->param);
        const struct value *argument = &s->ra->values[m->operands.at[operand].vreg];
        if (pred < value->def_block) {
            hint_loc(s, piece, argument->recent, s->now, block_weight(s->ra, pred));
        }
    }
}

/* An argument that cannot be where its parameter is should not be where another parameter is: that
 * one's argument had better be there. */
static void avoid_params(struct scan *s, uint32_t block) {
    const struct mblock *to = &s->ra->m->blocks.at[s->ra->m->blocks.at[block].succs.at[0]];
    for (uint32_t k = 0; k < to->params.len && k < HINT_USES; k++) {
        const struct piece *param = s->ra->values[to->params.at[k]].pieces;
        if (param && loc_is_reg(param->loc)) {
            add_hint(s, param->loc - 1, -(int32_t)block_weight(s->ra, block));
        }
    }
}

static void hint_uses(struct scan *s, const struct piece *piece) {
    const struct mfunc *m = s->ra->m;
    const struct value *value = value_of(s, piece);
    for (uint32_t k = piece->use; has_use(s, piece, k) && k < piece->use + HINT_USES; k++) {
        const struct use *use = &s->ra->uses[k];
        const struct moperand *o = &m->operands.at[use->operand];
        uint32_t block = pos_block(s->ra, use->pos);
        loc_t loc = LOC_NONE;
        bool argument = false;
        if (o->constraint == OPERAND_FIXED) {
            loc = LOC_REG(value->class, o->reg);
        } else if (pos_step(use->pos) == POS_WRITE && o->constraint == OPERAND_ANY) {
            const struct value *param =
                &s->ra->values[argument_param(s->ra, block, use->operand)];
            /* A parameter of the same block lives beside this one, it cannot be where that was. */
            bool beside = value_is_param(value) && value->def_block == param->def_block;
            loc = param->pieces ? param->pieces->loc : beside ? LOC_NONE : wanted_loc(s, param);
            argument = true;
        } else if (m->insts.at[pos_inst(use->pos)].flags & MINST_MOVE && !role_is_def(o->role)) {
            const struct minst *inst = &m->insts.at[pos_inst(use->pos)];
            const struct value *to = &s->ra->values[m->operands.at[inst->operand].vreg];
            loc = to->fixed ? to->fixed : wanted_loc(s, to);
        }
        if (!hint_loc(s, piece, loc, use->pos, block_weight(s->ra, block)) && argument &&
            value->def_block == block) {
            avoid_params(s, block);
        }
    }
}

static void collect_hints(struct scan *s, const struct piece *piece) {
    const struct value *value = value_of(s, piece);
    if (piece == value->pieces) {
        hint_definition(s, piece);
    } else {
        hint_loc(s, piece, value->recent, s->now, weight_at(s, s->now));
    }
    hint_uses(s, piece);
}

/* Tells the parameters that this piece becomes where they should be. */
static void pass_hint_on(struct scan *s, const struct piece *piece) {
    for (uint32_t k = piece->use; has_use(s, piece, k) && k < piece->use + HINT_USES; k++) {
        const struct use *use = &s->ra->uses[k];
        const struct moperand *o = &s->ra->m->operands.at[use->operand];
        if (pos_step(use->pos) == POS_WRITE && o->constraint == OPERAND_ANY) {
            uint32_t block = pos_block(s->ra, use->pos);
            s->ra->values[argument_param(s->ra, block, use->operand)].wanted = piece->loc;
        }
    }
}

/* --- giving registers --- */

static void assign(struct scan *s, struct piece *piece, uint32_t r) {
    pos_t until = s->free_until[r];
    piece->loc = (loc_t)r + 1;
    piece->failures = 0;
    s->ra->used |= (uint64_t)1 << r;
    value_of(s, piece)->recent = piece->loc;
    if (until < piece->end) {
        uint32_t last = last_use(s, piece, until);
        pos_t after = last != UINT32_MAX ? s->ra->uses[last].pos : piece->start;
        push_piece(s, cut(s, piece, cut_position(s, after, until)));
    }
    activate(s, piece);
    pass_hint_on(s, piece);
}

static bool is_costly(const struct scan *s, uint32_t r) {
    return has_bit(s->callee_saved & ~s->ra->used, r);
}

/* Saving and restoring a callee-saved register. */
#define COST_CALLEE_SAVED 2u

/* What it costs to keep the piece in memory across calls; COST_CALLEE_SAVED + 1 stands for more. */
static uint32_t crossing_cost(const struct scan *s, const struct piece *piece) {
    const struct value *value = value_of(s, piece);
    uint32_t cost = value->remat || value->spilled ? 0 : block_weight(s->ra, value->def_block);
    pos_t loaded = piece->start;
    uint32_t l = s->ra->block_loop[pos_block(s->ra, s->call)];
    if (l && block_start(s->ra, s->ra->loops.at[l].first) >= piece->start &&
        piece->end >= block_end(s->ra, s->ra->loops.at[l].last)) {
        return COST_CALLEE_SAVED + 1;   /* loaded again in each round */
    }
    for (uint32_t k = piece->use; has_use(s, piece, k) && cost <= COST_CALLEE_SAVED; k++) {
        pos_t pos = s->ra->uses[k].pos;
        if (find_call(s, loaded, pos) != POS_NONE) {
            cost += weight_at(s, pos);
            loaded = pos;
        }
        if (k == piece->use + 4 * HINT_USES) {
            return COST_CALLEE_SAVED + 1;
        }
    }
    return cost;
}

/* First use that a register would help: a value that can be made again is not helped by having been
 * made. */
static uint32_t first_helped(const struct scan *s, const struct piece *piece) {
    const struct value *value = value_of(s, piece);
    return piece->use + (value->remat && piece->use == value->use);
}

/* What it costs to take register r only until it is wanted by someone else: the way to another place
 * and perhaps back. */
static int32_t leaving_cost(const struct scan *s, const struct piece *piece, uint32_t r) {
    const struct value *value = value_of(s, piece);
    uint32_t last = last_use(s, piece, s->free_until[r]);
    pos_t after = last == UINT32_MAX ? piece->start : s->ra->uses[last].pos;
    uint32_t weight = weight_at(s, cut_position(s, after, s->free_until[r]));
    return (int32_t)(value->remat || value->spilled ? weight : 2 * weight);
}

/* The register in which the piece has the fewest moves; among equals the one that is free longest. One
 * that is not free until the first use is no help. dear: the piece is not worth a first use of a
 * callee-saved register. */
static uint32_t best_register(struct scan *s, const struct piece *piece, bool dear) {
    enum reg_class class = (enum reg_class)value_of(s, piece)->class;
    uint32_t use = first_helped(s, piece), best = REG_NONE;
    pos_t need = has_use(s, piece, use) ? use_until(s, piece, use) : piece->end;
    int32_t best_score = 0;
    for (uint32_t n = 0; n < s->reg_count[class]; n++) {
        uint32_t r = s->regs[class][n];
        pos_t until = min_pos(free_until(s, piece, r), piece->end);
        if (until < need || (dear && until == piece->end && is_costly(s, r))) {
            continue;
        }
        int32_t score = has_bit(s->hinted, r) ? s->hint[r] : 0;
        score -= until < piece->end ? leaving_cost(s, piece, r) : 0;
        score -= is_costly(s, r) ? (int32_t)COST_CALLEE_SAVED : 0;
        if (best == REG_NONE || score > best_score ||
            (score == best_score && until > min_pos(s->free_until[best], piece->end))) {
            best = r;
            best_score = score;
        }
        if (score == s->hint_max && until == piece->end) {
            break;   /* none can be better */
        }
    }
    return best;
}

/* A value that is defined in a FIXED register starts there, and goes on elsewhere if it must. */
static void assign_fixed(struct scan *s, struct piece *piece, uint32_t r) {
    pos_t leave = pos_at(pos_inst(piece->start) + 1, POS_READ);
    assert(free_until(s, piece, r) >= min_pos(leave, piece->end));
    if (free_until(s, piece, r) < piece->end) {
        push_piece(s, cut(s, piece, leave));
        s->free_until[r] = POS_NONE;
    }
    assign(s, piece, r);
}

/* --- taking registers from others --- */

/* The next use of an active or inactive piece's value, as far as it matters to who loses their
 * register; 0: it cannot lose it at this position. */
static pos_t next_use(const struct scan *s, struct piece *piece) {
    const struct regalloc *ra = s->ra;
    const struct value *value = value_of(s, piece);
    uint32_t k = piece->use = find_use(ra, value, piece->use, s->now);
    if (pos_step(s->now) != POS_BEFORE) {
        for (uint32_t i = k; i < value->use_end && pos_inst(ra->uses[i].pos) == pos_inst(s->now); i++) {
            if (ra->uses[i].must) {
                return 0;
            }
        }
    }
    pos_t next = k < value->use_end ? ra->uses[k].pos : POS_NONE;
    pos_t previous = k > value->use ? ra->uses[k - 1].pos : ra->ranges.at[value->range].start;
    pos_t born = ra->ranges.at[value->range].start;
    /* What was used in a loop and lives through it is used again in the next round. */
    uint32_t l = ra->block_loop[pos_block(ra, s->now)];
    for (int nest = 0; l && nest < NEST_MAX; l = ra->loops.at[l].parent, nest++) {
        pos_t start = block_start(ra, ra->loops.at[l].first);
        pos_t end = block_end(ra, ra->loops.at[l].last);
        if (next <= end || born >= start) {
            break;
        }
        if (previous >= start) {
            return end;
        }
    }
    return next;
}

/* Farther away counts as cheaper; so does what need not be stored any more. */
static pos_t spill_rank(const struct scan *s, const struct piece *piece, pos_t next) {
    const struct value *value = value_of(s, piece);
    if (next == 0 || next == POS_NONE || next < s->now) {
        return next;
    }
    uint64_t distance = next - s->now;
    distance = value->remat || value->spilled ? 2 * distance : distance;
    return distance < POS_NONE - 1 - s->now ? s->now + (pos_t)distance : POS_NONE - 1;
}

/* Takes the register from an active piece, from its last use on. */
static void evict(struct scan *s, uint32_t r) {
    struct piece *piece = s->active[r];
    uint32_t last = last_use(s, piece, s->now);
    deactivate(s, r);
    if (last == UINT32_MAX) {
        spill_piece(s, piece);
        return;
    }
    struct piece *rest = cut(s, piece, cut_position(s, s->ra->uses[last].pos, s->now));
    spill_piece(s, rest);
}

/* Takes the register from sleeping pieces that the piece at hand would meet. */
static void evict_inactive(struct scan *s, const struct piece *piece, uint32_t r) {
    uint32_t keep = 0, len = s->inactive.len;
    if (piece == value_of(s, piece)->pieces) {
        return;
    }
    for (uint32_t k = 0; k < len; k++) {
        struct piece *other = s->inactive.at[k];
        if (other->loc == r + 1 && intersect(s, piece, other) != POS_NONE) {
            push_piece(s, cut(s, other, s->now));
        } else {
            s->inactive.at[keep++] = other;
        }
    }
    s->inactive.len = keep;
}

static pos_t rank_register(const struct scan *s, uint32_t r) {
    if (s->active[r]) {
        return spill_rank(s, s->active[r], next_use(s, s->active[r]));
    }
    return s->free_until[r];
}

/* Whether the piece must be in a register from its start on: no move can stand before its use. */
static bool starts_in_use(const struct scan *s, const struct piece *piece) {
    uint32_t use = first_must(s, piece);
    return use != UINT32_MAX &&
           pos_at(pos_inst(s->ra->uses[use].pos), POS_READ) <= piece->start;
}

static void allocate_blocked(struct scan *s, struct piece *piece) {
    enum reg_class class = (enum reg_class)value_of(s, piece)->class;
    uint32_t use = first_must(s, piece), best = REG_NONE;
    pos_t best_rank = 0;
    if (use == UINT32_MAX) {
        spill_piece(s, piece);
        return;
    }
    pos_t need = use_until(s, piece, use);
    for (uint32_t n = 0; n < s->reg_count[class]; n++) {
        uint32_t r = s->regs[class][n];
        pos_t rank = fixed_until(s, piece, r) >= need ? rank_register(s, r) : 0;
        if (rank > best_rank) {
            best = r;
            best_rank = rank;
        }
    }
    pos_t pos = s->ra->uses[use].pos;
    if (!starts_in_use(s, piece) && best_rank <= spill_rank(s, piece, pos)) {
        spill_piece(s, piece);
        return;
    }
    assert(best != REG_NONE && "an instruction wants more registers than there are");
    if (s->active[best]) {
        evict(s, best);
    }
    evict_inactive(s, piece, best);
    s->free_until[best] = s->fixed_until[best];
    assign(s, piece, best);
}

/* --- blocks ---
 *
 * Positions go through blocks in layout order, but control may come to a block from elsewhere: to the
 * second arm of an `if` from before the first. What happened to a value in the first arm is of no
 * concern there. So at the start of a block that the one before does not lead to, each value goes
 * back to where it was at the end of a predecessor. */

/* Remembers which values are in registers at the end of a block that leads to later ones. */
static void leave_block(struct scan *s, uint32_t block) {
    const struct mblock *b = &s->ra->m->blocks.at[block];
    bool wanted = false;
    for (uint32_t k = 0; k < b->succs.len; k++) {
        wanted = wanted || b->succs.at[k] > block + 1;
    }
    if (!wanted) {
        return;
    }
    advance(s, block_end(s->ra, block) - 1);
    struct exit *exit = &s->exits[block];
    exit->at = arena_array(s->ra->arena, struct resident, __builtin_popcountll(s->active_mask));
    for (uint64_t mask = s->active_mask; mask; mask &= mask - 1) {
        const struct piece *piece = s->active[__builtin_ctzll(mask)];
        exit->at[exit->len++] = (struct resident){piece->vreg, piece->loc};
    }
}

/* The predecessor to go by: none (UINT32_MAX) if the block before is one. */
static uint32_t model_pred(const struct scan *s, uint32_t block) {
    const struct mblock *b = &s->ra->m->blocks.at[block];
    uint32_t best = UINT32_MAX, best_weight = 0;
    for (uint32_t k = 0; k < b->preds.len; k++) {
        uint32_t pred = b->preds.at[k], weight = block_weight(s->ra, pred);
        if (pred + 1 == block) {
            return UINT32_MAX;
        }
        if (pred < block && weight >= best_weight) {
            best = pred;
            best_weight = weight;
        }
    }
    return best;
}

static loc_t loc_at_exit(const struct exit *exit, vreg_t vreg) {
    for (uint32_t k = 0; k < exit->len; k++) {
        if (exit->at[k].vreg == vreg) {
            return exit->at[k].loc;
        }
    }
    return LOC_NONE;
}

/* A piece in a register goes where the value was, or to memory. */
static void restore_active(struct scan *s, uint32_t r, loc_t loc) {
    struct piece *piece = s->active[r], *rest = piece;
    if (piece->loc == loc) {
        return;
    }
    deactivate(s, r);
    if (piece->start < s->now) {
        rest = cut(s, piece, s->now);
    }
    if (loc == LOC_NONE) {
        spill_piece(s, rest);
    } else {
        rest->loc = LOC_NONE;
        push_piece(s, rest);
    }
}

/* A piece in memory goes back to the register, together with the piece that was to follow. */
static void restore_spilled(struct scan *s, const struct value *value) {
    struct piece *piece = value->in_memory;
    if (!piece || piece->start >= s->now || piece->end <= s->now) {
        return;
    }
    uint32_t k = find_range(s->ra, value, piece->range, s->now);
    if (s->ra->ranges.at[k].start > s->now) {
        return;   /* not alive here */
    }
    struct piece *rest = cut(s, piece, s->now), *next = rest->next;
    if (next && next->loc == LOC_NONE && next->start == rest->end) {
        rest->end = next->end;
        rest->next = next->next;
        next->vreg = 0;
    }
    push_piece(s, rest);
}

static void enter_block(struct scan *s, uint32_t block) {
    uint32_t pred = model_pred(s, block);
    if (block > 0) {
        leave_block(s, block - 1);
    }
    if (pred == UINT32_MAX) {
        return;
    }
    const struct exit *exit = &s->exits[pred];
    advance(s, block_start(s->ra, block));
    for (uint32_t k = 0; k < exit->len; k++) {
        struct value *value = &s->ra->values[exit->at[k].vreg];
        value->recent = exit->at[k].loc;
    }
    for (uint64_t mask = s->active_mask; mask; mask &= mask - 1) {
        uint32_t r = (uint32_t)__builtin_ctzll(mask);
        restore_active(s, r, loc_at_exit(exit, s->active[r]->vreg));
    }
    for (uint32_t k = 0; k < exit->len; k++) {
        restore_spilled(s, &s->ra->values[exit->at[k].vreg]);
    }
}

/* Whether a value that can be made again is worth a register. If all uses copy it to another place, it
 * is as well made there, unless they run more often than the definition. */
static bool keeps_constant(const struct scan *s, const struct value *value) {
    uint32_t weight = block_weight(s->ra, value->def_block);
    for (uint32_t k = value->use + 1; k < value->use_end; k++) {
        if (s->ra->uses[k].must || weight_at(s, s->ra->uses[k].pos) > weight) {
            return true;
        }
    }
    return false;
}

static void allocate(struct scan *s, struct piece *piece) {
    const struct value *value = value_of(s, piece);
    if (pos_step(piece->start) == POS_CLOBBER) {
        spill_piece(s, piece);
        return;
    }
    if (piece == value->pieces && value->remat && !keeps_constant(s, value)) {
        spill_piece(s, piece);
        return;
    }
    survey(s, piece);
    if (piece == value->pieces && value->fixed) {
        assign_fixed(s, piece, value->fixed - 1);
        return;
    }
    collect_hints(s, piece);
    bool dear = s->call != POS_NONE && crossing_cost(s, piece) <= COST_CALLEE_SAVED;
    uint32_t best = best_register(s, piece, dear);
    if (best != REG_NONE) {
        assign(s, piece, best);
    } else if (dear && !starts_in_use(s, piece)) {
        spill_piece(s, piece);
    } else {
        allocate_blocked(s, piece);
    }
}

static uint64_t both_classes(const uint32_t masks[REG_CLASS_COUNT]) {
    return masks[REG_INT] | (uint64_t)masks[REG_FP] << 32;
}

/* All allocatable registers: those that the target prefers, then the others. */
static void order_registers(struct scan *s, uint32_t class) {
    const struct target *target = s->ra->target;
    const uint8_t *preference = target->preference[class];
    uint32_t left = target->allocatable[class], count = 0;
    for (uint32_t n = 0; n < 32 && preference[n] != 0xff; n++) {
        if (left >> preference[n] & 1) {
            left &= ~((uint32_t)1 << preference[n]);
            s->regs[class][count++] = (uint8_t)(class * 32 + preference[n]);
        }
    }
    for (; left; left &= left - 1) {
        s->regs[class][count++] = (uint8_t)(class * 32 + (uint32_t)__builtin_ctz(left));
    }
    s->reg_count[class] = count;
}

void regalloc_scan_run(struct regalloc *ra) {
    struct scan *s = arena_new(ra->arena, struct scan);
    s->ra = ra;
    s->wake = POS_NONE;
    s->clobbers = both_classes(ra->target->clobbers);
    s->callee_saved = both_classes(ra->target->callee_saved);
    for (uint32_t class = 0; class < REG_CLASS_COUNT; class++) {
        order_registers(s, class);
    }
    s->exits = arena_array(ra->arena, struct exit, ra->m->blocks.len);
    for (pos_t start = next_start(s); start != POS_NONE; start = next_start(s)) {
        if (s->block < ra->m->blocks.len && block_start(ra, s->block) <= start) {
            enter_block(s, s->block++);
            continue;
        }
        struct piece *piece = next_piece(s);
        assert(piece->start >= s->now);
        advance(s, piece->start);
        allocate(s, piece);
    }
}
