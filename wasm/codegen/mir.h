/*
 * Machine IR: one function as target instructions over virtual registers, between selection and
 * emission. Selection makes it, register allocation fills in `loc` and `moves`, emission reads it.
 *
 * Blocks stand in layout order and hold consecutive ranges of `insts`. Control flow has no critical
 * edges. SSA: each vreg is defined once, by an operand with role DEF or as a block parameter. The
 * last instruction of a block with one successor carries the successor's parameters as its USEs
 * with constraint ANY (in order); blocks with several successors lead only to blocks without
 * parameters.
 *
 * Registers that are pinned for good (instance, memory base, stack pointer, zero) are no operands:
 * the target keeps them in `aux`. What emission needs beyond operands it takes from registers
 * that are not allocatable, so an instruction never has temporaries but DEF_EARLY operands. A
 * temporary or an unwanted result is a vreg that no one uses. `remat` instructions have one DEF and
 * no USE; made again in a slot they go through the target's scratch register.
 *
 * A definition stands before its uses in layout order too (dominators first), and the last
 * instruction of a block defines nothing that is used. Allocation gives a parameter's argument the
 * parameter's own place as `loc`: the moves before the jump have put it there. Where a MINST_REMAT
 * instruction has LOC_NONE as the place of its definition, its value is made again wherever it is
 * wanted, and the instruction itself is not to be emitted.
 */
#ifndef WASM_CODEGEN_MIR_H
#define WASM_CODEGEN_MIR_H

#include "base/arena.h"
#include "base/vec.h"
#include "wasm/trap.h"

#include <stdbool.h>
#include <stdint.h>

typedef uint32_t vreg_t; /* 0: none */

enum reg_class { REG_INT, REG_FP, REG_CLASS_COUNT };

/* A place of a value: a machine register or a spill slot. */
typedef uint32_t loc_t;
#define LOC_NONE          0u
#define LOC_REG(class, n) (1u + (uint32_t)(class) * 32u + (uint32_t)(n)) /* 1..64 */
#define LOC_SLOT(n)       (128u + (uint32_t)(n))                         /* 8-byte slots */
static inline bool loc_is_reg(loc_t l) {
    return l >= 1 && l <= 64;
}
static inline bool loc_is_slot(loc_t l) {
    return l >= 128;
}
static inline uint32_t loc_reg(loc_t l) { /* number in its class */
    return (l - 1) % 32;
}
static inline enum reg_class loc_class(loc_t l) { /* of a register */
    return (enum reg_class)((l - 1) / 32);
}
static inline uint32_t loc_slot(loc_t l) {
    return l - 128;
}

enum operand_role {
    OPERAND_USE,       /* read; free to share a register with a DEF of the same instruction */
    OPERAND_USE_LATE,  /* read after DEFs are written: shares no register with them */
    OPERAND_DEF,       /* written at the end */
    OPERAND_DEF_EARLY, /* written while USEs are still needed (also for temporaries) */
};
enum operand_constraint {
    OPERAND_REG,   /* any allocatable register of its class */
    OPERAND_FIXED, /* register `reg` of its class */
    OPERAND_ANY    /* register or slot */
};

struct moperand {
    vreg_t vreg;
    uint8_t role, constraint, reg;
    loc_t loc; /* filled by register allocation */
};

enum minst_flags {
    MINST_CALL = 1,   /* destroys target->clobbers (after USEs are read, before DEFs) */
    MINST_MOVE = 2,   /* plain copy, operand 1 to operand 0: allocation should join them */
    MINST_REMAT = 4,  /* defines operand 0 from imm/aux alone: cheaper made again than spilled */
    MINST_MEMORY = 8, /* guest memory access; its address was made by a checked sequence */
    MINST_END = 16    /* last of its block */
};

struct minst {
    uint16_t op; /* target's opcode */
    uint8_t flags;
    uint8_t trap;                    /* enum trap it may raise */
    uint32_t operand, operand_count; /* range in mfunc.operands */
    int64_t imm;
    uint32_t aux; /* block, function index, second immediate: by op */
    uint32_t pos; /* byte offset in the module */
};

struct mblock {
    uint32_t first, count; /* range in insts */
    VEC(uint32_t) preds;
    VEC(uint32_t) succs;
    VEC(vreg_t) params;
    uint32_t loop_depth;
    uint32_t ir_block;
};

/* A move that allocation inserts before instruction `inst`; in the order they are to be done.
 * Register to register of one class, register to slot, slot to register; slot to slot goes through
 * the target's scratch register and is given as two moves. remat: instead of a move, make the value of
 * instruction remat - 1 again in `to`. */
struct mmove {
    uint32_t inst;
    loc_t from, to;
    uint32_t remat;
    uint8_t reg_class; /* enum reg_class of the value */
};

struct mfunc {
    struct arena *arena;
    uint32_t index; /* function index */
    VEC(struct minst) insts;
    VEC(struct moperand) operands;
    VEC(struct mblock) blocks;
    VEC(uint8_t) vreg_class; /* by vreg; [0] unused */
    uint32_t outgoing_size;  /* bytes at the frame's bottom for stack arguments and results */
    bool has_calls;
    /* Filled by allocation. */
    VEC(struct mmove) moves; /* by ascending inst */
    uint32_t slot_count;
    uint32_t used_regs[REG_CLASS_COUNT]; /* bit n: register n was given to something */
};

#endif
