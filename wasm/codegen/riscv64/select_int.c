/*
 * Selection of integer arithmetic, comparisons and conditional values.
 *
 * A user folds an operand's instruction into its own where the machine has one for both and the
 * operand has no other user. 32-bit operations that the machine computes with a word form
 * (addw, srlw, ...) take their sources by select_low() and give sign-extended results; and, or, xor
 * pass on what they get, so they ask for full sources unless nobody needs the upper half.
 */
#include "base/bits.h"
#include "wasm/codegen/riscv64/lines.h"
#include "wasm/codegen/riscv64/select.h"

static struct source zero(void) {
    return source_pin(ZERO);
}

/* What is needed of the arguments of a bitwise operation. */
static struct source bitwise_source(struct select *s, value_t v, value_t arg) {
    bool low = !select_is_wide(select_inst(s, v)->type) && select_low_only(s, v);
    return low ? select_low(s, arg) : select_reg(s, arg);
}
/* What is needed of the arguments of an operation that has a word form. */
static struct source word_source(struct select *s, bool wide, value_t arg) {
    return wide ? select_reg(s, arg) : select_low(s, arg);
}

/* The constant argument of a commutative operation, if there is one; the other in *other_out. */
static bool const_arg(const struct select *s, const struct inst *inst, value_t *other_out,
                      int64_t *c_out) {
    if (select_is_const(s, inst->arg[1], c_out)) {
        *other_out = inst->arg[0];
        return true;
    }
    *other_out = inst->arg[1];
    return select_is_const(s, inst->arg[0], c_out);
}

/* ---- addition ------------------------------------------------------------------------------ */

/* v as `x << 1..3` that may be folded; *unsigned_out: x is to be zero-extended from 32 bits. */
static bool match_shifted(const struct select *s, value_t v, value_t *x_out, uint32_t *shift_out,
                          bool *unsigned_out) {
    const struct inst *inst = select_fold(s, v, OP_SHL);
    int64_t c;
    if (inst == NULL || !select_is_const(s, inst->arg[1], &c)) {
        return false;
    }
    uint32_t shift = (uint32_t)c & (select_is_wide(inst->type) ? 63 : 31);
    if (shift < 1 || shift > 3) {
        return false;
    }
    *x_out = inst->arg[0];
    *shift_out = shift;
    *unsigned_out = false;
    if (select_is_wide(inst->type) && select_resolve(s, inst->arg[0]) == inst->arg[0]) {
        const struct inst *extend = select_fold(s, inst->arg[0], OP_EXTEND_U);
        if (extend != NULL) {
            *x_out = extend->arg[0];
            *unsigned_out = true;
        }
    }
    return true;
}

static enum rv_op shift_add_op(uint32_t shift, bool is_unsigned) {
    static const uint16_t ops[2][3] = {{RV_SH1ADD, RV_SH2ADD, RV_SH3ADD},
                                       {RV_SH1ADD_UW, RV_SH2ADD_UW, RV_SH3ADD_UW}};
    return (enum rv_op)ops[is_unsigned][shift - 1];
}

/* add with one argument shifted or zero-extended, by one instruction of Zba. */
static bool add_folded(struct select *s, value_t v, vreg_t rd, value_t x, value_t y) {
    bool wide = select_is_wide(select_inst(s, v)->type);
    uint32_t shift;
    bool is_unsigned;
    value_t from;
    if (!wide && !select_low_only(s, v)) {
        return false;
    }
    if (match_shifted(s, x, &from, &shift, &is_unsigned)) {
        struct source a = is_unsigned ? select_low(s, from) : word_source(s, wide, from);
        select_put2(s, shift_add_op(shift, is_unsigned), rd, a, word_source(s, wide, y), 0);
        return true;
    }
    const struct inst *extend = select_fold(s, x, OP_EXTEND_U);
    if (wide && extend != NULL && select_resolve(s, x) == x) {
        struct source a = select_low(s, extend->arg[0]);
        select_put2(s, RV_ADD_UW, rd, a, select_reg(s, y), 0);
        return true;
    }
    return false;
}

