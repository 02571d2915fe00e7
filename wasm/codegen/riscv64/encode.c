/*
 * Table of instructions, and the two ways between 32-bit and 16-bit forms (manual, chapter C).
 */
#include "wasm/codegen/riscv64/encode.h"

const struct rv_op_info rv_ops[RV_OP_COUNT] = {
    [RV_NONE] = {"none", FORMAT_PSEUDO, 0},
#define INST(name, text, format, match) [RV_##name] = {text, FORMAT_##format, match},
#include "wasm/codegen/riscv64/insts.def"
#undef INST
#define PSEUDO(name, text) [RV_##name] = {text, FORMAT_PSEUDO, 0},
#include "wasm/codegen/riscv64/pseudo.def"
#undef PSEUDO
};

uint32_t encode_inst(enum rv_op op, reg_t rd, reg_t rs1, reg_t rs2, int64_t imm) {
    uint32_t match = rv_ops[op].match;
    switch (rv_ops[op].format) {
    case FORMAT_R:
    case FORMAT_FR:
    case FORMAT_IFF:
        return encode_fields(match, rd, rs1, rs2);
    case FORMAT_R1:
    case FORMAT_FR1:
    case FORMAT_FI:
    case FORMAT_IF:
        return encode_fields(match, rd, rs1, 0);
    case FORMAT_FR1M:
    case FORMAT_IFM:
        return encode_format_IFM(match, rd, rs1, (uint32_t)imm);
    case FORMAT_I:
    case FORMAT_L:
    case FORMAT_FL:
        return encode_format_I(match, rd, rs1, imm);
    case FORMAT_SH6:
        return encode_format_SH6(match, rd, rs1, imm);
    case FORMAT_SH5:
        return encode_format_SH5(match, rd, rs1, imm);
    case FORMAT_U:
        return encode_format_U(match, rd, imm);
    case FORMAT_S:
    case FORMAT_FS:
        return encode_format_S(match, rs2, rs1, imm);
    case FORMAT_B:
        return encode_format_B(match, rs1, rs2, imm);
    case FORMAT_J:
        return encode_format_J(match, rd, imm);
    case FORMAT_N:
    case FORMAT_PSEUDO:
        break;
    }
    return match;
}

/* ---- fields of 32-bit words ---------------------------------------------------------------- */

static uint32_t bits(uint32_t word, uint32_t low, uint32_t count) {
    return word >> low & ((1u << count) - 1);
}
static reg_t word_rd(uint32_t w) {
    return bits(w, 7, 5);
}
static reg_t word_rs1(uint32_t w) {
    return bits(w, 15, 5);
}
static reg_t word_rs2(uint32_t w) {
    return bits(w, 20, 5);
}
static int32_t word_imm_i(uint32_t w) {
    return (int32_t)w >> 20;
}
static int32_t word_imm_s(uint32_t w) {
    return (int32_t)((uint32_t)((int32_t)w >> 25) << 5 | bits(w, 7, 5));
}
static bool is_small(reg_t r) { /* has a 3-bit number */
    return r >= 8 && r < 16;
}

/* ---- to 16 bits ---------------------------------------------------------------------------- */

#define C(word) ((uint16_t)(word))

static uint32_t imm6(int32_t imm) {
    return bits((uint32_t)imm, 0, 5) << 2 | bits((uint32_t)imm, 5, 1) << 12;
}

