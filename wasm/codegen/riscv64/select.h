/*
 * Instruction selection, inside: what the files select*.c share. Nobody else includes this.
 *
 * Blocks are taken in post-order and each from its end, so that an instruction is met after all
 * that use it: whoever needs a value asks for its register (select_reg) and thereby makes the
 * definition be selected when its turn comes; a definition that was folded into all its users has no
 * register and nothing is made of it. Inside one IR instruction code is put down forwards; the
 * driver turns it round.
 *
 * i32 values are sign-extended in registers. A user that looks at the low 32 bits only asks by
 * select_low(), which sees through conversions and lets a definition without other users skip
 * the extension (select_low_only).
 *
 * Sources are vregs or pinned registers. A machine instruction keeps its pinned sources in `aux`,
 * a byte for each source in order, register number + 1; a vreg source is the next operand.
 */
#ifndef WASM_CODEGEN_RISCV64_SELECT_H
#define WASM_CODEGEN_RISCV64_SELECT_H

#include "wasm/codegen/riscv64/abi.h"
#include "wasm/codegen/riscv64/encode.h"
#include "wasm/codegen/riscv64/features.h"
#include "wasm/codegen/target.h"

/* How many instructions are looked through at a time; a guest may make chains of any length. */
#define SELECT_CHAIN 8u
#define PINNED_MAX   4u /* sources of one instruction that may be pinned */

/* A source: a vreg, or if that is 0 the pinned register. */
struct source {
    vreg_t vreg;
    uint8_t pin;
};
static inline struct source source_pin(reg_t reg) {
    return (struct source){.pin = (uint8_t)reg};
}
static inline struct source source_vreg(vreg_t vreg) {
    return (struct source){.vreg = vreg};
}

/* A constant that is in a register somewhere: op is LI, FLI_S, FLI_D, PAGE or TABLE. */
struct constant {
    uint16_t op;
    int64_t imm;
    vreg_t vreg;
    uint32_t used_at; /* step of the last use */
};
#define CONSTANTS_NEAR     8u  /* kept for reuse within a block */
#define CONSTANTS_DISTANCE 24u /* instructions after which one is rather made again */
#define CONSTANTS_LOOP     8u  /* hoisted out of one loop, of each class */

/* Constants made at the end of a block, for the loops behind it. */
struct hoisted {
    VEC(struct constant) list;
    uint32_t count[REG_CLASS_COUNT];
};

/* Index of an ADDR plus a page of offset, made where the ADDR is. */
struct page_addr {
    value_t addr;
    uint32_t page;
    vreg_t vreg;
    uint32_t next; /* of the same ADDR; 0: end */
};

struct select {
    struct arena *arena;
    const struct func *f;
    const struct layout *layout;
    uint64_t features;
    struct mfunc *m;
    vreg_t *vreg;            /* of each value, 0: not needed so far */
    uint32_t *uses;          /* of each value, in the IR */
    uint8_t *facts;          /* enum fact of each value */
    uint32_t *block_of;      /* IR block -> machine block */
    uint32_t *edge_of;       /* by IR block with one successor: its place among the predecessors */
    value_t *step_of;        /* of a PHI: the value that adds a constant to it, if any */
    value_t *block_steps;    /* by IR block: the first such value in it */
    value_t *next_step;      /* by value: the next one in the same block */
    struct hoisted *hoisted; /* by IR block */
    VEC(struct page_addr) page_addrs; /* [0] unused */
    uint32_t *page_head;              /* by value */
    block_id_t block;                 /* being selected */
    value_t inst;                     /* likewise */
    uint32_t step;                    /* counts IR instructions */
    struct constant near[CONSTANTS_NEAR];
    uint32_t near_count;
    VEC(struct minst) forward; /* code of this instruction */
    VEC(struct minst) reverse; /* code of the blocks so far, last first */
    VEC(vreg_t) jump_args;     /* of the jump being selected */
    uint32_t param_slots;      /* stack slots of the function's own parameters */
};

enum fact {
    FACT_FULL = 1,      /* someone needs all 64 bits in order */
    FACT_ZERO_LOAD = 2, /* an i32 load that is to extend with zeros */
    FACT_DONE = 4       /* selected ahead of its turn */
};

static inline const struct inst *select_inst(const struct select *s, value_t v) {
    return &s->f->insts.at[v];
}
static inline value_t select_arg(const struct select *s, value_t v, uint32_t i) {
    const struct inst *inst = select_inst(s, v);
    return inst->argc <= 3 ? inst->arg[i] : inst->args[i];
}
static inline bool select_has(const struct select *s, uint64_t feature) {
    return (s->features & feature) != 0;
}
static inline bool select_is_float(uint8_t type) {
    return type == IR_F32 || type == IR_F64;
}
static inline bool select_is_wide(uint8_t type) { /* not i32 */
    return type != IR_I32;
}

