/*
 * Selection of float arithmetic and of the conversions between floats and integers.
 *
 * Where the machine differs from the specification: min and max of NaN, rounding to integral
 * values without Zfa, and conversions out of range, which here trap or give zero for NaN. These are
 * pseudo-instructions or a few instructions more; all else is one to one.
 */
#include "wasm/codegen/riscv64/select.h"

#include <assert.h>

static bool is_double(const struct select *s, value_t v) {
    return select_inst(s, v)->type == IR_F64;
}

static void unary(struct select *s, value_t v, vreg_t rd, enum rv_op single, enum rv_op wide) {
    value_t x = select_inst(s, v)->arg[0];
    select_put1(s, is_double(s, x) ? wide : single, rd, select_reg(s, x), 0);
}

static void binary(struct select *s, value_t v, vreg_t rd, enum rv_op single, enum rv_op wide) {
    const struct inst *inst = select_inst(s, v);
    struct source a = select_reg(s, inst->arg[0]);
    select_put2(s, is_double(s, inst->arg[0]) ? wide : single, rd, a, select_reg(s, inst->arg[1]),
                0);
}

/* Sign operations are forms of fsgnj with both sources the same. */
static void sign(struct select *s, value_t v, vreg_t rd, enum rv_op single, enum rv_op wide) {
    const struct inst *inst = select_inst(s, v);
    struct source a = select_reg(s, inst->arg[0]);
    select_put2(s, is_double(s, inst->arg[0]) ? wide : single, rd, a, a, 0);
}

static void min_max(struct select *s, value_t v, vreg_t rd) {
    bool min = select_inst(s, v)->op == OP_FMIN;
    if (select_has(s, FEATURE_ZFA)) {
        binary(s, v, rd, min ? RV_FMINM_S : RV_FMAXM_S, min ? RV_FMINM_D : RV_FMAXM_D);
    } else {
        binary(s, v, rd, min ? RV_FMIN_WASM_S : RV_FMAX_WASM_S,
               min ? RV_FMIN_WASM_D : RV_FMAX_WASM_D);
    }
}

static void round_to(struct select *s, value_t v, vreg_t rd, uint32_t mode) {
    bool zfa = select_has(s, FEATURE_ZFA);
    value_t x = select_inst(s, v)->arg[0];
    enum rv_op op =
        is_double(s, x) ? (zfa ? RV_FROUND_D : RV_ROUND_D) : (zfa ? RV_FROUND_S : RV_ROUND_S);
    select_put1(s, op, rd, select_reg(s, x), mode);
}

static void compare(struct select *s, value_t v, vreg_t rd) {
    switch (select_inst(s, v)->op) {
    case OP_FEQ:
        binary(s, v, rd, RV_FEQ_S, RV_FEQ_D);
        break;
    case OP_FLT:
        binary(s, v, rd, RV_FLT_S, RV_FLT_D);
        break;
    case OP_FLE:
        binary(s, v, rd, RV_FLE_S, RV_FLE_D);
        break;
    default: {
        vreg_t equal = select_new(s, REG_INT);
        binary(s, v, equal, RV_FEQ_S, RV_FEQ_D);
        select_put1(s, RV_XORI, rd, source_vreg(equal), 1);
        break;
    }
    }
}

/* ---- conversions --------------------------------------------------------------------------- */

static void convert(struct select *s, value_t v, vreg_t rd) {
    const struct inst *inst = select_inst(s, v);
    static const uint16_t ops[2][2][2] = {
        {{RV_FCVT_S_WU, RV_FCVT_S_W}, {RV_FCVT_S_LU, RV_FCVT_S_L}},
        {{RV_FCVT_D_WU, RV_FCVT_D_W}, {RV_FCVT_D_LU, RV_FCVT_D_L}}};
    bool wide = select_is_wide(select_inst(s, inst->arg[0])->type);
    struct source x = wide ? select_reg(s, inst->arg[0]) : select_low(s, inst->arg[0]);
    select_put1(s, (enum rv_op)ops[inst->type == IR_F64][wide][inst->op == OP_CONVERT_S], rd, x, 0);
}

static void truncate(struct select *s, value_t v, vreg_t rd) {
    const struct inst *inst = select_inst(s, v);
    int64_t form = (is_double(s, inst->arg[0]) ? TRUNC_FROM_F64 : 0) |
                   (select_is_wide(inst->type) ? TRUNC_TO_64 : 0) |
                   (inst->op == OP_TRUNC_S ? TRUNC_SIGNED : 0);
    select_put1(s, RV_TRUNC, rd, select_reg(s, inst->arg[0]), form)->trap = TRAP_INTEGER_OVERFLOW;
}

