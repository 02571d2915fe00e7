/*
 * mfunc with registers -> machine code.
 *
 * The frame, from sp upwards: outgoing arguments and results, spill slots, the instance register if
 * another instance may be entered, saved float and integer registers, ra at the top. Functions
 * that need nothing of this have none.
 *
 * Blocks follow each other in their order, but for the way back of a loop, which is put before the
 * loop's head so that it falls into it; a block that only jumps is skipped over. Whatever is
 * rare (traps, instance switch, NaNs) stands behind them as cold code, reached by one branch each;
 * then come jump tables and constants. A trap is a 2-byte illegal instruction of its own, so that the pc names it.
 *
 * Needs: locations from register allocation. t5, t6 and ft11 are free inside each instruction.
 */
#include "base/bits.h"
#include "wasm/codegen/riscv64/abi.h"
#include "wasm/codegen/riscv64/features.h"
#include "wasm/codegen/riscv64/lines.h"
#include "wasm/codegen/riscv64/riscv64.h"
#include "wasm/codegen/riscv64/select.h"
#include "wasm/limits.h"

#include <assert.h>

enum cold_kind { COLD_TRAP, COLD_OVERFLOW, COLD_CALL, COLD_NAN, COLD_ROUND, COLD_TRUNC };

/* A piece of code to be put behind the blocks: starts at `at`, goes on at `back`. */
struct cold {
    uint8_t kind, trap;
    bool is_double;
    reg_t rd, a, b;
    int64_t imm;
    uint32_t pos;
    label_t at, back;
};

struct emit {
    struct lines lines;
    const struct mfunc *m;
    const struct target_options *options;
    uint32_t frame, slots_at, instance_at; /* bytes, from sp */
    bool enters_instances;                 /* imports or references are called */
    uint32_t saved[REG_CLASS_COUNT];       /* masks of callee-saved registers in use */
    label_t *labels;                       /* by block */
    uint32_t *forward;                     /* by block: where a jump to it really goes */
    uint32_t *next;                        /* by block: the one emitted after it, or blocks.len */
    label_t *tables;                       /* by block: its jump table + 1, 0: none */
    uint32_t *order;                       /* blocks as they are emitted */
    uint32_t order_len;
    VEC(struct cold) cold;
};

/* An instruction's registers, taken apart. */
struct regs {
    uint8_t rd, s[PINNED_MAX];
};

static enum format format_of(const struct minst *inst) {
    return rv_ops[inst->op].format;
}

static void put(struct emit *e, uint32_t word) {
    lines_put(&e->lines, word);
}

/* Operands in order: DEF if there is one, then sources, each pinned or the next USE. */
static inline struct regs regs_of(const struct emit *e, const struct minst *inst) {
    struct regs r = {0};
    const struct moperand *operands = &e->m->operands.at[inst->operand];
    uint32_t source = 0;
    uint32_t pins = inst->aux; /* from `source` on */
    for (uint32_t i = 0; i < inst->operand_count; i++) {
        uint8_t reg = (uint8_t)loc_reg(operands[i].loc);
        if (operands[i].role == OPERAND_DEF || operands[i].role == OPERAND_DEF_EARLY) {
            r.rd = reg;
            continue;
        }
        for (; (pins & 0xff) != 0; pins >>= 8) {
            r.s[source++] = (uint8_t)((pins & 0xff) - 1);
        }
        if (source < PINNED_MAX) {
            r.s[source++] = reg;
            pins >>= 8;
        }
    }
    for (; pins != 0; pins >>= 8, source++) {
        if ((pins & 0xff) != 0) {
            r.s[source] = (uint8_t)((pins & 0xff) - 1);
        }
    }
    return r;
}

/* ---- frame --------------------------------------------------------------------------------- */

static uint32_t count_bits(uint32_t mask) {
    return (uint32_t)__builtin_popcount(mask);
}

static bool enters_instances(const struct mfunc *m) {
    for (uint32_t i = 0; i < m->insts.len; i++) {
        if (m->insts.at[i].op == RV_CALL_IMPORT || m->insts.at[i].op == RV_CALL_REF) {
            return true;
        }
    }
    return false;
}

static void plan_frame(struct emit *e) {
    const struct mfunc *m = e->m;
    uint32_t size = m->outgoing_size;
    e->slots_at = size;
    size += 8 * m->slot_count;
    e->enters_instances = enters_instances(m);
    if (e->enters_instances) {
        e->instance_at = size;
        size += 8;
    }
    for (uint32_t c = 0; c < REG_CLASS_COUNT; c++) {
        e->saved[c] = m->used_regs[c] & target_riscv64.callee_saved[c];
        size += 8 * count_bits(e->saved[c]);
    }
    size += m->has_calls ? 8 : 0;
    e->frame = (size + 15) & ~15u;
}

