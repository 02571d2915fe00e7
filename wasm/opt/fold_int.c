/*
 * Folding rules for integers. See fold.h; core 3.0, 4.3.2.
 *
 * Constants stand on the right (the driver sees to that), subtraction of a constant is addition,
 * rotation to the left by a constant is rotation to the right, multiplication and unsigned division
 * by a power of two are shifts. Rules never make an operation that may trap, and never take one away
 * that would have.
 */
#include "base/bits.h"
#include "wasm/opt/fold.h"

static bool is_power_of_two(uint64_t x) {
    return x != 0 && (x & (x - 1)) == 0;
}

static int64_t log_of(uint64_t x) {
    return bits_lowest(x);
}

static uint64_t as_unsigned(enum ir_type type, int64_t x) {
    return type == IR_I32 ? (uint32_t)x : (uint64_t)x;
}

/* The low n bits set. */
static uint64_t low_mask(uint32_t n) {
    return n >= 64 ? UINT64_MAX : (1ull << n) - 1;
}

/* ---- (x op c1) op c2 = x op (c1 op c2), for operations where that holds */
static value_t reassociate(struct func *f, value_t v, int64_t c) {
    struct inst *i = func_inst(f, v);
    enum ir_type type = fold_type(f, v);
    enum ir_op op = (enum ir_op)i->op;
    const struct inst *inner = fold_arg(f, v, 0);
    int64_t d, sum;
    if (inner->op != op || !value_const(f, inner->arg[1], &d) ||
        !value_eval_binary(op, type, c, d, &sum)) {
        return 0;
    }
    return fold_into_const(f, v, op, inner->arg[0], type, sum);
}

static value_t fold_add(struct func *f, value_t v) {
    struct inst *i = func_inst(f, v);
    enum ir_type type = fold_type(f, v);
    value_t a = i->arg[0], b = i->arg[1];
    int64_t c, d;
    if (value_const(f, b, &c)) {
        const struct inst *x = fold_arg(f, v, 0);
        if (c == 0) {
            return a;
        }
        if (x->op == OP_SUB && value_const(f, x->arg[0], &d)) {
            /* (d - y) + c */
            value_t y = x->arg[1];
            value_t sum = fold_const(f, v, type, normalize(type, (uint64_t)c + (uint64_t)d));
            return fold_into(f, v, OP_SUB, sum, y);
        }
        return reassociate(f, v, c);
    }
    if (fold_arg(f, v, 1)->op == OP_SUB && value_const(f, fold_arg(f, v, 1)->arg[0], &d) &&
        d == 0) {
        return fold_into(f, v, OP_SUB, a, fold_arg(f, v, 1)->arg[1]);
    }
    if (fold_arg(f, v, 0)->op == OP_SUB && value_const(f, fold_arg(f, v, 0)->arg[0], &d) &&
        d == 0) {
        return fold_into(f, v, OP_SUB, b, fold_arg(f, v, 0)->arg[1]);
    }
    return 0;
}

static value_t fold_sub(struct func *f, value_t v) {
    struct inst *i = func_inst(f, v);
    enum ir_type type = fold_type(f, v);
    value_t a = i->arg[0], b = i->arg[1];
    const struct inst *y = fold_arg(f, v, 1);
    int64_t c, d;
    if (a == b) {
        return fold_const(f, v, type, 0);
    }
    if (value_const(f, b, &c)) {
        return c == 0 ? a
                      : fold_into_const(f, v, OP_ADD, a, type, normalize(type, 0 - (uint64_t)c));
    }
    if (y->op == OP_SUB && value_const(f, y->arg[0], &d) && d == 0) {
        return fold_into(f, v, OP_ADD, a, y->arg[1]);
    }
    if (value_const(f, a, &c) && y->op == OP_ADD && value_const(f, y->arg[1], &d)) {
        value_t x = y->arg[0];
        value_t rest = fold_const(f, v, type, normalize(type, (uint64_t)c - (uint64_t)d));
        return fold_into(f, v, OP_SUB, rest, x);
    }
    return 0;
}