static void add(struct select *s, value_t v, vreg_t rd) {
    const struct inst *inst = select_inst(s, v);
    bool wide = select_is_wide(inst->type);
    value_t x;
    int64_t c;
    if (const_arg(s, inst, &x, &c) && encode_fits(c, 12)) {
        select_put1(s, wide ? RV_ADDI : RV_ADDIW, rd, word_source(s, wide, x), c);
        return;
    }
    if (select_has(s, FEATURE_ZBA) && (add_folded(s, v, rd, inst->arg[0], inst->arg[1]) ||
                                       add_folded(s, v, rd, inst->arg[1], inst->arg[0]))) {
        return;
    }
    struct source a = word_source(s, wide, inst->arg[0]);
    select_put2(s, wide ? RV_ADD : RV_ADDW, rd, a, word_source(s, wide, inst->arg[1]), 0);
}

static void sub(struct select *s, value_t v, vreg_t rd) {
    const struct inst *inst = select_inst(s, v);
    bool wide = select_is_wide(inst->type);
    int64_t c;
    struct source a = word_source(s, wide, inst->arg[0]);
    if (select_is_const(s, inst->arg[1], &c) && encode_fits(c, 13) && encode_fits(-c, 12)) {
        select_put1(s, wide ? RV_ADDI : RV_ADDIW, rd, a, -c);
        return;
    }
    select_put2(s, wide ? RV_SUB : RV_SUBW, rd, a, word_source(s, wide, inst->arg[1]), 0);
}

/* ---- bitwise ------------------------------------------------------------------------------- */

static bool is_power(uint64_t x) {
    return x != 0 && (x & (x - 1)) == 0;
}
static uint32_t log2_of(uint64_t x) {
    return bits_lowest(x);
}

static void zero_extend(struct select *s, vreg_t rd, struct source x, uint32_t bits) {
    if (bits == 32 && select_has(s, FEATURE_ZBA)) {
        select_put2(s, RV_ADD_UW, rd, x, zero(), 0);
    } else if (bits == 16 && select_has(s, FEATURE_ZBB)) {
        select_put1(s, RV_ZEXT_H, rd, x, 0);
    } else {
        struct source t = select_make1(s, RV_SLLI, x, 64 - bits);
        select_put1(s, RV_SRLI, rd, t, 64 - bits);
    }
}

/* and with a constant that does not fit an immediate. */
static bool and_mask(struct select *s, value_t v, vreg_t rd, value_t x, int64_t mask) {
    uint64_t u = (uint64_t)mask;
    if (is_power(u + 1) && u != UINT64_MAX) {
        uint32_t bits = log2_of(u + 1);
        /* Elsewhere than in a loop the mask would have to be made first. */
        bool loop = s->f->blocks.at[s->block].loop_depth != 0;
        if (bits == 32 || (bits == 16 && select_has(s, FEATURE_ZBB)) || !loop) {
            zero_extend(s, rd, bits <= 32 ? select_low(s, x) : select_reg(s, x), bits);
            return true;
        }
    }
    if (select_has(s, FEATURE_ZBS) && is_power(~u)) {
        select_put1(s, RV_BCLRI, rd, bitwise_source(s, v, x), log2_of(~u));
        return true;
    }
    return false;
}

/* A single bit of something: and(shr(x, k), 1). */
static bool extract_bit(struct select *s, vreg_t rd, value_t v) {
    const struct inst *shift = select_fold(s, v, OP_SHR_U);
    if (shift == NULL) {
        shift = select_fold(s, v, OP_SHR_S);
    }
    int64_t k;
    if (shift == NULL || !select_has(s, FEATURE_ZBS)) {
        return false;
    }
    bool wide = select_is_wide(shift->type);
    if (select_is_const(s, shift->arg[1], &k)) {
        select_put1(s, RV_BEXTI, rd, word_source(s, wide, shift->arg[0]), k & (wide ? 63 : 31));
        return true;
    }
    if (!wide) {
        return false; /* bext takes six bits of the amount */
    }
    struct source a = select_reg(s, shift->arg[0]);
    select_put2(s, RV_BEXT, rd, a, select_low(s, shift->arg[1]), 0);
    return true;
}

/* x of `x ^ -1`, if v is that and may be folded. */
static bool match_not(const struct select *s, value_t v, value_t *x_out) {
    const struct inst *inst = select_fold(s, v, OP_XOR);
    int64_t c;
    return inst != NULL && const_arg(s, inst, x_out, &c) && c == -1;
}

static bool bitwise_inverted(struct select *s, value_t v, vreg_t rd) {
    const struct inst *inst = select_inst(s, v);
    enum rv_op op = inst->op == OP_AND ? RV_ANDN : inst->op == OP_OR ? RV_ORN : RV_XNOR;
    value_t x;
    if (!select_has(s, FEATURE_ZBB)) {
        return false;
    }
    for (uint32_t i = 0; i < 2; i++) {
        if (match_not(s, inst->arg[i], &x)) {
            struct source a = bitwise_source(s, v, inst->arg[1 - i]);
            select_put2(s, op, rd, a, bitwise_source(s, v, x), 0);
            return true;
        }
    }
    return false;
}