/* Stores or loads the callee-saved registers, from the top down. */
static void put_saved(struct emit *e, bool is_load) {
    static const uint16_t ops[REG_CLASS_COUNT][2] = {{RV_SD, RV_LD}, {RV_FSD, RV_FLD}};
    uint32_t at = e->frame - (e->m->has_calls ? 8 : 0);
    for (uint32_t c = 0; c < REG_CLASS_COUNT; c++) {
        for (uint32_t left = e->saved[c]; left != 0; left &= left - 1) {
            at -= 8;
            lines_access(&e->lines, (enum rv_op)ops[c][is_load], bits_lowest(left), SP, at);
        }
    }
}

static void move_sp(struct emit *e, int64_t by) {
    if (encode_fits(by, 12)) {
        put(e, encode_ADDI(SP, SP, by));
    } else {
        put(e, encode_ADD(SP, SP, T5));
    }
}

struct prologue_labels {
    label_t set, saved;
};

static struct prologue_labels put_prologue(struct emit *e) {
    struct prologue_labels labels = {0};
    int64_t by = -(int64_t)e->frame;
    if (!encode_fits(by, 12)) {
        lines_li(&e->lines, T5, by);
    }
    labels.set = lines_here(&e->lines);
    if (e->frame != 0) {
        move_sp(e, by);
    }
    if (e->m->has_calls) {
        lines_access(&e->lines, RV_SD, RA, SP, (int64_t)e->frame - 8);
    }
    labels.saved = lines_here(&e->lines);
    put_saved(e, false);
    if (e->enters_instances) {
        lines_access(&e->lines, RV_SD, TP, SP, e->instance_at);
    }
    return labels;
}

static void put_epilogue(struct emit *e) {
    put_saved(e, true);
    if (e->m->has_calls) {
        lines_access(&e->lines, RV_LD, RA, SP, (int64_t)e->frame - 8);
    }
    if (e->frame != 0) {
        if (!encode_fits(e->frame, 12)) {
            lines_li(&e->lines, T5, e->frame);
        }
        move_sp(e, e->frame);
    }
    put(e, encode_JALR(ZERO, RA, 0));
}

/* ---- moves --------------------------------------------------------------------------------- */

static void put_copy(struct emit *e, enum reg_class c, reg_t rd, reg_t from) {
    if (rd == from) {
        return;
    }
    put(e, c == REG_INT ? encode_ADDI(rd, from, 0) : encode_FSGNJ_D(rd, from, from));
}

static void put_inst(struct emit *e, uint32_t block, const struct minst *inst, struct regs r);

static int64_t slot_at(const struct emit *e, loc_t loc) {
    return (int64_t)e->slots_at + 8 * (int64_t)loc_slot(loc);
}

static void put_remat(struct emit *e, const struct mmove *move) {
    enum reg_class c = (enum reg_class)move->reg_class;
    const struct minst *inst = &e->m->insts.at[move->remat - 1];
    struct regs r = regs_of(e, inst);
    reg_t to = loc_is_reg(move->to) ? loc_reg(move->to) : target_riscv64.scratch[c];
    r.rd = (uint8_t)to;
    put_inst(e, 0, inst, r);
    if (loc_is_slot(move->to)) {
        lines_access(&e->lines, c == REG_INT ? RV_SD : RV_FSD, r.rd, SP, slot_at(e, move->to));
    }
}

static void put_move(struct emit *e, const struct mmove *move) {
    enum reg_class c = (enum reg_class)move->reg_class;
    if (move->remat != 0) {
        put_remat(e, move);
    } else if (loc_is_slot(move->to)) {
        assert(loc_is_reg(move->from));
        lines_access(&e->lines, c == REG_INT ? RV_SD : RV_FSD, loc_reg(move->from), SP,
                     slot_at(e, move->to));
    } else if (loc_is_slot(move->from)) {
        lines_access(&e->lines, c == REG_INT ? RV_LD : RV_FLD, loc_reg(move->to), SP,
                     slot_at(e, move->from));
    } else {
        put_copy(e, c, loc_reg(move->to), loc_reg(move->from));
    }
}

/* ---- control flow -------------------------------------------------------------------------- */

static label_t label_of(const struct emit *e, uint32_t block) {
    return e->labels[e->forward[block]];
}

static void put_jump(struct emit *e, uint32_t from, uint32_t to) {
    if (e->forward[to] != e->next[from]) {
        lines_jump(&e->lines, label_of(e, to));
    }
}

