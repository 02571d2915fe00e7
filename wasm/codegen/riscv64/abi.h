/*
 * The calling convention of compiled code, and what each register is for.
 *
 *     x0 zero   x1 ra    x2 sp         as ever
 *     x3 gp     base of the running instance's memory 0
 *     x4 tp     its instance area (codegen/layout.h)
 *     x5-x7 t0-t2, x28 x29 t3 t4, x10-x17 a0-a7   free across no call
 *     x8 x9 x18-x27 s0-s11             kept by the callee
 *     x30 t5    scratch inside one emitted instruction
 *     x31 t6    scratch of moves
 *     f31 ft11  scratch; other float registers as in the standard convention
 *
 * Parameters: integers and references in a0-a7, floats in fa0-fa7, each kind counted by itself;
 * the others, in order, in 8-byte slots at the caller's sp. Results likewise in a0-a7 and fa0-fa7,
 * the others in slots after those of the parameters. The callee finds the slots above its frame; sp
 * is a multiple of 16 at the call. i32 values are sign-extended to 64 bits, f32 NaN-boxed, and in a slot
 * both fill all 8 bytes so.
 *
 * gp and tp belong to the callee when it is entered. A caller that enters another instance sets
 * them first and restores its own afterwards; it keeps tp in its frame and reads gp through it.
 * Imported functions are always called so: the record of a host function carries the importing
 * instance, which makes the switch harmless and tells the host who calls.
 */
#ifndef WASM_CODEGEN_RISCV64_ABI_H
#define WASM_CODEGEN_RISCV64_ABI_H

#include "wasm/module/types.h"

#include <stdbool.h>
#include <stdint.h>

#define ABI_REG_RA       1u
#define ABI_REG_SP       2u
#define ABI_REG_MEMORY   3u  /* gp */
#define ABI_REG_INSTANCE 4u  /* tp */
#define ABI_REG_ARG      10u /* a0; fa0 has the same number */
#define ABI_ARG_REGS     8u

enum abi_kind { ABI_INT, ABI_FLOAT, ABI_STACK };

struct abi_place {
    uint8_t kind;    /* enum abi_kind */
    uint8_t reg;     /* number of the x or f register */
    uint32_t offset; /* ABI_STACK: bytes above the caller's sp */
};

/* Gives places one after another. Begin with {0}; for results, with .slots = those of the parameters. */
struct abi_walk {
    uint32_t ints, floats, slots;
};
struct abi_place abi_next(struct abi_walk *walk, bool is_float);

#endif
