/*
 * Liveness for register allocation: where each value lives and is used.
 *
 * Needs: the code. Gives: everything in struct regalloc but pieces. Breaks: nothing.
 *
 * Live ranges are found value by value, walking from each use up to the definition through the
 * blocks where the value is live; so the work is the size of the result, and a value of one block
 * costs no more than its uses. SSA makes this exact without iteration to a fixed point. A function
 * where that would be too much (thousands of values that live across thousands of blocks) gets one
 * range a value, from the definition to the last use or the end of the loop that it is in.
 */
#include "base/bits.h"
#include "wasm/codegen/regalloc.h"

#include <assert.h>

/* Blocks that the exact walk may visit: so many, and so many for each instruction. Of the blocks that
 * a value spans, visited or not, each WALK_PASSED count as one more. */
struct regalloc_walk regalloc_walk = {.least = 1000000, .per_inst = 32};
#define WALK_PASSED 16u

struct live {
    struct regalloc *ra;
    uint8_t *marks; /* by block, for the value at hand: MARK_; one more behind the last */
    uint32_t *work; /* marked blocks whose predecessors are to be visited */
    uint64_t walk_left;
};

/* The value is live somewhere in the block, is so at its end. Another block than the definition's is
 * marked where the value is live at its start. */
enum { MARK_LIVE = 1, MARK_OUT = 2 };

/* --- loops --- */

static uint32_t push_loop(struct regalloc *ra, struct loop loop) {
    uint32_t index = ra->loops.len, parent = loop.parent;
    loop.root = parent ? ra->loops.at[parent].root : index;
    vec_push(ra->arena, &ra->loops, loop);
    for (; parent && ra->loops.at[parent].last < loop.last; parent = ra->loops.at[parent].parent) {
        ra->loops.at[parent].last = loop.last; /* so that they nest */
    }
    return index;
}

/* Loops by the span of their blocks in layout order, which is what splitting cares about. */
static void find_loops(struct regalloc *ra) {
    uint32_t count = ra->m->blocks.len;
    uint32_t *last = arena_array(ra->arena, uint32_t, count); /* by header; 0: none */
    for (uint32_t b = 0; b < count; b++) {
        const struct mblock *block = &ra->m->blocks.at[b];
        for (uint32_t k = 0; k < block->succs.len; k++) {
            if (block->succs.at[k] <= b) {
                last[block->succs.at[k]] = b + 1;
            }
        }
    }
    ra->block_loop = arena_array(ra->arena, uint32_t, count);
    vec_push(ra->arena, &ra->loops, (struct loop){0});
    uint32_t inner = 0;
    for (uint32_t b = 0; b < count; b++) {
        while (inner && ra->loops.at[inner].last < b) {
            inner = ra->loops.at[inner].parent;
        }
        if (last[b]) {
            inner = push_loop(ra, (struct loop){.first = b, .last = last[b] - 1, .parent = inner});
        }
        ra->block_loop[b] = inner;
    }
}

/* --- operands --- */

static struct value *define(struct regalloc *ra, vreg_t vreg, uint32_t inst, uint32_t block) {
    struct value *value = &ra->values[vreg];
    assert(!value->defined && "SSA");
    value->defined = true;
    value->def_inst = inst;
    value->def_block = block;
    value->class = ra->m->vreg_class.at[vreg];
    ra->order.at[ra->order.len++] = vreg;
    return value;
}

static uint32_t def_order(const struct moperand *o) {
    return (o->role == OPERAND_DEF ? 2u : 0u) + (o->constraint != OPERAND_FIXED);
}

static void define_operand(struct regalloc *ra, uint32_t i, const struct moperand *o,
                           uint32_t block) {
    struct value *value = define(ra, o->vreg, i, block);
    if (o->constraint == OPERAND_FIXED) {
        value->fixed = (uint8_t)LOC_REG(value->class, o->reg);
    } else {
        value->remat = ra->m->insts.at[i].flags & MINST_REMAT;
    }
}

