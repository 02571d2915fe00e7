/*
 * The sandbox verifier on sequences made by hand: each good one must pass, and each way to get an
 * address wrong must be refused. The latter include what other runtimes were broken by: an index
 * of which only the low half is bounded, and an offset folded into the wrong place.
 */
#include "test/support/check.h"
#include "test/support/heap.h"
#include "test/support/mir_build.h"
#include "wasm/codegen/riscv64/riscv64.h"
#include "wasm/codegen/riscv64/select.h"

static struct arena arena;
static struct mfunc *m;

#define PIN(reg, source) ((uint32_t)((reg) + 1) << (8 * (source)))

static void begin(void) {
    arena_init(&arena, &heap_source);
    m = mir_new(&arena);
    mir_block(m, 0);
}

/* rd = op a, b, imm; a or b 0: not there. */
static vreg_t put(enum rv_op op, vreg_t a, vreg_t b, int64_t imm, uint32_t pins) {
    mir_inst(m, 0);
    vec_last(&m->insts).op = (uint16_t)op;
    vec_last(&m->insts).imm = imm;
    vec_last(&m->insts).aux = pins;
    vreg_t rd = mir_def(m, REG_INT);
    if (a != 0) {
        mir_use(m, a);
    }
    if (b != 0) {
        mir_use(m, b);
    }
    return rd;
}

/* A value of which nothing is known. */
static vreg_t any(void) {
    return put(RV_PARAMS, 0, 0, 0, 0);
}

static void access(enum rv_op op, vreg_t base, int64_t imm, uint32_t pins) {
    put(op, base, 0, imm, pins);
    vec_last(&m->insts).flags |= MINST_MEMORY;
}

static bool passes(void) {
    const char *fault = riscv64_check_sandbox(m);
    arena_fini(&arena);
    return fault == NULL;
}

TEST(zero_extended_index) {
    begin();
    access(RV_LW, put(RV_ADD_UW, any(), 0, 0, PIN(GP, 1)), 2047, 0);
    CHECK(passes());
}

TEST(zero_extended_by_two_shifts) {
    begin();
    vreg_t low = put(RV_SRLI, put(RV_SLLI, any(), 0, 32, 0), 0, 32, 0);
    access(RV_LD, put(RV_ADD, low, 0, 0, PIN(GP, 1)), 0, 0);
    CHECK(passes());
}

TEST(index_not_extended) {
    begin();
    access(RV_LW, put(RV_ADD, any(), 0, 0, PIN(GP, 1)), 0, 0);
    CHECK(!passes());
}

TEST(index_sign_extended_only) {
    begin();
    vreg_t word = put(RV_ADDIW, any(), 0, 0, 0);
    vreg_t twice = put(RV_SLLI, word, 0, 1, 0);
    access(RV_LW, put(RV_ADD, twice, 0, 0, PIN(GP, 1)), 0, 0);
    CHECK(!passes());
}

TEST(extended_too_little) {
    begin();
    vreg_t low = put(RV_SRLI, put(RV_SLLI, any(), 0, 29, 0), 0, 29, 0);
    access(RV_LW, put(RV_ADD, low, 0, 0, PIN(GP, 1)), 0, 0);
    CHECK(!passes());
}

TEST(extension_then_arithmetic) {
    begin();
    vreg_t low = put(RV_ADD_UW, any(), 0, 0, PIN(ZERO, 1));
    vreg_t more = put(RV_SLLI, low, 0, 2, 0);
    access(RV_LW, put(RV_ADD, more, 0, 0, PIN(GP, 1)), 0, 0);
    CHECK(!passes());
}

TEST(base_missing) {
    begin();
    access(RV_LW, put(RV_ADD_UW, any(), 0, 0, PIN(ZERO, 1)), 0, 0);
    CHECK(!passes());
}

TEST(base_of_something_else) {
    begin();
    access(RV_LW, put(RV_ADD_UW, any(), 0, 0, PIN(TP, 1)), 0, 0);
    CHECK(!passes());
    begin();
    access(RV_LW, 0, 0, PIN(TP, 0));
    CHECK(!passes());
}

