/*
 * Constants and known bits. See value.h; core 3.0, 4.3.2 for the arithmetic.
 */
#include "wasm/opt/value.h"

#include "base/bits.h"

enum {
    MAX_STEPS = 4, /* how far back value_bits() looks */
};

static uint32_t length_of(uint64_t x) {
    return x == 0 ? 0 : 64 - (uint32_t)__builtin_clzll(x);
}

static uint32_t min_u32(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

static uint32_t max_u32(uint32_t a, uint32_t b) {
    return a > b ? a : b;
}

static uint32_t known_bits(const struct func *f, value_t v, uint32_t steps);

static uint32_t const_bits(const struct inst *i) {
    return length_of(i->type == IR_I32 ? (uint32_t)i->imm : (uint64_t)i->imm);
}

static uint32_t shift_bits(const struct func *f, const struct inst *i, uint32_t steps) {
    uint32_t width = type_bits((enum ir_type)i->type);
    int64_t count;
    if (!value_const(f, i->arg[1], &count)) {
        return i->op == OP_SHR_U ? known_bits(f, i->arg[0], steps) : width;
    }
    uint32_t by = (uint32_t)count & (width - 1);
    uint32_t bits = known_bits(f, i->arg[0], steps);
    if (i->op == OP_SHL) {
        return min_u32(width, bits + by);
    }
    if (i->op == OP_SHR_S && bits == width) {
        return width;
    }
    return bits > by ? bits - by : 0;
}

static uint32_t load_bits(const struct inst *i) {
    uint32_t width = type_bits((enum ir_type)i->type);
    const struct access_info *access = &access_infos[i->sub];
    return access->is_signed && i->sub != ACCESS_32S ? width : min_u32(width, access->size * 8u);
}

static uint32_t known_bits(const struct func *f, value_t v, uint32_t steps) {
    const struct inst *i = func_inst(f, func_resolve(f, v));
    uint32_t width = type_bits((enum ir_type)i->type);
    if (i->op == OP_ICONST) {
        return const_bits(i);
    }
    if (ir_ops[i->op].result == IR_RESULT_I32) {
        return 1;
    }
    if (steps-- == 0) {
        return width;
    }
    switch (i->op) {
    case OP_AND:
        return min_u32(known_bits(f, i->arg[0], steps), known_bits(f, i->arg[1], steps));
    case OP_OR:
    case OP_XOR:
        return max_u32(known_bits(f, i->arg[0], steps), known_bits(f, i->arg[1], steps));
    case OP_SELECT:
        return max_u32(known_bits(f, i->arg[1], steps), known_bits(f, i->arg[2], steps));
    case OP_ADD:
        return min_u32(
            width, 1 + max_u32(known_bits(f, i->arg[0], steps), known_bits(f, i->arg[1], steps)));
    case OP_SHL:
    case OP_SHR_U:
    case OP_SHR_S:
        return shift_bits(f, i, steps);
    case OP_REM_U:
        return min_u32(known_bits(f, i->arg[0], steps), known_bits(f, i->arg[1], steps));
    case OP_DIV_U:
        return known_bits(f, i->arg[0], steps);
    case OP_CLZ:
    case OP_CTZ:
    case OP_POPCNT:
        return 7;
    case OP_EXTEND_U:
        return known_bits(f, i->arg[0], steps);
    case OP_EXTEND_S: {
        uint32_t bits = known_bits(f, i->arg[0], steps);
        return bits < 32 ? bits : 64;
    }
    case OP_LOAD:
        return i->sub == ACCESS_32S && i->type == IR_I64 ? width : load_bits(i);
    case OP_MEMORY_SIZE:
        return 17;
    default:
        return width;
    }
}

uint32_t value_bits(const struct func *f, value_t v) {
    return known_bits(f, v, MAX_STEPS);
}

/* ---- arithmetic */

static bool divide(enum ir_op op, enum ir_type type, int64_t a, int64_t b, int64_t *out) {
    uint64_t ua = type == IR_I32 ? (uint32_t)a : (uint64_t)a;
    uint64_t ub = type == IR_I32 ? (uint32_t)b : (uint64_t)b;
    if (b == 0) {
        return false;
    }
    switch (op) {
    case OP_DIV_S:
        if (b == -1 && a == (type == IR_I32 ? INT32_MIN : INT64_MIN)) {
            return false;
        }
        *out = a / b;
        return true;
    case OP_REM_S:
        *out = b == -1 ? 0 : a % b;
        return true;
    case OP_DIV_U:
        *out = normalize(type, ua / ub);
        return true;
    default:
        *out = normalize(type, ua % ub);
        return true;
    }
}

static uint64_t rotate_right(uint64_t x, uint32_t by, uint32_t width) {
    by &= width - 1;
    return by == 0 ? x : x >> by | x << (width - by);
}

bool value_eval_binary(enum ir_op op, enum ir_type type, int64_t a, int64_t b, int64_t *out) {
    uint32_t width = type_bits(type);
    uint64_t ua = type == IR_I32 ? (uint32_t)a : (uint64_t)a;
    uint64_t ub = type == IR_I32 ? (uint32_t)b : (uint64_t)b;
    uint32_t by = (uint32_t)ub & (width - 1);
    switch (op) {
    case OP_ADD:
        *out = normalize(type, ua + ub);
        return true;
    case OP_SUB:
        *out = normalize(type, ua - ub);
        return true;
    case OP_MUL:
        *out = normalize(type, ua * ub);
        return true;
    case OP_AND:
        *out = a & b;
        return true;
    case OP_OR:
        *out = a | b;
        return true;
    case OP_XOR:
        *out = a ^ b;
        return true;
    case OP_SHL:
        *out = normalize(type, ua << by);
        return true;
    case OP_SHR_S:
        *out = a >> by;
        return true;
    case OP_SHR_U:
        *out = normalize(type, ua >> by);
        return true;
    case OP_ROTL:
        *out = normalize(type, rotate_right(ua, width - by, width));
        return true;
    case OP_ROTR:
        *out = normalize(type, rotate_right(ua, by, width));
        return true;
    case OP_EQ:
        *out = a == b;
        return true;
    case OP_NE:
        *out = a != b;
        return true;
    case OP_LT_S:
        *out = a < b;
        return true;
    case OP_LT_U:
        *out = ua < ub;
        return true;
    case OP_LE_S:
        *out = a <= b;
        return true;
    case OP_LE_U:
        *out = ua <= ub;
        return true;
    case OP_DIV_S:
    case OP_DIV_U:
    case OP_REM_S:
    case OP_REM_U:
        return divide(op, type, a, b, out);
    default:
        return false;
    }
}

bool value_eval_unary(enum ir_op op, enum ir_type type, int64_t a, int64_t *out) {
    uint32_t width = type_bits(type);
    uint64_t ua = type == IR_I32 ? (uint32_t)a : (uint64_t)a;
    switch (op) {
    case OP_EQZ:
        *out = a == 0;
        return true;
    case OP_CLZ:
        *out = width - length_of(ua);
        return true;
    case OP_CTZ:
        *out = ua == 0 ? width : bits_lowest(ua);
        return true;
    case OP_POPCNT:
        *out = __builtin_popcountll(ua);
        return true;
    case OP_EXTEND8_S:
        *out = (int8_t)(uint8_t)ua;
        return true;
    case OP_EXTEND16_S:
        *out = (int16_t)(uint16_t)ua;
        return true;
    case OP_EXTEND32_S:
    case OP_WRAP:
        *out = (int32_t)(uint32_t)ua;
        return true;
    case OP_EXTEND_S:
        *out = a;
        return true;
    case OP_EXTEND_U:
        *out = (int64_t)ua;
        return true;
    default:
        return false;
    }
}