/* or and xor with a single bit too high for an immediate. */
static bool bitwise_bit(struct select *s, value_t v, vreg_t rd, value_t x, int64_t c) {
    const struct inst *inst = select_inst(s, v);
    bool is_low = select_is_wide(inst->type) || (uint64_t)c <= INT32_MAX;
    if (!select_has(s, FEATURE_ZBS) || inst->op == OP_AND || !is_power((uint64_t)c) || !is_low) {
        return false;
    }
    select_put1(s, inst->op == OP_OR ? RV_BSETI : RV_BINVI, rd, bitwise_source(s, v, x),
                log2_of((uint64_t)c));
    return true;
}

static void bitwise(struct select *s, value_t v, vreg_t rd) {
    const struct inst *inst = select_inst(s, v);
    enum rv_op op = inst->op == OP_AND ? RV_AND : inst->op == OP_OR ? RV_OR : RV_XOR;
    enum rv_op op_imm = inst->op == OP_AND ? RV_ANDI : inst->op == OP_OR ? RV_ORI : RV_XORI;
    value_t x;
    int64_t c;
    if (const_arg(s, inst, &x, &c)) {
        if (inst->op == OP_AND && c == 1 && extract_bit(s, rd, x)) {
            return;
        }
        if (encode_fits(c, 12)) {
            /* A mask without its sign bit looks at the low half alone. */
            bool low = inst->op == OP_AND && c >= 0;
            struct source a = low ? select_low(s, x) : bitwise_source(s, v, x);
            select_put1(s, op_imm, rd, a, c);
            return;
        }
        if ((inst->op == OP_AND && and_mask(s, v, rd, x, c)) || bitwise_bit(s, v, rd, x, c)) {
            return;
        }
    }
    if (bitwise_inverted(s, v, rd)) {
        return;
    }
    struct source a = bitwise_source(s, v, inst->arg[0]);
    select_put2(s, op, rd, a, bitwise_source(s, v, inst->arg[1]), 0);
}

/* ---- shifts -------------------------------------------------------------------------------- */

/* The amount without a mask that the machine applies anyway. */
static struct source shift_amount(struct select *s, value_t v, bool wide) {
    const struct inst *inst = select_inst(s, v);
    int64_t all = wide ? 63 : 31, c;
    value_t x;
    if (inst->op == OP_AND && const_arg(s, inst, &x, &c) && (c & all) == all) {
        v = x;
    }
    return select_low(s, v);
}

static void shift_const(struct select *s, value_t v, vreg_t rd, uint32_t k) {
    const struct inst *inst = select_inst(s, v);
    bool wide = select_is_wide(inst->type);
    value_t x = inst->arg[0];
    const struct inst *extend =
        wide && select_resolve(s, x) == x ? select_fold(s, x, OP_EXTEND_U) : NULL;
    if (inst->op == OP_SHL) {
        if (extend != NULL && select_has(s, FEATURE_ZBA)) {
            select_put1(s, RV_SLLI_UW, rd, select_low(s, extend->arg[0]), k);
        } else if (extend != NULL && k < 32) {
            struct source t = select_make1(s, RV_SLLI, select_low(s, extend->arg[0]), 32);
            select_put1(s, RV_SRLI, rd, t, 32 - k);
        } else {
            select_put1(s, wide ? RV_SLLI : RV_SLLIW, rd, word_source(s, wide, x), k);
        }
    } else if (inst->op == OP_SHR_U) {
        if (extend != NULL && k > 0 && k < 32) {
            select_put1(s, RV_SRLIW, rd, select_low(s, extend->arg[0]), k);
        } else {
            select_put1(s, wide ? RV_SRLI : RV_SRLIW, rd, word_source(s, wide, x), k);
        }
    } else {
        select_put1(s, wide ? RV_SRAI : RV_SRAIW, rd, word_source(s, wide, x), k);
    }
}