TEST(base_twice) {
    begin();
    vreg_t once = put(RV_ADD_UW, any(), 0, 0, PIN(GP, 1));
    access(RV_LW, put(RV_ADD_UW, any(), once, 0, 0), 0, 0);
    CHECK(!passes());
    begin();
    once = put(RV_ADD_UW, any(), 0, 0, PIN(GP, 1));
    access(RV_LW, put(RV_ADD, once, 0, 0, PIN(GP, 1)), 0, 0);
    CHECK(!passes());
}

TEST(constant_addresses) {
    begin();
    access(RV_LW, 0, 2047, PIN(GP, 0));
    access(RV_SW, put(RV_PAGE, 0, 0, 0x7fffd, 0), -2048, 0);
    CHECK(passes());
}

TEST(page_and_index) {
    begin();
    access(RV_LW, put(RV_ADD_UW, any(), put(RV_PAGE, 0, 0, 0x7fffd, 0), 0, 0), 0, 0);
    CHECK(passes());
}

TEST(page_beyond_the_guard) {
    begin();
    access(RV_LW, put(RV_ADD_UW, any(), put(RV_PAGE, 0, 0, 0x80000, 0), 0, 0), 0, 0);
    CHECK(!passes());
}

TEST(far_below_the_base) {
    begin();
    vreg_t minus = put(RV_LI, 0, 0, -((int64_t)1 << 36), 0);
    access(RV_LW, put(RV_ADD, minus, 0, 0, PIN(GP, 1)), 0, 0);
    CHECK(!passes());
}

TEST(bounded_index_shifted) {
    begin();
    vreg_t byte = put(RV_ANDI, any(), 0, 255, 0);
    access(RV_LW, put(RV_SH3ADD_UW, byte, 0, 0, PIN(GP, 1)), 0, 0);
    CHECK(passes());
}

TEST(unbounded_index_shifted) {
    begin();
    access(RV_LW, put(RV_SH3ADD_UW, any(), 0, 0, PIN(GP, 1)), 0, 0);
    CHECK(!passes());
}

TEST(mask_with_a_sign) {
    begin();
    vreg_t masked = put(RV_ANDI, any(), 0, -2, 0);
    access(RV_LW, put(RV_ADD, masked, 0, 0, PIN(GP, 1)), 0, 0);
    CHECK(!passes());
}

TEST(base_spoilt_by_a_call) {
    begin();
    mir_inst(m, MINST_CALL);
    vec_last(&m->insts).op = RV_CALL;
    vreg_t result = mir_def(m, REG_INT);
    access(RV_LW, result, 0, 0);
    CHECK(!passes());
}

TEST(access_by_another_instruction) {
    begin();
    put(RV_ADD, put(RV_ADD_UW, any(), 0, 0, PIN(GP, 1)), 0, 0, PIN(GP, 1));
    vec_last(&m->insts).flags |= MINST_MEMORY;
    CHECK(!passes());
}

/* b0 -> b1(p) <-> b2: the parameter is `first` at the entry and next(p) on the way back. */
static void loop(bool step) {
    begin();
    vreg_t first = put(RV_ADD_UW, any(), 0, 0, PIN(GP, 1));
    mir_inst(m, MINST_END);
    vec_last(&m->insts).op = RV_JUMP;
    mir_argument(m, first);
    mir_block(m, 1);
    vreg_t p = mir_param(m, 1, REG_INT);
    access(RV_LW, p, 0, 0);
    vreg_t next = step ? put(RV_ADDI, p, 0, 8, 0) : put(RV_ADD_UW, any(), 0, 0, PIN(GP, 1));
    mir_inst(m, MINST_END);
    vec_last(&m->insts).op = RV_JUMP;
    mir_argument(m, next);
    mir_link(m, 0, 1);
    mir_link(m, 1, 1);
}

TEST(loop_of_addresses) {
    loop(false);
    CHECK(passes());
}

TEST(pointer_that_runs_away) {
    loop(true);
    CHECK(!passes());
}

CHECK_MAIN