static uint16_t compress_addi(reg_t rd, reg_t rs1, int32_t imm) {
    if (rd == 0) {
        return rs1 == 0 && imm == 0 ? C(0x0001) : C(0);
    }
    if (rs1 == 0 && encode_fits(imm, 6)) {
        return C(0x4001 | rd << 7 | imm6(imm));
    }
    if (imm == 0) {
        return rs1 != 0 ? C(0x8002 | rd << 7 | rs1 << 2) : C(0);
    }
    if (rd == rs1 && encode_fits(imm, 6)) {
        return C(0x0001 | rd << 7 | imm6(imm));
    }
    uint32_t u = (uint32_t)imm;
    if (rd == SP && rs1 == SP && imm % 16 == 0 && encode_fits(imm, 10)) {
        return C(0x6101 | bits(u, 9, 1) << 12 | bits(u, 4, 1) << 6 | bits(u, 6, 1) << 5 |
                 bits(u, 7, 2) << 3 | bits(u, 5, 1) << 2);
    }
    if (is_small(rd) && rs1 == SP && imm > 0 && imm < 1024 && imm % 4 == 0) {
        return C((rd - 8) << 2 | bits(u, 4, 2) << 11 | bits(u, 6, 4) << 7 | bits(u, 2, 1) << 6 |
                 bits(u, 3, 1) << 5);
    }
    return 0;
}

/* rd = rd op rs2 among x8-x15; `commutes` lets the operands change places. */
static uint16_t compress_small(uint32_t base, bool commutes, reg_t rd, reg_t rs1, reg_t rs2) {
    if (commutes && rd == rs2) {
        rs2 = rs1;
        rs1 = rd;
    }
    if (rd != rs1 || !is_small(rd) || !is_small(rs2)) {
        return 0;
    }
    return C(base | (rd - 8) << 7 | (rs2 - 8) << 2);
}

static uint16_t compress_add(reg_t rd, reg_t rs1, reg_t rs2) {
    if (rd == 0) {
        return 0;
    }
    if (rs1 == 0 || rs2 == 0) {
        reg_t from = rs1 | rs2;
        return from != 0 ? C(0x8002 | rd << 7 | from << 2) : C(0);
    }
    if (rd == rs2) {
        rs2 = rs1;
        rs1 = rd;
    }
    return rd == rs1 ? C(0x9002 | rd << 7 | rs2 << 2) : C(0);
}

/* 4-byte and 8-byte accesses: base is the opcode for x8-x15, sp_base that for the stack pointer. */
static uint16_t compress_word(uint32_t base, uint32_t sp_base, bool is_store, reg_t r, reg_t rs1,
                              int32_t imm) {
    uint32_t u = (uint32_t)imm;
    if (imm < 0 || imm % 4 != 0) {
        return 0;
    }
    if (is_small(r) && is_small(rs1) && imm < 128) {
        return C(base | (rs1 - 8) << 7 | (r - 8) << 2 | bits(u, 3, 3) << 10 | bits(u, 2, 1) << 6 |
                 bits(u, 6, 1) << 5);
    }
    if (rs1 != SP || imm >= 256 || (!is_store && r == 0)) {
        return 0;
    }
    return is_store ? C(sp_base | r << 2 | bits(u, 2, 4) << 9 | bits(u, 6, 2) << 7)
                    : C(sp_base | r << 7 | bits(u, 5, 1) << 12 | bits(u, 2, 3) << 4 |
                        bits(u, 6, 2) << 2);
}

static uint16_t compress_double(uint32_t base, uint32_t sp_base, bool is_store, bool is_float,
                                reg_t r, reg_t rs1, int32_t imm) {
    uint32_t u = (uint32_t)imm;
    if (imm < 0 || imm % 8 != 0) {
        return 0;
    }
    if (is_small(r) && is_small(rs1) && imm < 256) {
        return C(base | (rs1 - 8) << 7 | (r - 8) << 2 | bits(u, 3, 3) << 10 | bits(u, 6, 2) << 5);
    }
    if (rs1 != SP || imm >= 512 || (!is_store && !is_float && r == 0)) {
        return 0;
    }
    return is_store ? C(sp_base | r << 2 | bits(u, 3, 3) << 10 | bits(u, 6, 3) << 7)
                    : C(sp_base | r << 7 | bits(u, 5, 1) << 12 | bits(u, 3, 2) << 5 |
                        bits(u, 6, 3) << 2);
}