static void shift(struct select *s, value_t v, vreg_t rd) {
    const struct inst *inst = select_inst(s, v);
    bool wide = select_is_wide(inst->type);
    int64_t k;
    if (select_is_const(s, inst->arg[1], &k)) {
        shift_const(s, v, rd, (uint32_t)k & (wide ? 63 : 31));
        return;
    }
    enum rv_op op = inst->op == OP_SHL     ? (wide ? RV_SLL : RV_SLLW)
                    : inst->op == OP_SHR_U ? (wide ? RV_SRL : RV_SRLW)
                                           : (wide ? RV_SRA : RV_SRAW);
    struct source a = word_source(s, wide, inst->arg[0]);
    select_put2(s, op, rd, a, shift_amount(s, inst->arg[1], wide), 0);
}

static void rotate(struct select *s, value_t v, vreg_t rd) {
    const struct inst *inst = select_inst(s, v);
    bool wide = select_is_wide(inst->type), left = inst->op == OP_ROTL;
    struct source x = word_source(s, wide, inst->arg[0]);
    uint32_t bits = wide ? 64 : 32;
    int64_t c;
    if (select_is_const(s, inst->arg[1], &c)) {
        uint32_t right = (left ? bits - (uint32_t)c : (uint32_t)c) & (bits - 1);
        if (select_has(s, FEATURE_ZBB)) {
            select_put1(s, wide ? RV_RORI : RV_RORIW, rd, x, right);
            return;
        }
        struct source hi =
            select_make1(s, wide ? RV_SLLI : RV_SLLIW, x, (bits - right) & (bits - 1));
        struct source lo = select_make1(s, wide ? RV_SRLI : RV_SRLIW, x, right);
        select_put2(s, RV_OR, rd, hi, lo, 0);
        return;
    }
    struct source amount = shift_amount(s, inst->arg[1], wide);
    if (select_has(s, FEATURE_ZBB)) {
        enum rv_op op = left ? (wide ? RV_ROL : RV_ROLW) : (wide ? RV_ROR : RV_RORW);
        select_put2(s, op, rd, x, amount, 0);
        return;
    }
    enum rv_op there = left ? (wide ? RV_SLL : RV_SLLW) : (wide ? RV_SRL : RV_SRLW);
    enum rv_op back = left ? (wide ? RV_SRL : RV_SRLW) : (wide ? RV_SLL : RV_SLLW);
    struct source a = select_make2(s, there, x, amount);
    struct source minus = select_make2(s, RV_SUB, zero(), amount);
    struct source b = select_make2(s, back, x, minus);
    select_put2(s, RV_OR, rd, a, b, 0);
}

/* ---- counting bits ------------------------------------------------------------------------- */

/* x & mask + (x >> k) & mask */
static struct source fold_bits(struct select *s, struct source x, uint32_t k, int64_t mask) {
    struct source m = select_li(s, mask);
    struct source low = select_make2(s, RV_AND, x, m);
    struct source high = select_make2(s, RV_AND, select_make1(s, RV_SRLI, x, k), m);
    return select_make2(s, RV_ADD, low, high);
}

/* rd = number of ones of the 64 bits of x. */
static void count_ones(struct select *s, vreg_t rd, struct source x) {
    x = fold_bits(s, x, 1, 0x5555555555555555);
    x = fold_bits(s, x, 2, 0x3333333333333333);
    struct source sum = select_make2(s, RV_ADD, x, select_make1(s, RV_SRLI, x, 4));
    x = select_make2(s, RV_AND, sum, select_li(s, 0x0f0f0f0f0f0f0f0f));
    x = select_make2(s, RV_MUL, x, select_li(s, 0x0101010101010101));
    select_put1(s, RV_SRLI, rd, x, 56);
}

/* x with all bits below the highest one set. */
static struct source smear(struct select *s, struct source x) {
    for (uint32_t k = 1; k < 64; k *= 2) {
        x = select_make2(s, RV_OR, x, select_make1(s, RV_SRLI, x, k));
    }
    return x;
}

static void count_plain(struct select *s, uint8_t op, bool wide, vreg_t rd, struct source x) {
    if (op == OP_POPCNT || (op == OP_CLZ && !wide)) {
        if (!wide) {
            vreg_t extended = select_new(s, REG_INT);
            zero_extend(s, extended, x, 32);
            x = source_vreg(extended);
        }
    }
    if (op == OP_POPCNT) {
        count_ones(s, rd, x);
    } else if (op == OP_CLZ) {
        struct source ones = select_make1(s, RV_XORI, smear(s, x), -1);
        vreg_t count = wide ? rd : select_new(s, REG_INT);
        count_ones(s, count, ones);
        if (!wide) {
            select_put1(s, RV_ADDI, rd, source_vreg(count), -32);
        }
    } else {
        if (!wide) { /* a one above the word ends the count */
            x = select_make2(s, RV_OR, x, select_li(s, (int64_t)1 << 32));
        }
        struct source below = select_make1(s, RV_ADDI, x, -1);
        struct source not = select_make1(s, RV_XORI, x, -1);
        count_ones(s, rd, select_make2(s, RV_AND, below, not));
    }
}

