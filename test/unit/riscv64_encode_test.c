/*
 * The encoder against an independent assembler. riscv64_encode_rows.def holds for each instruction
 * a few sets of operands, its word and, if there is one, its 16-bit form as the LLVM assembler makes them from the
 * text, which is our disassembler's: so encoder, compressor, expander and disassembler are
 * all held against the same row. Beyond that: every 16-bit pattern, constants, and jumps of all lengths.
 */
#include "test/support/check.h"
#include "test/support/heap.h"
#include "wasm/codegen/riscv64/features.h"
#include "wasm/codegen/riscv64/lines.h"
#include "wasm/codegen/riscv64/riscv64.h"
#include "wasm/codegen/riscv64/stubs.h"

struct row {
    enum rv_op op;
    reg_t rd, rs1, rs2;
    int64_t imm;
    uint32_t word;
    uint16_t half;
    const char *text;
};

static const struct row rows[] = {
#define ROW(op, rd, rs1, rs2, imm, word, half, text) {RV_##op, rd, rs1, rs2, imm, word, half, text},
#include "test/unit/riscv64_encode_rows.def"
#undef ROW
};
#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static bool is_jump(uint32_t word) {
    return (word & 0x7f) == 0x6f || (word & 0x7f) == 0x63;
}

TEST(words) {
    for (size_t i = 0; i < ROW_COUNT; i++) {
        const struct row *r = &rows[i];
        CHECK_EQ(encode_inst(r->op, r->rd, r->rs1, r->rs2, r->imm), r->word);
    }
}

TEST(compressed_forms) {
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (!is_jump(rows[i].word)) {
            CHECK_EQ(encode_compress(rows[i].word), rows[i].half);
        }
    }
}

TEST(disassembly) {
    for (size_t i = 0; i < ROW_COUNT; i++) {
        char text[80];
        uint8_t bytes[4];
        memcpy(bytes, &rows[i].word, 4);
        CHECK_EQ(riscv64_disassemble(bytes, 4, 0, text, sizeof(text)), 4);
        CHECK_TEXT(text, rows[i].text);
    }
}

TEST(every_half_expands_to_what_compresses_to_it) {
    uint32_t known = 0;
    for (uint32_t half = 1; half < 0x10000; half++) {
        uint32_t word = (half & 3) == 3 ? 0 : encode_expand((uint16_t)half);
        if (word == 0 || is_jump(word)) {
            continue;
        }
        uint16_t again = encode_compress(word);
        CHECK(again != 0);
        CHECK_EQ(encode_expand(again), word);
        known++;
    }
    CHECK(known > 20000);
}

TEST(short_jumps_expand_to_their_offset) {
    for (int64_t d = -2048; d < 2048; d += 2) {
        CHECK_EQ(encode_expand(encode_c_j(d)), encode_JAL(ZERO, d));
    }
    for (int64_t d = -256; d < 256; d += 2) {
        CHECK_EQ(encode_expand(encode_c_beqz(false, 9, d)), encode_BEQ(9, ZERO, d));
        CHECK_EQ(encode_expand(encode_c_beqz(true, 15, d)), encode_BNE(15, ZERO, d));
    }
}

/* ---- lines --------------------------------------------------------------------------------- */

static struct arena arena;

static struct code finish(struct lines *lines) {
    struct code code = {0};
    lines_finish(lines, &arena, &code);
    return code;
}

static uint32_t word_at(const struct code *code, uint32_t offset) {
    uint32_t word;
    memcpy(&word, code->bytes + offset, 4);
    return word;
}

/* What a made sequence leaves in rd: lui, addi, addiw, slli, and loads from the pool. */
static int64_t run_constant(const struct code *code, uint32_t end) {
    int64_t rd = 0, t5 = 0;
    for (uint32_t at = 0; at < end;) {
        uint32_t half = word_at(code, at) & 0xffff;
        bool is_short = (half & 3) != 3;
        uint32_t w = is_short ? encode_expand((uint16_t)half) : word_at(code, at);
        int64_t imm = (int32_t)w >> 20;
        int64_t from = (w >> 15 & 31) == 0 ? 0 : rd;
        switch (w & 0x707f) {
        case 0x13:
            rd = from + imm;
            break;
        case 0x1b:
            rd = (int32_t)(uint32_t)(from + imm);
            break;
        case 0x1013:
            rd = (int64_t)((uint64_t)rd << (imm & 63));
            break;
        case 0x3003:
            memcpy(&rd, code->bytes + t5 + imm, 8);
            break;
        default:
            if ((w & 0x7f) == 0x37) {
                rd = (int32_t)(w & 0xfffff000);
            } else {
                CHECK_EQ(w & 0x7f, 0x17);
                t5 = (int64_t)at + (int32_t)(w & 0xfffff000);
            }
            break;
        }
        at += is_short ? 2 : 4;
    }
    return rd;
}