static uint16_t compress_imm(uint32_t w) {
    reg_t rd = word_rd(w), rs1 = word_rs1(w);
    int32_t imm = word_imm_i(w);
    uint32_t shamt = (uint32_t)imm & 63;
    uint32_t shift = bits(shamt, 0, 5) << 2 | bits(shamt, 5, 1) << 12;
    bool same = rd == rs1 && rd != 0;
    switch (w & 0xfc00707f) {
    case 0x1013: /* slli */
        return same && shamt != 0 ? C(0x0002 | rd << 7 | shift) : C(0);
    case 0x5013: /* srli */
        return same && is_small(rd) && shamt != 0 ? C(0x8001 | (rd - 8) << 7 | shift) : C(0);
    case 0x40005013: /* srai */
        return same && is_small(rd) && shamt != 0 ? C(0x8401 | (rd - 8) << 7 | shift) : C(0);
    default:
        break;
    }
    switch (bits(w, 12, 3)) {
    case 0:
        return compress_addi(rd, rs1, imm);
    case 7: /* andi */
        return same && is_small(rd) && encode_fits(imm, 6) ? C(0x8801 | (rd - 8) << 7 | imm6(imm))
                                                           : C(0);
    default:
        return 0;
    }
}

static uint16_t compress_reg(uint32_t w) {
    reg_t rd = word_rd(w), rs1 = word_rs1(w), rs2 = word_rs2(w);
    switch (w & 0xfe00707f) {
    case 0x33:
        return compress_add(rd, rs1, rs2);
    case 0x40000033:
        return compress_small(0x8c01, false, rd, rs1, rs2);
    case 0x4033:
        return compress_small(0x8c21, true, rd, rs1, rs2);
    case 0x6033:
        return compress_small(0x8c41, true, rd, rs1, rs2);
    case 0x7033:
        return compress_small(0x8c61, true, rd, rs1, rs2);
    case 0x4000003b:
        return compress_small(0x9c01, false, rd, rs1, rs2);
    case 0x3b:
        return compress_small(0x9c21, true, rd, rs1, rs2);
    default:
        return 0;
    }
}

static uint16_t compress_jalr(uint32_t w) {
    if (word_imm_i(w) != 0 || word_rs1(w) == 0 || word_rd(w) > RA) {
        return 0;
    }
    return C((word_rd(w) == RA ? 0x9002u : 0x8002u) | word_rs1(w) << 7);
}

uint16_t encode_compress(uint32_t w) {
    reg_t rd = word_rd(w), rs1 = word_rs1(w), rs2 = word_rs2(w);
    int32_t imm = word_imm_i(w);
    switch (w & 0x707f) {
    case 0x2003:
        return compress_word(0x4000, 0x4002, false, rd, rs1, imm);
    case 0x3003:
        return compress_double(0x6000, 0x6002, false, false, rd, rs1, imm);
    case 0x3007:
        return compress_double(0x2000, 0x2002, false, true, rd, rs1, imm);
    case 0x2023:
        return compress_word(0xc000, 0xc002, true, rs2, rs1, word_imm_s(w));
    case 0x3023:
        return compress_double(0xe000, 0xe002, true, false, rs2, rs1, word_imm_s(w));
    case 0x3027:
        return compress_double(0xa000, 0xa002, true, true, rs2, rs1, word_imm_s(w));
    case 0x1b: /* addiw */
        return rd == rs1 && rd != 0 && encode_fits(imm, 6) ? C(0x2001 | rd << 7 | imm6(imm)) : C(0);
    case 0x67:
        return compress_jalr(w);
    default:
        break;
    }
    switch (w & 0x7f) {
    case 0x13:
        return compress_imm(w);
    case 0x33:
    case 0x3b:
        return compress_reg(w);
    case 0x37: /* lui */
        imm = (int32_t)w >> 12;
        return rd != 0 && rd != SP && imm != 0 && encode_fits(imm, 6)
                   ? C(0x6001 | rd << 7 | imm6(imm))
                   : C(0);
    case 0x73:
        return w == 0x100073 ? C(0x9002) : C(0);
    default:
        return 0;
    }
}

