/*
 * What selection, allocation and emission make of small functions: IR in, instructions out, for a
 * machine with Zba, Zbb and Zbs and for one without. Each row is a choice that someone made on
 * purpose; whether the code is right is for the official suite to say.
 */
#include "test/support/check.h"
#include "test/support/heap.h"
#include "wasm/codegen/riscv64/features.h"
#include "wasm/codegen/target.h"
#include "wasm/ir/analysis.h"
#include "wasm/ir/parse.h"
#include "wasm/ir/verify.h"

#define WITH_B "rv64gc_zba_zbb_zbs"
#define PLAIN  "rv64gc"

static struct arena arena;

static struct code *compile(const char *isa, const char *text) {
    struct target_options options = {.features = features_parse(isa)};
    struct parse_error error = {0};
    struct func *f = NULL;
    struct code *code = NULL;
    status_t status = parse_func(&arena, NULL, text, strlen(text), &f, NULL, &error);
    if (status != STATUS_OK) {
        FAIL("line %u: %s", error.line, error.text);
    }
    func_split_critical_edges(f);
    func_resolve_copies(f);
    analysis_run(f);
    const char *fault = verify_run(f);
    if (fault != NULL) {
        FAIL("%s", fault);
    }
    struct mfunc *m = target_riscv64.select(&arena, f, NULL, &options);
    fault = target_riscv64.check_sandbox(m);
    if (fault != NULL) {
        FAIL("%s", fault);
    }
    regalloc_run(m, &target_riscv64);
    fault = regalloc_check(m, &target_riscv64);
    if (fault != NULL) {
        FAIL("%s", fault);
    }
    CHECK_EQ(target_riscv64.emit(&arena, m, &options, &code), STATUS_OK);
    return code;
}

/* The instructions up to and with the first `ret`, without "c.", divided by "; ". */
static const char *listing(const struct code *code) {
    static char all[2000];
    size_t len = 0;
    all[0] = 0;
    for (uint32_t at = 0; at < code->size;) {
        char text[80];
        at += target_riscv64.disassemble(code->bytes + at, code->size - at, at, text, sizeof(text));
        const char *plain = strncmp(text, "c.", 2) == 0 ? text + 2 : text;
        len += (size_t)snprintf(all + len, sizeof(all) - len, "%s%s", len != 0 ? "; " : "", plain);
        if (strcmp(plain, "ret") == 0) {
            break;
        }
    }
    return all;
}

static void check(const char *isa, const char *text, const char *want) {
    arena_init(&arena, &heap_source);
    char got[2000];
    snprintf(got, sizeof(got), "%s", listing(compile(isa, text)));
    arena_fini(&arena);
    CHECK_TEXT(got, want);
}

/* A function of one block: `params` and the body after them, which has v1, v2, ... for them. */
static void check_body(const char *isa, const char *head, const char *body, const char *want) {
    char text[1000];
    snprintf(text, sizeof(text), "func 0 %s {\nb0:\n%s}\n", head, body);
    check(isa, text, want);
}

#define I32_2 "v1 = param.i32 0\nv2 = param.i32 1\n"
#define I64_2 "v1 = param.i64 0\nv2 = param.i64 1\n"
#define F64_2 "v1 = param.f64 0\nv2 = param.f64 1\n"

TEST(word_forms) {
    check_body(WITH_B, "(i32, i32) -> i32", I32_2 "v3 = add.i32 v1, v2\nret v3\n",
               "addw a0, a0, a1; ret");
    check_body(WITH_B, "(i32, i32) -> i32",
               I32_2 "v3 = iconst.i32 5\nv4 = add.i32 v1, v3\nret v4\n", "addiw a0, a0, 5; ret");
    check_body(WITH_B, "(i32, i32) -> i32", I32_2 "v3 = xor.i32 v1, v2\nret v3\n",
               "xor a0, a0, a1; ret");
}

TEST(conversions_that_cost_nothing) {
    check_body(WITH_B, "(i32, i32) -> i64", I32_2 "v3 = extend_s.i64 v1\nret v3\n", "ret");
    check_body(WITH_B, "(i64, i64) -> i32",
               I64_2 "v3 = wrap.i32 v1\nv4 = wrap.i32 v2\nv5 = add.i32 v3, v4\nret v5\n",
               "addw a0, a0, a1; ret");
    check_body(WITH_B, "(i64, i64) -> i32", I64_2 "v3 = wrap.i32 v1\nret v3\n",
               "addiw a0, a0, 0; ret");
}

