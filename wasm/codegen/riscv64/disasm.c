/*
 * Machine code as text, for what the compiler and the stubs emit. The patterns are the rows of
 * insts.def; 16-bit instructions are shown as what they stand for, with `c.` before. The names
 * are those of the assembler without its aliases, but for the plainest: li, mv, j, jr, ret, nop.
 */
#include "wasm/codegen/riscv64/encode.h"
#include "wasm/codegen/riscv64/riscv64.h"

static uint32_t format_mask(enum format format) {
    switch (format) {
    case FORMAT_R:
    case FORMAT_FR:
    case FORMAT_IFF:
    case FORMAT_SH5:
        return 0xfe00707f;
    case FORMAT_R1:
    case FORMAT_FR1:
    case FORMAT_FI:
    case FORMAT_IF:
        return 0xfff0707f;
    case FORMAT_FR1M:
    case FORMAT_IFM:
        return 0xfff0007f;
    case FORMAT_I:
    case FORMAT_L:
    case FORMAT_S:
    case FORMAT_FL:
    case FORMAT_FS:
    case FORMAT_B:
        return 0x707f;
    case FORMAT_SH6:
        return 0xfc00707f;
    case FORMAT_U:
    case FORMAT_J:
        return 0x7f;
    default:
        return UINT32_MAX;
    }
}

static enum rv_op find(uint32_t word) {
    for (uint32_t op = RV_NONE + 1; op < RV_INST_COUNT; op++) {
        if ((word & format_mask(rv_ops[op].format)) == rv_ops[op].match) {
            return (enum rv_op)op;
        }
    }
    return RV_NONE;
}

struct fields {
    reg_t rd, rs1, rs2;
    int32_t imm_i, imm_s, imm_b, imm_j, imm_u;
    uint32_t rm;
};

static struct fields fields_of(uint32_t w) {
    struct fields f = {.rd = w >> 7 & 31,
                       .rs1 = w >> 15 & 31,
                       .rs2 = w >> 20 & 31,
                       .rm = w >> 12 & 7,
                       .imm_i = (int32_t)w >> 20};
    uint32_t sign = (uint32_t)((int32_t)w >> 31);
    f.imm_s = (int32_t)((uint32_t)((int32_t)w >> 25) << 5 | (w >> 7 & 31));
    f.imm_b = (int32_t)(sign << 12 | (w >> 7 & 1) << 11 | (w >> 25 & 63) << 5 | (w >> 8 & 15) << 1);
    f.imm_j = (int32_t)(sign << 20 | (w & 0xff000) | (w >> 20 & 1) << 11 | (w >> 21 & 0x3ff) << 1);
    f.imm_u = (int32_t)(w >> 12);
    return f;
}

struct text {
    char *buf;
    size_t cap;
};

/* The plain names of a few forms that are everywhere. False if it is none of them. */
static bool put_alias(struct text t, const char *c, enum rv_op op, const struct fields *f,
                      uint64_t pc) {
    const char *const *x = riscv64_int_names;
    if (op == RV_ADDI && f->rs1 == ZERO) {
        if (f->rd == ZERO && f->imm_i == 0) {
            fmt_text(t.buf, t.cap, "%snop", c);
        } else {
            fmt_text(t.buf, t.cap, "%sli %s, %d", c, x[f->rd], f->imm_i);
        }
    } else if (op == RV_ADDI && f->imm_i == 0) {
        fmt_text(t.buf, t.cap, "%smv %s, %s", c, x[f->rd], x[f->rs1]);
    } else if (op == RV_ADD && f->rs1 == ZERO) {
        fmt_text(t.buf, t.cap, "%smv %s, %s", c, x[f->rd], x[f->rs2]);
    } else if (op == RV_JAL && f->rd == ZERO) {
        fmt_text(t.buf, t.cap, "%sj 0x%llx", c, (unsigned long long)(pc + (uint64_t)f->imm_j));
    } else if (op == RV_JALR && f->imm_i == 0 && f->rd == ZERO) {
        if (f->rs1 == RA) {
            fmt_text(t.buf, t.cap, "%sret", c);
        } else {
            fmt_text(t.buf, t.cap, "%sjr %s", c, x[f->rs1]);
        }
    } else {
        return false;
    }
    return true;
}