uint16_t encode_c_j(int64_t offset) {
    uint32_t u = (uint32_t)offset;
    return C(0xa001 | bits(u, 11, 1) << 12 | bits(u, 4, 1) << 11 | bits(u, 8, 2) << 9 |
             bits(u, 10, 1) << 8 | bits(u, 6, 1) << 7 | bits(u, 7, 1) << 6 | bits(u, 1, 3) << 3 |
             bits(u, 5, 1) << 2);
}

uint16_t encode_c_beqz(bool nez, reg_t rs1, int64_t offset) {
    uint32_t u = (uint32_t)offset;
    return C((nez ? 0xe001u : 0xc001u) | (rs1 - 8) << 7 | bits(u, 8, 1) << 12 |
             bits(u, 3, 2) << 10 | bits(u, 6, 2) << 5 | bits(u, 1, 2) << 3 | bits(u, 5, 1) << 2);
}

/* ---- from 16 bits -------------------------------------------------------------------------- */

static int32_t half_imm6(uint32_t h) {
    return (int32_t)((bits(h, 2, 5) | bits(h, 12, 1) << 5) << 26) >> 26;
}
static uint32_t half_word(uint32_t h) { /* offset of c.lw and c.sw */
    return bits(h, 10, 3) << 3 | bits(h, 6, 1) << 2 | bits(h, 5, 1) << 6;
}
static uint32_t half_double(uint32_t h) {
    return bits(h, 10, 3) << 3 | bits(h, 5, 2) << 6;
}

static uint32_t expand_quadrant0(uint32_t h) {
    reg_t r = bits(h, 2, 3) + 8, base = bits(h, 7, 3) + 8;
    switch (bits(h, 13, 3)) {
    case 0: {
        uint32_t imm =
            bits(h, 11, 2) << 4 | bits(h, 7, 4) << 6 | bits(h, 6, 1) << 2 | bits(h, 5, 1) << 3;
        return imm != 0 ? encode_ADDI(r, SP, imm) : 0;
    }
    case 1:
        return encode_FLD(r, base, half_double(h));
    case 2:
        return encode_LW(r, base, half_word(h));
    case 3:
        return encode_LD(r, base, half_double(h));
    case 5:
        return encode_FSD(r, base, half_double(h));
    case 6:
        return encode_SW(r, base, half_word(h));
    case 7:
        return encode_SD(r, base, half_double(h));
    default:
        return 0;
    }
}

static uint32_t expand_arith(uint32_t h) {
    reg_t rd = bits(h, 7, 3) + 8, rs2 = bits(h, 2, 3) + 8;
    uint32_t shamt = (uint32_t)half_imm6(h) & 63;
    switch (bits(h, 10, 2)) {
    case 0:
        return shamt != 0 ? encode_SRLI(rd, rd, shamt) : 0;
    case 1:
        return shamt != 0 ? encode_SRAI(rd, rd, shamt) : 0;
    case 2:
        return encode_ANDI(rd, rd, half_imm6(h));
    default:
        break;
    }
    switch (bits(h, 12, 1) << 2 | bits(h, 5, 2)) {
    case 0:
        return encode_SUB(rd, rd, rs2);
    case 1:
        return encode_XOR(rd, rd, rs2);
    case 2:
        return encode_OR(rd, rd, rs2);
    case 3:
        return encode_AND(rd, rd, rs2);
    case 4:
        return encode_SUBW(rd, rd, rs2);
    case 5:
        return encode_ADDW(rd, rd, rs2);
    default:
        return 0;
    }
}

static int32_t half_jump(uint32_t h) {
    uint32_t u = bits(h, 12, 1) << 11 | bits(h, 11, 1) << 4 | bits(h, 9, 2) << 8 |
                 bits(h, 8, 1) << 10 | bits(h, 7, 1) << 6 | bits(h, 6, 1) << 7 |
                 bits(h, 3, 3) << 1 | bits(h, 2, 1) << 5;
    return (int32_t)(u << 20) >> 20;
}
static int32_t half_branch(uint32_t h) {
    uint32_t u = bits(h, 12, 1) << 8 | bits(h, 10, 2) << 3 | bits(h, 5, 2) << 6 |
                 bits(h, 3, 2) << 1 | bits(h, 2, 1) << 5;
    return (int32_t)(u << 23) >> 23;
}