static value_t fold_mul(struct func *f, value_t v) {
    struct inst *i = func_inst(f, v);
    enum ir_type type = fold_type(f, v);
    value_t a = i->arg[0];
    int64_t c;
    if (!value_const(f, i->arg[1], &c)) {
        return 0;
    }
    if (c == 0 || c == 1) {
        return c == 0 ? i->arg[1] : a;
    }
    if (c == -1) {
        return fold_into(f, v, OP_SUB, fold_const(f, v, type, 0), a);
    }
    uint64_t u = as_unsigned(type, c);
    if (is_power_of_two(u)) {
        return fold_into_const(f, v, OP_SHL, a, type, log_of(u));
    }
    return reassociate(f, v, c);
}

static value_t fold_and(struct func *f, value_t v) {
    struct inst *i = func_inst(f, v);
    enum ir_type type = fold_type(f, v);
    value_t a = i->arg[0];
    int64_t c;
    if (a == i->arg[1]) {
        return a;
    }
    if (!value_const(f, i->arg[1], &c)) {
        return 0;
    }
    if (c == 0) {
        return i->arg[1];
    }
    uint64_t known = low_mask(value_bits(f, a));
    if ((known & ~as_unsigned(type, c)) == 0) {
        return a;
    }
    if ((known & as_unsigned(type, c)) == 0) {
        return fold_const(f, v, type, 0);
    }
    return reassociate(f, v, c);
}

static value_t fold_or(struct func *f, value_t v) {
    struct inst *i = func_inst(f, v);
    int64_t c;
    if (i->arg[0] == i->arg[1]) {
        return i->arg[0];
    }
    if (!value_const(f, i->arg[1], &c)) {
        return 0;
    }
    if (c == 0 || c == -1) {
        return c == 0 ? i->arg[0] : i->arg[1];
    }
    return reassociate(f, v, c);
}

static value_t fold_xor(struct func *f, value_t v) {
    struct inst *i = func_inst(f, v);
    int64_t c;
    if (i->arg[0] == i->arg[1]) {
        return fold_const(f, v, fold_type(f, v), 0);
    }
    if (!value_const(f, i->arg[1], &c)) {
        return 0;
    }
    return c == 0 ? i->arg[0] : reassociate(f, v, c);
}

/* ---- shifts and rotations */

/* (x shift d) shift c, in the same direction. */
static value_t fold_shift_twice(struct func *f, value_t v, uint32_t c, uint32_t d) {
    struct inst *i = func_inst(f, v);
    enum ir_type type = fold_type(f, v);
    uint32_t width = type_bits(type);
    value_t x = fold_arg(f, v, 0)->arg[0];
    uint32_t sum = c + d;
    if (sum >= width) {
        if (i->op != OP_SHR_S) {
            return fold_const(f, v, type, 0);
        }
        sum = width - 1;
    }
    return fold_into_const(f, v, (enum ir_op)i->op, x, type, sum);
}

/* (x << c) >> c and (x >> c) << c, c not zero. */
static value_t fold_shift_back(struct func *f, value_t v, uint32_t c) {
    struct inst *i = func_inst(f, v);
    enum ir_type type = fold_type(f, v);
    uint32_t kept = type_bits(type) - c;
    value_t x = fold_arg(f, v, 0)->arg[0];
    if (i->op == OP_SHR_S) {
        enum ir_op op = kept == 8 ? OP_EXTEND8_S : kept == 16 ? OP_EXTEND16_S : OP_EXTEND32_S;
        bool fits = kept == 8 || kept == 16 || (kept == 32 && type == IR_I64);
        return fits ? fold_into(f, v, op, x, 0) : 0;
    }
    /* A mask is one instruction only while it fits in 12 bits; and 16 and 32 have their own. */
    if (i->op == OP_SHR_U && (kept <= 11 || kept == 16)) {
        return fold_into_const(f, v, OP_AND, x, type, (int64_t)low_mask(kept));
    }
    if (i->op == OP_SHL && c <= 11) {
        return fold_into_const(f, v, OP_AND, x, type, normalize(type, ~low_mask(c)));
    }
    return 0;
}

