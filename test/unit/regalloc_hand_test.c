/*
 * Register allocation of small functions made by hand: what a reader expects of each, and that the
 * checker refuses allocations that are wrong in one place.
 */
#include "base/arena.h"
#include "test/support/check.h"
#include "test/support/heap.h"
#include "test/support/mir_build.h"
#include "wasm/codegen/target.h"

/* r0-r2 are destroyed by calls, r3 and r4 are not; r7 is scratch. The same for both classes. */
static const struct target five = {
    .name = "five",
    .allocatable = {0x1f, 0x1f},
    .callee_saved = {0x18, 0x18},
    .clobbers = {0x07, 0x07},
    .scratch = {7, 7},
    .preference = {{0, 1, 2, 3, 4, 0xff}, {0, 1, 2, 3, 4, 0xff}},
};

static struct arena arena;

static struct mfunc *start(void) {
    arena_fini(&arena);
    arena_init(&arena, &heap_source);
    return mir_new(&arena);
}

static void allocate(struct mfunc *m) {
    regalloc_run(m, &five);
    const char *fault = regalloc_check(m, &five);
    if (fault) {
        FAIL("%s", fault);
    }
}

static vreg_t fixed_def(struct mfunc *m, uint32_t reg) {
    vreg_t vreg = mir_vreg(m, REG_INT);
    mir_operand(m, vreg, OPERAND_DEF, OPERAND_FIXED, reg);
    return vreg;
}

static vreg_t make(struct mfunc *m, uint8_t flags) {
    mir_inst(m, flags);
    return mir_def(m, REG_INT);
}

static void use_all(struct mfunc *m, const vreg_t *vregs, uint32_t count) {
    for (uint32_t k = 0; k < count; k++) {
        mir_inst(m, 0);
        mir_use(m, vregs[k]);
    }
}

static void finish(struct mfunc *m) {
    mir_inst(m, MINST_END);
}

static struct moperand *operand(struct mfunc *m, uint32_t inst, uint32_t k) {
    return &m->operands.at[m->insts.at[inst].operand + k];
}

static uint32_t count_moves(const struct mfunc *m, bool to_slot) {
    uint32_t count = 0;
    for (uint32_t k = 0; k < m->moves.len; k++) {
        count += loc_is_slot(m->moves.at[k].to) == to_slot;
    }
    return count;
}

TEST(straight_code_needs_no_moves) {
    struct mfunc *m = start();
    mir_block(m, 0);
    vreg_t a = make(m, 0), b = make(m, 0);
    mir_inst(m, 0);
    mir_use(m, a);
    mir_use(m, b);
    vreg_t c = mir_def(m, REG_INT);
    use_all(m, &c, 1);
    finish(m);
    allocate(m);
    CHECK_EQ(m->moves.len, 0);
    CHECK_EQ(m->slot_count, 0);
    CHECK_EQ(m->used_regs[REG_INT], 0x3);
    CHECK_EQ(operand(m, 2, 2)->loc, LOC_REG(REG_INT, 0)); /* shares with a use */
}

TEST(late_uses_and_early_definitions_do_not_share) {
    struct mfunc *m = start();
    mir_block(m, 0);
    vreg_t a = make(m, 0), b = make(m, 0);
    mir_inst(m, 0);
    mir_operand(m, a, OPERAND_USE_LATE, OPERAND_REG, 0);
    mir_use(m, b);
    mir_operand(m, mir_vreg(m, REG_INT), OPERAND_DEF_EARLY, OPERAND_REG, 0);
    vreg_t c = mir_def(m, REG_INT);
    use_all(m, &c, 1);
    finish(m);
    allocate(m);
    loc_t late = operand(m, 2, 0)->loc, use = operand(m, 2, 1)->loc;
    loc_t early = operand(m, 2, 2)->loc, def = operand(m, 2, 3)->loc;
    CHECK(late != early && late != def && use != early && early != def);
    CHECK_EQ(m->moves.len, 0);
}