TEST(shift_and_add) {
    const char *body = I64_2 "v3 = iconst.i64 3\nv4 = shl.i64 v1, v3\n"
                             "v5 = add.i64 v4, v2\nret v5\n";
    check_body(WITH_B, "(i64, i64) -> i64", body, "sh3add a0, a0, a1; ret");
    check_body(PLAIN, "(i64, i64) -> i64", body, "slli a5, a0, 3; add a0, a5, a1; ret");
    check_body(WITH_B, "(i32, i64) -> i64",
               "v1 = param.i32 0\nv2 = param.i64 1\nv3 = extend_u.i64 v1\n"
               "v4 = add.i64 v2, v3\nret v4\n",
               "add.uw a0, a0, a1; ret");
}

TEST(bits) {
    const char *andn = I64_2 "v3 = iconst.i64 -1\nv4 = xor.i64 v2, v3\n"
                             "v5 = and.i64 v1, v4\nret v5\n";
    check_body(WITH_B, "(i64, i64) -> i64", andn, "andn a0, a0, a1; ret");
    check_body(PLAIN, "(i64, i64) -> i64", andn, "xori a5, a1, -1; and a0, a0, a5; ret");
    const char *bit = I32_2 "v3 = iconst.i32 7\nv4 = shr_u.i32 v1, v3\nv5 = iconst.i32 1\n"
                            "v6 = and.i32 v4, v5\nret v6\n";
    check_body(WITH_B, "(i32, i32) -> i32", bit, "bexti a0, a0, 7; ret");
    const char *rotate = I32_2 "v3 = iconst.i32 7\nv4 = rotl.i32 v1, v3\nret v4\n";
    check_body(WITH_B, "(i32, i32) -> i32", rotate, "roriw a0, a0, 25; ret");
}

TEST(masks) {
    check_body(WITH_B, "(i64, i64) -> i64",
               I64_2 "v3 = iconst.i64 65535\nv4 = and.i64 v1, v3\nret v4\n", "zext.h a0, a0; ret");
    check_body(WITH_B, "(i64, i64) -> i64",
               I64_2 "v3 = iconst.i64 4294967295\nv4 = and.i64 v1, v3\nret v4\n",
               "add.uw a0, a0, zero; ret");
    check_body(PLAIN, "(i64, i64) -> i64",
               I64_2 "v3 = iconst.i64 1099511627775\nv4 = and.i64 v1, v3\nret v4\n",
               "slli a5, a0, 24; srli a0, a5, 24; ret");
}

TEST(comparisons_as_values) {
    check_body(WITH_B, "(i32, i32) -> i32", I32_2 "v3 = eq.i32 v1, v2\nret v3\n",
               "xor a5, a0, a1; sltiu a0, a5, 1; ret");
    check_body(WITH_B, "(i32, i32) -> i32",
               I32_2 "v3 = iconst.i32 9\nv4 = le_u.i32 v1, v3\nret v4\n", "sltiu a0, a0, 10; ret");
    check_body(WITH_B, "(i32, i32) -> i32",
               I32_2 "v3 = iconst.i32 -1\nv4 = le_u.i32 v1, v3\nret v4\n",
               "li a5, -1; sltu a5, a5, a0; xori a0, a5, 1; ret");
    check_body(WITH_B, "(i32, i32) -> i32", I32_2 "v3 = lt_s.i32 v1, v2\nv4 = eqz.i32 v3\nret v4\n",
               "slt a5, a0, a1; xori a0, a5, 1; ret");
}

TEST(minimum_of_two) {
    const char *body = I32_2 "v3 = lt_s.i32 v1, v2\nv4 = select.i32 v3, v1, v2\nret v4\n";
    check_body(WITH_B, "(i32, i32) -> i32", body, "min a0, a0, a1; ret");
    check_body(PLAIN, "(i32, i32) -> i32", body, "blt a0, a1, 0x6; mv a0, a1; ret");
    check_body("rv64gc_zicond", "(i32, i32) -> i32",
               I32_2 "v3 = iconst.i32 0\nv4 = select.i32 v2, v1, v3\nret v4\n",
               "czero.eqz a0, a0, a1; ret");
}

TEST(division_checks) {
    check_body(WITH_B, "(i32, i32) -> i32", I32_2 "v3 = div_u.i32 v1, v2\nret v3\n",
               "beq a1, zero, 0x8; divuw a0, a0, a1; ret");
    check_body(WITH_B, "(i32, i32) -> i32",
               I32_2 "v3 = iconst.i32 10\nv4 = div_s.i32 v1, v3\nret v4\n",
               "li a5, 10; divw a0, a0, a5; ret");
}

