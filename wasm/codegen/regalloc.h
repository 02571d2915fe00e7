/*
 * What the steps of register allocation share (regalloc.c lists them).
 *
 * Time is counted in positions, four to an instruction, in layout order:
 *
 *     4i + 0  BEFORE    blocks begin here; moves in front of instruction i read their sources
 *     4i + 1  READ      those moves are done; the instruction reads its USEs
 *     4i + 2  CLOBBER   a call destroys the target's clobbers
 *     4i + 3  WRITE     DEFs are written; arguments of block parameters are read by the edge's moves
 *
 * A value is what allocation knows of a vreg: where it lives, as ranges with holes between them, and
 * where it is used. It is cut into pieces, each of which has one place for its whole life. Pieces
 * meet at READ positions (a move in front of the instruction), at block starts (moves on the
 * edges), and at CLOBBER positions (the second piece is in memory, where the value was stored
 * earlier: an SSA value never changes, so its one slot may be written at any time before).
 */
#ifndef WASM_CODEGEN_REGALLOC_H
#define WASM_CODEGEN_REGALLOC_H

#include "base/arena.h"
#include "base/vec.h"
#include "wasm/codegen/mir.h"
#include "wasm/codegen/target.h"

#include <stdbool.h>
#include <stdint.h>

typedef uint32_t pos_t;

enum pos_step { POS_BEFORE, POS_READ, POS_CLOBBER, POS_WRITE, POS_STEPS };
#define POS_NONE UINT32_MAX /* after everything */

static inline pos_t pos_at(uint32_t inst, enum pos_step step) {
    return inst * POS_STEPS + (pos_t)step;
}
static inline uint32_t pos_inst(pos_t pos) {
    return pos / POS_STEPS;
}
static inline enum pos_step pos_step(pos_t pos) {
    return (enum pos_step)(pos % POS_STEPS);
}

/* Both register classes in one numbering: bit and index loc - 1. */
#define REGALLOC_REGS     64u
#define REGALLOC_INST_MAX (UINT32_MAX / POS_STEPS - 2)
#define LOC_SPILLED       UINT32_MAX /* in the value's slot, or made again where it is wanted */

struct range {
    pos_t start, end; /* end is not part of it */
};

/* One operand's use of a value. `must`: has to be in a register there; others read any place. The
 * definition counts as the first use. Positions: FIXED USE: BEFORE; USE: READ; USE_LATE, DEFs and
 * arguments of block parameters: WRITE. */
struct use {
    pos_t pos;
    uint32_t operand : 31, must : 1;
};

struct piece {
    vreg_t vreg;
    pos_t start, end;    /* covers the value's ranges within */
    uint32_t range, use; /* first of the value's that does not lie before `start`, later before
                              the scan's position */
    loc_t loc;           /* register, LOC_SPILLED, or LOC_NONE: not decided yet */
    uint8_t failures;    /* to get a register since it last had one */
    struct piece *next;  /* of the same value, by start */
};

struct value {
    uint32_t range, range_end;    /* in ranges */
    uint32_t use, use_end;        /* in uses */
    uint32_t def_inst, def_block; /* def_inst: UINT32_MAX for a block parameter, */
    uint32_t param;               /* which is the so manieth of its block */
    struct piece *pieces;
    struct piece *in_memory; /* newest piece in LOC_SPILLED */
    uint32_t slot;
    uint32_t resumed; /* newest block at whose start it was to be in `recent` again */
    /* Registers as loc_t, or LOC_NONE. */
    uint8_t fixed;                /* of its definition, if that is FIXED */
    uint8_t recent, wanted;       /* newest one; the one that related values got */
    uint8_t saved;                /* newest callee-saved one */
    uint8_t class;                /* enum reg_class */
    bool defined, remat, spilled; /* spilled: needs a slot */
    bool hints; /* a use asks for a certain register: it is FIXED, an argument or copied */
};

/* Register taken by a FIXED operand, against all but the vreg that is to be there. */
struct fixed {
    pos_t start, end;
    vreg_t owner;
};