static void count(struct select *s, value_t v, vreg_t rd) {
    const struct inst *inst = select_inst(s, v);
    bool wide = select_is_wide(inst->type);
    if (!select_has(s, FEATURE_ZBB)) {
        count_plain(s, inst->op, wide, rd, word_source(s, wide, inst->arg[0]));
        return;
    }
    switch (inst->op) {
    case OP_CLZ:
        select_put1(s, wide ? RV_CLZ : RV_CLZW, rd, word_source(s, wide, inst->arg[0]), 0);
        break;
    case OP_CTZ:
        /* The word has to be extended: QEMU 7.2 goes on counting in the high half where the low one is 0. */
        select_put1(s, wide ? RV_CTZ : RV_CTZW, rd, select_reg(s, inst->arg[0]), 0);
        break;
    default:
        select_put1(s, wide ? RV_CPOP : RV_CPOPW, rd, word_source(s, wide, inst->arg[0]), 0);
    }
}

/* ---- extension ----------------------------------------------------------------------------- */

static void sign_extend(struct select *s, vreg_t rd, value_t x, uint32_t bits) {
    struct source a = select_low(s, x);
    if (bits == 32) {
        select_put1(s, RV_ADDIW, rd, a, 0);
    } else if (select_has(s, FEATURE_ZBB)) {
        select_put1(s, bits == 8 ? RV_SEXT_B : RV_SEXT_H, rd, a, 0);
    } else {
        select_put1(s, RV_SRAI, rd, select_make1(s, RV_SLLI, a, 64 - bits), 64 - bits);
    }
}

static void extend_unsigned(struct select *s, value_t v, vreg_t rd) {
    value_t x = select_inst(s, v)->arg[0];
    const struct inst *load = select_fold(s, x, OP_LOAD);
    if (load != NULL && (load->sub == ACCESS_32U || load->sub == ACCESS_32S)) {
        /* the load extends with zeros itself, into this very register */
        s->facts[x] |= FACT_ZERO_LOAD;
        s->vreg[x] = rd;
        return;
    }
    zero_extend(s, rd, select_low(s, x), 32);
}

/* ---- multiplication and division ----------------------------------------------------------- */

static void mul(struct select *s, value_t v, vreg_t rd) {
    const struct inst *inst = select_inst(s, v);
    bool wide = select_is_wide(inst->type);
    struct source a = word_source(s, wide, inst->arg[0]);
    select_put2(s, wide ? RV_MUL : RV_MULW, rd, a, word_source(s, wide, inst->arg[1]), 0);
}

static enum rv_op divide_op(uint8_t op, bool wide) {
    switch (op) {
    case OP_DIV_S:
        return wide ? RV_DIV : RV_DIVW;
    case OP_DIV_U:
        return wide ? RV_DIVU : RV_DIVUW;
    case OP_REM_S:
        return wide ? RV_REM : RV_REMW;
    default:
        return wide ? RV_REMU : RV_REMUW;
    }
}

static void divide(struct select *s, value_t v, vreg_t rd) {
    const struct inst *inst = select_inst(s, v);
    bool wide = select_is_wide(inst->type);
    int64_t c = 0;
    bool known = select_is_const(s, inst->arg[1], &c);
    struct source a = select_reg(s, inst->arg[0]), b = select_reg(s, inst->arg[1]);
    if (!known || c == 0) {
        select_trap_branch(s, (struct compare){COND_EQ, b, zero()}, TRAP_INTEGER_DIVIDE_BY_ZERO);
    }
    /* The machine's remainder of the overflowing pair is 0, as the specification has it. */
    if (inst->op == OP_DIV_S && (!known || c == -1)) {
        select_put2(s, RV_OVERFLOW, 0, a, b, wide ? 64 : 32)->trap = TRAP_INTEGER_OVERFLOW;
    }
    select_put2(s, divide_op(inst->op, wide), rd, a, b, 0);
}

/* ---- comparison ---------------------------------------------------------------------------- */

static bool is_compare(uint8_t op) {
    return op >= OP_EQ && op <= OP_LE_U;
}

