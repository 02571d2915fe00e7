/*
 * Folding rules for comparisons, conditions and selections. See fold.h.
 *
 * Comparisons against constants lean towards zero, which costs no register: x < 1 is x <= 0, and for
 * unsigned x it is x == 0. The opposite of an integer comparison is one again, so `eqz` of one goes;
 * of floats only eq and ne are opposites, since the others are all false for a NaN.
 */
#include "wasm/opt/fold.h"

static bool is_int(enum ir_type type) {
    return type == IR_I32 || type == IR_I64;
}

static bool is_boolean(const struct func *f, value_t v) {
    return is_int(fold_type(f, v)) && value_bits(f, v) <= 1;
}

/* ---- zero or not */

static value_t fold_eqz(struct func *f, value_t v) {
    struct inst *i = func_inst(f, v);
    value_t a = i->arg[0];
    const struct inst *x = func_inst(f, a);
    switch (x->op) {
    case OP_EQ:
        return fold_into(f, v, OP_NE, x->arg[0], x->arg[1]);
    case OP_NE:
        return fold_into(f, v, OP_EQ, x->arg[0], x->arg[1]);
    case OP_LT_S:
        return fold_into(f, v, OP_LE_S, x->arg[1], x->arg[0]);
    case OP_LT_U:
        return fold_into(f, v, OP_LE_U, x->arg[1], x->arg[0]);
    case OP_LE_S:
        return fold_into(f, v, OP_LT_S, x->arg[1], x->arg[0]);
    case OP_LE_U:
        return fold_into(f, v, OP_LT_U, x->arg[1], x->arg[0]);
    case OP_FEQ:
        return fold_into(f, v, OP_FNE, x->arg[0], x->arg[1]);
    case OP_FNE:
        return fold_into(f, v, OP_FEQ, x->arg[0], x->arg[1]);
    case OP_SUB:
    case OP_XOR:
        return fold_into(f, v, OP_EQ, x->arg[0], x->arg[1]);
    case OP_EXTEND_S:
    case OP_EXTEND_U:
        return fold_into(f, v, OP_EQZ, x->arg[0], 0);
    case OP_REF_FUNC:
        return fold_const(f, v, IR_I32, 0);
    case OP_EQZ: {
        value_t y = x->arg[0];
        if (fold_type(f, y) == IR_I32 && is_boolean(f, y)) {
            return y;
        }
        return fold_into_const(f, v, OP_NE, y, fold_type(f, y), 0);
    }
    default:
        return 0;
    }
}

value_t fold_condition(const struct func *f, value_t cond, bool *negated_out) {
    bool negated = false;
    for (;;) {
        const struct inst *x = func_inst(f, cond);
        int64_t c;
        bool is_eqz = x->op == OP_EQZ;
        bool is_ne_zero =
            x->op == OP_NE && value_const(f, func_resolve(f, x->arg[1]), &c) && c == 0;
        if (!is_eqz && !is_ne_zero) {
            break;
        }
        value_t inner = func_resolve(f, x->arg[0]);
        if (func_inst(f, inner)->type != IR_I32) {
            break;
        }
        negated ^= is_eqz;
        cond = inner;
    }
    *negated_out = negated;
    return cond;
}

/* ---- equality */

/* eq or ne of an i64 extended from i32 with a constant. */
static value_t narrow_equality(struct func *f, value_t v, int64_t c) {
    struct inst *i = func_inst(f, v);
    const struct inst *x = fold_arg(f, v, 0);
    int64_t low = (int32_t)(uint32_t)(uint64_t)c;
    bool fits = x->op == OP_EXTEND_S ? low == c : c >= 0 && c <= UINT32_MAX;
    if (!fits) {
        return fold_const(f, v, IR_I32, i->op == OP_NE);
    }
    return fold_into_const(f, v, (enum ir_op)i->op, x->arg[0], IR_I32, low);
}

