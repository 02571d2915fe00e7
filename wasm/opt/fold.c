/*
 * Folding: constants, algebra, cheaper operations, branches that are decided.
 *
 * Needs: nothing. Gives: every rule applied until none fits, in one sweep over the blocks in reverse
 * post-order, so that arguments are folded before what uses them; what a phi brings over a back edge
 * is left for the next run. No COPY is in use. Breaks: the analysis, where it decides a branch.
 *
 * Floats are touched only where every bit comes out the same: signs and reinterpretation.
 */
#include "wasm/opt/fold.h"
#include "wasm/ir/analysis.h"
#include "wasm/opt/opt.h"

enum {
    MAX_STEPS = 16, /* rules applied to one instruction; each makes it simpler, so few are */
};

struct fold {
    struct func *f;
    VEC(struct edge) decided; /* branches that always go one way */
};

/* ---- tools for the rules */

value_t fold_const(struct func *f, value_t at, enum ir_type type, int64_t value) {
    return func_insert_const(f, at, type, value);
}

value_t fold_new(struct func *f, value_t at, enum ir_op op, enum ir_type type, value_t a,
                 value_t b) {
    value_t v = func_add_inst(f, op, type, b ? 2 : 1);
    struct inst *i = func_inst(f, v);
    i->arg[0] = a;
    i->arg[1] = b;
    i->pos = func_inst(f, at)->pos;
    func_insert_before(f, at, v);
    return v;
}

value_t fold_into(struct func *f, value_t v, enum ir_op op, value_t a, value_t b) {
    struct inst *i = func_inst(f, v);
    i->op = (uint8_t)op;
    i->argc = b ? 2 : 1;
    i->arg[0] = a;
    i->arg[1] = b;
    i->arg[2] = 0;
    return v;
}

value_t fold_into_const(struct func *f, value_t v, enum ir_op op, value_t a, enum ir_type type,
                        int64_t b) {
    return fold_into(f, v, op, a, fold_const(f, v, type, b));
}

/* ---- memory */

/* A constant address is an offset from the start of memory: one ADDR of zero serves them all. */
static value_t fold_const_address(struct func *f, value_t v) {
    const struct inst *addr = fold_arg(f, v, 0);
    int64_t c;
    if (addr->op != OP_ADDR || !value_const(f, addr->arg[0], &c) || c == 0) {
        return 0;
    }
    int64_t offset = (int64_t)(uint32_t)c + func_inst(f, v)->imm;
    if (offset > INT32_MAX) {
        return 0;
    }
    uint32_t memory = addr->aux;
    value_t zero = fold_const(f, v, IR_I32, 0);
    value_t base = fold_new(f, v, OP_ADDR, IR_PTR, zero, 0);
    func_inst(f, base)->aux = memory;
    func_inst(f, v)->arg[0] = base;
    func_inst(f, v)->imm = offset;
    return v;
}

/* base + c where the sum cannot pass 2^32: c goes to the offset. */
static value_t fold_address_offset(struct func *f, value_t v) {
    const struct inst *addr = fold_arg(f, v, 0);
    int64_t c;
    if (addr->op != OP_ADDR) {
        return 0;
    }
    const struct inst *sum = func_inst(f, addr->arg[0]);
    if (sum->op != OP_ADD || !value_const(f, sum->arg[1], &c) || c < 0 ||
        value_bits(f, sum->arg[0]) >= 32 || func_inst(f, v)->imm + c > INT32_MAX) {
        return 0;
    }
    uint32_t memory = addr->aux;
    value_t base = fold_new(f, v, OP_ADDR, IR_PTR, sum->arg[0], 0);
    func_inst(f, base)->aux = memory;
    func_inst(f, v)->arg[0] = base;
    func_inst(f, v)->imm += c;
    return v;
}