/* Whether folding the comparison v makes it needless or lengthens nobody's life by much. */
static bool may_fold(const struct select *s, value_t v) {
    return s->uses[v] == 1 || select_inst(s, v)->block == s->block;
}

/* The sign of a register that holds bit k of x at the top: a test of one bit too high for andi. */
static bool compare_bit(struct select *s, value_t v, struct compare *out) {
    const struct inst *inst = select_fold(s, v, OP_AND);
    value_t x;
    int64_t c;
    if (inst == NULL || !const_arg(s, inst, &x, &c) || encode_fits(c, 12)) {
        return false;
    }
    uint64_t u = select_is_wide(inst->type) ? (uint64_t)c : (uint32_t)c;
    if (!is_power(u)) {
        return false;
    }
    struct source top = select_is_wide(inst->type) ? select_reg(s, x) : select_low(s, x);
    *out = (struct compare){COND_LT, select_make1(s, RV_SLLI, top, 63 - log2_of(u)), zero()};
    return true;
}

/* x == c at the end of a block that also makes x + k: rather x + k == c + k, so that x is not needed
 * any more and its register can be stepped in place. */
static bool compare_stepped(struct select *s, const struct inst *inst, struct compare *out) {
    value_t step = s->step_of[inst->arg[0]];
    int64_t c, k;
    if (s->inst != s->f->blocks.at[s->block].last) {
        return false; /* the step may come later */
    }
    if ((inst->op != OP_EQ && inst->op != OP_NE) || step == 0 || s->uses[step] == 0 ||
        select_inst(s, step)->block != s->block || !select_is_const(s, inst->arg[1], &c)) {
        return false;
    }
    select_is_const(s, select_inst(s, step)->arg[1], &k);
    uint64_t sum = (uint64_t)c + (uint64_t)k;
    int64_t bound =
        select_is_wide(select_inst(s, step)->type) ? (int64_t)sum : (int32_t)(uint32_t)sum;
    struct source a = select_reg(s, step);
    *out = (struct compare){inst->op == OP_EQ ? COND_EQ : COND_NE, a, select_li(s, bound)};
    return true;
}

static struct compare compare_of(struct select *s, const struct inst *inst) {
    value_t x = inst->arg[0], y = inst->arg[1];
    struct compare stepped;
    if (compare_stepped(s, inst, &stepped)) {
        return stepped;
    }
    static const uint8_t conds[] = {COND_EQ, COND_NE, COND_LT, COND_LTU, COND_GE, COND_GEU};
    enum cond cond = (enum cond)conds[inst->op - OP_EQ];
    if (inst->op == OP_LE_S || inst->op == OP_LE_U) {
        value_t t = x;
        x = y;
        y = t;
    }
    struct source a = select_reg(s, x);
    return (struct compare){cond, a, select_reg(s, y)};
}

static struct compare inverted(struct compare c) {
    c.cond = (enum cond)(c.cond ^ 1);
    return c;
}

/* Looks through one eqz, or ne 0 and eq 0, of something that is itself a condition. */
static bool peel(const struct select *s, value_t *v, bool *invert) {
    const struct inst *inst = select_inst(s, *v);
    value_t x = inst->arg[0];
    int64_t c;
    bool is_eqz = inst->op == OP_EQZ;
    bool against_zero =
        (inst->op == OP_EQ || inst->op == OP_NE) && select_is_const(s, inst->arg[1], &c) && c == 0;
    if ((!is_eqz && !against_zero) || !may_fold(s, *v)) {
        return false;
    }
    *invert ^= inst->op != OP_NE;
    *v = x;
    return true;
}

struct compare select_compare(struct select *s, value_t v) {
    bool invert = false;
    struct compare c;
    for (uint32_t i = 0; i < SELECT_CHAIN && peel(s, &v, &invert); i++) {
    }
    const struct inst *inst = select_inst(s, v);
    if (is_compare(inst->op) && may_fold(s, v)) {
        c = compare_of(s, inst);
    } else if (inst->op == OP_FNE && select_fold(s, v, OP_FNE) != NULL) {
        bool wide = select_inst(s, inst->arg[0])->type == IR_F64;
        struct source a = select_reg(s, inst->arg[0]), b = select_reg(s, inst->arg[1]);
        c = (struct compare){COND_EQ, select_make2(s, wide ? RV_FEQ_D : RV_FEQ_S, a, b), zero()};
    } else if (!compare_bit(s, v, &c)) {
        c = (struct compare){COND_NE, select_reg(s, v), zero()};
    }
    return invert ? inverted(c) : c;
}