static value_t equality_with_const(struct func *f, value_t v, int64_t c) {
    struct inst *i = func_inst(f, v);
    enum ir_op op = (enum ir_op)i->op;
    value_t a = i->arg[0];
    enum ir_type type = fold_type(f, a);
    const struct inst *x = func_inst(f, a);
    int64_t d;
    if (c == 0 && op == OP_EQ) {
        return fold_into(f, v, OP_EQZ, a, 0);
    }
    if (c == 0 && x->op == OP_EQZ) {
        return a;
    }
    if (c == 0 && (x->op == OP_SUB || x->op == OP_XOR)) {
        return fold_into(f, v, op, x->arg[0], x->arg[1]);
    }
    if (type == IR_I32 && is_boolean(f, a)) {
        if (c == 0 || c == 1) {
            bool same = (c == 1) == (op == OP_EQ);
            return same ? a : fold_into(f, v, OP_EQZ, a, 0);
        }
        return fold_const(f, v, IR_I32, op == OP_NE);
    }
    if (x->op == OP_ADD && value_const(f, x->arg[1], &d)) {
        return fold_into_const(f, v, op, x->arg[0], type,
                               normalize(type, (uint64_t)c - (uint64_t)d));
    }
    if (x->op == OP_XOR && value_const(f, x->arg[1], &d)) {
        return fold_into_const(f, v, op, x->arg[0], type, c ^ d);
    }
    if (x->op == OP_EXTEND_S || x->op == OP_EXTEND_U) {
        return narrow_equality(f, v, c);
    }
    return 0;
}

static value_t fold_equality(struct func *f, value_t v) {
    struct inst *i = func_inst(f, v);
    enum ir_op op = (enum ir_op)i->op;
    const struct inst *x = fold_arg(f, v, 0), *y = fold_arg(f, v, 1);
    int64_t c;
    if (i->arg[0] == i->arg[1]) {
        return fold_const(f, v, IR_I32, op == OP_EQ);
    }
    if (value_const(f, i->arg[1], &c)) {
        return equality_with_const(f, v, c);
    }
    if (x->op == y->op && (x->op == OP_EXTEND_S || x->op == OP_EXTEND_U)) {
        return fold_into(f, v, op, x->arg[0], y->arg[0]);
    }
    return 0;
}

/* ---- order */

/* x < c or x <= c. */
static value_t less_than_const(struct func *f, value_t v, int64_t c) {
    struct inst *i = func_inst(f, v);
    value_t a = i->arg[0];
    enum ir_type type = fold_type(f, a);
    bool is_nonnegative = value_bits(f, a) < type_bits(type);
    int64_t least = type == IR_I32 ? INT32_MIN : INT64_MIN;
    int64_t most = type == IR_I32 ? INT32_MAX : INT64_MAX;
    switch (i->op) {
    case OP_LT_U:
        if (c == 0) {
            return fold_const(f, v, IR_I32, 0);
        }
        return c == 1 ? fold_into(f, v, OP_EQZ, a, 0) : 0;
    case OP_LE_U:
        if (c == -1) {
            return fold_const(f, v, IR_I32, 1);
        }
        return c == 0 ? fold_into(f, v, OP_EQZ, a, 0)
                      : fold_into_const(f, v, OP_LT_U, a, type, normalize(type, (uint64_t)c + 1));
    case OP_LT_S:
        if (c == least || (c <= 0 && is_nonnegative)) {
            return fold_const(f, v, IR_I32, 0);
        }
        return c == 1 ? fold_into_const(f, v, OP_LE_S, a, type, 0) : 0;
    default:
        if (c == most || (c < 0 && is_nonnegative)) {
            return fold_const(f, v, IR_I32, c == most);
        }
        if (c == 0) {
            return is_nonnegative ? fold_into(f, v, OP_EQZ, a, 0) : 0;
        }
        return fold_into_const(f, v, OP_LT_S, a, type, c + 1);
    }
}

