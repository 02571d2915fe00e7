/*
 * The parts of the fold pass. A rule looks at one instruction and either gives a value that it may be
 * replaced by, or changes it in place and gives the instruction itself, or gives 0: nothing to do.
 */
#ifndef WASM_OPT_FOLD_H
#define WASM_OPT_FOLD_H

#include "wasm/opt/value.h"

/* Integers: arithmetic, logic, shifts, extensions (fold_int.c). */
value_t fold_int(struct func *f, value_t v);
/* Comparisons and selections (fold_compare.c). */
value_t fold_compare(struct func *f, value_t v);
/* What a condition stands for when only zero or not matters: strips `ne 0` and the like. Gives the new
 * condition, and whether it is the opposite. */
value_t fold_condition(const struct func *f, value_t cond, bool *negated_out);

/* The instruction that defines argument k of v, copies followed. */
static inline struct inst *fold_arg(const struct func *f, value_t v, uint32_t k) {
    return func_inst(f, inst_args(func_inst(f, v))[k]);
}

static inline enum ir_type fold_type(const struct func *f, value_t v) {
    return (enum ir_type)func_inst(f, v)->type;
}

/* A constant for the instruction `at`, placed before it. */
value_t fold_const(struct func *f, value_t at, enum ir_type type, int64_t value);
/* A new operation of the same position, placed before `at`. */
value_t fold_new(struct func *f, value_t at, enum ir_op op, enum ir_type type, value_t a,
                 value_t b);
/* Makes v another operation; give v. b is 0 for a unary one. */
value_t fold_into(struct func *f, value_t v, enum ir_op op, value_t a, value_t b);
/* The same with a constant for b, of type `type`. */
value_t fold_into_const(struct func *f, value_t v, enum ir_op op, value_t a, enum ir_type type,
                        int64_t b);

#endif