static void put_branch(struct emit *e, uint32_t block, enum cond cond, reg_t x, reg_t y) {
    const struct mblock *b = &e->m->blocks.at[block];
    uint32_t yes = e->forward[b->succs.at[0]], no = e->forward[b->succs.at[1]];
    if (yes == no) {
        put_jump(e, block, yes);
    } else if (yes == e->next[block]) {
        lines_branch(&e->lines, (enum cond)(cond ^ 1), x, y, e->labels[no]);
    } else {
        lines_branch(&e->lines, cond, x, y, e->labels[yes]);
        put_jump(e, block, no);
    }
}

static label_t table_of(struct emit *e, uint32_t block) {
    if (e->tables[block] == 0) {
        e->tables[block] = lines_label(&e->lines) + 1;
    }
    return e->tables[block] - 1;
}

static void put_switch(struct emit *e, uint32_t block, const struct minst *inst, struct regs r) {
    const struct mblock *b = &e->m->blocks.at[block];
    reg_t index = r.s[0], table = r.s[1], last = r.s[2];
    table_of(e, block);
    if (inst->imm == 0) {
        lines_branch(&e->lines, COND_GEU, index, last, label_of(e, vec_last(&b->succs)));
    }
    if ((e->options->features & FEATURE_ZBA) != 0) {
        put(e, encode_SH2ADD(T5, index, table));
    } else {
        put(e, encode_SLLI(T5, index, 2));
        put(e, encode_ADD(T5, T5, table));
    }
    put(e, encode_LW(T5, T5, 0));
    put(e, encode_ADD(T5, T5, table));
    put(e, encode_JALR(ZERO, T5, 0));
}

static void put_switch_step(struct emit *e, uint32_t block, const struct minst *inst,
                            struct regs r) {
    const struct mblock *b = &e->m->blocks.at[block];
    (void)inst;
    for (uint32_t i = 0; i + 1 < b->succs.len; i++) {
        reg_t constant = i == 0 ? ZERO : r.s[i];
        lines_branch(&e->lines, COND_EQ, r.s[0], constant, label_of(e, b->succs.at[i]));
    }
    put_jump(e, block, vec_last(&b->succs));
}

static void put_tables(struct emit *e) {
    for (uint32_t i = 0; i < e->m->blocks.len; i++) {
        const struct mblock *b = &e->m->blocks.at[i];
        if (e->tables[i] == 0) {
            continue;
        }
        lines_align(&e->lines, 4);
        lines_bind(&e->lines, e->tables[i] - 1);
        for (uint32_t k = 0; k < b->succs.len; k++) {
            lines_offset(&e->lines, label_of(e, b->succs.at[k]), e->tables[i] - 1);
        }
    }
}

/* ---- cold code ----------------------------------------------------------------------------- */

static struct cold *add_cold(struct emit *e, enum cold_kind kind) {
    struct cold cold = {.kind = (uint8_t)kind, .pos = e->lines.pos, .at = lines_label(&e->lines)};
    vec_push(e->lines.arena, &e->cold, cold);
    return &vec_last(&e->cold);
}

static label_t trap_label(struct emit *e, uint8_t trap) {
    struct cold *cold = add_cold(e, COLD_TRAP);
    cold->trap = trap;
    return cold->at;
}

static void restore_instance(struct emit *e) {
    lines_access(&e->lines, RV_LD, TP, SP, e->instance_at);
    put(e, encode_LD(GP, TP, offsetof(struct instance_area, memory_base)));
}

static void put_indirect_call(struct emit *e) {
    put(e, encode_JALR(RA, RA, 0));
    lines_site_return(&e->lines);
}

static void put_cold_call(struct emit *e, const struct cold *c) {
    put(e, encode_ADDI(TP, T5, 0));
    put(e, encode_LD(GP, c->a, offsetof(struct func_record, memory_base)));
    put(e, encode_LD(RA, c->a, offsetof(struct func_record, code)));
    put_indirect_call(e);
    restore_instance(e);
    lines_jump(&e->lines, c->back);
}

static void put_cold_overflow(struct emit *e, const struct cold *c) {
    lines_li(&e->lines, T5, c->imm == 32 ? INT32_MIN : INT64_MIN);
    lines_branch(&e->lines, COND_NE, c->a, T5, c->back);
    lines_trap(&e->lines, TRAP_INTEGER_OVERFLOW);
}

/* A constant into the float scratch register; t5 is lost. */
static void put_float_scratch(struct emit *e, bool is_double, uint64_t bits64, uint32_t bits32) {
    lines_li(&e->lines, T5, is_double ? (int64_t)bits64 : (int32_t)bits32);
    put(e, is_double ? encode_FMV_D_X(FT11, T5) : encode_FMV_W_X(FT11, T5));
}