static void put_format(struct text t, const char *c, enum rv_op op, const struct fields *f,
                       uint64_t pc) {
    static const char *const modes[8] = {"rne", "rtz", "rdn", "rup", "rmm", "?", "?", "dyn"};
    const char *const *x = riscv64_int_names, *const *d = riscv64_float_names;
    const char *name = rv_ops[op].text;
    switch (rv_ops[op].format) {
    case FORMAT_R:
        fmt_text(t.buf, t.cap, "%s%s %s, %s, %s", c, name, x[f->rd], x[f->rs1], x[f->rs2]);
        break;
    case FORMAT_R1:
        fmt_text(t.buf, t.cap, "%s%s %s, %s", c, name, x[f->rd], x[f->rs1]);
        break;
    case FORMAT_I:
        fmt_text(t.buf, t.cap, "%s%s %s, %s, %d", c, name, x[f->rd], x[f->rs1], f->imm_i);
        break;
    case FORMAT_SH6:
        fmt_text(t.buf, t.cap, "%s%s %s, %s, %d", c, name, x[f->rd], x[f->rs1], f->imm_i & 63);
        break;
    case FORMAT_SH5:
        fmt_text(t.buf, t.cap, "%s%s %s, %s, %d", c, name, x[f->rd], x[f->rs1], f->imm_i & 31);
        break;
    case FORMAT_U:
        fmt_text(t.buf, t.cap, "%s%s %s, 0x%x", c, name, x[f->rd], (unsigned)f->imm_u);
        break;
    case FORMAT_L:
        fmt_text(t.buf, t.cap, "%s%s %s, %d(%s)", c, name, x[f->rd], f->imm_i, x[f->rs1]);
        break;
    case FORMAT_S:
        fmt_text(t.buf, t.cap, "%s%s %s, %d(%s)", c, name, x[f->rs2], f->imm_s, x[f->rs1]);
        break;
    case FORMAT_FL:
        fmt_text(t.buf, t.cap, "%s%s %s, %d(%s)", c, name, d[f->rd], f->imm_i, x[f->rs1]);
        break;
    case FORMAT_FS:
        fmt_text(t.buf, t.cap, "%s%s %s, %d(%s)", c, name, d[f->rs2], f->imm_s, x[f->rs1]);
        break;
    case FORMAT_B:
        fmt_text(t.buf, t.cap, "%s%s %s, %s, 0x%llx", c, name, x[f->rs1], x[f->rs2],
                 (unsigned long long)(pc + (uint64_t)f->imm_b));
        break;
    case FORMAT_J:
        fmt_text(t.buf, t.cap, "%s%s %s, 0x%llx", c, name, x[f->rd],
                 (unsigned long long)(pc + (uint64_t)f->imm_j));
        break;
    case FORMAT_FR:
        fmt_text(t.buf, t.cap, "%s%s %s, %s, %s", c, name, d[f->rd], d[f->rs1], d[f->rs2]);
        break;
    case FORMAT_FR1:
        fmt_text(t.buf, t.cap, "%s%s %s, %s", c, name, d[f->rd], d[f->rs1]);
        break;
    case FORMAT_FR1M:
        fmt_text(t.buf, t.cap, "%s%s %s, %s, %s", c, name, d[f->rd], d[f->rs1], modes[f->rm]);
        break;
    case FORMAT_FI:
        fmt_text(t.buf, t.cap, "%s%s %s, %s", c, name, d[f->rd], x[f->rs1]);
        break;
    case FORMAT_IF:
        fmt_text(t.buf, t.cap, "%s%s %s, %s", c, name, x[f->rd], d[f->rs1]);
        break;
    case FORMAT_IFM:
        fmt_text(t.buf, t.cap, "%s%s %s, %s, %s", c, name, x[f->rd], d[f->rs1], modes[f->rm]);
        break;
    case FORMAT_IFF:
        fmt_text(t.buf, t.cap, "%s%s %s, %s, %s", c, name, x[f->rd], d[f->rs1], d[f->rs2]);
        break;
    case FORMAT_N:
    case FORMAT_PSEUDO:
        fmt_text(t.buf, t.cap, "%s%s", c, name);
        break;
    }
}

uint32_t riscv64_disassemble(const uint8_t *bytes, uint32_t size, uint64_t pc, char *buf,
                             size_t cap) {
    struct text t = {buf, cap};
    if (size < 2) {
        fmt_text(buf, cap, ".byte");
        return size;
    }
    uint32_t half = bytes[0] | (uint32_t)bytes[1] << 8;
    bool is_short = (half & 3) != 3;
    if (!is_short && size < 4) {
        fmt_text(buf, cap, ".half 0x%04x", half);
        return 2;
    }
    uint32_t word = is_short ? encode_expand((uint16_t)half)
                             : half | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
    if (half == 0) {
        fmt_text(buf, cap, "c.unimp");
        return 2;
    }
    enum rv_op op = find(word);
    if (op == RV_NONE) {
        fmt_text(buf, cap, is_short ? ".half 0x%04x" : ".word 0x%08x", is_short ? half : word);
        return is_short ? 2 : 4;
    }
    struct fields f = fields_of(word);
    const char *c = is_short ? "c." : "";
    if (!put_alias(t, c, op, &f, pc)) {
        put_format(t, c, op, &f, pc);
    }
    return is_short ? 2 : 4;
}
