/*
 * What can be said of a value by looking at it and the few before it, for the passes that fold.
 */
#ifndef WASM_OPT_VALUE_H
#define WASM_OPT_VALUE_H

#include "wasm/ir/ir.h"

/* Whether v is an ICONST, and which. */
static inline bool value_const(const struct func *f, value_t v, int64_t *out) {
    *out = func_inst(f, v)->imm;
    return func_inst(f, v)->op == OP_ICONST;
}

static inline uint32_t type_bits(enum ir_type type) {
    return type == IR_I32 || type == IR_F32 ? 32 : 64;
}

/* An integer of that type as the IR writes it: i32 sign-extended. */
static inline int64_t normalize(enum ir_type type, uint64_t x) {
    return type == IR_I32 ? (int64_t)(int32_t)(uint32_t)x : (int64_t)x;
}

/* How many low bits of the integer v, taken as unsigned, may be other than zero. Looks a few steps
 * back at most. */
uint32_t value_bits(const struct func *f, value_t v);

/* The result of an operation on integer constants; false if it is none, or would trap. `type` is that
 * of the arguments. */
bool value_eval_binary(enum ir_op op, enum ir_type type, int64_t a, int64_t b, int64_t *out);
bool value_eval_unary(enum ir_op op, enum ir_type type, int64_t a, int64_t *out);

#endif