static uint32_t feq(bool is_double, reg_t rd, reg_t a, reg_t b) {
    return is_double ? encode_FEQ_D(rd, a, b) : encode_FEQ_S(rd, a, b);
}

/* A conversion gave something that may mean that it could not be done: find out. */
static void put_cold_trunc(struct emit *e, const struct cold *c) {
    label_t number = lines_label(&e->lines), overflow = lines_label(&e->lines);
    bool wide = (c->imm & TRUNC_TO_64) != 0, is_signed = (c->imm & TRUNC_SIGNED) != 0;
    put(e, feq(c->is_double, T5, c->a, c->a));
    lines_branch(&e->lines, COND_NE, T5, ZERO, number);
    lines_trap(&e->lines, TRAP_INVALID_CONVERSION);
    lines_bind(&e->lines, number);
    if (wide && is_signed) {
        /* The least integer is right if the float was exactly that. */
        put_float_scratch(e, c->is_double, 0xc3e0000000000000, 0xdf000000);
        put(e, feq(c->is_double, T5, c->a, FT11));
        lines_branch(&e->lines, COND_NE, T5, ZERO, c->back);
    } else if (wide) {
        /* Zero is right for everything above -1. */
        lines_branch(&e->lines, COND_NE, c->rd, ZERO, overflow);
        put_float_scratch(e, c->is_double, 0xbff0000000000000, 0xbf800000);
        put(e, c->is_double ? encode_FLT_D(T5, FT11, c->a) : encode_FLT_S(T5, FT11, c->a));
        lines_branch(&e->lines, COND_NE, T5, ZERO, c->back);
    }
    lines_bind(&e->lines, overflow);
    lines_trap(&e->lines, TRAP_INTEGER_OVERFLOW);
}

static void put_cold(struct emit *e) {
    for (uint32_t i = 0; i < e->cold.len; i++) {
        const struct cold *c = &e->cold.at[i];
        e->lines.pos = c->pos;
        lines_bind(&e->lines, c->at);
        switch ((enum cold_kind)c->kind) {
        case COLD_TRAP:
            lines_trap(&e->lines, c->trap);
            break;
        case COLD_OVERFLOW:
            put_cold_overflow(e, c);
            break;
        case COLD_CALL:
            put_cold_call(e, c);
            break;
        case COLD_NAN:
            put(e,
                c->is_double ? encode_FADD_D(c->rd, c->a, c->b) : encode_FADD_S(c->rd, c->a, c->b));
            lines_jump(&e->lines, c->back);
            break;
        case COLD_ROUND: /* integral as it is, or a NaN to be made quiet */
            put(e,
                c->is_double ? encode_FMIN_D(c->rd, c->a, c->a) : encode_FMIN_S(c->rd, c->a, c->a));
            lines_jump(&e->lines, c->back);
            break;
        case COLD_TRUNC:
            put_cold_trunc(e, c);
            break;
        }
    }
}

/* ---- calls --------------------------------------------------------------------------------- */

static void put_call_import(struct emit *e, int64_t record) {
    reg_t base = TP;
    if (!encode_fits(record + (int64_t)sizeof(struct func_record), 12)) {
        lines_li(&e->lines, T5, record);
        put(e, encode_ADD(T5, T5, TP));
        base = T5;
        record = 0;
    }
    put(e, encode_LD(RA, base, record + (int64_t)offsetof(struct func_record, code)));
    put(e, encode_LD(GP, base, record + (int64_t)offsetof(struct func_record, memory_base)));
    put(e, encode_LD(TP, base, record + (int64_t)offsetof(struct func_record, instance)));
    put_indirect_call(e);
    restore_instance(e);
}

/* By a reference: within the instance as a plain call, else by way of the cold code. */
static void put_call_ref(struct emit *e, reg_t ref) {
    struct cold *cold = add_cold(e, COLD_CALL);
    cold->a = ref;
    cold->back = lines_label(&e->lines);
    label_t at = cold->at, back = cold->back;
    put(e, encode_LD(T5, ref, offsetof(struct func_record, instance)));
    lines_branch(&e->lines, COND_NE, T5, TP, at);
    put(e, encode_LD(RA, ref, offsetof(struct func_record, code)));
    put_indirect_call(e);
    lines_bind(&e->lines, back);
}

static void put_call_helper(struct emit *e, int64_t helper) {
    lines_access(&e->lines, RV_LD, RA, TP,
                 (int64_t)offsetof(struct instance_area, helpers) + 8 * helper);
    put_indirect_call(e);
}

/* ---- the other pseudo-instructions --------------------------------------------------------- */