static value_t fold_shift(struct func *f, value_t v) {
    struct inst *i = func_inst(f, v);
    enum ir_type type = fold_type(f, v);
    uint32_t width = type_bits(type);
    const struct inst *x = fold_arg(f, v, 0), *y = fold_arg(f, v, 1);
    int64_t c, d;
    if (!value_const(f, i->arg[1], &c)) {
        /* The count is taken modulo the width anyway. */
        if (y->op == OP_AND && value_const(f, y->arg[1], &d) && (~d & (int64_t)(width - 1)) == 0) {
            i->arg[1] = y->arg[0];
            return v;
        }
        return 0;
    }
    uint32_t by = (uint32_t)c & (width - 1);
    if (by == 0) {
        return i->arg[0];
    }
    if ((int64_t)by != c) {
        return fold_into_const(f, v, (enum ir_op)i->op, i->arg[0], type, by);
    }
    uint32_t bits = value_bits(f, i->arg[0]);
    if (i->op != OP_SHL && bits <= by) {
        return fold_const(f, v, type, 0);
    }
    if (i->op == OP_SHR_S && bits < width) {
        i->op = OP_SHR_U;
        return v;
    }
    if ((x->op == OP_SHL || x->op == OP_SHR_S || x->op == OP_SHR_U) &&
        value_const(f, x->arg[1], &d) && d > 0 && d < width) {
        if (x->op == i->op) {
            return fold_shift_twice(f, v, by, (uint32_t)d);
        }
        if (d == by && (x->op == OP_SHL) != (i->op == OP_SHL)) {
            return fold_shift_back(f, v, by);
        }
    }
    return 0;
}

static value_t fold_rotate(struct func *f, value_t v) {
    struct inst *i = func_inst(f, v);
    enum ir_type type = fold_type(f, v);
    uint32_t width = type_bits(type);
    int64_t c;
    if (!value_const(f, i->arg[1], &c)) {
        return 0;
    }
    uint32_t by = (uint32_t)c & (width - 1);
    if (by == 0) {
        return i->arg[0];
    }
    if (i->op == OP_ROTL || (int64_t)by != c) {
        by = i->op == OP_ROTL ? width - by : by;
        return fold_into_const(f, v, OP_ROTR, i->arg[0], type, by);
    }
    return 0;
}

/* ---- division by constants */

/* What has to be added to a dividend so that shifting it rounds towards zero: 2^k - 1 if negative. */
static value_t rounding(struct func *f, value_t v, value_t x, int64_t k) {
    enum ir_type type = fold_type(f, v);
    uint32_t width = type_bits(type);
    value_t top = x;
    if (k > 1) {
        value_t all = fold_const(f, v, type, width - 1);
        top = fold_new(f, v, OP_SHR_S, type, x, all);
    }
    value_t by = fold_const(f, v, type, (int64_t)width - k);
    value_t bias = fold_new(f, v, OP_SHR_U, type, top, by);
    return fold_new(f, v, OP_ADD, type, x, bias);
}

static value_t fold_signed_division(struct func *f, value_t v, int64_t c) {
    enum ir_type type = fold_type(f, v);
    value_t x = func_inst(f, v)->arg[0];
    bool is_div = func_inst(f, v)->op == OP_DIV_S;
    if (c == 1) {
        return is_div ? x : fold_const(f, v, type, 0);
    }
    if (c == -1 && !is_div) {
        return fold_const(f, v, type, 0);
    }
    if (c < 0 || !is_power_of_two((uint64_t)c)) {
        return 0;
    }
    int64_t k = log_of((uint64_t)c);
    if (value_bits(f, x) < type_bits(type)) {
        func_inst(f, v)->op = is_div ? OP_DIV_U : OP_REM_U;
        return v;
    }
    value_t sum = rounding(f, v, x, k);
    if (is_div) {
        return fold_into_const(f, v, OP_SHR_S, sum, type, k);
    }
    value_t mask = fold_const(f, v, type, -c);
    return fold_into(f, v, OP_SUB, x, fold_new(f, v, OP_AND, type, sum, mask));
}

static value_t fold_division(struct func *f, value_t v) {
    struct inst *i = func_inst(f, v);
    enum ir_type type = fold_type(f, v);
    int64_t c;
    if (!value_const(f, i->arg[1], &c) || c == 0) {
        return 0;
    }
    if (i->op == OP_DIV_S || i->op == OP_REM_S) {
        return fold_signed_division(f, v, c);
    }
    uint64_t u = as_unsigned(type, c);
    if (!is_power_of_two(u)) {
        return 0;
    }
    if (i->op == OP_DIV_U) {
        return u == 1 ? i->arg[0] : fold_into_const(f, v, OP_SHR_U, i->arg[0], type, log_of(u));
    }
    return fold_into_const(f, v, OP_AND, i->arg[0], type, normalize(type, u - 1));
}

