/*
 * Checks an allocation by running the function on places that hold vregs instead of values.
 *
 * Needs: code with loc and moves filled in. Gives: a text about the first fault, or NULL. Breaks:
 * nothing. It knows nothing of how the allocator works, only mir.h and target.h.
 *
 * The state is what each place holds: a vreg, or 0 for something unknown. Where paths meet, places
 * that differ become unknown; blocks are run again until nothing changes any more.
 */
#include "base/bitset.h"
#include "base/fmt.h"
#include "wasm/codegen/target.h"

#include <string.h>

#define FAULT_SIZE 160u

struct check {
    const struct mfunc *m;
    const struct target *target;
    uint32_t locs;       /* number of places */
    vreg_t **entry;      /* by block; NULL: not reached yet */
    vreg_t *state;       /* at the point at hand */
    struct bitset dirty; /* blocks to be run */
    uint32_t inst;       /* at hand */
    uint32_t move;       /* next one to be done */
    char *fault;
};

static void fail(struct check *c, const char *what, vreg_t vreg, loc_t loc) {
    if (!c->fault) {
        c->fault = arena_alloc(c->m->arena, FAULT_SIZE);
        fmt_text(c->fault, FAULT_SIZE, "instruction %u: %s (v%u, place %u)", c->inst, what, vreg,
                 loc);
    }
}

/* --- places --- */

static bool is_scratch(const struct check *c, loc_t loc) {
    return loc_is_reg(loc) && c->target->scratch[loc_class(loc)] == loc_reg(loc);
}

/* A register that allocation may use and has said it uses, or a slot of the frame. */
static bool is_place(const struct check *c, loc_t loc) {
    if (loc_is_slot(loc)) {
        return loc < c->locs;
    }
    return loc_is_reg(loc) &&
           (c->target->allocatable[loc_class(loc)] & c->m->used_regs[loc_class(loc)]) >>
                   loc_reg(loc) &
               1;
}

static bool is_reg_of(const struct check *c, loc_t loc, uint8_t reg_class) {
    return loc_is_reg(loc) && loc_class(loc) == reg_class && is_place(c, loc);
}

/* --- moves --- */

static void do_remat(struct check *c, const struct mmove *move) {
    const struct minst *inst = &c->m->insts.at[move->remat - 1];
    if (move->remat > c->m->insts.len || !(inst->flags & MINST_REMAT) || inst->operand_count != 1) {
        fail(c, "makes again what cannot be", 0, move->to);
        return;
    }
    vreg_t vreg = c->m->operands.at[inst->operand].vreg;
    if (!loc_is_reg(move->to) || loc_class(move->to) != c->m->vreg_class.at[vreg]) {
        fail(c, "makes a value again in a wrong place", vreg, move->to);
        return;
    }
    c->state[move->to] = vreg;
}

static void do_move(struct check *c, const struct mmove *move) {
    if (!is_place(c, move->to) && !is_scratch(c, move->to)) {
        fail(c, "move to no place", 0, move->to);
    } else if (move->remat) {
        do_remat(c, move);
    } else if (!is_place(c, move->from) && !is_scratch(c, move->from)) {
        fail(c, "move from no place", 0, move->from);
    } else if (loc_is_slot(move->from) && loc_is_slot(move->to)) {
        fail(c, "move from slot to slot", c->state[move->from], move->to);
    } else if ((loc_is_reg(move->from) && loc_class(move->from) != move->reg_class) ||
               (loc_is_reg(move->to) && loc_class(move->to) != move->reg_class)) {
        fail(c, "move across classes", c->state[move->from], move->to);
    } else {
        c->state[move->to] = c->state[move->from];
    }
}

static void do_moves(struct check *c) {
    for (; c->move < c->m->moves.len && c->m->moves.at[c->move].inst == c->inst; c->move++) {
        do_move(c, &c->m->moves.at[c->move]);
    }
    for (uint32_t class = 0; class < REG_CLASS_COUNT; class ++) {
        c->state[LOC_REG(class, c->target->scratch[class])] = 0;
    }
}