static void put_fli(struct emit *e, bool is_double, reg_t rd, int64_t bits) {
    int64_t value = is_double ? bits : (int32_t)(uint32_t)bits;
    reg_t from = ZERO;
    if (value != 0 && lines_li_cost(value) > 1) {
        lines_load_const(&e->lines, is_double ? RV_FLD : RV_FLW, rd,
                         is_double ? (uint64_t)bits : (uint32_t)bits);
        return;
    }
    if (value != 0) {
        lines_li(&e->lines, T5, value);
        from = T5;
    }
    put(e, is_double ? encode_FMV_D_X(rd, from) : encode_FMV_W_X(rd, from));
}

/* rd = x cond y ? a : b, by a branch over one move or two. rd may be any of the sources. */
static void put_select(struct emit *e, enum reg_class c, enum cond cond, struct regs r) {
    reg_t x = r.s[0], y = r.s[1], a = r.s[2], b = r.s[3];
    label_t done = lines_label(&e->lines);
    if (a == b) {
        put_copy(e, c, r.rd, a);
    } else if (r.rd == a) {
        lines_branch(&e->lines, cond, x, y, done);
        put_copy(e, c, r.rd, b);
    } else if (r.rd == b) {
        lines_branch(&e->lines, (enum cond)(cond ^ 1), x, y, done);
        put_copy(e, c, r.rd, a);
    } else if (c == REG_INT && (r.rd == x || r.rd == y)) {
        label_t yes = lines_label(&e->lines);
        lines_branch(&e->lines, cond, x, y, yes);
        put_copy(e, c, r.rd, b);
        lines_jump(&e->lines, done);
        lines_bind(&e->lines, yes);
        put_copy(e, c, r.rd, a);
    } else {
        put_copy(e, c, r.rd, a);
        lines_branch(&e->lines, cond, x, y, done);
        put_copy(e, c, r.rd, b);
    }
    lines_bind(&e->lines, done);
}

static void put_overflow(struct emit *e, int64_t bits, reg_t a, reg_t b) {
    struct cold *cold = add_cold(e, COLD_OVERFLOW);
    cold->a = a;
    cold->imm = bits;
    cold->back = lines_label(&e->lines);
    label_t at = cold->at, back = cold->back;
    lines_li(&e->lines, T5, -1);
    lines_branch(&e->lines, COND_EQ, b, T5, at);
    lines_bind(&e->lines, back);
}

static void put_min_max(struct emit *e, enum rv_op op, bool is_double, struct regs r) {
    struct cold *cold = add_cold(e, COLD_NAN);
    cold->is_double = is_double;
    cold->rd = r.rd;
    cold->a = r.s[0];
    cold->b = r.s[1];
    cold->back = lines_label(&e->lines);
    label_t at = cold->at, back = cold->back;
    put(e, feq(is_double, T5, r.s[0], r.s[0]));
    put(e, feq(is_double, T6, r.s[1], r.s[1]));
    put(e, encode_AND(T5, T5, T6));
    lines_branch(&e->lines, COND_EQ, T5, ZERO, at);
    put(e, encode_inst(op, r.rd, r.s[0], r.s[1], 0));
    lines_bind(&e->lines, back);
}

/* Rounds by way of an integer, unless the exponent says that there is nothing to round. */
static void put_round(struct emit *e, bool is_double, uint32_t mode, reg_t rd, reg_t a) {
    struct cold *cold = add_cold(e, COLD_ROUND);
    cold->is_double = is_double;
    cold->rd = rd;
    cold->a = a;
    cold->back = lines_label(&e->lines);
    label_t at = cold->at, back = cold->back;
    put(e, is_double ? encode_FMV_X_D(T5, a) : encode_FMV_X_W(T5, a));
    put(e, encode_SLLI(T5, T5, is_double ? 1 : 33));
    put(e, encode_SRLI(T5, T5, is_double ? 53 : 56));
    put(e, encode_ADDI(T5, T5, is_double ? -(1023 + 52) : -(127 + 23)));
    lines_branch(&e->lines, COND_GE, T5, ZERO, at);
    put(e, is_double ? encode_FCVT_L_D(T5, a, mode) : encode_FCVT_L_S(T5, a, mode));
    put(e, is_double ? encode_FCVT_D_L(FT11, T5) : encode_FCVT_S_L(FT11, T5));
    put(e, is_double ? encode_FSGNJ_D(rd, FT11, a) : encode_FSGNJ_S(rd, FT11, a));
    lines_bind(&e->lines, back);
}