/* ---- extensions */

/* An AND with a constant that keeps all of the low `bits` bits is not needed by who reads only those. */
static value_t strip_mask(const struct func *f, value_t x, uint32_t bits) {
    const struct inst *i = func_inst(f, x);
    int64_t c;
    bool keeps =
        i->op == OP_AND && value_const(f, i->arg[1], &c) && (~(uint64_t)c & low_mask(bits)) == 0;
    return keeps ? i->arg[0] : x;
}

static bool is_signed_load(const struct inst *x, uint32_t bits) {
    return x->op == OP_LOAD && access_infos[x->sub].is_signed &&
           access_infos[x->sub].size * 8 <= bits;
}

static value_t fold_sign_extension(struct func *f, value_t v, uint32_t bits) {
    struct inst *i = func_inst(f, v);
    value_t a = i->arg[0];
    const struct inst *x = func_inst(f, a);
    if (value_bits(f, a) < bits || is_signed_load(x, bits)) {
        return a;
    }
    bool narrower = (x->op == OP_EXTEND8_S) || (x->op == OP_EXTEND16_S && bits >= 16) ||
                    (x->op == OP_EXTEND32_S && bits >= 32) || (x->op == OP_EXTEND_S && bits >= 32);
    if (narrower) {
        return a;
    }
    value_t stripped = strip_mask(f, a, bits);
    if (stripped != a) {
        i->arg[0] = stripped;
        return v;
    }
    if (bits == 32 && x->op == OP_EXTEND_U) {
        return fold_into(f, v, OP_EXTEND_S, x->arg[0], 0);
    }
    return 0;
}

static value_t fold_wrap(struct func *f, value_t v) {
    struct inst *i = func_inst(f, v);
    const struct inst *x = fold_arg(f, v, 0);
    if (x->op == OP_EXTEND_S || x->op == OP_EXTEND_U) {
        return x->arg[0];
    }
    value_t stripped = x->op == OP_EXTEND32_S ? x->arg[0] : strip_mask(f, i->arg[0], 32);
    if (stripped != i->arg[0]) {
        i->arg[0] = stripped;
        return v;
    }
    return 0;
}

static value_t fold_extend(struct func *f, value_t v) {
    struct inst *i = func_inst(f, v);
    const struct inst *x = fold_arg(f, v, 0);
    if (i->op == OP_EXTEND_U && value_bits(f, i->arg[0]) < 32) {
        i->op = OP_EXTEND_S; /* the same, and free where i32 is kept sign-extended */
        return v;
    }
    if (i->op == OP_EXTEND_S && x->op == OP_WRAP) {
        return fold_into(f, v, OP_EXTEND32_S, x->arg[0], 0);
    }
    return 0;
}

value_t fold_int(struct func *f, value_t v) {
    switch (func_inst(f, v)->op) {
    case OP_ADD:
        return fold_add(f, v);
    case OP_SUB:
        return fold_sub(f, v);
    case OP_MUL:
        return fold_mul(f, v);
    case OP_AND:
        return fold_and(f, v);
    case OP_OR:
        return fold_or(f, v);
    case OP_XOR:
        return fold_xor(f, v);
    case OP_SHL:
    case OP_SHR_S:
    case OP_SHR_U:
        return fold_shift(f, v);
    case OP_ROTL:
    case OP_ROTR:
        return fold_rotate(f, v);
    case OP_DIV_S:
    case OP_DIV_U:
    case OP_REM_S:
    case OP_REM_U:
        return fold_division(f, v);
    case OP_EXTEND8_S:
        return fold_sign_extension(f, v, 8);
    case OP_EXTEND16_S:
        return fold_sign_extension(f, v, 16);
    case OP_EXTEND32_S:
        return fold_sign_extension(f, v, 32);
    case OP_WRAP:
        return fold_wrap(f, v);
    case OP_EXTEND_S:
    case OP_EXTEND_U:
        return fold_extend(f, v);
    default:
        return 0;
    }
}
