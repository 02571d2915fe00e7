/*
 * The machine IR as text, one instruction a line: `v7 = add.uw v3, gp`. After register allocation
 * each vreg is followed by its place, and the moves stand before their instruction.
 */
#include "wasm/codegen/riscv64/encode.h"
#include "wasm/codegen/riscv64/riscv64.h"

const char *const riscv64_int_names[32] = {"zero", "ra", "sp",  "gp",  "tp", "t0", "t1", "t2",
                                           "s0",   "s1", "a0",  "a1",  "a2", "a3", "a4", "a5",
                                           "a6",   "a7", "s2",  "s3",  "s4", "s5", "s6", "s7",
                                           "s8",   "s9", "s10", "s11", "t3", "t4", "t5", "t6"};
const char *const riscv64_float_names[32] = {
    "ft0", "ft1", "ft2", "ft3", "ft4",  "ft5",  "ft6", "ft7", "fs0",  "fs1", "fa0",
    "fa1", "fa2", "fa3", "fa4", "fa5",  "fa6",  "fa7", "fs2", "fs3",  "fs4", "fs5",
    "fs6", "fs7", "fs8", "fs9", "fs10", "fs11", "ft8", "ft9", "ft10", "ft11"};

static void print_loc(struct sink *sink, loc_t loc) {
    if (loc_is_slot(loc)) {
        fmt_print(sink, "[%u]", loc_slot(loc));
    } else if (loc_is_reg(loc)) {
        bool is_int = loc_class(loc) == REG_INT;
        fmt_print(sink, "%s", (is_int ? riscv64_int_names : riscv64_float_names)[loc_reg(loc)]);
    }
}

static void print_operand(struct sink *sink, const struct mfunc *m, const struct moperand *o) {
    fmt_print(sink, "v%u", o->vreg);
    if (o->loc != LOC_NONE) {
        fmt_print(sink, ":");
        print_loc(sink, o->loc);
    } else if (o->constraint == OPERAND_FIXED) {
        fmt_print(sink, "@");
        print_loc(sink, LOC_REG(m->vreg_class.at[o->vreg], o->reg));
    }
}

static bool is_def(const struct moperand *o) {
    return o->role == OPERAND_DEF || o->role == OPERAND_DEF_EARLY;
}

static void print_defs(struct sink *sink, const struct mfunc *m, const struct minst *inst) {
    bool any = false;
    for (uint32_t i = 0; i < inst->operand_count; i++) {
        const struct moperand *o = &m->operands.at[inst->operand + i];
        if (is_def(o)) {
            fmt_print(sink, any ? ", " : "");
            print_operand(sink, m, o);
            any = true;
        }
    }
    fmt_print(sink, any ? " = " : "");
}

/* Pinned sources have their byte in aux, the others are the operands in order. */
static void print_sources(struct sink *sink, const struct mfunc *m, const struct minst *inst) {
    uint32_t source = 0;
    const char *before = " ";
    for (uint32_t i = 0; i < inst->operand_count || inst->aux >> (8 * source) != 0;) {
        uint32_t pin = source < 4 ? inst->aux >> (8 * source) & 0xff : 0;
        if (pin != 0) {
            fmt_print(sink, "%s%s", before, riscv64_int_names[pin - 1]);
        } else if (i < inst->operand_count) {
            const struct moperand *o = &m->operands.at[inst->operand + i++];
            if (is_def(o)) {
                continue;
            }
            fmt_print(sink, "%s", before);
            print_operand(sink, m, o);
        }
        before = ", ";
        if (source < 4) {
            source++;
        }
        if (source == 4 && i >= inst->operand_count) {
            break;
        }
    }
}

static void print_inst(struct sink *sink, const struct mfunc *m, uint32_t block,
                       const struct minst *inst) {
    static const char *const conds[] = {"eq", "ne", "?", "?", "lt", "ge", "ltu", "geu"};
    const struct rv_op_info *info = &rv_ops[inst->op];
    fmt_print(sink, "    ");
    print_defs(sink, m, inst);
    fmt_print(sink, "%s", info->text);
    if (inst->op == RV_BRANCH || inst->op == RV_TRAP_BRANCH || inst->op == RV_SELECT ||
        inst->op == RV_FSELECT) {
        fmt_print(sink, ".%s", conds[inst->imm & 7]);
    }
    print_sources(sink, m, inst);
    if (inst->imm != 0) {
        fmt_print(sink, " #%lld", (long long)inst->imm);
    }
    if (inst->trap != TRAP_NONE) {
        fmt_print(sink, " !%s", trap_text((enum trap)inst->trap));
    }
    if ((inst->flags & MINST_END) != 0) {
        for (uint32_t i = 0; i < m->blocks.at[block].succs.len; i++) {
            fmt_print(sink, " ->b%u", m->blocks.at[block].succs.at[i]);
        }
    }
    fmt_print(sink, "\n");
}

static void print_move(struct sink *sink, const struct mmove *move) {
    fmt_print(sink, "      ");
    print_loc(sink, move->to);
    fmt_print(sink, " <- ");
    if (move->remat != 0) {
        fmt_print(sink, "again %u", move->remat - 1);
    } else {
        print_loc(sink, move->from);
    }
    fmt_print(sink, "\n");
}

void riscv64_print(struct sink *sink, const struct mfunc *m) {
    uint32_t move = 0;
    for (uint32_t i = 0; i < m->blocks.len; i++) {
        const struct mblock *b = &m->blocks.at[i];
        fmt_print(sink, "  b%u", i);
        for (uint32_t k = 0; k < b->params.len; k++) {
            fmt_print(sink, "%sv%u", k == 0 ? "(" : ", ", b->params.at[k]);
        }
        fmt_print(sink, "%s:    ; depth %u\n", b->params.len != 0 ? ")" : "", b->loop_depth);
        for (uint32_t k = b->first; k < b->first + b->count; k++) {
            while (move < m->moves.len && m->moves.at[move].inst <= k) {
                print_move(sink, &m->moves.at[move++]);
            }
            print_inst(sink, m, i, &m->insts.at[k]);
        }
    }
}