/* c < x or c <= x. */
static value_t more_than_const(struct func *f, value_t v, int64_t c) {
    struct inst *i = func_inst(f, v);
    value_t b = i->arg[1];
    enum ir_type type = fold_type(f, b);
    bool is_nonnegative = value_bits(f, b) < type_bits(type);
    int64_t least = type == IR_I32 ? INT32_MIN : INT64_MIN;
    int64_t most = type == IR_I32 ? INT32_MAX : INT64_MAX;
    switch (i->op) {
    case OP_LT_U:
        if (c == -1) {
            return fold_const(f, v, IR_I32, 0);
        }
        return c == 0 ? fold_into_const(f, v, OP_NE, b, type, 0) : 0;
    case OP_LE_U:
        if (c == 0) {
            return fold_const(f, v, IR_I32, 1);
        }
        if (c == 1) {
            return fold_into_const(f, v, OP_NE, b, type, 0);
        }
        return fold_into(f, v, OP_LT_U, fold_const(f, v, type, normalize(type, (uint64_t)c - 1)),
                         b);
    case OP_LT_S:
        if (c == most || (c < 0 && is_nonnegative)) {
            return fold_const(f, v, IR_I32, c != most);
        }
        return c == -1 ? fold_into(f, v, OP_LE_S, fold_const(f, v, type, 0), b) : 0;
    default:
        if (c == least || (c <= 0 && is_nonnegative)) {
            return fold_const(f, v, IR_I32, 1);
        }
        return c == 0 ? 0 : fold_into(f, v, OP_LT_S, fold_const(f, v, type, c - 1), b);
    }
}

static value_t fold_order(struct func *f, value_t v) {
    struct inst *i = func_inst(f, v);
    enum ir_op op = (enum ir_op)i->op;
    const struct inst *x = fold_arg(f, v, 0), *y = fold_arg(f, v, 1);
    int64_t c;
    if (i->arg[0] == i->arg[1]) {
        return fold_const(f, v, IR_I32, op == OP_LE_S || op == OP_LE_U);
    }
    if (value_const(f, i->arg[1], &c)) {
        return less_than_const(f, v, c);
    }
    if (value_const(f, i->arg[0], &c)) {
        return more_than_const(f, v, c);
    }
    bool is_signed = op == OP_LT_S || op == OP_LE_S;
    if (x->op == y->op && x->op == (is_signed ? OP_EXTEND_S : OP_EXTEND_U)) {
        return fold_into(f, v, op, x->arg[0], y->arg[0]);
    }
    return 0;
}

/* ---- selection */

static value_t fold_select(struct func *f, value_t v) {
    struct inst *i = func_inst(f, v);
    value_t a = i->arg[1], b = i->arg[2];
    int64_t c, d;
    if (a == b) {
        return a;
    }
    if (value_const(f, i->arg[0], &c)) {
        return c != 0 ? a : b;
    }
    bool negated;
    value_t cond = fold_condition(f, i->arg[0], &negated);
    if (cond != i->arg[0]) {
        i->arg[0] = cond;
        i->arg[1] = negated ? b : a;
        i->arg[2] = negated ? a : b;
        return v;
    }
    if (i->type == IR_I32 && value_const(f, a, &c) && value_const(f, b, &d)) {
        if (c == 0 && d == 1) {
            return fold_into(f, v, OP_EQZ, cond, 0);
        }
        if (c == 1 && d == 0) {
            return is_boolean(f, cond) ? cond : fold_into_const(f, v, OP_NE, cond, IR_I32, 0);
        }
    }
    return 0;
}

value_t fold_compare(struct func *f, value_t v) {
    switch (func_inst(f, v)->op) {
    case OP_EQZ:
        return fold_eqz(f, v);
    case OP_EQ:
    case OP_NE:
        return fold_equality(f, v);
    case OP_LT_S:
    case OP_LT_U:
    case OP_LE_S:
    case OP_LE_U:
        return fold_order(f, v);
    case OP_SELECT:
        return fold_select(f, v);
    default:
        return 0;
    }
}
