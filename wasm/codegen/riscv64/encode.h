/*
 * Machine instructions as 32-bit words: one function a format, one generated a row of insts.def, as
 * in `encode_addi(rd, rs1, imm)`. Fields are cut to size; whoever passes a constant checks first
 * that it fits (encode_fits). The compressed forms are reached through encode_compress(), so that
 * nobody else has to know them.
 */
#ifndef WASM_CODEGEN_RISCV64_ENCODE_H
#define WASM_CODEGEN_RISCV64_ENCODE_H

#include <stdbool.h>
#include <stdint.h>

typedef uint32_t reg_t; /* number of a register in its class */

enum {
    ZERO = 0,
    RA = 1,
    SP = 2,
    GP = 3,
    TP = 4,
    T0 = 5,
    T1 = 6,
    T2 = 7,
    A0 = 10,
    A1 = 11,
    A2 = 12,
    A3 = 13,
    A4 = 14,
    A5 = 15,
    A6 = 16,
    A7 = 17,
    T3 = 28,
    T4 = 29,
    T5 = 30,
    T6 = 31,
    FT11 = 31 /* float scratch */
};

/* Rounding modes. */
enum { RM_RNE = 0, RM_RTZ = 1, RM_RDN = 2, RM_RUP = 3 };

/* Comparisons of branches, by their funct3; the last bit turns one into its opposite. */
enum cond { COND_EQ = 0, COND_NE = 1, COND_LT = 4, COND_GE = 5, COND_LTU = 6, COND_GEU = 7 };

static inline bool encode_fits(int64_t value, uint32_t bits) {
    int64_t half = (int64_t)1 << (bits - 1);
    return value >= -half && value < half;
}
/* value == hi << 12 + lo, lo of 12 signed bits. */
static inline int64_t encode_hi(int64_t value) {
    return (value + 0x800) >> 12;
}
static inline int64_t encode_lo(int64_t value) {
    return value - encode_hi(value) * 4096;
}