/* float -> integer: converted to 64 bits, and suspicious results looked at in cold code. */
static void put_trunc(struct emit *e, int64_t form, reg_t rd, reg_t a) {
    bool is_double = (form & TRUNC_FROM_F64) != 0, wide = (form & TRUNC_TO_64) != 0;
    bool is_signed = (form & TRUNC_SIGNED) != 0;
    struct cold *cold = add_cold(e, COLD_TRUNC);
    cold->is_double = is_double;
    cold->imm = form;
    cold->rd = rd;
    cold->a = a;
    cold->back = lines_label(&e->lines);
    label_t at = cold->at, back = cold->back;
    if (wide && !is_signed) {
        put(e, is_double ? encode_FCVT_LU_D(rd, a, RM_RTZ) : encode_FCVT_LU_S(rd, a, RM_RTZ));
        put(e, encode_ADDI(T5, rd, 1)); /* suspicious: 0 and the greatest */
        put(e, encode_SLTIU(T5, T5, 2));
        lines_branch(&e->lines, COND_NE, T5, ZERO, at);
        lines_bind(&e->lines, back);
        return;
    }
    put(e, is_double ? encode_FCVT_L_D(rd, a, RM_RTZ) : encode_FCVT_L_S(rd, a, RM_RTZ));
    if (wide) { /* suspicious: the least and the greatest */
        put(e, encode_SRAI(T5, rd, 63));
        put(e, encode_XOR(T5, T5, rd));
        put(e, encode_ADDI(T5, T5, 1));
        lines_branch(&e->lines, COND_LT, T5, ZERO, at);
    } else if (is_signed) {
        put(e, encode_ADDIW(T5, rd, 0));
        lines_branch(&e->lines, COND_NE, T5, rd, at);
    } else {
        put(e, encode_SRLI(T5, rd, 32));
        lines_branch(&e->lines, COND_NE, T5, ZERO, at);
        put(e, encode_ADDIW(rd, rd, 0));
    }
    lines_bind(&e->lines, back);
}

/* rd = address + offset, if the access lies inside the memory as it is now. */
static void put_checked_addr(struct emit *e, const struct minst *inst, reg_t rd, reg_t addr) {
    uint32_t area = checked_area(inst->imm);
    int64_t size_at = offsetof(struct memory_area, size);
    lines_li(&e->lines, T5, (int64_t)checked_offset(inst->imm));
    put(e, encode_ADD(rd, addr, T5));
    if (checked_imported(inst->imm)) {
        lines_access(&e->lines, RV_LD, T5, TP, area);
        put(e, encode_LD(T5, T5, size_at));
    } else {
        lines_access(&e->lines, RV_LD, T5, TP, area + size_at);
    }
    put(e, encode_ADD(T5, T5, GP)); /* end of memory */
    put(e, encode_ADDI(T6, rd, checked_size(inst->imm)));
    lines_branch(&e->lines, COND_LTU, T5, T6, trap_label(e, inst->trap));
}

/* ---- one instruction ----------------------------------------------------------------------- */