void select_trap_branch(struct select *s, struct compare c, enum trap trap) {
    select_put2(s, RV_TRAP_BRANCH, 0, c.x, c.y, c.cond)->trap = (uint8_t)trap;
}

/* rd = x == y, or its opposite */
static void equal_value(struct select *s, const struct inst *inst, vreg_t rd, bool is_equal) {
    int64_t c = 0;
    struct source difference;
    if (inst->op == OP_EQZ || (select_is_const(s, inst->arg[1], &c) && c == 0)) {
        difference = select_reg(s, inst->arg[0]);
    } else if (select_is_const(s, inst->arg[1], &c) && encode_fits(c, 13) && encode_fits(-c, 12)) {
        difference = select_make1(s, RV_ADDI, select_reg(s, inst->arg[0]), -c);
    } else {
        struct source a = select_reg(s, inst->arg[0]);
        difference = select_make2(s, RV_XOR, a, select_reg(s, inst->arg[1]));
    }
    if (is_equal) {
        select_put1(s, RV_SLTIU, rd, difference, 1);
    } else {
        select_put2(s, RV_SLTU, rd, zero(), difference, 0);
    }
}

/* rd = x < y, or !(y < x) for `le`; `invert` turns the result round once more. */
static void less_value(struct select *s, const struct inst *inst, vreg_t rd, bool invert) {
    bool is_unsigned = inst->op == OP_LT_U || inst->op == OP_LE_U;
    bool is_le = inst->op == OP_LE_S || inst->op == OP_LE_U;
    value_t x = inst->arg[0], y = inst->arg[1];
    int64_t c = 0;
    enum rv_op op_imm = is_unsigned ? RV_SLTIU : RV_SLTI;
    enum rv_op op = is_unsigned ? RV_SLTU : RV_SLT;
    bool is_const = select_is_const(s, y, &c) && encode_fits(c, 12);
    /* x <= c is x < c + 1, but for the greatest unsigned c. */
    int64_t bound = is_le ? c + 1 : c;
    if (is_const && encode_fits(bound, 12) && !(is_le && is_unsigned && c == -1)) {
        vreg_t t = invert ? select_new(s, REG_INT) : rd;
        select_put1(s, op_imm, t, select_reg(s, x), bound);
        if (invert) {
            select_put1(s, RV_XORI, rd, source_vreg(t), 1);
        }
        return;
    }
    struct source a = select_reg(s, is_le ? y : x), b = select_reg(s, is_le ? x : y);
    if (is_le != invert) {
        select_put1(s, RV_XORI, rd, select_make2(s, op, a, b), 1);
    } else {
        select_put2(s, op, rd, a, b, 0);
    }
}

static void compare_value(struct select *s, value_t v, vreg_t rd) {
    bool invert = false;
    const struct inst *inst = select_inst(s, v);
    if (inst->op == OP_EQZ && select_inst(s, inst->arg[0])->op != OP_EQZ &&
        is_compare(select_inst(s, inst->arg[0])->op) && may_fold(s, inst->arg[0])) {
        invert = true;
        inst = select_inst(s, inst->arg[0]);
    }
    if (inst->op == OP_EQZ || inst->op == OP_EQ) {
        equal_value(s, inst, rd, !invert);
    } else if (inst->op == OP_NE) {
        equal_value(s, inst, rd, invert);
    } else {
        less_value(s, inst, rd, invert);
    }
}

/* ---- conditional values -------------------------------------------------------------------- */

/* select(a < b, a, b) and its likes, by one instruction of Zbb. */
static bool min_max(struct select *s, const struct inst *inst, vreg_t rd) {
    const struct inst *test = select_inst(s, inst->arg[0]);
    if (test->op < OP_LT_S || test->op > OP_LE_U || !select_has(s, FEATURE_ZBB) ||
        s->uses[inst->arg[0]] != 1) {
        return false;
    }
    bool same = test->arg[0] == inst->arg[1] && test->arg[1] == inst->arg[2];
    bool swapped = test->arg[0] == inst->arg[2] && test->arg[1] == inst->arg[1];
    if (!same && !swapped) {
        return false;
    }
    bool is_unsigned = test->op == OP_LT_U || test->op == OP_LE_U;
    enum rv_op op = same ? (is_unsigned ? RV_MINU : RV_MIN) : (is_unsigned ? RV_MAXU : RV_MAX);
    struct source a = select_reg(s, inst->arg[1]);
    select_put2(s, op, rd, a, select_reg(s, inst->arg[2]), 0);
    return true;
}