static inline uint32_t encode_fields(uint32_t match, reg_t rd, reg_t rs1, reg_t rs2) {
    return match | rd << 7 | rs1 << 15 | rs2 << 20;
}
static inline uint32_t encode_format_N(uint32_t match) {
    return match;
}
static inline uint32_t encode_format_R(uint32_t match, reg_t rd, reg_t rs1, reg_t rs2) {
    return encode_fields(match, rd, rs1, rs2);
}
static inline uint32_t encode_format_R1(uint32_t match, reg_t rd, reg_t rs1) {
    return encode_fields(match, rd, rs1, 0);
}
static inline uint32_t encode_format_I(uint32_t match, reg_t rd, reg_t rs1, int64_t imm) {
    return encode_fields(match, rd, rs1, (uint32_t)imm & 0xfff);
}
static inline uint32_t encode_format_SH6(uint32_t match, reg_t rd, reg_t rs1, int64_t shamt) {
    return encode_fields(match, rd, rs1, (uint32_t)shamt & 63);
}
static inline uint32_t encode_format_SH5(uint32_t match, reg_t rd, reg_t rs1, int64_t shamt) {
    return encode_fields(match, rd, rs1, (uint32_t)shamt & 31);
}
static inline uint32_t encode_format_U(uint32_t match, reg_t rd, int64_t imm20) {
    return match | rd << 7 | (uint32_t)imm20 << 12;
}
static inline uint32_t encode_format_L(uint32_t match, reg_t rd, reg_t rs1, int64_t imm) {
    return encode_format_I(match, rd, rs1, imm);
}
static inline uint32_t encode_format_S(uint32_t match, reg_t rs2, reg_t rs1, int64_t imm) {
    uint32_t u = (uint32_t)imm;
    return encode_fields(match, u & 31, rs1, rs2) | (u >> 5 & 127) << 25;
}
static inline uint32_t encode_format_B(uint32_t match, reg_t rs1, reg_t rs2, int64_t offset) {
    uint32_t u = (uint32_t)offset;
    return encode_fields(match, (u & 0x1e) | (u >> 11 & 1), rs1, rs2) | (u >> 5 & 63) << 25 |
           (u >> 12 & 1) << 31;
}
static inline uint32_t encode_format_J(uint32_t match, reg_t rd, int64_t offset) {
    uint32_t u = (uint32_t)offset;
    return match | rd << 7 | (u & 0xff000) | (u >> 11 & 1) << 20 | (u >> 1 & 0x3ff) << 21 |
           (u >> 20 & 1) << 31;
}
static inline uint32_t encode_format_FR(uint32_t match, reg_t rd, reg_t rs1, reg_t rs2) {
    return encode_fields(match, rd, rs1, rs2);
}
static inline uint32_t encode_format_FR1(uint32_t match, reg_t rd, reg_t rs1) {
    return encode_fields(match, rd, rs1, 0);
}
static inline uint32_t encode_format_FR1M(uint32_t match, reg_t rd, reg_t rs1, uint32_t rm) {
    return encode_fields(match, rd, rs1, 0) | rm << 12;
}
static inline uint32_t encode_format_FL(uint32_t match, reg_t rd, reg_t rs1, int64_t imm) {
    return encode_format_I(match, rd, rs1, imm);
}
static inline uint32_t encode_format_FS(uint32_t match, reg_t rs2, reg_t rs1, int64_t imm) {
    return encode_format_S(match, rs2, rs1, imm);
}
static inline uint32_t encode_format_FI(uint32_t match, reg_t rd, reg_t rs1) {
    return encode_fields(match, rd, rs1, 0);
}
static inline uint32_t encode_format_IF(uint32_t match, reg_t rd, reg_t rs1) {
    return encode_fields(match, rd, rs1, 0);
}
static inline uint32_t encode_format_IFM(uint32_t match, reg_t rd, reg_t rs1, uint32_t rm) {
    return encode_fields(match, rd, rs1, 0) | rm << 12;
}
static inline uint32_t encode_format_IFF(uint32_t match, reg_t rd, reg_t rs1, reg_t rs2) {
    return encode_fields(match, rd, rs1, rs2);
}

enum format {
    FORMAT_N,
    FORMAT_R,
    FORMAT_R1,
    FORMAT_I,
    FORMAT_SH6,
    FORMAT_SH5,
    FORMAT_U,
    FORMAT_L,
    FORMAT_S,
    FORMAT_B,
    FORMAT_J,
    FORMAT_FR,
    FORMAT_FR1,
    FORMAT_FR1M,
    FORMAT_FL,
    FORMAT_FS,
    FORMAT_FI,
    FORMAT_IF,
    FORMAT_IFM,
    FORMAT_IFF,
    FORMAT_PSEUDO
};

/* Opcodes of the machine IR: instructions, then pseudo-instructions. */
enum rv_op {
    RV_NONE,
#define INST(name, text, format, match) RV_##name,
#include "wasm/codegen/riscv64/insts.def"
#undef INST
    RV_INST_COUNT,
    RV_PSEUDO_FIRST = RV_INST_COUNT - 1,
#define PSEUDO(name, text) RV_##name,
#include "wasm/codegen/riscv64/pseudo.def"
#undef PSEUDO
    RV_OP_COUNT
};

struct rv_op_info {
    const char *text;
    enum format format;
    uint32_t match;
};
extern const struct rv_op_info rv_ops[RV_OP_COUNT];