struct loop {
    uint32_t first, last; /* blocks */
    uint32_t parent;      /* 0: none */
    uint32_t root;        /* the outermost around it */
};

struct regalloc {
    struct mfunc *m;
    const struct target *target;
    struct arena *arena;
    uint32_t *inst_block; /* by instruction */
    struct value *values; /* by vreg */
    VEC(vreg_t) order;    /* values that live, by start */
    VEC(struct range) ranges;
    struct use *uses;
    VEC(struct fixed) fixed[REGALLOC_REGS]; /* by start; behind the last stands one at POS_NONE */
    VEC(pos_t) calls;                       /* CLOBBER positions */
    int32_t *crossing[REG_CLASS_COUNT];     /* values that live across a call, by call */
    VEC(struct loop) loops;                 /* [0] unused */
    uint32_t *block_loop;                   /* innermost, by block; 0: none */
    uint64_t used;                          /* registers given to something */
    bool coarse; /* values with one range are among them, which may meet values that sleep */
};

static inline pos_t block_start(const struct regalloc *ra, uint32_t block) {
    return pos_at(ra->m->blocks.at[block].first, POS_BEFORE);
}
static inline pos_t block_end(const struct regalloc *ra, uint32_t block) {
    const struct mblock *b = &ra->m->blocks.at[block];
    return pos_at(b->first + b->count, POS_BEFORE);
}
static inline uint32_t block_last(const struct regalloc *ra, uint32_t block) {
    const struct mblock *b = &ra->m->blocks.at[block];
    return b->first + b->count - 1;
}
static inline uint32_t pos_block(const struct regalloc *ra, pos_t pos) {
    return ra->inst_block[pos_inst(pos)];
}
static inline bool pos_starts_block(const struct regalloc *ra, pos_t pos) {
    return pos_step(pos) == POS_BEFORE && block_start(ra, pos_block(ra, pos)) == pos;
}
static inline bool role_is_def(uint8_t role) {
    return role == OPERAND_DEF || role == OPERAND_DEF_EARLY;
}
static inline bool value_is_param(const struct value *value) {
    return value->def_inst == UINT32_MAX;
}
/* How often a block runs, as a guess from its loop depth. */
static inline uint32_t block_weight(const struct regalloc *ra, uint32_t block) {
    uint32_t depth = ra->m->blocks.at[block].loop_depth;
    return 1u << (3 * (depth < 5 ? depth : 5));
}
static inline uint32_t weight_at(const struct regalloc *ra, pos_t pos) {
    return block_weight(ra, pos_block(ra, pos));
}
/* The parameter that argument `operand` of the jump at the end of `block` becomes. */
static inline vreg_t argument_param(const struct regalloc *ra, uint32_t block, uint32_t operand) {
    const struct mblock *b = &ra->m->blocks.at[block];
    uint32_t k = operand - ra->m->insts.at[b->first + b->count - 1].operand;
    return ra->m->blocks.at[b->succs.at[0]].params.at[k];
}

/* Operand of the jump at the end of `pred` that becomes parameter `k` of the block it leads to. */
static inline uint32_t param_argument(const struct regalloc *ra, uint32_t pred, uint32_t k) {
    return ra->m->insts.at[block_last(ra, pred)].operand + k;
}

/* regalloc_live.c: values, ranges, uses, fixed ranges, calls and loops from the code. */
void regalloc_live_build(struct regalloc *ra);

/* How long it looks for holes in values before it gives the rest of them one range each; tests make it short. */
extern struct regalloc_walk {
    uint32_t least, per_inst;
} regalloc_walk;
/* regalloc_scan.c: cuts values into pieces and gives each its place. */
void regalloc_scan_run(struct regalloc *ra);
/* regalloc_slots.c: slots for the spilled values, shared where lives do not overlap. */
void regalloc_slots_assign(struct regalloc *ra);
/* regalloc_moves.c: operand places, and the moves between pieces, into fixed registers and along
 * edges, put in order. */
void regalloc_moves_build(struct regalloc *ra);

#endif