TEST(addresses) {
    const char *load = "v1 = param.i32 0\nv2 = addr.ptr v1\n"
                       "v3 = load.i32 v2, as=32s, offset=16\nret v3\n";
    check_body(WITH_B, "(i32) -> i32", load, "add.uw a5, a0, gp; lw a0, 16(a5); ret");
    check_body(PLAIN, "(i32) -> i32", load,
               "slli a5, a0, 32; srli a5, a5, 32; add a5, a5, gp; lw a0, 16(a5); ret");
    check_body(WITH_B, "(i32) -> i32",
               "v1 = iconst.i32 24\nv2 = addr.ptr v1\nv3 = load.i32 v2, as=32s\nret v3\n",
               "lw a0, 24(gp); ret");
    check_body(WITH_B, "(i32) -> i32",
               "v1 = param.i32 0\nv2 = iconst.i32 255\nv3 = and.i32 v1, v2\nv4 = iconst.i32 2\n"
               "v5 = shl.i32 v3, v4\nv6 = addr.ptr v5\n"
               "v7 = load.i32 v6, as=32s, offset=4100\nret v7\n",
               "lui a5, 0x1; add a5, a5, gp; andi a4, a0, 255; sh2add.uw a5, a4, a5; "
               "lw a0, 4(a5); ret");
}

TEST(extension_by_the_load) {
    check_body(WITH_B, "(i32) -> i64",
               "v1 = param.i32 0\nv2 = addr.ptr v1\nv3 = load.i32 v2, as=32u\n"
               "v4 = extend_u.i64 v3\nret v4\n",
               "add.uw a5, a0, gp; lwu a0, 0(a5); ret");
    check_body(WITH_B, "(i32) -> i64",
               "v1 = param.i32 0\nv2 = addr.ptr v1\nv3 = load.i32 v2, as=8u\n"
               "v4 = extend_u.i64 v3\nret v4\n",
               "add.uw a5, a0, gp; lbu a0, 0(a5); ret");
}

TEST(large_offset_is_checked) {
    arena_init(&arena, &heap_source);
    /* A shape that needs a layout: only that it does not pass unchecked is of interest here. */
    struct layout layout = {.memories = (uint32_t[]){96}};
    struct target_options options = {0};
    struct parse_error error;
    struct func *f;
    struct code *code;
    const char *text = "func 0 (i32) -> i32 {\nb0:\nv1 = param.i32 0\nv2 = addr.ptr v1\n"
                       "v3 = load.i32 v2, as=32s, offset=4294967295\nret v3\n}\n";
    CHECK_EQ(parse_func(&arena, NULL, text, strlen(text), &f, NULL, &error), STATUS_OK);
    analysis_run(f);
    struct mfunc *m = target_riscv64.select(&arena, f, &layout, &options);
    CHECK(target_riscv64.check_sandbox(m) == NULL);
    regalloc_run(m, &target_riscv64);
    CHECK_EQ(target_riscv64.emit(&arena, m, &options, &code), STATUS_OK);
    CHECK_EQ(code->site_count, 2);
    CHECK(strstr(listing(code), "bltu t5, t6") != NULL);
    arena_fini(&arena);
}

TEST(float_constants) {
    check_body(WITH_B, "(f64, f64) -> f64",
               F64_2 "v3 = fconst.f64 0\nv4 = fadd.f64 v1, v3\nret v4\n",
               "fmv.d.x fa5, zero; fadd.d fa0, fa0, fa5; ret");
}

TEST(loop_that_counts_down) {
    check(WITH_B,
          "func 0 (i32) -> i32 {\n"
          "b0:\n    v1 = param.i32 0\n    v2 = iconst.i32 0\n    jump -> b1\n"
          "b1 (b0, b1):\n    v3 = phi.i32 v1, v5\n    v4 = phi.i32 v2, v6\n"
          "    v7 = iconst.i32 -1\n    v5 = add.i32 v3, v7\n    v6 = add.i32 v4, v3\n"
          "    br v5 -> b1, b2\n"
          "b2 (b1):\n    ret v6\n}\n",
          "li a5, 0; addw a5, a5, a0; addiw a0, a0, -1; bne a0, zero, 0x2; mv a0, a5; ret");
}

TEST(leaf_without_a_frame) {
    arena_init(&arena, &heap_source);
    struct code *code =
        compile(WITH_B, "func 0 (i32) -> i32 {\nb0:\nv1 = param.i32 0\nret v1\n}\n");
    CHECK_EQ(code->frame_size, 0);
    CHECK_EQ(code->ra_saved, UINT32_MAX);
    CHECK_EQ(code->site_count, 0);
    arena_fini(&arena);
}

TEST(stack_parameters_lie_above_the_frame) {
    check(WITH_B,
          "func 0 (i32, i32, i32, i32, i32, i32, i32, i32, i32, i32) -> i32 {\n"
          "b0:\n    v1 = param.i32 9\n    ret v1\n}\n",
          "ld a0, 8(sp); ret");
}

CHECK_MAIN
