/*
 * Loop-invariant code motion: what gives the same value in every turn is computed before the loop.
 *
 * Needs: nothing. Gives: invariant operations that cost more than a register is worth stand in the
 * block before the outermost loop in which they are invariant. Breaks: nothing.
 *
 * Only loops that are entered from one block which leads nowhere else are looked at; the builder and
 * cfg make and keep them so. What may trap stays, but for a load at the very start of a loop's header,
 * which the first turn does anyway. How much may leave a loop is limited: each value occupies a
 * register throughout it.
 */
#include "wasm/ir/analysis.h"
#include "wasm/opt/effects.h"
#include "wasm/opt/opt.h"

enum {
    MAX_INT = 12, /* values moved out of a loop, by register class */
    MAX_FLOAT = 16,
    MAX_LEVELS = 16, /* loops that a value is moved out of */
};

struct loop_state {
    block_id_t before; /* the block before the loop, or BLOCK_NONE */
    uint32_t int_count, float_count;
};

struct licm {
    struct func *f;
    const effects_t *writes;  /* by header */
    struct loop_state *loops; /* by header */
    bool is_start;            /* nothing that may trap or acts has come before in the header */
};

static block_id_t block_before(const struct func *f, block_id_t header) {
    const struct block *h = &f->blocks.at[header];
    block_id_t before = BLOCK_NONE;
    for (uint32_t k = 0; k < h->preds.len; k++) {
        block_id_t p = h->preds.at[k];
        if (!block_is_reachable(f, p) || block_dominates(f, header, p)) {
            continue;
        }
        if (before != BLOCK_NONE || f->blocks.at[p].succs.len != 1) {
            return BLOCK_NONE;
        }
        before = p;
    }
    return before;
}

static void find_loops(struct licm *l) {
    struct func *f = l->f;
    l->loops = arena_array(f->arena, struct loop_state, f->blocks.len);
    for (uint32_t n = 0; n < f->order.len; n++) {
        block_id_t id = f->order.at[n];
        if (f->blocks.at[id].loop_head == id) {
            l->loops[id].before = block_before(f, id);
        }
    }
}

static bool fits_immediate(int64_t c) {
    return c >= -2048 && c < 2048;
}

/* Whether it is worth a register for the length of a loop. */
static bool pays(const struct inst *i) {
    switch (i->op) {
    case OP_ICONST:
        return !fits_immediate(i->imm);
    case OP_PARAM:
    case OP_PHI:
    case OP_RESULT:
    case OP_COPY:
        return false;
    case OP_WRAP:
    case OP_EXTEND_S: /* free or nearly so */
        return false;
    case OP_EQZ:
    case OP_EQ:
    case OP_NE:
    case OP_LT_S:
    case OP_LT_U:
    case OP_LE_S:
    case OP_LE_U:
        return false; /* part of the branch that uses them */
    default:
        return true;
    }
}

/* Whether i may be computed before the loop of `header` instead of inside it, arguments apart. */
static bool can_leave(const struct licm *l, const struct inst *i, block_id_t header) {
    if ((effects_read(l->f, i) & l->writes[header]) != 0) {
        return false;
    }
    if (inst_has(i, IR_PURE) || i->op == OP_GLOBAL_GET || i->op == OP_MEMORY_SIZE ||
        i->op == OP_TABLE_SIZE) {
        return true;
    }
    if (i->op == OP_LOAD) {
        return l->is_start && i->block == header;
    }
    return inst_has(i, IR_TRAPS) && i->type != IR_NONE && !inst_has(i, IR_READS) &&
           !effects_may_trap(l->f, i);
}

static bool is_const(const struct inst *i) {
    return i->op == OP_ICONST || i->op == OP_FCONST;
}

/* An argument that dominates an instruction in the loop is in the loop itself when the header
 * dominates it. Constants come along. */
static bool args_are_outside(const struct licm *l, struct inst *i, block_id_t header) {
    const value_t *args = inst_args(i);
    for (uint32_t k = 0; k < i->argc; k++) {
        const struct inst *arg = func_inst(l->f, args[k]);
        if (block_dominates(l->f, header, arg->block) && !is_const(arg)) {
            return false;
        }
    }
    return true;
}

static block_id_t find_place(const struct licm *l, struct inst *i) {
    block_id_t place = BLOCK_NONE;
    block_id_t header = l->f->blocks.at[i->block].loop_head;
    for (uint32_t level = 0; header != BLOCK_NONE && level < MAX_LEVELS; level++) {
        if (!can_leave(l, i, header) || !args_are_outside(l, i, header)) {
            break;
        }
        if (l->loops[header].before != BLOCK_NONE) {
            place = l->loops[header].before;
        }
        header = l->f->blocks.at[header].loop_parent;
    }
    return place;
}

static bool take_register(struct licm *l, const struct inst *i) {
    struct loop_state *loop = &l->loops[l->f->blocks.at[i->block].loop_head];
    if (i->type == IR_F32 || i->type == IR_F64) {
        return loop->float_count < MAX_FLOAT && loop->float_count++ < MAX_FLOAT;
    }
    return loop->int_count < MAX_INT && loop->int_count++ < MAX_INT;
}

static void move(struct func *f, value_t v, block_id_t place) {
    func_unlink(f, v);
    func_insert_before(f, f->blocks.at[place].last, v);
}

static void move_with_constants(struct func *f, value_t v, block_id_t place) {
    for (uint32_t k = 0; k < func_inst(f, v)->argc; k++) {
        value_t arg = inst_args(func_inst(f, v))[k];
        if (is_const(func_inst(f, arg)) && !block_dominates(f, func_inst(f, arg)->block, place)) {
            move(f, arg, place);
        }
    }
    move(f, v, place);
}

static void visit(struct licm *l, value_t v) {
    struct func *f = l->f;
    struct inst *i = func_inst(f, v);
    block_id_t place = pays(i) ? find_place(l, i) : BLOCK_NONE;
    if (place != BLOCK_NONE && take_register(l, i)) {
        move_with_constants(f, v, place);
    } else if (inst_has(i, IR_TRAPS | IR_WRITES | IR_CALLS)) {
        l->is_start = false;
    }
}

void licm_run(struct func *f) {
    struct licm l = {.f = f};
    analysis_run(f);
    l.writes = effects_of_loops(f);
    find_loops(&l);
    for (uint32_t n = 0; n < f->order.len; n++) {
        block_id_t id = f->order.at[n];
        if (f->blocks.at[id].loop_head == BLOCK_NONE) {
            continue;
        }
        l.is_start = f->blocks.at[id].loop_head == id;
        value_t next;
        for (value_t v = f->blocks.at[id].first; v; v = next) {
            next = func_inst(f, v)->next;
            visit(&l, v);
        }
    }
}