/* The machine saturates as asked, but turns NaN into the greatest integer: mask that to zero. */
static void saturate(struct select *s, value_t v, vreg_t rd) {
    const struct inst *inst = select_inst(s, v);
    static const uint16_t ops[2][2][2] = {
        {{RV_FCVT_WU_S, RV_FCVT_W_S}, {RV_FCVT_LU_S, RV_FCVT_L_S}},
        {{RV_FCVT_WU_D, RV_FCVT_W_D}, {RV_FCVT_LU_D, RV_FCVT_L_D}}};
    bool from_double = is_double(s, inst->arg[0]);
    bool is_signed = inst->op == OP_TRUNC_SAT_S;
    struct source x = select_reg(s, inst->arg[0]);
    enum rv_op op = (enum rv_op)ops[from_double][select_is_wide(inst->type)][is_signed];
    struct source number = select_make1(s, op, x, RM_RTZ);
    struct source ordered = select_make2(s, from_double ? RV_FEQ_D : RV_FEQ_S, x, x);
    struct source mask = select_make2(s, RV_SUB, source_pin(ZERO), ordered);
    select_put2(s, RV_AND, rd, number, mask, 0);
}

static void reinterpret(struct select *s, value_t v, vreg_t rd) {
    const struct inst *inst = select_inst(s, v);
    value_t x = inst->arg[0];
    switch (inst->type) {
    case IR_I32:
        select_put1(s, RV_FMV_X_W, rd, select_reg(s, x), 0);
        break;
    case IR_I64:
        select_put1(s, RV_FMV_X_D, rd, select_reg(s, x), 0);
        break;
    case IR_F32:
        select_put1(s, RV_FMV_W_X, rd, select_low(s, x), 0);
        break;
    default:
        select_put1(s, RV_FMV_D_X, rd, select_reg(s, x), 0);
        break;
    }
}

/* ---- dispatch ------------------------------------------------------------------------------ */

void select_float(struct select *s, value_t v, vreg_t rd) {
    switch (select_inst(s, v)->op) {
    case OP_FEQ:
    case OP_FNE:
    case OP_FLT:
    case OP_FLE:
        compare(s, v, rd);
        break;
    case OP_FADD:
        binary(s, v, rd, RV_FADD_S, RV_FADD_D);
        break;
    case OP_FSUB:
        binary(s, v, rd, RV_FSUB_S, RV_FSUB_D);
        break;
    case OP_FMUL:
        binary(s, v, rd, RV_FMUL_S, RV_FMUL_D);
        break;
    case OP_FDIV:
        binary(s, v, rd, RV_FDIV_S, RV_FDIV_D);
        break;
    case OP_FMIN:
    case OP_FMAX:
        min_max(s, v, rd);
        break;
    case OP_FCOPYSIGN:
        binary(s, v, rd, RV_FSGNJ_S, RV_FSGNJ_D);
        break;
    case OP_FABS:
        sign(s, v, rd, RV_FSGNJX_S, RV_FSGNJX_D);
        break;
    case OP_FNEG:
        sign(s, v, rd, RV_FSGNJN_S, RV_FSGNJN_D);
        break;
    case OP_FSQRT:
        unary(s, v, rd, RV_FSQRT_S, RV_FSQRT_D);
        break;
    case OP_FCEIL:
        round_to(s, v, rd, RM_RUP);
        break;
    case OP_FFLOOR:
        round_to(s, v, rd, RM_RDN);
        break;
    case OP_FTRUNC:
        round_to(s, v, rd, RM_RTZ);
        break;
    case OP_FNEAREST:
        round_to(s, v, rd, RM_RNE);
        break;
    case OP_TRUNC_S:
    case OP_TRUNC_U:
        truncate(s, v, rd);
        break;
    case OP_TRUNC_SAT_S:
    case OP_TRUNC_SAT_U:
        saturate(s, v, rd);
        break;
    case OP_CONVERT_S:
    case OP_CONVERT_U:
        convert(s, v, rd);
        break;
    case OP_PROMOTE:
        select_put1(s, RV_FCVT_D_S, rd, select_reg(s, select_inst(s, v)->arg[0]), 0);
        break;
    case OP_DEMOTE:
        select_put1(s, RV_FCVT_S_D, rd, select_reg(s, select_inst(s, v)->arg[0]), 0);
        break;
    case OP_REINTERPRET:
        reinterpret(s, v, rd);
        break;
    default:
        assert(false && "an operation that selection does not know");
    }
}