/* In the order in which they are to be given registers: early ones, then FIXED, then the rest. */
static void define_operands(struct regalloc *ra, uint32_t i, uint32_t block) {
    const struct minst *inst = &ra->m->insts.at[i];
    const struct moperand *operands = &ra->m->operands.at[inst->operand];
    uint32_t orders = 0;
    for (uint32_t k = 0; k < inst->operand_count; k++) {
        if (role_is_def(operands[k].role)) {
            orders |= 1u << def_order(&operands[k]);
        }
    }
    for (; orders; orders &= orders - 1) {
        uint32_t order = bits_lowest(orders);
        for (uint32_t k = 0; k < inst->operand_count; k++) {
            if (role_is_def(operands[k].role) && def_order(&operands[k]) == order) {
                define_operand(ra, i, &operands[k], block);
            }
        }
    }
}

static void add_fixed(struct regalloc *ra, const struct moperand *o, pos_t start, pos_t end) {
    uint32_t r = LOC_REG(ra->m->vreg_class.at[o->vreg], o->reg) - 1;
    uint32_t len = ra->fixed[r].len;
    if (len && ra->fixed[r].at[len - 1].end > start) {
        assert(ra->fixed[r].at[len - 1].owner == o->vreg && "one register wanted twice");
        return;
    }
    vec_push(ra->arena, &ra->fixed[r], ((struct fixed){start, end, o->vreg}));
}

/* So that a search needs no look at the length. */
static void end_fixed(struct regalloc *ra) {
    for (uint32_t r = 0; r < REGALLOC_REGS; r++) {
        if (ra->fixed[r].len) {
            vec_push(ra->arena, &ra->fixed[r], ((struct fixed){POS_NONE, POS_NONE, 0}));
            ra->fixed[r].len--;
        }
    }
}

/* FIXED operands as fixed ranges: uses first, so that each register's list is in order. */
static void fix_operands(struct regalloc *ra, uint32_t i) {
    const struct minst *inst = &ra->m->insts.at[i];
    const struct moperand *operands = &ra->m->operands.at[inst->operand];
    for (uint32_t k = 0; k < inst->operand_count; k++) {
        const struct moperand *o = &operands[k];
        if (o->constraint == OPERAND_FIXED && !role_is_def(o->role)) {
            pos_t end = o->role == OPERAND_USE ? pos_at(i, POS_CLOBBER) : pos_at(i + 1, POS_BEFORE);
            add_fixed(ra, o, pos_at(i, POS_READ), end);
        }
    }
    for (uint32_t k = 0; k < inst->operand_count; k++) {
        const struct moperand *o = &operands[k];
        if (o->constraint == OPERAND_FIXED && role_is_def(o->role)) {
            enum pos_step step = o->role == OPERAND_DEF ? POS_CLOBBER : POS_READ;
            add_fixed(ra, o, pos_at(i, step), pos_at(i + 1, POS_BEFORE));
        }
    }
}

static void scan_inst(struct regalloc *ra, uint32_t i, uint32_t block) {
    const struct minst *inst = &ra->m->insts.at[i];
    const struct moperand *operands = &ra->m->operands.at[inst->operand];
    uint32_t defs = 0;
    const struct moperand *def = NULL;
    bool fixed = false;
    for (uint32_t k = 0; k < inst->operand_count; k++) {
        struct value *value = &ra->values[operands[k].vreg];
        value->use_end++;
        if (operands[k].constraint != OPERAND_REG) {
            value->hints = true;
            fixed |= operands[k].constraint == OPERAND_FIXED;
        }
        if (role_is_def(operands[k].role)) {
            def = &operands[k];
            defs++;
        }
    }
    ra->inst_block[i] = block;
    if (defs == 1) {
        define_operand(ra, i, def, block);
    } else if (defs > 1) {
        define_operands(ra, i, block);
    }
    if (fixed) {
        fix_operands(ra, i);
    }
    if (inst->flags & MINST_MOVE) {
        ra->values[operands[1].vreg].hints = true;
    }
    if (inst->flags & MINST_CALL) {
        vec_push(ra->arena, &ra->calls, pos_at(i, POS_CLOBBER));
    }
}

