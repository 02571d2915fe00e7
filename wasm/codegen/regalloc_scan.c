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
#include "wasm/codegen/regalloc_scan.h"

#include "base/bits.h"

#include <assert.h>

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

/* Where the next value starts, or POS_NONE. */
static pos_t next_value_start(const struct scan *s) {
    const struct regalloc *ra = s->ra;
    if (s->order_next == ra->order.len) {
        return POS_NONE;
    }
    return ra->ranges.at[ra->values[ra->order.at[s->order_next]].range].start;
}

static pos_t next_piece_start(struct scan *s) {
    while (s->heap.len && s->heap.at[0]->vreg == 0) { /* made part of another */
        pop_piece(s);
    }
    return s->heap.len ? s->heap.at[0]->start : POS_NONE;
}

static struct piece *begin_value(struct scan *s) {
    struct piece *piece = s->whole++;
    piece_init(s->ra, piece, s->ra->order.at[s->order_next++]);
    return piece;
}

/* --- into memory --- */

/* A value that gets no register at the start of its loop is loaded inside; after so many tries it is
 * not tried again at the loops within. */
#define HOIST_FAILURES_MAX 2

/* Lets the piece be in memory from its start on, until it must be in a register. */
static void spill_piece(struct scan *s, struct piece *piece) {
    struct value *value = value_of(s->ra, piece);
    piece->loc = LOC_SPILLED;
    value->spilled = !value->remat;
    value->in_memory = piece;
    uint32_t k = piece_first_must(s->ra, piece);
    if (k != UINT32_MAX) {
        pos_t after = piece->start > s->now ? piece->start : s->now;
        pos_t gap = pos_at(pos_inst(s->ra->uses[k].pos), POS_READ);
        bool hoist = piece->failures < HOIST_FAILURES_MAX;
        struct piece *rest =
            piece_cut(s->ra, piece, hoist ? piece_out_of_loops(s->ra, after, gap) : gap);
        rest->failures = (uint8_t)(piece->failures + hoist);
        push_piece(s, rest);
    }
}

/* --- time passes --- */

static void check_at(struct scan *s, uint32_t r, pos_t pos) {
    assert(pos_inst(pos) >= s->due_inst);
    s->check[r] = pos;
    s->due[pos_inst(pos)] |= (uint64_t)1 << r;
}

static void activate(struct scan *s, struct piece *piece) {
    uint32_t r = piece->loc - 1;
    assert(!s->active[r]);
    s->active[r] = piece;
    s->active_mask |= (uint64_t)1 << r;
    check_at(s, r, min_pos(s->ra->ranges.at[piece->range].end, piece->end));
}

static void deactivate(struct scan *s, uint32_t r) {
    s->active[r] = NULL;
    s->active_mask &= ~((uint64_t)1 << r);
}

static void put_to_sleep(struct scan *s, struct piece *piece) {
    vec_push(s->ra->arena, &s->inactive, piece);
    s->wake = min_pos(s->wake, s->ra->ranges.at[piece->range].start);
}

/* Registers that are due by now. Some of them may have got other pieces since, to be checked later. */
static uint64_t take_due(struct scan *s) {
    uint32_t inst = pos_inst(s->now);
    uint64_t due = s->due[inst];
    s->due[inst] = 0;
    for (; s->due_inst < inst; s->due_inst++) {
        due |= s->due[s->due_inst];
    }
    return due & s->active_mask;
}

static void advance_active(struct scan *s, uint64_t due) {
    for (; due; due &= due - 1) {
        uint32_t r = bits_lowest(due);
        struct piece *piece = s->active[r];
        if (s->check[r] > s->now) {
            check_at(s, r, s->check[r]);
            continue;
        }
        if (piece->end <= s->now) {
            deactivate(s, r);
            continue;
        }
        piece->range = piece_find_range(s->ra, value_of(s->ra, piece), piece->range, s->now);
        const struct range *range = &s->ra->ranges.at[piece->range];
        if (range->start > s->now) {
            deactivate(s, r);
            put_to_sleep(s, piece);
        } else {
            check_at(s, r, min_pos(range->end, piece->end));
        }
    }
}