/* The value is made where the call wants it, and the result stays where the call leaves it. */
TEST(fixed_operands_are_hints) {
    struct mfunc *m = start();
    mir_block(m, 0);
    vreg_t a = make(m, 0), b = make(m, 0);
    mir_inst(m, MINST_CALL);
    mir_operand(m, b, OPERAND_USE, OPERAND_FIXED, 0);
    mir_operand(m, a, OPERAND_USE, OPERAND_FIXED, 2);
    vreg_t c = fixed_def(m, 1);
    mir_inst(m, MINST_END);
    mir_operand(m, c, OPERAND_USE, OPERAND_FIXED, 1);
    allocate(m);
    CHECK_EQ(m->moves.len, 0);
}

TEST(one_value_in_two_fixed_registers) {
    struct mfunc *m = start();
    mir_block(m, 0);
    vreg_t a = make(m, 0);
    mir_inst(m, MINST_CALL);
    mir_operand(m, a, OPERAND_USE, OPERAND_FIXED, 0);
    mir_operand(m, a, OPERAND_USE, OPERAND_FIXED, 1);
    finish(m);
    allocate(m);
    CHECK_EQ(m->moves.len, 1);
}

/* Saving and restoring a register costs as much as a store and a load: not worth it for one use. */
TEST(one_use_after_a_call_is_spilled) {
    struct mfunc *m = start();
    mir_block(m, 0);
    vreg_t a = make(m, 0);
    mir_inst(m, MINST_CALL);
    use_all(m, &a, 1);
    finish(m);
    allocate(m);
    CHECK_EQ(m->slot_count, 1);
    CHECK_EQ(m->used_regs[REG_INT] & 0x18, 0);
}

TEST(many_uses_around_calls_are_worth_a_saved_register) {
    struct mfunc *m = start();
    mir_block(m, 0);
    vreg_t a = make(m, 0);
    for (int k = 0; k < 4; k++) {
        mir_inst(m, MINST_CALL);
        use_all(m, &a, 1);
    }
    finish(m);
    allocate(m);
    CHECK_EQ(m->moves.len, 0);
    CHECK(m->used_regs[REG_INT] & 0x18);
}

TEST(constants_are_made_again) {
    struct mfunc *m = start();
    vreg_t values[6];
    mir_block(m, 0);
    vreg_t constant = make(m, MINST_REMAT);
    for (uint32_t k = 0; k < 6; k++) {
        values[k] = make(m, 0);
    }
    use_all(m, values, 6);
    use_all(m, &constant, 1);
    finish(m);
    allocate(m);
    CHECK_EQ(operand(m, 0, 0)->loc, LOC_NONE); /* not made at first, there are too many */
    CHECK_EQ(count_moves(m, true), 1);         /* one of the six values is stored */
    CHECK_EQ(m->slot_count, 1);
}

/* head(i, x): body; jump head(next, x): the new value is made in the register of the old. */
TEST(loops_update_in_place) {
    struct mfunc *m = start();
    uint32_t before = mir_block(m, 0);
    vreg_t first = make(m, 0), other = make(m, 0);
    mir_inst(m, MINST_END);
    mir_argument(m, first);
    mir_argument(m, other);
    uint32_t head = mir_block(m, 1);
    vreg_t i = mir_param(m, head, REG_INT), x = mir_param(m, head, REG_INT);
    mir_inst(m, 0);
    mir_use(m, i);
    vreg_t next = mir_def(m, REG_INT);
    mir_inst(m, MINST_END);
    mir_use(m, next);
    uint32_t back = mir_block(m, 1);
    mir_inst(m, MINST_END);
    mir_argument(m, next);
    mir_argument(m, x);
    uint32_t after = mir_block(m, 0);
    use_all(m, &x, 1);
    finish(m);
    mir_link(m, before, head);
    mir_link(m, head, back);
    mir_link(m, back, head);
    mir_link(m, head, after);
    allocate(m);
    CHECK_EQ(m->moves.len, 0);
}