/* First look at all instructions: definitions, counts of uses, fixed ranges. */
static void scan_code(struct regalloc *ra) {
    const struct mfunc *m = ra->m;
    vec_reserve(ra->arena, &ra->order, m->vreg_class.len);
    for (uint32_t b = 0; b < m->blocks.len; b++) {
        const struct mblock *block = &m->blocks.at[b];
        assert(block->count > 0);
        for (uint32_t k = 0; k < block->params.len; k++) {
            define(ra, block->params.at[k], UINT32_MAX, b)->param = k;
        }
        for (uint32_t i = block->first, end = i + block->count; i < end; i++) {
            scan_inst(ra, i, b);
        }
    }
    end_fixed(ra);
}

static struct use make_use(const struct value *value, uint32_t i, const struct moperand *o,
                           uint32_t operand, bool argument) {
    bool def = role_is_def(o->role);
    enum pos_step step = POS_READ;
    if (def || argument || (o->role == OPERAND_USE_LATE && o->constraint != OPERAND_FIXED)) {
        step = POS_WRITE;
    } else if (o->constraint == OPERAND_FIXED) {
        step = POS_BEFORE;
    }
    bool must = def ? !value->remat : o->constraint == OPERAND_REG;
    return (struct use){.pos = pos_at(i, step), .operand = operand & INT32_MAX, .must = must};
}

/* Puts a use, which is to be the value's k-th, among those of the same instruction; gives its place. */
static uint32_t sort_use(struct regalloc *ra, const struct value *value, uint32_t k,
                         struct use *use) {
    /* Read early and late by one instruction: late both times, so that nothing cuts in between. */
    for (uint32_t i = k; i-- > value->use && pos_inst(ra->uses[i].pos) == pos_inst(use->pos);) {
        if (ra->uses[i].must && use->must) {
            pos_t late = ra->uses[i].pos > use->pos ? ra->uses[i].pos : use->pos;
            ra->uses[i].pos = use->pos = late;
        }
    }
    for (; k > value->use && ra->uses[k - 1].pos > use->pos; k--) {
        ra->uses[k] = ra->uses[k - 1];
    }
    return k;
}

static void push_use(struct regalloc *ra, struct value *value, struct use use) {
    uint32_t k = value->use_end++;
    if (k > value->use && pos_inst(ra->uses[k - 1].pos) == pos_inst(use.pos)) {
        k = sort_use(ra, value, k, &use);
    }
    ra->uses[k] = use;
}

/* An argument of a parameter that nobody reads is no use; takes those out of the counts. */
static void drop_dead_params(struct regalloc *ra, uint32_t *counts) {
    VEC(vreg_t) dead = {0};
    for (uint32_t k = 0; k < ra->order.len; k++) {
        if (counts[ra->order.at[k]] == 0) { /* definitions count as uses: parameters only */
            vec_push(ra->arena, &dead, ra->order.at[k]);
        }
    }
    while (dead.len) {
        const struct value *param = &ra->values[vec_pop(&dead)];
        const struct mblock *block = &ra->m->blocks.at[param->def_block];
        for (uint32_t k = 0; k < block->preds.len; k++) {
            uint32_t operand = param_argument(ra, block->preds.at[k], param->param);
            vreg_t argument = ra->m->operands.at[operand].vreg;
            if (--counts[argument] == 0) {
                vec_push(ra->arena, &dead, argument);
            }
        }
    }
}

static bool passes_arguments(const struct mfunc *m, const struct mblock *block) {
    return block->succs.len == 1 && m->blocks.at[block->succs.at[0]].params.len > 0;
}