/* The first move at or after an instruction. */
static uint32_t find_move(const struct mfunc *m, uint32_t inst) {
    uint32_t low = 0, high = m->moves.len;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (m->moves.at[mid].inst < inst) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

/* --- instructions --- */

static bool is_def(const struct moperand *o) {
    return o->role == OPERAND_DEF || o->role == OPERAND_DEF_EARLY;
}

static void check_place(struct check *c, const struct moperand *o) {
    uint8_t class = c->m->vreg_class.at[o->vreg];
    if (o->constraint == OPERAND_FIXED && o->loc != LOC_REG(class, o->reg)) {
        fail(c, "not in its fixed register", o->vreg, o->loc);
    } else if (o->constraint == OPERAND_REG && !is_reg_of(c, o->loc, class)) {
        fail(c, "not in a register", o->vreg, o->loc);
    } else if (!is_place(c, o->loc)) {
        fail(c, "in no place", o->vreg, o->loc);
    }
}

/* Whether a definition may not have the place of this other operand. */
static bool excludes(const struct moperand *def, const struct moperand *other) {
    return is_def(other) || def->role == OPERAND_DEF_EARLY || other->role == OPERAND_USE_LATE;
}

static void check_uses(struct check *c, const struct minst *inst, bool jump) {
    for (uint32_t k = 0; k < inst->operand_count && !c->fault; k++) {
        const struct moperand *o = &c->m->operands.at[inst->operand + k];
        if (is_def(o) || (jump && o->loc == LOC_NONE)) {
            continue; /* the second: for a parameter that nobody reads */
        }
        check_place(c, o);
        if (!c->fault && c->state[o->loc] != o->vreg) {
            fail(c, c->state[o->loc] ? "reads another value" : "reads an unknown value", o->vreg,
                 o->loc);
        }
    }
}

static void check_defs(struct check *c, const struct minst *inst) {
    const struct moperand *operands = &c->m->operands.at[inst->operand];
    for (uint32_t k = 0; k < inst->operand_count && !c->fault; k++) {
        const struct moperand *def = &operands[k];
        if (!is_def(def) || (def->loc == LOC_NONE && (inst->flags & MINST_REMAT))) {
            continue;
        }
        check_place(c, def);
        for (uint32_t i = 0; i < inst->operand_count; i++) {
            if (i != k && operands[i].loc == def->loc && excludes(def, &operands[i])) {
                fail(c, "writes a place that is still needed", def->vreg, def->loc);
            }
        }
    }
}

static void clobber(struct check *c, const struct minst *inst) {
    for (loc_t loc = LOC_REG(0, 0); loc_is_reg(loc); loc++) {
        if (c->target->clobbers[loc_class(loc)] >> loc_reg(loc) & 1) {
            c->state[loc] = 0;
        }
    }
    for (uint32_t k = 0; k < inst->operand_count; k++) {
        const struct moperand *o = &c->m->operands.at[inst->operand + k];
        if ((o->role == OPERAND_USE_LATE && c->state[o->loc] != o->vreg) ||
            (o->role == OPERAND_DEF_EARLY && loc_is_reg(o->loc) &&
             (c->target->clobbers[loc_class(o->loc)] >> loc_reg(o->loc) & 1))) {
            fail(c, "destroyed by the call that needs it", o->vreg, o->loc);
        }
    }
}

static void run_inst(struct check *c, bool jump) {
    const struct minst *inst = &c->m->insts.at[c->inst];
    do_moves(c);
    check_uses(c, inst, jump);
    check_defs(c, inst);
    if (inst->flags & MINST_CALL) {
        clobber(c, inst);
    }
    for (uint32_t k = 0; k < inst->operand_count && !c->fault; k++) {
        const struct moperand *o = &c->m->operands.at[inst->operand + k];
        if (is_def(o) && o->loc != LOC_NONE) {
            c->state[o->loc] = o->vreg;
        }
    }
}

/* --- blocks --- */

/* What the jump's arguments hold becomes the parameters. */
static void pass_arguments(struct check *c, const struct mblock *block, const struct mblock *to) {
    const struct minst *jump = &c->m->insts.at[block->first + block->count - 1];
    if (to->params.len == 0) {
        return;
    }
    if (block->succs.len != 1 || jump->operand_count != to->params.len) {
        fail(c, "arguments do not match parameters", 0, 0);
        return;
    }
    for (uint32_t k = 0; k < to->params.len; k++) {
        loc_t loc = c->m->operands.at[jump->operand + k].loc;
        if (loc != LOC_NONE) {
            c->state[loc] = to->params.at[k];
        }
    }
}

static void enter(struct check *c, uint32_t block) {
    vreg_t *entry = c->entry[block];
    if (!entry) {
        c->entry[block] = arena_copy(c->m->arena, c->state, sizeof(vreg_t) * c->locs);
        bitset_add(&c->dirty, block);
        return;
    }
    for (loc_t loc = 0; loc < c->locs; loc++) {
        if (entry[loc] && entry[loc] != c->state[loc]) {
            entry[loc] = 0;
            bitset_add(&c->dirty, block);
        }
    }
}

static void run_block(struct check *c, uint32_t index) {
    const struct mblock *block = &c->m->blocks.at[index];
    memcpy(c->state, c->entry[index], sizeof(vreg_t) * c->locs);
    c->move = find_move(c->m, block->first);
    for (uint32_t k = 0; k < block->count && !c->fault; k++) {
        c->inst = block->first + k;
        run_inst(c, k + 1 == block->count && block->succs.len == 1);
    }
    for (uint32_t k = 0; k < block->succs.len && !c->fault; k++) {
        pass_arguments(c, block, &c->m->blocks.at[block->succs.at[k]]);
        enter(c, block->succs.at[k]);
    }
}

static void check_order(struct check *c) {
    for (uint32_t k = 1; k < c->m->moves.len; k++) {
        c->inst = c->m->moves.at[k].inst;
        if (c->inst < c->m->moves.at[k - 1].inst) {
            fail(c, "moves out of order", 0, 0);
        }
    }
}

const char *regalloc_check(const struct mfunc *m, const struct target *target) {
    struct check c = {.m = m, .target = target, .locs = LOC_SLOT(m->slot_count)};
    c.entry = arena_array(m->arena, vreg_t *, m->blocks.len);
    c.state = arena_array(m->arena, vreg_t, c.locs);
    c.dirty = bitset_new(m->arena, m->blocks.len);
    check_order(&c);
    enter(&c, 0);
    for (uint32_t b = 0; b < m->blocks.len && !c.fault; b = bitset_next(&c.dirty, 0)) {
        bitset_remove(&c.dirty, b);
        run_block(&c, b);
    }
    return c.fault;
}
