/*
 * Which register is best for a piece: what stands in its way in each, which ones save moves, and what it
 * costs to give one up again.
 *
 * Costs are counted in moves, loads and stores, each times how often its block runs.
 */
#include "base/bits.h"
#include "wasm/codegen/regalloc_scan.h"

static bool has_bit(uint64_t mask, uint32_t r) {
    return mask >> r & 1;
}

/* --- what stands in the way --- */

/* First call at or after `from`, by number. */
static uint32_t call_number(const struct scan *s, pos_t from) {
    uint32_t low = s->call_cursor, high = s->ra->calls.len;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (s->ra->calls.at[mid] < from) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

static pos_t find_call(const struct scan *s, pos_t from, pos_t to) {
    uint32_t k = call_number(s, from);
    return k < s->ra->calls.len && s->ra->calls.at[k] < to ? s->ra->calls.at[k] : POS_NONE;
}

static pos_t find_clobber(struct scan *s, const struct piece *piece) {
    struct range range;
    while (s->call_cursor < s->ra->calls.len && s->ra->calls.at[s->call_cursor] < s->now) {
        s->call_cursor++;
    }
    if (s->call_cursor == s->ra->calls.len || s->ra->calls.at[s->call_cursor] >= piece->end) {
        return POS_NONE;
    }
    for (uint32_t k = piece->range; piece_clip(s->ra, piece, k, &range); k++) {
        pos_t call = find_call(s, range.start, range.end);
        if (call != POS_NONE) {
            return call;
        }
    }
    return POS_NONE;
}

/* First of the ranges from `fixed` to `end` that ends after `pos`. */
static const struct fixed *find_fixed(const struct fixed *fixed, const struct fixed *end,
                                      pos_t pos) {
    if (fixed->end > pos) {
        return fixed; /* as is usual */
    }
    while (fixed < end) {
        const struct fixed *mid = fixed + (end - fixed) / 2;
        if (mid->end <= pos) {
            fixed = mid + 1;
        } else {
            end = mid;
        }
    }
    return fixed;
}

/* First place where register r is FIXED to another value while the piece lives, from `fixed` on. */
static pos_t find_conflict(const struct scan *s, const struct piece *piece, uint32_t r,
                           const struct fixed *fixed) {
    const struct fixed *end = s->ra->fixed[r].at + s->ra->fixed[r].len;
    struct range range;
    for (uint32_t i = piece->range; piece_clip(s->ra, piece, i, &range); i++) {
        for (fixed = find_fixed(fixed, end, range.start); fixed->start < range.end; fixed++) {
            if (fixed->owner != piece->vreg) {
                return fixed->start > range.start ? fixed->start : range.start;
            }
        }
    }
    return POS_NONE;
}

void choose_begin(struct scan *s, const struct piece *piece) {
    s->call = find_clobber(s, piece);
    s->known = s->met = s->hinted = 0;
    s->hint_max = 0;
    if (never_meets_sleepers(s, piece)) {
        return;
    }
    for (uint32_t k = 0; k < s->inactive.len; k++) {
        const struct piece *other = s->inactive.at[k];
        uint32_t r = other->loc - 1;
        if (s->ra->ranges.at[other->range].start < piece->end && !has_bit(s->active_mask, r) &&
            value_of(s->ra, other)->class == value_of(s->ra, piece)->class) {
            pos_t meet = piece_intersect(s->ra, piece, other);
            s->meet[r] = has_bit(s->met, r) ? min_pos(s->meet[r], meet) : meet;
            s->met |= (uint64_t)1 << r;
        }
    }
}

/* Fills in what is known of register r. */
static void look_at(struct scan *s, const struct piece *piece, uint32_t r) {
    const struct fixed *fixed = s->fixed_next[r];
    while (fixed->end <= s->now) {
        fixed++;
    }
    s->fixed_next[r] = fixed;
    pos_t until = has_bit(s->clobbers, r) ? s->call : POS_NONE;
    if (fixed->start < min_pos(until, piece->end)) {
        until = min_pos(until, find_conflict(s, piece, r, fixed));
    }
    s->known |= (uint64_t)1 << r;
    s->fixed_until[r] = until;
    s->free_until[r] = has_bit(s->met, r) ? min_pos(until, s->meet[r]) : until;
}

pos_t choose_fixed_until(struct scan *s, const struct piece *piece, uint32_t r) {
    if (!has_bit(s->known, r)) {
        look_at(s, piece, r);
    }
    return s->fixed_until[r];
}

static inline pos_t free_until(struct scan *s, const struct piece *piece, uint32_t r) {
    if (!has_bit(s->known, r)) {
        look_at(s, piece, r);
    }
    return has_bit(s->active_mask, r) ? 0 : s->free_until[r];
}

pos_t choose_free_until(struct scan *s, const struct piece *piece, uint32_t r) {
    return free_until(s, piece, r);
}

/* --- hints: registers in which the piece needs no move --- */

/* Uses that are looked at. */
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
    const struct value *value = value_of(s->ra, piece);
    const struct mfunc *m = s->ra->m;
    if (!value_is_param(value)) {
        const struct minst *inst = &m->insts.at[value->def_inst];
        if (inst->flags & MINST_MOVE) {
            vreg_t from = m->operands.at[inst->operand + 1].vreg;
            hint_loc(s, piece, s->ra->values[from].recent, s->now, weight_at(s->ra, s->now));
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
    const struct value *value = value_of(s->ra, piece);
    for (uint32_t k = piece->use; piece_has_use(s->ra, piece, k) && k < piece->use + HINT_USES;
         k++) {
        const struct use *use = &s->ra->uses[k];
        const struct moperand *o = &m->operands.at[use->operand];
        uint32_t block = pos_block(s->ra, use->pos);
        loc_t loc = LOC_NONE;
        bool argument = false;
        if (o->constraint == OPERAND_FIXED) {
            loc = LOC_REG(value->class, o->reg);
        } else if (pos_step(use->pos) == POS_WRITE && o->constraint == OPERAND_ANY) {
            const struct value *param = &s->ra->values[argument_param(s->ra, block, use->operand)];
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
    const struct value *value = value_of(s->ra, piece);
    if (piece == value->pieces) {
        hint_definition(s, piece);
    } else {
        hint_loc(s, piece, value->recent, s->now, weight_at(s->ra, s->now));
        hint_loc(s, piece, value->saved, s->now, 1);
    }
    if (value->hints) {
        hint_uses(s, piece);
    }
}

void choose_pass_on(struct scan *s, const struct piece *piece) {
    if (!value_of(s->ra, piece)->hints) {
        return;
    }
    for (uint32_t k = piece->use; piece_has_use(s->ra, piece, k) && k < piece->use + HINT_USES;
         k++) {
        const struct use *use = &s->ra->uses[k];
        const struct moperand *o = &s->ra->m->operands.at[use->operand];
        if (pos_step(use->pos) == POS_WRITE && o->constraint == OPERAND_ANY) {
            uint32_t block = pos_block(s->ra, use->pos);
            s->ra->values[argument_param(s->ra, block, use->operand)].wanted = (uint8_t)piece->loc;
        }
    }
}

/* --- costs --- */

/* Saving and restoring a callee-saved register. */
#define COST_CALLEE_SAVED 2u

/* What it costs to keep the piece in memory across calls; COST_CALLEE_SAVED + 1 stands for more. */
static uint32_t crossing_cost(const struct scan *s, const struct piece *piece) {
    const struct value *value = value_of(s->ra, piece);
    uint32_t cost = value->remat || value->spilled ? 0 : block_weight(s->ra, value->def_block);
    pos_t loaded = piece->start;
    uint32_t l = s->ra->block_loop[pos_block(s->ra, s->call)];
    if (l && block_start(s->ra, s->ra->loops.at[l].first) >= piece->start &&
        piece->end >= block_end(s->ra, s->ra->loops.at[l].last)) {
        return COST_CALLEE_SAVED + 1; /* loaded again in each round */
    }
    for (uint32_t k = piece->use; piece_has_use(s->ra, piece, k) && cost <= COST_CALLEE_SAVED;
         k++) {
        pos_t pos = s->ra->uses[k].pos;
        if (find_call(s, loaded, pos) != POS_NONE) {
            cost += weight_at(s->ra, pos);
            loaded = pos;
        }
        if (k == piece->use + 4 * HINT_USES) {
            return COST_CALLEE_SAVED + 1;
        }
    }
    return cost;
}

#define CROWD_CALLS 16u

/* Whether a constant should leave the callee-saved registers to values: one of the calls that it lives
 * across has as many of those as there are registers. */
static bool is_crowded(const struct scan *s, const struct piece *piece) {
    const struct value *value = value_of(s->ra, piece);
    int32_t saved = __builtin_popcount(s->ra->target->callee_saved[value->class]);
    if (!value->remat || s->call == POS_NONE) {
        return false;
    }
    uint32_t first = call_number(s, s->call);
    for (uint32_t k = first; k < s->ra->calls.len && k < first + CROWD_CALLS; k++) {
        if (s->ra->calls.at[k] < piece->end && s->ra->crossing[value->class][k] >= saved) {
            return true;
        }
    }
    return false;
}

/* First use that a register would help: a value that can be made again is not helped by having been
 * made. */
static uint32_t first_helped(const struct scan *s, const struct piece *piece) {
    const struct value *value = value_of(s->ra, piece);
    return piece->use + (value->remat && piece->use == value->use);
}

/* What it costs to take a register only until it is wanted by someone else: the way to another place
 * and perhaps back. */
static int32_t leaving_cost(const struct scan *s, const struct piece *piece, pos_t until) {
    const struct value *value = value_of(s->ra, piece);
    uint32_t last = piece_last_use(s->ra, piece, until);
    pos_t after = last == UINT32_MAX ? piece->start : s->ra->uses[last].pos;
    uint32_t weight = weight_at(s->ra, piece_cut_position(s->ra, after, until));
    return (int32_t)(value->remat || value->spilled ? weight : 2 * weight);
}

static int32_t hint_at(const struct scan *s, uint32_t r) {
    return has_bit(s->hinted, r) ? s->hint[r] : 0;
}

/* Callee-saved registers that nothing has been given yet. */
static uint64_t costly_registers(const struct scan *s) {
    return s->callee_saved & ~s->ra->used;
}

/* The first register that none can beat: it costs nothing, is free to the piece's end, and no other saves
 * more moves. Most pieces find one. */
static uint32_t perfect_register(struct scan *s, const struct piece *piece) {
    enum reg_class class = (enum reg_class)value_of(s->ra, piece)->class;
    uint64_t excluded = s->active_mask | costly_registers(s);
    excluded |= s->crowded ? s->callee_saved : 0;
    excluded |= s->call != POS_NONE ? s->clobbers : 0;
    excluded |= s->hint_max > 0 ? ~s->hinted : 0;
    for (uint32_t n = 0; n < s->reg_count[class]; n++) {
        uint32_t r = s->regs[class][n];
        if (!has_bit(excluded, r) && hint_at(s, r) == s->hint_max &&
            free_until(s, piece, r) >= piece->end) {
            return r;
        }
    }
    return REG_NONE;
}

/* Among equals the one that is free longest. */
static uint32_t best_register(struct scan *s, const struct piece *piece) {
    enum reg_class class = (enum reg_class)value_of(s->ra, piece)->class;
    uint32_t use = first_helped(s, piece), best = REG_NONE;
    pos_t need = piece_has_use(s->ra, piece, use) ? piece_use_until(s->ra, piece, use) : piece->end;
    int32_t best_score = 0, leaving = 0;
    pos_t best_until = 0, left = POS_NONE; /* `leaving` is what it costs at `left` */
    uint64_t excluded = s->active_mask, costly = costly_registers(s);
    excluded |= s->crowded ? s->callee_saved : 0;
    excluded |= s->call < need ? s->clobbers : 0;
    for (uint32_t n = 0; n < s->reg_count[class]; n++) {
        uint32_t r = s->regs[class][n];
        if (has_bit(excluded, r)) {
            continue;
        }
        pos_t until = min_pos(free_until(s, piece, r), piece->end);
        if (until < need || (s->dear && until == piece->end && has_bit(costly, r))) {
            continue;
        }
        if (until < piece->end && until != left) { /* often the same call for many registers */
            leaving = leaving_cost(s, piece, until);
            left = until;
        }
        int32_t score = hint_at(s, r) - (until < piece->end ? leaving : 0) -
                        (has_bit(costly, r) ? (int32_t)COST_CALLEE_SAVED : 0);
        if (best == REG_NONE || score > best_score || (score == best_score && until > best_until)) {
            best = r;
            best_score = score;
            best_until = until;
        }
    }
    return best;
}

static uint64_t both_classes(const uint32_t masks[REG_CLASS_COUNT]) {
    return masks[REG_INT] | (uint64_t)masks[REG_FP] << 32;
}

static const struct fixed no_fixed = {POS_NONE, POS_NONE, 0};

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
        s->regs[class][count++] = (uint8_t)(class * 32 + bits_lowest(left));
    }
    s->reg_count[class] = count;
}

void choose_init(struct scan *s) {
    for (uint32_t r = 0; r < REGALLOC_REGS; r++) {
        s->fixed_next[r] = s->ra->fixed[r].len ? s->ra->fixed[r].at : &no_fixed;
    }
    s->clobbers = both_classes(s->ra->target->clobbers);
    s->callee_saved = both_classes(s->ra->target->callee_saved);
    for (uint32_t class = 0; class < REG_CLASS_COUNT; class ++) {
        order_registers(s, class);
    }
}

uint32_t choose_register(struct scan *s, const struct piece *piece) {
    collect_hints(s, piece);
    s->dear = s->call != POS_NONE && crossing_cost(s, piece) <= COST_CALLEE_SAVED;
    s->crowded = is_crowded(s, piece);
    uint32_t perfect = perfect_register(s, piece);
    return perfect != REG_NONE ? perfect : best_register(s, piece);
}