/* ---- select.c ------------------------------------------------------------------------------ */

vreg_t select_new(struct select *s, enum reg_class reg_class);

/* Puts an instruction: rd (0: none) defined, n sources. The instruction dies with the next call. */
struct minst *select_put(struct select *s, enum rv_op op, vreg_t rd, const struct source *sources,
                         uint32_t n, int64_t imm);
struct minst *select_put1(struct select *s, enum rv_op op, vreg_t rd, struct source a, int64_t imm);
struct minst *select_put2(struct select *s, enum rv_op op, vreg_t rd, struct source a,
                          struct source b, int64_t imm);
/* The same into a new register. */
struct source select_make1(struct select *s, enum rv_op op, struct source a, int64_t imm);
struct source select_make2(struct select *s, enum rv_op op, struct source a, struct source b);
/* Adds an operand to the instruction put last. */
void select_operand(struct select *s, vreg_t vreg, enum operand_role role,
                    enum operand_constraint constraint, reg_t reg);

/* The register of a value, all 64 bits. Integer zero is the zero register. */
struct source select_reg(struct select *s, value_t v);
/* A register whose low 32 bits are those of the value. */
struct source select_low(struct select *s, value_t v);
/* The same, never a pinned register. */
vreg_t select_vreg(struct select *s, value_t v);
/* A constant in a register of its own kind. */
vreg_t select_constant(struct select *s, enum rv_op op, int64_t imm);
struct source select_li(struct select *s, int64_t imm);
/* A value for one use that has its own fixed place: constants are made on the spot. */
vreg_t select_fresh(struct select *s, value_t v);

/* The value that v stands for: through conversions which change no bit. */
value_t select_resolve(const struct select *s, value_t v);
/* True when nobody needs the instruction's upper 32 bits in order. */
bool select_low_only(const struct select *s, value_t v);
bool select_is_const(const struct select *s, value_t v, int64_t *value_out);
/* v's instruction if it is `op` and this is its only use, so that it may be folded into it. */
const struct inst *select_fold(const struct select *s, value_t v, enum ir_op op);
/* An upper bound of v's bits taken as an unsigned number; UINT64_MAX or UINT32_MAX if unknown. */
uint64_t select_bound(const struct select *s, value_t v, uint32_t depth);

/* ---- select_int.c -------------------------------------------------------------------------- */

/* A comparison of two registers, as branches have it. */
struct compare {
    enum cond cond;
    struct source x, y;
};
/* How to test that v is not zero; folds comparisons. */
struct compare select_compare(struct select *s, value_t v);
void select_int(struct select *s, value_t v, vreg_t rd);
bool select_is_int_op(uint8_t op);
void select_trap_branch(struct select *s, struct compare c, enum trap trap);

/* ---- select_float.c ------------------------------------------------------------------------ */

void select_float(struct select *s, value_t v, vreg_t rd);

/* Forms of TRUNC: bits of minst.imm. */
enum trunc_form { TRUNC_FROM_F64 = 1, TRUNC_TO_64 = 2, TRUNC_SIGNED = 4 };

/* CHECKED_ADDR's imm: offset (32 bits), whether the memory is imported, size of the access,
 * place of the memory_area or of the pointer to it (24 bits: memories stand first in the area). */
static inline int64_t checked_pack(uint64_t offset, bool imported, uint32_t size, uint32_t area) {
    return (int64_t)(offset | (uint64_t)imported << 32 | (uint64_t)size << 33 |
                     (uint64_t)area << 40);
}
static inline uint64_t checked_offset(int64_t imm) {
    return (uint32_t)imm;
}
static inline bool checked_imported(int64_t imm) {
    return (imm >> 32 & 1) != 0;
}
static inline uint32_t checked_size(int64_t imm) {
    return imm >> 33 & 15;
}
static inline uint32_t checked_area(int64_t imm) {
    return (uint32_t)(imm >> 40);
}

/* ---- select_memory.c ----------------------------------------------------------------------- */

void select_addr(struct select *s, value_t v);
void select_load(struct select *s, value_t v, vreg_t rd);
void select_store(struct select *s, value_t v);
/* What lies in the instance: memory size, globals, tables, function records. */
void select_instance(struct select *s, value_t v, vreg_t rd);

/* ---- select_call.c ------------------------------------------------------------------------- */

void select_call(struct select *s, value_t v);
void select_ret(struct select *s, value_t v);
/* The entry block's parameters. */
void select_params(struct select *s);

#endif