/* A value that the loop does not use goes to memory around it, not in it. */
TEST(spills_stay_out_of_loops) {
    struct mfunc *m = start();
    vreg_t values[6];
    uint32_t before = mir_block(m, 0);
    for (uint32_t k = 0; k < 6; k++) {
        values[k] = make(m, 0);
    }
    mir_inst(m, MINST_END);
    uint32_t head = mir_block(m, 1);
    use_all(m, values + 1, 5);
    mir_inst(m, MINST_END);
    uint32_t back = mir_block(m, 1);
    mir_inst(m, MINST_END);
    uint32_t after = mir_block(m, 0);
    use_all(m, values, 1);
    finish(m);
    mir_link(m, before, head);
    mir_link(m, head, back);
    mir_link(m, back, head);
    mir_link(m, head, after);
    allocate(m);
    CHECK_EQ(m->moves.len, 2);
    for (uint32_t k = 0; k < m->moves.len; k++) {
        uint32_t inst = m->moves.at[k].inst;
        CHECK(inst < m->blocks.at[head].first || inst >= m->blocks.at[after].first);
    }
}

/* What a call in the first arm does to a value is no matter in the second. */
TEST(second_arm_takes_up_before_the_first) {
    struct mfunc *m = start();
    uint32_t top = mir_block(m, 0);
    vreg_t a = make(m, 0);
    mir_inst(m, MINST_END);
    mir_use(m, a);
    uint32_t first = mir_block(m, 0);
    mir_inst(m, MINST_CALL);
    mir_inst(m, 0);
    mir_use(m, a);
    mir_inst(m, MINST_END);
    uint32_t second = mir_block(m, 0);
    use_all(m, &a, 1);
    finish(m);
    mir_link(m, top, first);
    mir_link(m, top, second);
    allocate(m);
    for (uint32_t k = 0; k < m->moves.len; k++) {
        CHECK(m->moves.at[k].inst < m->blocks.at[second].first);
    }
}

TEST(parameters_swap_through_scratch) {
    struct mfunc *m = start();
    uint32_t before = mir_block(m, 0);
    vreg_t a = make(m, 0), b = make(m, 0);
    mir_inst(m, MINST_END);
    mir_argument(m, a);
    mir_argument(m, b);
    uint32_t head = mir_block(m, 1);
    vreg_t x = mir_param(m, head, REG_INT), y = mir_param(m, head, REG_INT);
    mir_inst(m, MINST_END);
    mir_use(m, x);
    mir_use(m, y);
    uint32_t back = mir_block(m, 1);
    mir_inst(m, MINST_END);
    mir_argument(m, y);
    mir_argument(m, x);
    uint32_t after = mir_block(m, 0);
    finish(m);
    mir_link(m, before, head);
    mir_link(m, head, back);
    mir_link(m, back, head);
    mir_link(m, head, after);
    allocate(m);
    CHECK_EQ(m->moves.len, 3);
    CHECK_EQ(m->moves.at[0].to, LOC_REG(REG_INT, 7));
    CHECK_EQ(m->moves.at[2].from, LOC_REG(REG_INT, 7));
}

/* --- the checker --- */

/* a, b; call with a; c = a + b late; jump with c to a block that uses it. */
static struct mfunc *sample(void) {
    struct mfunc *m = start();
    uint32_t top = mir_block(m, 0);
    vreg_t a = make(m, 0), b = make(m, 0);
    mir_inst(m, MINST_CALL);
    mir_operand(m, a, OPERAND_USE, OPERAND_FIXED, 0);
    mir_inst(m, 0);
    mir_use(m, a);
    mir_operand(m, b, OPERAND_USE_LATE, OPERAND_REG, 0);
    vreg_t c = mir_def(m, REG_INT);
    mir_inst(m, MINST_END);
    mir_argument(m, c);
    uint32_t next = mir_block(m, 0);
    vreg_t d = mir_param(m, next, REG_INT);
    use_all(m, &d, 1);
    finish(m);
    mir_link(m, top, next);
    allocate(m);
    return m;
}

