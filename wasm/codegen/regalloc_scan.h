/*
 * The state of the scan, shared by its two halves: regalloc_scan.c goes through the pieces,
 * regalloc_choose.c finds the best register for one.
 */
#ifndef WASM_CODEGEN_REGALLOC_SCAN_H
#define WASM_CODEGEN_REGALLOC_SCAN_H

#include "wasm/codegen/regalloc_piece.h"

/* A value in a register at the end of a block, and all of them. */
struct resident {
    vreg_t vreg;
    loc_t loc;
};
struct exit {
    uint32_t first, len; /* in residents */
};

struct scan {
    struct regalloc *ra;
    pos_t now;
    uint32_t order_next;      /* next value */
    VEC(struct piece *) heap; /* cut-off pieces by start */
    uint32_t block;           /* next to be entered */
    struct piece *whole;      /* the next value's first piece, and those of the values after it */
    struct exit *exits;       /* by block, where a later block will ask for it */
    VEC(struct resident) residents;

    uint64_t active_mask;
    struct piece *active[REGALLOC_REGS];
    pos_t check[REGALLOC_REGS]; /* when the active piece ends or enters a hole */
    uint64_t *due;              /* by instruction: registers that may be to be checked in it */
    uint32_t due_inst;          /* first that has not been passed */
    VEC(struct piece *) inactive;
    pos_t wake; /* when the first inactive piece starts again or ends */

    uint8_t regs[REG_CLASS_COUNT][32]; /* of each class, the preferred ones first */
    uint32_t reg_count[REG_CLASS_COUNT];
    uint64_t clobbers, callee_saved;
    const struct fixed *fixed_next[REGALLOC_REGS]; /* may lie before now */
    uint32_t call_cursor;

    /* About the piece at hand. Of the arrays, those entries are valid whose bit is set. */
    pos_t call;   /* first call that it lives across */
    bool dear;    /* not worth a first use of a callee-saved register */
    bool crowded; /* not worth any: values that cost more want them all */
    uint64_t known;
    pos_t fixed_until[REGALLOC_REGS]; /* first fixed range or clobber in its way */
    pos_t free_until[REGALLOC_REGS];  /* that, or a piece */
    uint64_t met;
    pos_t meet[REGALLOC_REGS]; /* first meeting with an inactive piece */
    uint64_t hinted;
    int32_t hint[REGALLOC_REGS], hint_max; /* moves saved there, by weight */
};

#define REG_NONE REGALLOC_REGS

/* Sets up the register lists. */
void choose_init(struct scan *s);
/* A whole value and a sleeping one do not meet: in SSA form, of two values that live at the same time one
 * lives at the definition of the other. Where some have one range over all their holes they may. */
static inline bool never_meets_sleepers(const struct scan *s, const struct piece *piece) {
    return piece == value_of(s->ra, piece)->pieces && !s->ra->coarse;
}

/* Begins to look at a piece that starts now; the others are about this one. */
void choose_begin(struct scan *s, const struct piece *piece);
/* How long register r could serve: the first wins over everything but FIXED operands and calls, the
 * second over nothing (0: it is taken). */
pos_t choose_fixed_until(struct scan *s, const struct piece *piece, uint32_t r);
pos_t choose_free_until(struct scan *s, const struct piece *piece, uint32_t r);
/* The register in which the piece has the fewest moves, among those that are free at least until its
 * first use; or REG_NONE. Sets `dear`. */
uint32_t choose_register(struct scan *s, const struct piece *piece);
/* Tells the parameters that the piece becomes where it is now. */
void choose_pass_on(struct scan *s, const struct piece *piece);

#endif