static void put_pseudo(struct emit *e, uint32_t block, const struct minst *inst, struct regs r) {
    switch (inst->op) {
    case RV_LI:
        lines_li(&e->lines, r.rd, inst->imm);
        break;
    case RV_FLI_S:
    case RV_FLI_D:
        put_fli(e, inst->op == RV_FLI_D, r.rd, inst->imm);
        break;
    case RV_PAGE:
        put(e, encode_LUI(r.rd, inst->imm));
        put(e, encode_ADD(r.rd, r.rd, GP));
        break;
    case RV_TABLE:
        lines_la(&e->lines, r.rd, table_of(e, (uint32_t)inst->imm));
        break;
    case RV_MV:
        put_copy(e, REG_INT, r.rd, r.s[0]);
        break;
    case RV_FMV:
        put_copy(e, REG_FP, r.rd, r.s[0]);
        break;
    case RV_PARAMS:
        break;
    case RV_ARG_LD:
    case RV_ARG_FLD:
        lines_access(&e->lines, inst->op == RV_ARG_LD ? RV_LD : RV_FLD, r.rd, SP,
                     e->frame + inst->imm);
        break;
    case RV_RESULT_SD:
    case RV_RESULT_FSD:
        lines_access(&e->lines, inst->op == RV_RESULT_SD ? RV_SD : RV_FSD, r.s[0], SP,
                     e->frame + inst->imm);
        break;
    case RV_SELECT:
    case RV_FSELECT:
        put_select(e, inst->op == RV_SELECT ? REG_INT : REG_FP, (enum cond)inst->imm, r);
        break;
    case RV_OVERFLOW:
        put_overflow(e, inst->imm, r.s[0], r.s[1]);
        break;
    case RV_FMIN_WASM_S:
        put_min_max(e, RV_FMIN_S, false, r);
        break;
    case RV_FMAX_WASM_S:
        put_min_max(e, RV_FMAX_S, false, r);
        break;
    case RV_FMIN_WASM_D:
        put_min_max(e, RV_FMIN_D, true, r);
        break;
    case RV_FMAX_WASM_D:
        put_min_max(e, RV_FMAX_D, true, r);
        break;
    case RV_ROUND_S:
    case RV_ROUND_D:
        put_round(e, inst->op == RV_ROUND_D, (uint32_t)inst->imm, r.rd, r.s[0]);
        break;
    case RV_TRUNC:
        put_trunc(e, inst->imm, r.rd, r.s[0]);
        break;
    case RV_CHECKED_ADDR:
        put_checked_addr(e, inst, r.rd, r.s[0]);
        break;
    case RV_JUMP:
        put_jump(e, block, e->m->blocks.at[block].succs.at[0]);
        break;
    case RV_BRANCH:
        put_branch(e, block, (enum cond)inst->imm, r.s[0], r.s[1]);
        break;
    case RV_TRAP_BRANCH:
        lines_branch(&e->lines, (enum cond)inst->imm, r.s[0], r.s[1], trap_label(e, inst->trap));
        break;
    case RV_TRAP:
        lines_trap(&e->lines, inst->trap);
        break;
    case RV_SWITCH:
        put_switch(e, block, inst, r);
        break;
    case RV_SWITCH_STEP:
        put_switch_step(e, block, inst, r);
        break;
    case RV_RET:
        put_epilogue(e);
        break;
    case RV_CALL:
        lines_call(&e->lines, (uint32_t)inst->imm, e->options->far_calls);
        lines_site_return(&e->lines);
        break;
    case RV_CALL_IMPORT:
        put_call_import(e, inst->imm);
        break;
    case RV_CALL_REF:
        put_call_ref(e, r.s[0]);
        break;
    case RV_CALL_HELPER:
        put_call_helper(e, inst->imm);
        break;
    default:
        assert(false && "an instruction that emission does not know");
    }
}

static void put_plain(struct emit *e, const struct minst *inst, struct regs r) {
    enum rv_op op = (enum rv_op)inst->op;
    switch (format_of(inst)) {
    case FORMAT_I:
    case FORMAT_L:
    case FORMAT_FL:
        lines_access(&e->lines, op, r.rd, r.s[0], inst->imm);
        break;
    case FORMAT_S:
    case FORMAT_FS:
        lines_access(&e->lines, op, r.s[1], r.s[0], inst->imm);
        break;
    default:
        put(e, encode_inst(op, r.rd, r.s[0], r.s[1], inst->imm));
        break;
    }
}

static void put_inst(struct emit *e, uint32_t block, const struct minst *inst, struct regs r) {
    e->lines.pos = inst->pos;
    if (format_of(inst) == FORMAT_PSEUDO) {
        put_pseudo(e, block, inst, r);
        return;
    }
    if (inst->trap != TRAP_NONE) {
        /* Only small offsets trap: larger ones are off a pinned register. */
        assert(encode_fits(inst->imm, 12));
        lines_site(&e->lines, inst->trap);
    }
    put_plain(e, inst, r);
}

/* ---- blocks -------------------------------------------------------------------------------- */

/* Finds the blocks that only jump, and where jumps to them go in the end. */
static void thread_jumps(struct emit *e, const uint8_t *moved) {
    const struct mfunc *m = e->m;
    struct arena *arena = e->lines.arena;
    uint32_t n = m->blocks.len;
    uint8_t *seen = arena_array(arena, uint8_t, n); /* 1: on the path, 2: known */
    uint32_t *path = arena_array(arena, uint32_t, n);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = i, len = 0;
        while (seen[at] == 0) {
            const struct mblock *b = &m->blocks.at[at];
            bool only_jumps =
                b->count == 1 && m->insts.at[b->first].op == RV_JUMP && !moved[b->first];
            if (!only_jumps) {
                e->forward[at] = at;
                seen[at] = 2;
                break;
            }
            seen[at] = 1;
            path[len++] = at;
            at = b->succs.at[0];
        }
        if (seen[at] == 1) { /* round and round: one of them has to be there */
            e->forward[at] = at;
        }
        uint32_t end = e->forward[at];
        while (len != 0) {
            at = path[--len];
            e->forward[at] = end;
            seen[at] = 2;
        }
    }
}

/* Whether a block is the way back to the head of a loop that a branch at its end may take: then it
 * had better stand right before the head. */