static void advance_inactive(struct scan *s) {
    uint32_t keep = 0, len = s->inactive.len;
    s->wake = POS_NONE;
    s->inactive.len = 0;
    for (uint32_t k = 0; k < len; k++) {
        struct piece *piece = s->inactive.at[k];
        if (piece->end <= s->now) {
            continue;
        }
        piece->range = piece_find_range(s->ra, value_of(s->ra, piece), piece->range, s->now);
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
    uint64_t due = take_due(s);
    if (due) {
        advance_active(s, due);
    }
    if (now >= s->wake) {
        advance_inactive(s);
    }
}

/* --- giving registers --- */

static void assign(struct scan *s, struct piece *piece, uint32_t r) {
    pos_t until = s->free_until[r];
    piece->loc = (loc_t)r + 1;
    piece->failures = 0;
    s->ra->used |= (uint64_t)1 << r;
    value_of(s->ra, piece)->recent = (uint8_t)piece->loc;
    if (s->callee_saved >> r & 1) {
        value_of(s->ra, piece)->saved = (uint8_t)piece->loc;
    }
    if (until < piece->end) {
        uint32_t last = piece_last_use(s->ra, piece, until);
        pos_t after = last != UINT32_MAX ? s->ra->uses[last].pos : piece->start;
        push_piece(s, piece_cut(s->ra, piece, piece_cut_position(s->ra, after, until)));
    }
    activate(s, piece);
    choose_pass_on(s, piece);
}

/* A value that is defined in a FIXED register starts there, and goes on elsewhere if it must. */
static void assign_fixed(struct scan *s, struct piece *piece, uint32_t r) {
    pos_t leave = pos_at(pos_inst(piece->start) + 1, POS_READ);
    assert(choose_free_until(s, piece, r) >= min_pos(leave, piece->end));
    if (choose_free_until(s, piece, r) < piece->end) {
        push_piece(s, piece_cut(s->ra, piece, leave));
        s->free_until[r] = POS_NONE;
    }
    assign(s, piece, r);
}

/* --- taking registers from others --- */

/* The next use of an active or inactive piece's value, as far as it matters to who loses their
 * register; 0: it cannot lose it at this position. */
static pos_t next_use(const struct scan *s, struct piece *piece) {
    const struct regalloc *ra = s->ra;
    const struct value *value = value_of(s->ra, piece);
    uint32_t k = piece->use = piece_find_use(ra, value, piece->use, s->now);
    if (pos_step(s->now) != POS_BEFORE) {
        for (uint32_t i = k; i < value->use_end && pos_inst(ra->uses[i].pos) == pos_inst(s->now);
             i++) {
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
    const struct value *value = value_of(s->ra, piece);
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
    uint32_t last = piece_last_use(s->ra, piece, s->now);
    deactivate(s, r);
    if (last == UINT32_MAX) {
        spill_piece(s, piece);
        return;
    }
    struct piece *rest =
        piece_cut(s->ra, piece, piece_cut_position(s->ra, s->ra->uses[last].pos, s->now));
    spill_piece(s, rest);
}

/* Takes the register from sleeping pieces that the piece at hand would meet. */
static void evict_inactive(struct scan *s, const struct piece *piece, uint32_t r) {
    uint32_t keep = 0, len = s->inactive.len;
    if (never_meets_sleepers(s, piece)) {
        return;
    }
    for (uint32_t k = 0; k < len; k++) {
        struct piece *other = s->inactive.at[k];
        if (other->loc == r + 1 && piece_intersect(s->ra, piece, other) != POS_NONE) {
            push_piece(s, piece_cut(s->ra, other, s->now));
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
    uint32_t use = piece_first_must(s->ra, piece);
    return use != UINT32_MAX && pos_at(pos_inst(s->ra->uses[use].pos), POS_READ) <= piece->start;
}

static void allocate_blocked(struct scan *s, struct piece *piece) {
    enum reg_class class = (enum reg_class)value_of(s->ra, piece)->class;
    uint32_t use = piece_first_must(s->ra, piece), best = REG_NONE;
    pos_t best_rank = 0;
    if (use == UINT32_MAX) {
        spill_piece(s, piece);
        return;
    }
    pos_t need = piece_use_until(s->ra, piece, use);
    for (uint32_t n = 0; n < s->reg_count[class]; n++) {
        uint32_t r = s->regs[class][n];
        pos_t rank = choose_fixed_until(s, piece, r) >= need ? rank_register(s, r) : 0;
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
    exit->first = s->residents.len;
    vec_reserve(s->ra->arena, &s->residents, exit->first + REGALLOC_REGS);
    for (uint64_t mask = s->active_mask; mask; mask &= mask - 1) {
        const struct piece *piece = s->active[bits_lowest(mask)];
        s->residents.at[s->residents.len++] = (struct resident){piece->vreg, piece->loc};
    }
    exit->len = s->residents.len - exit->first;
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

/* A piece in a register goes where the value was, or to memory. */
static void restore_active(struct scan *s, uint32_t r, uint32_t block) {
    struct piece *piece = s->active[r], *rest = piece;
    const struct value *value = value_of(s->ra, piece);
    loc_t loc = value->resumed == block ? value->recent : LOC_NONE;
    if (piece->loc == loc) {
        return;
    }
    deactivate(s, r);
    if (piece->start < s->now) {
        rest = piece_cut(s->ra, piece, s->now);
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
    uint32_t k = piece_find_range(s->ra, value, piece->range, s->now);
    if (s->ra->ranges.at[k].start > s->now) {
        return; /* not alive here */
    }
    struct piece *rest = piece_cut(s->ra, piece, s->now), *next = rest->next;
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
    const struct resident *residents = &s->residents.at[s->exits[pred].first];
    advance(s, block_start(s->ra, block));
    for (uint32_t k = 0; k < s->exits[pred].len; k++) {
        struct value *value = &s->ra->values[residents[k].vreg];
        value->recent = (uint8_t)residents[k].loc;
        value->resumed = block;
    }
    for (uint64_t mask = s->active_mask; mask; mask &= mask - 1) {
        restore_active(s, bits_lowest(mask), block);
    }
    for (uint32_t k = 0; k < s->exits[pred].len; k++) {
        restore_spilled(s, &s->ra->values[residents[k].vreg]);
    }
}

/* Whether a value that can be made again is worth a register. If all uses copy it to another place, it
 * is as well made there, unless they run more often than the definition. */
static bool keeps_constant(const struct scan *s, const struct value *value) {
    uint32_t weight = block_weight(s->ra, value->def_block);
    for (uint32_t k = value->use + 1; k < value->use_end; k++) {
        if (s->ra->uses[k].must || weight_at(s->ra, s->ra->uses[k].pos) > weight) {
            return true;
        }
    }
    return false;
}

#define RANGES_MAX 64u

/* Cuts a piece with very many ranges at one of its holes: what is looked at for each piece must not
 * grow with the function. */
static void limit_ranges(struct scan *s, struct piece *piece) {
    uint32_t k = piece->range + RANGES_MAX;
    if (k < value_of(s->ra, piece)->range_end && s->ra->ranges.at[k].start < piece->end) {
        push_piece(s, piece_cut(s->ra, piece, s->ra->ranges.at[k].start));
    }
}

static void allocate(struct scan *s, struct piece *piece) {
    const struct value *value = value_of(s->ra, piece);
    limit_ranges(s, piece);
    if (pos_step(piece->start) == POS_CLOBBER) {
        spill_piece(s, piece);
        return;
    }
    if (piece == value->pieces && value->remat && !keeps_constant(s, value)) {
        spill_piece(s, piece);
        return;
    }
    choose_begin(s, piece);
    if (piece == value->pieces && value->fixed) {
        assign_fixed(s, piece, value->fixed - 1);
        return;
    }
    uint32_t best = choose_register(s, piece);
    if (best != REG_NONE) {
        assign(s, piece, best);
    } else if ((s->dear || s->crowded) && !starts_in_use(s, piece)) {
        spill_piece(s, piece);
    } else {
        allocate_blocked(s, piece);
    }
}

void regalloc_scan_run(struct regalloc *ra) {
    struct scan *s = arena_new(ra->arena, struct scan);
    s->ra = ra;
    s->wake = POS_NONE;
    choose_init(s);
    s->exits = arena_array(ra->arena, struct exit, ra->m->blocks.len);
    s->due = arena_array(ra->arena, uint64_t, ra->m->insts.len + 1);
    s->whole = arena_array(ra->arena, struct piece, ra->order.len);
    for (;;) {
        pos_t value_start = next_value_start(s), piece_start = next_piece_start(s);
        pos_t start = min_pos(value_start, piece_start);
        if (start == POS_NONE) {
            return;
        }
        if (s->block < ra->m->blocks.len && block_start(ra, s->block) <= start) {
            enter_block(s, s->block++);
            continue;
        }
        /* Values come before cut-off pieces that start with them: they may be FIXED there. */
        struct piece *piece = value_start <= piece_start ? begin_value(s) : pop_piece(s);
        assert(piece->start >= s->now);
        advance(s, piece->start);
        allocate(s, piece);
    }
}