/* Second look: the uses, sorted by value and position. */
static void collect_uses(struct regalloc *ra) {
    const struct mfunc *m = ra->m;
    uint32_t *counts = arena_array(ra->arena, uint32_t, m->vreg_class.len);
    uint32_t total = 0;
    for (vreg_t v = 1; v < m->vreg_class.len; v++) {
        counts[v] = ra->values[v].use_end;
        ra->values[v].use = ra->values[v].use_end = total;
        total += counts[v];
    }
    drop_dead_params(ra, counts);
    ra->uses = arena_array(ra->arena, struct use, total);
    for (uint32_t b = 0; b < m->blocks.len; b++) {
        const struct mblock *block = &m->blocks.at[b];
        uint32_t jump = passes_arguments(m, block) ? block_last(ra, b) : UINT32_MAX;
        for (uint32_t i = block->first; i < block->first + block->count; i++) {
            uint32_t operand = m->insts.at[i].operand;
            uint32_t end = operand + m->insts.at[i].operand_count;
            for (; operand < end; operand++) {
                struct moperand *o = &m->operands.at[operand];
                if (i == jump && counts[argument_param(ra, b, operand)] == 0) {
                    o->loc = LOC_NONE;
                } else {
                    struct value *value = &ra->values[o->vreg];
                    push_use(ra, value, make_use(value, i, o, operand, i == jump));
                }
            }
        }
    }
}

/* --- ranges --- */

static void push_range(struct regalloc *ra, struct value *value, pos_t start, pos_t end) {
    if (value->range_end > value->range) {
        struct range *last = &ra->ranges.at[value->range_end - 1];
        if (last->end == start) {
            last->end = end;
            return;
        }
    }
    vec_push(ra->arena, &ra->ranges, ((struct range){start, end}));
    value->range_end = ra->ranges.len;
}

static pos_t def_start(const struct regalloc *ra, const struct value *value) {
    if (value_is_param(value)) {
        return block_start(ra, value->def_block);
    }
    const struct use *def = &ra->uses[value->use];
    bool early = ra->m->operands.at[def->operand].role == OPERAND_DEF_EARLY;
    return pos_at(value->def_inst, early ? POS_READ : POS_WRITE);
}

/* Marks the blocks in which the value is defined and used, and gives how many of the latter are new work. */
static uint32_t mark_uses(struct live *live, const struct value *value) {
    uint32_t len = 0;
    live->marks[value->def_block] = MARK_LIVE;
    for (uint32_t k = value->use; k < value->use_end; k++) {
        uint32_t block = pos_block(live->ra, live->ra->uses[k].pos);
        if (!live->marks[block]) {
            live->marks[block] = MARK_LIVE;
            live->work[len++] = block;
        }
    }
    return len;
}

/* Marks every block on a way from the definition to a use; gives the last. */
static uint32_t mark_blocks(struct live *live, const struct value *value) {
    const struct mblock *blocks = live->ra->m->blocks.at;
    uint32_t *work = live->work, visited = 0, def_block = value->def_block;
    uint32_t len = mark_uses(live, value), high = work[len - 1];
    uint8_t *marks = live->marks;
    for (; len; visited++) {
        uint32_t at = work[--len], count = blocks[at].preds.len;
        const uint32_t *preds = blocks[at].preds.at;
        assert(at > def_block && "definitions stand before uses in layout order");
        for (uint32_t k = 0; k < count; k++) {
            if (!marks[preds[k]]) {
                work[len++] = preds[k];
                high = preds[k] > high ? preds[k] : high;
            }
            marks[preds[k]] = MARK_LIVE | MARK_OUT;
        }
    }
    visited += (high - def_block) / WALK_PASSED;
    live->walk_left -= visited < live->walk_left ? visited : live->walk_left;
    return high;
}

static void build_ranges_across(struct live *live, struct value *value) {
    struct regalloc *ra = live->ra;
    uint32_t k = value->use, block = value->def_block, high = mark_blocks(live, value);
    pos_t start = def_start(ra, value);
    uint8_t *marks = live->marks;
    for (;;) {
        for (; marks[block] & MARK_OUT && marks[block + 1]; block++) {
            marks[block] = 0;
        }
        pos_t end = block_end(ra, block);
        if (!(marks[block] & MARK_OUT)) {
            for (; k < value->use_end && ra->uses[k].pos < end; k++) {
            }
            assert(k > value->use);
            end = ra->uses[k - 1].pos + 1;
        }
        marks[block] = 0;
        push_range(ra, value, start, end);
        if (block == high) {
            return;
        }
        while (!marks[++block]) {
        }
        start = block_start(ra, block);
    }
}