static bool is_way_back(const struct emit *e, uint32_t block) {
    const struct mfunc *m = e->m;
    const struct mblock *b = &m->blocks.at[block];
    if (b->succs.len != 1 || b->preds.len != 1 || b->succs.at[0] >= block ||
        e->forward[block] != block) {
        return false;
    }
    const struct mblock *from = &m->blocks.at[b->preds.at[0]];
    return m->insts.at[from->first + from->count - 1].op == RV_BRANCH;
}

static void order_blocks(struct emit *e) {
    const struct mfunc *m = e->m;
    struct arena *arena = e->lines.arena;
    uint32_t n = m->blocks.len;
    uint32_t *back = arena_array(arena, uint32_t, n); /* of a head: its way back + 1 */
    uint8_t *moved = arena_array(arena, uint8_t, n);
    e->order = arena_array(arena, uint32_t, n);
    for (uint32_t i = 0; i < n; i++) {
        if (is_way_back(e, i) && e->forward[m->blocks.at[i].succs.at[0]] != 0) {
            uint32_t head = e->forward[m->blocks.at[i].succs.at[0]];
            if (back[head] != 0) {
                moved[back[head] - 1] = 0;
            }
            back[head] = i + 1;
            moved[i] = 1;
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        if (back[i] != 0) {
            e->order[e->order_len++] = back[i] - 1;
        }
        if (e->forward[i] == i && !moved[i]) {
            e->order[e->order_len++] = i;
        }
    }
}

static void plan_blocks(struct emit *e) {
    const struct mfunc *m = e->m;
    struct arena *arena = e->lines.arena;
    uint32_t n = m->blocks.len;
    e->labels = arena_array(arena, label_t, n);
    e->forward = arena_array(arena, uint32_t, n);
    e->next = arena_array(arena, uint32_t, n);
    e->tables = arena_array(arena, label_t, n);
    uint8_t *moved = arena_array(arena, uint8_t, m->insts.len);
    for (uint32_t i = 0; i < m->moves.len; i++) {
        moved[m->moves.at[i].inst] = 1;
    }
    thread_jumps(e, moved);
    order_blocks(e);
    uint32_t next = n;
    for (uint32_t i = e->order_len; i-- > 0;) {
        e->next[e->order[i]] = next;
        next = e->order[i];
    }
    for (uint32_t i = 0; i < n; i++) {
        e->labels[i] = lines_label(&e->lines);
    }
}

/* The first of m->moves at or after an instruction. */
static uint32_t find_move(const struct mfunc *m, uint32_t inst) {
    uint32_t low = 0, high = m->moves.len;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (m->moves.at[middle].inst < inst) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static uint32_t inst_of_move(const struct mfunc *m, uint32_t move) {
    return move < m->moves.len ? m->moves.at[move].inst : UINT32_MAX;
}

/* A constant that is made again at each of its uses needs not be made here. */
static bool is_needless(const struct emit *e, const struct minst *inst) {
    return (inst->flags & MINST_REMAT) != 0 && e->m->operands.at[inst->operand].loc == LOC_NONE;
}

static void put_block(struct emit *e, uint32_t block) {
    const struct mfunc *m = e->m;
    const struct mblock *b = &m->blocks.at[block];
    uint32_t move = find_move(m, b->first);
    uint32_t move_inst = inst_of_move(m, move);
    lines_bind(&e->lines, e->labels[block]);
    for (uint32_t i = b->first; i < b->first + b->count; i++) {
        const struct minst *inst = &m->insts.at[i];
        e->lines.pos = inst->pos;
        while (move_inst == i) {
            put_move(e, &m->moves.at[move]);
            move_inst = inst_of_move(m, ++move);
        }
        if (!is_needless(e, inst)) {
            put_inst(e, block, inst, regs_of(e, inst));
        }
    }
}

status_t riscv64_emit(struct arena *arena, const struct mfunc *m,
                      const struct target_options *options, struct code **code_out) {
    struct emit e = {.m = m, .options = options};
    lines_init(&e.lines, m->arena);
    vec_reserve(m->arena, &e.lines.list, m->insts.len + m->moves.len);
    plan_frame(&e);
    if (e.frame > LIMIT_FRAME_SIZE) {
        return STATUS_LIMIT;
    }
    plan_blocks(&e);
    struct prologue_labels labels = put_prologue(&e);
    for (uint32_t i = 0; i < e.order_len; i++) {
        put_block(&e, e.order[i]);
    }
    put_cold(&e);
    put_tables(&e);
    struct code *code = arena_new(arena, struct code);
    lines_finish(&e.lines, arena, code);
    code->func = m->index;
    code->frame_size = e.frame;
    code->frame_set = lines_offset_of(&e.lines, labels.set);
    code->ra_saved = m->has_calls ? lines_offset_of(&e.lines, labels.saved) : UINT32_MAX;
    *code_out = code;
    return STATUS_OK;
}
