/*
 * RV64GC as a target: register sets, and the functions of this folder.
 */
#include "wasm/codegen/riscv64/abi.h"
#include "wasm/codegen/riscv64/encode.h"
#include "wasm/codegen/riscv64/riscv64.h"

/* Bits from..to of a mask. */
#define REGS(from, to) ((uint32_t)((((uint64_t)1 << ((to) - (from) + 1)) - 1) << (from)))

/* abi.h: t0-t2, s0, s1, a0-a7, s2-s11, t3, t4; all floats but ft11. */
#define SAVED    (REGS(8, 9) | REGS(18, 27))
#define INT_LOST (REGS(5, 7) | REGS(10, 17) | REGS(28, 29))
#define FP_LOST  (REGS(0, 7) | REGS(10, 17) | REGS(28, 30))

const struct target target_riscv64 = {
    .name = "riscv64",
    .allocatable = {INT_LOST | SAVED, FP_LOST | SAVED},
    .callee_saved = {SAVED, SAVED},
    .clobbers = {INT_LOST, FP_LOST},
    .scratch = {T6, FT11},
    .preference = {{15, 14, 13, 12, 11, 10, 16, 17, 5,  6,  7,  28, 29,
                    8,  9,  18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 0xff},
                   {15, 14, 13, 12, 11, 10, 16, 17, 0,  1,  2,  3,  4,  5,  6,  7,
                    28, 29, 30, 8,  9,  18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 0xff}},
    .select = riscv64_select,
    .check_sandbox = riscv64_check_sandbox,
    .emit = riscv64_emit,
    .print = riscv64_print,
    .disassemble = riscv64_disassemble,
};