static void check_constant(int64_t value) {
    struct lines lines;
    arena_init(&arena, &heap_source);
    lines_init(&lines, &arena);
    lines_li(&lines, A0, value);
    label_t end = lines_here(&lines);
    lines_put4(&lines, encode_ECALL());
    struct code code = finish(&lines);
    CHECK_EQ(run_constant(&code, lines_offset_of(&lines, end)), value);
    arena_fini(&arena);
}

TEST(constants) {
    static const int64_t some[] = {0,
                                   1,
                                   -1,
                                   2047,
                                   2048,
                                   -2048,
                                   -2049,
                                   4096,
                                   0x7fffffff,
                                   0x7ffff800,
                                   0x7ffff7ff,
                                   INT32_MIN,
                                   0x80000000,
                                   0xffffffff,
                                   0x100000000,
                                   0x123456789abcdef,
                                   INT64_MAX,
                                   INT64_MIN,
                                   0x7ff0000000000000};
    for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
        check_constant(some[i]);
        check_constant((int64_t)(0 - (uint64_t)some[i]));
    }
    uint64_t seed = 88172645463325252;
    for (int i = 0; i < 2000; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        check_constant((int64_t)seed >> (seed & 63));
    }
}

/* Follows the branch and jump instructions at `at` until something else: where that is, if x cond y. */
static uint32_t follow(const struct code *code, uint32_t at, bool taken) {
    for (;;) {
        uint32_t half = word_at(code, at) & 0xffff;
        uint32_t w = (half & 3) != 3 ? encode_expand((uint16_t)half) : word_at(code, at);
        uint32_t size = (half & 3) != 3 ? 2 : 4;
        if ((w & 0x7f) == 0x6f) {
            uint32_t imm = (w >> 31) * 0xfff00000u | (w & 0xff000) | (w >> 20 & 1) << 11 |
                           (w >> 21 & 0x3ff) << 1;
            return at + imm;
        }
        if ((w & 0x7f) == 0x17) {
            uint32_t jalr = word_at(code, at + 4);
            return at + (w & 0xfffff000) + (uint32_t)((int32_t)jalr >> 20);
        }
        if ((w & 0x7f) != 0x63) {
            return at;
        }
        uint32_t imm =
            (w >> 31) * 0xfffff000u | (w >> 7 & 1) << 11 | (w >> 25 & 63) << 5 | (w >> 8 & 15) << 1;
        bool is_equal = (w >> 12 & 7) == 0;
        if (is_equal == taken) {
            return at + imm;
        }
        at += size;
    }
}

static void check_branch(uint32_t distance, bool back, reg_t reg) {
    struct lines lines;
    arena_init(&arena, &heap_source);
    lines_init(&lines, &arena);
    label_t target = lines_label(&lines), from = lines_label(&lines);
    if (back) {
        lines_bind(&lines, target);
        lines_put(&lines, encode_ADDI(A0, ZERO, 7));
    } else {
        lines_bind(&lines, from);
        lines_branch(&lines, COND_EQ, reg, ZERO, target);
    }
    for (uint32_t i = 0; i < distance; i += 4) {
        lines_put4(&lines, encode_XORI(A0, A0, 1));
    }
    if (back) {
        lines_bind(&lines, from);
        lines_branch(&lines, COND_EQ, reg, ZERO, target);
    } else {
        lines_bind(&lines, target);
    }
    lines_put(&lines, encode_ADDI(A0, ZERO, 7));
    struct code code = finish(&lines);
    uint32_t at = lines_offset_of(&lines, from), end = lines_offset_of(&lines, target);
    CHECK_EQ(follow(&code, at, true), end);
    CHECK(follow(&code, at, false) != end || distance == 0);
    arena_fini(&arena);
}