static void expect_fault(struct mfunc *m, const char *part) {
    const char *fault = regalloc_check(m, &five);
    if (!fault || !strstr(fault, part)) {
        FAIL("\"%s\" is not in \"%s\"", part, fault ? fault : "(no fault)");
    }
}

TEST(checker_sees_a_lost_move) {
    struct mfunc *m = sample();
    CHECK(m->moves.len > 0);
    m->moves.len--;
    expect_fault(m, "reads");
}

TEST(checker_sees_a_wrong_register) {
    struct mfunc *m = sample();
    operand(m, 3, 0)->loc = operand(m, 3, 1)->loc;
    expect_fault(m, "reads another value");
}

TEST(checker_sees_a_value_that_a_call_destroyed) {
    struct mfunc *m = start();
    mir_block(m, 0);
    vreg_t a = make(m, 0);
    mir_inst(m, MINST_CALL);
    use_all(m, &a, 1);
    finish(m);
    operand(m, 0, 0)->loc = operand(m, 2, 0)->loc = LOC_REG(REG_INT, 1);
    m->used_regs[REG_INT] = 2;
    expect_fault(m, "unknown value");
}

TEST(checker_sees_a_definition_over_a_late_use) {
    struct mfunc *m = sample();
    operand(m, 3, 2)->loc = operand(m, 3, 1)->loc;
    expect_fault(m, "still needed");
}

TEST(checker_sees_a_broken_constraint) {
    struct mfunc *m = sample();
    operand(m, 2, 0)->loc = LOC_REG(REG_INT, 1);
    expect_fault(m, "fixed register");
    m = sample();
    operand(m, 3, 0)->loc = LOC_SLOT(0);
    expect_fault(m, "not in a register");
    m = sample();
    operand(m, 3, 2)->loc = LOC_REG(REG_INT, 6);
    expect_fault(m, "not in a register");
}

TEST(checker_sees_paths_that_disagree) {
    struct mfunc *m = start();
    uint32_t top = mir_block(m, 0);
    vreg_t a = make(m, 0), b = make(m, 0);
    mir_inst(m, MINST_END);
    uint32_t left = mir_block(m, 0);
    mir_inst(m, MINST_END);
    mir_argument(m, a);
    uint32_t right = mir_block(m, 0);
    mir_inst(m, MINST_END);
    mir_argument(m, b);
    uint32_t join = mir_block(m, 0);
    vreg_t c = mir_param(m, join, REG_INT);
    use_all(m, &c, 1);
    finish(m);
    mir_link(m, top, left);
    mir_link(m, top, right);
    mir_link(m, left, join);
    mir_link(m, right, join);
    m->used_regs[REG_INT] = 3;
    operand(m, 0, 0)->loc = operand(m, 3, 0)->loc = LOC_REG(REG_INT, 0);
    operand(m, 1, 0)->loc = operand(m, 4, 0)->loc = LOC_REG(REG_INT, 1);
    operand(m, 5, 0)->loc = LOC_REG(REG_INT, 0);
    expect_fault(m, "unknown value");
}

TEST(checker_sees_bad_moves) {
    struct mfunc *m = sample();
    m->moves.at[0].to = LOC_REG(REG_FP, 0);
    m->used_regs[REG_FP] = 1;
    expect_fault(m, "across classes");
    m = sample();
    m->moves.at[0].from = m->moves.at[0].to = LOC_SLOT(m->slot_count + 1);
    expect_fault(m, "no place");
    m = sample();
    m->moves.at[0].remat = 1;
    expect_fault(m, "makes again what cannot be");
}

CHECK_MAIN