/* A register that is not zero exactly when c holds, or if *inverted_out exactly when it does not. */
static struct source truth(struct select *s, struct compare c, bool *inverted_out) {
    bool against_zero = c.y.vreg == 0 && c.y.pin == ZERO;
    *inverted_out = c.cond == COND_EQ || c.cond == COND_GE || c.cond == COND_GEU;
    switch (c.cond) {
    case COND_EQ:
    case COND_NE:
        return against_zero ? c.x : select_make2(s, RV_XOR, c.x, c.y);
    case COND_LT:
    case COND_GE:
        return select_make2(s, RV_SLT, c.x, c.y);
    default:
        return select_make2(s, RV_SLTU, c.x, c.y);
    }
}

static bool is_zero(struct source a) {
    return a.vreg == 0 && a.pin == ZERO;
}

/* By Zicond: one instruction when an arm is zero, else three. */
static bool select_zicond(struct select *s, struct compare c, struct source a, struct source b,
                          vreg_t rd) {
    if (!select_has(s, FEATURE_ZICOND)) {
        return false;
    }
    bool invert;
    struct source t = truth(s, c, &invert);
    enum rv_op keep = invert ? RV_CZERO_NEZ : RV_CZERO_EQZ;
    enum rv_op drop = invert ? RV_CZERO_EQZ : RV_CZERO_NEZ;
    if (is_zero(b)) {
        select_put2(s, keep, rd, a, t, 0);
    } else if (is_zero(a)) {
        select_put2(s, drop, rd, b, t, 0);
    } else {
        struct source x = select_make2(s, keep, a, t);
        struct source y = select_make2(s, drop, b, t);
        select_put2(s, RV_OR, rd, x, y, 0);
    }
    return true;
}

static void conditional(struct select *s, value_t v, vreg_t rd) {
    const struct inst *inst = select_inst(s, v);
    bool is_float = select_is_float(inst->type);
    if (!is_float && min_max(s, inst, rd)) {
        return;
    }
    struct compare c = select_compare(s, inst->arg[0]);
    struct source a = select_reg(s, inst->arg[1]), b = select_reg(s, inst->arg[2]);
    if (!is_float && select_zicond(s, c, a, b, rd)) {
        return;
    }
    struct source sources[] = {c.x, c.y, a, b};
    select_put(s, is_float ? RV_FSELECT : RV_SELECT, rd, sources, 4, c.cond);
}

/* ---- dispatch ------------------------------------------------------------------------------ */

bool select_is_int_op(uint8_t op) {
    return (op >= OP_ADD && op <= OP_LE_U) || op == OP_WRAP || op == OP_EXTEND_S ||
           op == OP_EXTEND_U || op == OP_SELECT;
}

void select_int(struct select *s, value_t v, vreg_t rd) {
    const struct inst *inst = select_inst(s, v);
    switch (inst->op) {
    case OP_ADD:
        add(s, v, rd);
        break;
    case OP_SUB:
        sub(s, v, rd);
        break;
    case OP_MUL:
        mul(s, v, rd);
        break;
    case OP_DIV_S:
    case OP_DIV_U:
    case OP_REM_S:
    case OP_REM_U:
        divide(s, v, rd);
        break;
    case OP_AND:
    case OP_OR:
    case OP_XOR:
        bitwise(s, v, rd);
        break;
    case OP_SHL:
    case OP_SHR_S:
    case OP_SHR_U:
        shift(s, v, rd);
        break;
    case OP_ROTL:
    case OP_ROTR:
        rotate(s, v, rd);
        break;
    case OP_CLZ:
    case OP_CTZ:
    case OP_POPCNT:
        count(s, v, rd);
        break;
    case OP_EXTEND8_S:
        sign_extend(s, rd, inst->arg[0], 8);
        break;
    case OP_EXTEND16_S:
        sign_extend(s, rd, inst->arg[0], 16);
        break;
    case OP_EXTEND32_S:
    case OP_WRAP:
    case OP_EXTEND_S:
        sign_extend(s, rd, inst->arg[0], 32);
        break;
    case OP_EXTEND_U:
        extend_unsigned(s, v, rd);
        break;
    case OP_SELECT:
        conditional(s, v, rd);
        break;
    default:
        compare_value(s, v, rd);
        break;
    }
}