/* A store looks at no more bits than it writes. */
static value_t fold_stored(struct func *f, value_t v) {
    struct inst *i = func_inst(f, v);
    uint32_t bits = access_infos[i->sub].size * 8u;
    const struct inst *x = fold_arg(f, v, 1);
    int64_t c;
    bool drops = false;
    switch (x->op) {
    case OP_AND:
        drops = value_const(f, x->arg[1], &c) && bits < 64 &&
                (~(uint64_t)c & ((1ull << bits) - 1)) == 0;
        break;
    case OP_EXTEND8_S:
        drops = bits <= 8;
        break;
    case OP_EXTEND16_S:
        drops = bits <= 16;
        break;
    case OP_EXTEND32_S:
    case OP_EXTEND_S:
    case OP_EXTEND_U:
    case OP_WRAP:
        drops = bits <= 32;
        break;
    default:
        break;
    }
    if (!drops) {
        return 0;
    }
    i->arg[1] = x->arg[0];
    return v;
}

static value_t fold_access(struct func *f, value_t v) {
    value_t done = fold_const_address(f, v);
    if (!done) {
        done = fold_address_offset(f, v);
    }
    if (!done && func_inst(f, v)->op == OP_STORE) {
        done = fold_stored(f, v);
    }
    return done;
}

/* ---- floats */

static uint64_t sign_bit(enum ir_type type) {
    return type == IR_F32 ? 1ull << 31 : 1ull << 63;
}

static value_t fold_float(struct func *f, value_t v) {
    struct inst *i = func_inst(f, v);
    enum ir_type type = fold_type(f, v);
    const struct inst *x = fold_arg(f, v, 0);
    uint64_t bits = (uint64_t)x->imm;
    bool is_const = x->op == OP_FCONST || x->op == OP_ICONST;
    switch (i->op) {
    case OP_FNEG:
        if (is_const) {
            return func_insert_const(f, v, type, (int64_t)(bits ^ sign_bit(type)));
        }
        return x->op == OP_FNEG ? x->arg[0] : 0;
    case OP_FABS:
        if (is_const) {
            return func_insert_const(f, v, type, (int64_t)(bits & ~sign_bit(type)));
        }
        if (x->op == OP_FNEG || x->op == OP_FABS) {
            return fold_into(f, v, OP_FABS, x->arg[0], 0);
        }
        return 0;
    default: /* REINTERPRET */
        if (is_const) {
            bool narrow = type == IR_F32; /* from i32, sign-extended */
            return func_insert_const(f, v, type, (int64_t)(narrow ? (uint32_t)bits : bits));
        }
        return x->op == OP_REINTERPRET ? x->arg[0] : 0;
    }
}

/* ---- control */

static void decide(struct fold *d, block_id_t block, uint32_t succ) {
    vec_push(d->f->arena, &d->decided, ((struct edge){block, succ}));
}

static value_t fold_br(struct fold *d, value_t v) {
    struct func *f = d->f;
    struct inst *i = func_inst(f, v);
    struct block *b = &f->blocks.at[i->block];
    int64_t c;
    if (value_const(f, i->arg[0], &c)) {
        decide(d, i->block, c == 0);
        return 0;
    }
    bool negated;
    value_t cond = fold_condition(f, i->arg[0], &negated);
    if (cond == i->arg[0] || (negated && b->succs.at[0] == b->succs.at[1])) {
        return 0;
    }
    i->arg[0] = cond;
    if (negated) {
        block_id_t first = b->succs.at[0];
        b->succs.at[0] = b->succs.at[1];
        b->succs.at[1] = first;
    }
    return v;
}

static value_t fold_switch(struct fold *d, value_t v) {
    struct func *f = d->f;
    struct inst *i = func_inst(f, v);
    struct block *b = &f->blocks.at[i->block];
    uint32_t last = b->succs.len - 1;
    int64_t c;
    if (value_const(f, i->arg[0], &c)) {
        decide(d, i->block, (uint32_t)c < last ? (uint32_t)c : last);
    } else if (last == 0) {
        decide(d, i->block, 0);
    } else if (last == 1 && b->succs.at[0] != b->succs.at[1]) {
        /* 0 goes to the first, all else to the second. */
        block_id_t first = b->succs.at[0];
        b->succs.at[0] = b->succs.at[1];
        b->succs.at[1] = first;
        i->op = OP_BR;
        return v;
    }
    return 0;
}

static value_t fold_trap_if(struct func *f, value_t v) {
    struct inst *i = func_inst(f, v);
    bool negated;
    value_t cond = fold_condition(f, i->arg[0], &negated);
    if (cond != i->arg[0] && !negated) {
        i->arg[0] = cond;
        return v;
    }
    return 0;
}

