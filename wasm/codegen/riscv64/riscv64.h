/*
 * What this folder's files give to target.c, which makes a struct target of them.
 */
#ifndef WASM_CODEGEN_RISCV64_RISCV64_H
#define WASM_CODEGEN_RISCV64_RISCV64_H

#include "wasm/codegen/target.h"

/* Contracts: the members of the same names in wasm/codegen/target.h. */
struct mfunc *riscv64_select(struct arena *arena, const struct func *f, const struct layout *layout,
                             const struct target_options *options);
const char *riscv64_check_sandbox(const struct mfunc *m);
MUST_CHECK status_t riscv64_emit(struct arena *arena, const struct mfunc *m,
                                 const struct target_options *options, struct code **code_out);
void riscv64_print(struct sink *sink, const struct mfunc *m);
uint32_t riscv64_disassemble(const uint8_t *bytes, uint32_t size, uint64_t pc, char *buf,
                             size_t cap);

/* Names of registers: x10 is "a0", f10 is "fa0". */
extern const char *const riscv64_int_names[32];
extern const char *const riscv64_float_names[32];

#endif