#define COARSE_NEST_MAX 64

/* A definition before the loop of the last use lives through the loop; if the nest is too deep, until
 * the end of all loops. */
static void build_coarse_range(struct regalloc *ra, struct value *value) {
    pos_t last = ra->uses[value->use_end - 1].pos, end = last + 1;
    uint32_t l = ra->block_loop[pos_block(ra, last)];
    for (int nest = 0; l && ra->loops.at[l].first > value->def_block; nest++) {
        l = nest < COARSE_NEST_MAX ? l : ra->loops.at[l].root;
        end = block_end(ra, ra->loops.at[l].last);
        l = ra->loops.at[l].parent;
    }
    push_range(ra, value, def_start(ra, value), end);
    ra->coarse = true;
}

static void build_ranges(struct live *live, struct value *value) {
    struct regalloc *ra = live->ra;
    value->range = value->range_end = ra->ranges.len;
    pos_t last = ra->uses[value->use_end - 1].pos;
    if (pos_block(ra, last) == value->def_block) {
        push_range(ra, value, def_start(ra, value), last + 1);
    } else if (live->walk_left == 0) {
        build_coarse_range(ra, value);
    } else {
        build_ranges_across(live, value);
    }
}

/* --- calls --- */

/* The first call at or after `pos`, from call k on. */
static uint32_t find_call(const struct regalloc *ra, uint32_t k, pos_t pos) {
    uint32_t high = ra->calls.len;
    while (k < high) {
        uint32_t mid = k + (high - k) / 2;
        if (ra->calls.at[mid] < pos) {
            k = mid + 1;
        } else {
            high = mid;
        }
    }
    return k;
}

/* Counts for each call the values that live across it; those that can be made again do not. */
static void count_crossing(struct regalloc *ra) {
    for (uint32_t class = 0; class < REG_CLASS_COUNT; class ++) {
        ra->crossing[class] = arena_array(ra->arena, int32_t, ra->calls.len + 1);
    }
    uint32_t first = 0; /* at or after the start of the value at hand */
    for (uint32_t k = 0; ra->calls.len && k < ra->order.len; k++) {
        const struct value *value = &ra->values[ra->order.at[k]];
        while (first < ra->calls.len && ra->calls.at[first] < ra->ranges.at[value->range].start) {
            first++;
        }
        for (uint32_t i = value->range, call = first; i < value->range_end && !value->remat; i++) {
            call = find_call(ra, call, ra->ranges.at[i].start);
            if (call < ra->calls.len && ra->calls.at[call] < ra->ranges.at[i].end) {
                ra->crossing[value->class][call]++;
                ra->crossing[value->class][find_call(ra, call, ra->ranges.at[i].end)]--;
            }
        }
    }
    for (uint32_t k = 1; k < ra->calls.len; k++) {
        ra->crossing[REG_INT][k] += ra->crossing[REG_INT][k - 1];
        ra->crossing[REG_FP][k] += ra->crossing[REG_FP][k - 1];
    }
}

void regalloc_live_build(struct regalloc *ra) {
    const struct mfunc *m = ra->m;
    ra->inst_block = arena_array(ra->arena, uint32_t, m->insts.len);
    ra->values = arena_array(ra->arena, struct value, m->vreg_class.len);
    find_loops(ra);
    scan_code(ra);
    collect_uses(ra);
    struct live live = {
        .ra = ra,
        .marks = arena_array(ra->arena, uint8_t, m->blocks.len + 1),
        .work = arena_array(ra->arena, uint32_t, m->blocks.len),
        .walk_left = regalloc_walk.least + (uint64_t)regalloc_walk.per_inst * m->insts.len,
    };
    uint32_t len = ra->order.len;
    vec_clear(&ra->order);
    for (uint32_t k = 0; k < len; k++) {
        struct value *value = &ra->values[ra->order.at[k]];
        if (value->use < value->use_end) { /* but for parameters that nobody reads */
            build_ranges(&live, value);
            ra->order.at[ra->order.len++] = ra->order.at[k];
        }
    }
    count_crossing(ra);
}