static uint32_t expand_lui(uint32_t h) {
    reg_t rd = bits(h, 7, 5);
    int32_t imm = half_imm6(h);
    if (imm == 0) {
        return 0;
    }
    if (rd != SP) {
        return rd != 0 ? encode_LUI(rd, imm) : 0;
    }
    uint32_t u = bits(h, 12, 1) << 9 | bits(h, 6, 1) << 4 | bits(h, 5, 1) << 6 |
                 bits(h, 3, 2) << 7 | bits(h, 2, 1) << 5;
    return encode_ADDI(SP, SP, (int32_t)(u << 22) >> 22);
}

static uint32_t expand_quadrant1(uint32_t h) {
    reg_t rd = bits(h, 7, 5), small = bits(h, 7, 3) + 8;
    int32_t imm = half_imm6(h);
    switch (bits(h, 13, 3)) {
    case 0:
        return (rd != 0) == (imm != 0) ? encode_ADDI(rd, rd, imm) : 0;
    case 1:
        return rd != 0 ? encode_ADDIW(rd, rd, imm) : 0;
    case 2:
        return rd != 0 ? encode_ADDI(rd, 0, imm) : 0;
    case 3:
        return expand_lui(h);
    case 4:
        return expand_arith(h);
    case 5:
        return encode_JAL(0, half_jump(h));
    case 6:
        return encode_BEQ(small, 0, half_branch(h));
    default:
        return encode_BNE(small, 0, half_branch(h));
    }
}

static uint32_t expand_move(uint32_t h) {
    reg_t rd = bits(h, 7, 5), rs2 = bits(h, 2, 5);
    bool high = bits(h, 12, 1) != 0;
    if (rs2 != 0) {
        return rd == 0 ? 0 : encode_ADD(rd, high ? rd : 0, rs2);
    }
    if (rd != 0) {
        return encode_JALR(high ? RA : ZERO, rd, 0);
    }
    return high ? encode_EBREAK() : 0;
}

static uint32_t expand_quadrant2(uint32_t h) {
    reg_t rd = bits(h, 7, 5), rs2 = bits(h, 2, 5);
    uint32_t load8 = bits(h, 12, 1) << 5 | bits(h, 5, 2) << 3 | bits(h, 2, 3) << 6;
    uint32_t load4 = bits(h, 12, 1) << 5 | bits(h, 4, 3) << 2 | bits(h, 2, 2) << 6;
    uint32_t store8 = bits(h, 10, 3) << 3 | bits(h, 7, 3) << 6;
    uint32_t store4 = bits(h, 9, 4) << 2 | bits(h, 7, 2) << 6;
    uint32_t shamt = (uint32_t)half_imm6(h) & 63;
    switch (bits(h, 13, 3)) {
    case 0:
        return rd != 0 && shamt != 0 ? encode_SLLI(rd, rd, shamt) : 0;
    case 1:
        return encode_FLD(rd, SP, load8);
    case 2:
        return rd != 0 ? encode_LW(rd, SP, load4) : 0;
    case 3:
        return rd != 0 ? encode_LD(rd, SP, load8) : 0;
    case 4:
        return expand_move(h);
    case 5:
        return encode_FSD(rs2, SP, store8);
    case 6:
        return encode_SW(rs2, SP, store4);
    default:
        return encode_SD(rs2, SP, store8);
    }
}

uint32_t encode_expand(uint16_t half) {
    switch (half & 3) {
    case 0:
        return expand_quadrant0(half);
    case 1:
        return expand_quadrant1(half);
    case 2:
        return expand_quadrant2(half);
    default:
        return 0;
    }
}
