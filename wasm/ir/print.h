/*
 * The text form of the IR, for dumps and tests. print_func() and parse_func() are inverse: what one
 * writes the other reads, and printing that gives the same text again.
 *
 *     func 3 (i32, i64) -> i32 {
 *     b0:
 *         v1 = param.i32 0
 *         v2 = addr.ptr v1
 *         v3 = load.i32 v2, as=8u, offset=16 @1a3
 *         br v3 -> b1, b2
 *     b1 (b0):
 *         v4 = call.i32 v3, v1, func=7
 *         ret v4
 *     ...
 *     }
 *
 * A block names its predecessors in their order; when it names none they are taken in the order of
 * the text. Attributes that are zero are left out: as (enum access), pos after @ in hexadecimal, and
 * imm and aux under a name that fits the operation. The blocks stand in reverse post-order where
 * that is known. Comments go from ; to the end of the line.
 */
#ifndef WASM_IR_PRINT_H
#define WASM_IR_PRINT_H

#include "wasm/ir/ir.h"

void print_func(struct sink *sink, const struct func *f);
void print_inst(struct sink *sink, const struct func *f, value_t v);

/* What imm and aux are called in the text, by operation; NULL: imm and aux. */
extern const char *const print_imm_names[OP_COUNT];
extern const char *const print_aux_names[OP_COUNT];

/* "UNREACHABLE", for the attribute trap=. */
extern const char *const print_trap_names[TRAP_COUNT];

#endif