static value_t fold_phi(const struct func *f, value_t v) {
    struct inst *i = func_inst(f, v);
    value_t *args = inst_args(i);
    value_t single = 0;
    for (uint32_t k = 0; k < i->argc; k++) {
        if (args[k] != v && args[k] != single) {
            if (single) {
                return 0;
            }
            single = args[k];
        }
    }
    return single;
}

/* ---- the driver */

static bool is_const(const struct func *f, value_t v) {
    return func_inst(f, v)->op == OP_ICONST || func_inst(f, v)->op == OP_FCONST;
}

/* The value of an operation all of whose arguments are constants, or 0. */
static value_t evaluate(struct func *f, value_t v) {
    const struct inst *i = func_inst(f, v);
    enum ir_type type = fold_type(f, v);
    int64_t a, b, out;
    if (i->argc == 2 && value_const(f, i->arg[0], &a) && value_const(f, i->arg[1], &b)) {
        if (value_eval_binary((enum ir_op)i->op, fold_type(f, i->arg[0]), a, b, &out)) {
            return fold_const(f, v, type, out);
        }
    } else if (i->argc == 1 && value_const(f, i->arg[0], &a)) {
        if (value_eval_unary((enum ir_op)i->op, fold_type(f, i->arg[0]), a, &out)) {
            return fold_const(f, v, type, out);
        }
    }
    return 0;
}

/* Constants to the right, so that the rules need not look at both sides. */
static void order_arguments(const struct func *f, value_t v) {
    struct inst *i = func_inst(f, v);
    if (inst_has(i, IR_COMM) && is_const(f, i->arg[0]) && !is_const(f, i->arg[1])) {
        value_t first = i->arg[0];
        i->arg[0] = i->arg[1];
        i->arg[1] = first;
    }
}

static value_t apply_rule(struct fold *d, value_t v) {
    struct func *f = d->f;
    switch (func_inst(f, v)->op) {
    case OP_PHI:
        return fold_phi(f, v);
    case OP_LOAD:
    case OP_STORE:
        return fold_access(f, v);
    case OP_BR:
        return fold_br(d, v);
    case OP_SWITCH:
        return fold_switch(d, v);
    case OP_TRAP_IF:
        return fold_trap_if(f, v);
    case OP_FNEG:
    case OP_FABS:
    case OP_REINTERPRET:
        return fold_float(f, v);
    default:
        break;
    }
    if (!inst_has(func_inst(f, v), IR_PURE | IR_TRAPS)) {
        return 0;
    }
    order_arguments(f, v);
    value_t done = evaluate(f, v);
    if (!done) {
        uint8_t op = func_inst(f, v)->op;
        bool compares = (op >= OP_EQZ && op <= OP_LE_U) || op == OP_SELECT;
        done = compares ? fold_compare(f, v) : fold_int(f, v);
    }
    return done;
}

static void resolve_args(const struct func *f, value_t v) {
    struct inst *i = func_inst(f, v);
    value_t *args = inst_args(i);
    for (uint32_t k = 0; k < i->argc; k++) {
        args[k] = func_resolve(f, args[k]);
    }
}

static void fold_inst(struct fold *d, value_t v) {
    if (func_inst(d->f, v)->argc == 0) {
        return; /* no rule is about such */
    }
    value_t done = v;
    for (uint32_t step = 0; step < MAX_STEPS && done == v; step++) {
        resolve_args(d->f, v);
        done = apply_rule(d, v);
    }
    if (done && done != v) {
        func_replace(d->f, v, done);
    }
}

void fold_run(struct func *f) {
    struct fold d = {.f = f};
    analysis_run(f);
    for (uint32_t n = 0; n < f->order.len; n++) {
        value_t next;
        for (value_t v = f->blocks.at[f->order.at[n]].first; v; v = next) {
            next = func_inst(f, v)->next;
            arena_poll_round(f->arena, v);
            fold_inst(&d, v);
        }
    }
    if (d.decided.len > 0) {
        func_fold_branches(f, d.decided.at, d.decided.len);
    }
    func_resolve_phis(f);
}