TEST(branches_reach_at_all_distances) {
    static const uint32_t around[] = {0, 256, 4096, 1u << 20};
    for (uint32_t i = 0; i < 4; i++) {
        for (uint32_t d = around[i] < 16 ? 0 : around[i] - 16; d <= around[i] + 16; d += 4) {
            for (uint32_t back = 0; back < 2; back++) {
                check_branch(d, back != 0, 9);
                check_branch(d, back != 0, 20);
            }
        }
    }
}

/* Branches everywhere to everywhere, calls between them: each has to arrive. */
TEST(many_branches_arrive) {
    enum { COUNT = 3000 };
    uint64_t seed = 1;
    struct lines lines;
    arena_init(&arena, &heap_source);
    lines_init(&lines, &arena);
    label_t at[COUNT], target[COUNT];
    for (uint32_t i = 0; i < COUNT; i++) {
        target[i] = lines_label(&lines);
    }
    for (uint32_t i = 0; i < COUNT; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        uint32_t near = i + 60 < COUNT ? i + 1 + (uint32_t)(seed >> 33) % 59 : COUNT - 1;
        uint32_t far = (uint32_t)(seed >> 40) % COUNT;
        lines_bind(&lines, target[i]);
        lines_put4(&lines, encode_XORI(A0, A0, 1));
        at[i] = lines_here(&lines);
        lines_branch(&lines, COND_EQ, i % 3 == 0 ? 9 : 20, ZERO, target[i % 7 == 0 ? far : near]);
        if (i % 5 == 0) {
            lines_call(&lines, 0, false);
        }
    }
    lines_put4(&lines, encode_XORI(A0, A0, 1));
    struct code code = finish(&lines);
    for (uint32_t i = 0; i < COUNT; i++) {
        uint32_t line = lines.labels.at[at[i]];
        uint32_t want = lines_offset_of(&lines, lines.list.at[line].label);
        CHECK_EQ(follow(&code, lines_offset_of(&lines, at[i]), true), want);
    }
    arena_fini(&arena);
}

TEST(calls_stand_at_multiples_of_four) {
    struct lines lines;
    arena_init(&arena, &heap_source);
    lines_init(&lines, &arena);
    for (uint32_t i = 0; i < 5; i++) {
        lines_put(&lines, encode_ADDI(A0, A0, 1));
        lines_call(&lines, 40 + i, false);
        lines_site_return(&lines);
    }
    struct code code = finish(&lines);
    CHECK_EQ(code.reloc_count, 5);
    for (uint32_t i = 0; i < 5; i++) {
        CHECK_EQ(code.relocs[i].offset % 4, 0);
        CHECK_EQ(code.relocs[i].callee, 40 + i);
        CHECK_EQ(code.sites[i].offset, code.relocs[i].offset + 4);
    }
    arena_fini(&arena);
}

/* ---- the rest ------------------------------------------------------------------------------ */

TEST(features_by_isa_string) {
    CHECK_EQ(features_parse("rv64imafdc"), 0);
    CHECK_EQ(features_parse("rv64imafdc_zba_zbb_zbs"), FEATURE_ZBA | FEATURE_ZBB | FEATURE_ZBS);
    CHECK_EQ(features_parse("rv64imafdch_zicsr_zifencei_zba_sstc"), FEATURE_ZBA);
    CHECK_EQ(features_parse("RV64GC_ZBB1p0_zicond_zfa"),
             FEATURE_ZBB | FEATURE_ZICOND | FEATURE_ZFA);
    CHECK_EQ(features_parse("rv64gcb"), FEATURE_ZBA | FEATURE_ZBB | FEATURE_ZBS);
    CHECK_EQ(features_parse("rv64gc_zbab_zfabulous"), 0);
    CHECK_EQ(features_parse(""), 0);
}

TEST(stubs_jump_and_call) {
    uint8_t bytes[8];
    uint32_t word;
    CHECK_EQ(stubs_write_jump(bytes, 0x10000, 0x10800), 4);
    memcpy(&word, bytes, 4);
    CHECK_EQ(word, encode_JAL(ZERO, 0x800));
    CHECK_EQ(stubs_write_jump(bytes, 0, 4u << 20), 8);
    CHECK_EQ(stubs_write_call(bytes, CODE_RELOC_NEAR, 0, 2u << 20), 0);
    CHECK_EQ(stubs_write_call(bytes, CODE_RELOC_NEAR, 0x2000, 0x1000), 4);
    CHECK_EQ(stubs_write_call(bytes, CODE_RELOC_FAR, 0, 2u << 20), 8);
}

CHECK_MAIN