/* The typed encoders, one for each row. */
#define ENCODE_PARAMS_N         void
#define ENCODE_PARAMS_R         reg_t rd, reg_t rs1, reg_t rs2
#define ENCODE_PARAMS_R1        reg_t rd, reg_t rs1
#define ENCODE_PARAMS_I         reg_t rd, reg_t rs1, int64_t imm
#define ENCODE_PARAMS_SH6       reg_t rd, reg_t rs1, int64_t imm
#define ENCODE_PARAMS_SH5       reg_t rd, reg_t rs1, int64_t imm
#define ENCODE_PARAMS_U         reg_t rd, int64_t imm
#define ENCODE_PARAMS_L         reg_t rd, reg_t rs1, int64_t imm
#define ENCODE_PARAMS_S         reg_t rs2, reg_t rs1, int64_t imm
#define ENCODE_PARAMS_B         reg_t rs1, reg_t rs2, int64_t imm
#define ENCODE_PARAMS_J         reg_t rd, int64_t imm
#define ENCODE_PARAMS_FR        reg_t rd, reg_t rs1, reg_t rs2
#define ENCODE_PARAMS_FR1       reg_t rd, reg_t rs1
#define ENCODE_PARAMS_FR1M      reg_t rd, reg_t rs1, uint32_t rm
#define ENCODE_PARAMS_FL        reg_t rd, reg_t rs1, int64_t imm
#define ENCODE_PARAMS_FS        reg_t rs2, reg_t rs1, int64_t imm
#define ENCODE_PARAMS_FI        reg_t rd, reg_t rs1
#define ENCODE_PARAMS_IF        reg_t rd, reg_t rs1
#define ENCODE_PARAMS_IFM       reg_t rd, reg_t rs1, uint32_t rm
#define ENCODE_PARAMS_IFF       reg_t rd, reg_t rs1, reg_t rs2
#define ENCODE_ARGS_N(match)    match
#define ENCODE_ARGS_R(match)    match, rd, rs1, rs2
#define ENCODE_ARGS_R1(match)   match, rd, rs1
#define ENCODE_ARGS_I(match)    match, rd, rs1, imm
#define ENCODE_ARGS_SH6(match)  match, rd, rs1, imm
#define ENCODE_ARGS_SH5(match)  match, rd, rs1, imm
#define ENCODE_ARGS_U(match)    match, rd, imm
#define ENCODE_ARGS_L(match)    match, rd, rs1, imm
#define ENCODE_ARGS_S(match)    match, rs2, rs1, imm
#define ENCODE_ARGS_B(match)    match, rs1, rs2, imm
#define ENCODE_ARGS_J(match)    match, rd, imm
#define ENCODE_ARGS_FR(match)   match, rd, rs1, rs2
#define ENCODE_ARGS_FR1(match)  match, rd, rs1
#define ENCODE_ARGS_FR1M(match) match, rd, rs1, rm
#define ENCODE_ARGS_FL(match)   match, rd, rs1, imm
#define ENCODE_ARGS_FS(match)   match, rs2, rs1, imm
#define ENCODE_ARGS_FI(match)   match, rd, rs1
#define ENCODE_ARGS_IF(match)   match, rd, rs1
#define ENCODE_ARGS_IFM(match)  match, rd, rs1, rm
#define ENCODE_ARGS_IFF(match)  match, rd, rs1, rs2

#define INST(name, text, format, match)                                                            \
    static inline uint32_t encode_##name(ENCODE_PARAMS_##format) {                                 \
        return encode_format_##format(ENCODE_ARGS_##format(match));                                \
    }
#include "wasm/codegen/riscv64/insts.def"
#undef INST

/* Any instruction by its opcode; what its format does not have is ignored. imm is also the
 * rounding mode. */
uint32_t encode_inst(enum rv_op op, reg_t rd, reg_t rs1, reg_t rs2, int64_t imm);

/* The 16-bit form of an instruction, or 0 if it has none. Jumps and branches are never compressed
 * here: their reach is decided elsewhere (lines.h). */
uint16_t encode_compress(uint32_t word);
/* The 32-bit form of a 16-bit instruction, jumps and branches included; 0 if it is none. */
uint32_t encode_expand(uint16_t half);
uint16_t encode_c_j(int64_t offset);                         /* +-2 KiB */
uint16_t encode_c_beqz(bool nez, reg_t rs1, int64_t offset); /* x8-x15, +-256 bytes */

#endif
