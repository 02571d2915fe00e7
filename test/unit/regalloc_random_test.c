/*
 * Register allocation of random functions, proved by the checker: structured flow with loops, breaks,
 * continues, diamonds and switches, calls, fixed and early and late operands, block parameters,
 * constants that can be made again, and far more values than registers.
 *
 * REGALLOC_SEEDS=N in the environment sets how many functions each test makes.
 */
#include "base/arena.h"
#include "test/support/check.h"
#include "test/support/heap.h"
#include "test/support/mir_build.h"
#include "wasm/codegen/regalloc.h"
#include "wasm/codegen/target.h"

#include <time.h>

/* --- random numbers --- */

static uint64_t random_state;

static uint32_t below(uint32_t n) { /* xorshift64* */
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (uint32_t)((random_state * 2685821657736338717u) >> 33) % n;
}

static bool chance(uint32_t percent) {
    return below(100) < percent;
}

/* --- targets --- */

/* `regs` allocatable registers of each class at random numbers, some of them callee-saved. */
static struct target small_target(uint32_t regs) {
    struct target target = {.name = "small"};
    for (uint32_t class = 0; class < REG_CLASS_COUNT; class ++) {
        target.scratch[class] = 31;
        for (uint32_t n = 0; n < regs;) {
            uint32_t reg = below(31);
            if (target.allocatable[class] >> reg & 1) {
                continue;
            }
            target.allocatable[class] |= 1u << reg;
            if (n && chance(40)) {
                target.callee_saved[class] |= 1u << reg;
            } else {
                target.clobbers[class] |= 1u << reg;
            }
            target.preference[class][n++] = (uint8_t)reg;
        }
        target.preference[class][regs] = 0xff;
    }
    return target;
}

/* Register sets as on RISC-V with two integer registers pinned. */
static struct target riscv_target(void) {
    struct target target = {
        .name = "riscv",
        .allocatable = {0x3fffffe0, 0x7fffffff},
        .callee_saved = {0x0ffc0300, 0x0ffc0300},
        .scratch = {31, 31},
    };
    for (uint32_t class = 0; class < REG_CLASS_COUNT; class ++) {
        uint32_t n = 0;
        target.clobbers[class] = ~target.callee_saved[class] & target.allocatable[class];
        for (uint32_t reg = 10; reg < 16; reg++) {
            target.preference[class][n++] = (uint8_t)reg;
        }
        target.preference[class][n++] = 8;
        target.preference[class][n] = 0xff;
    }
    return target;
}

static uint32_t reg_count(const struct target *target, enum reg_class class) {
    return (uint32_t)__builtin_popcount(target->allocatable[class]);
}

/* The n-th allocatable register, counted round. */
static uint32_t nth_reg(uint32_t mask, uint32_t n) {
    for (n %= (uint32_t)__builtin_popcount(mask); n; n--) {
        mask &= mask - 1;
    }
    return (uint32_t)__builtin_ctz(mask);
}

/* --- functions --- */

/* A place that code inside may jump to: the end of a construct, or the head of a loop. */
struct goal {
    uint32_t param_count;
    enum reg_class params[8];
    uint32_t block;      /* known for loops only */
    VEC(uint32_t) froms; /* blocks that jump to it, if it is not known */
};

struct gen {
    struct mfunc *m;
    const struct target *target;
    VEC(vreg_t) scope[REG_CLASS_COUNT]; /* values that dominate this point */
    VEC(struct goal *) goals;
    uint32_t block, depth;
    int budget;              /* instructions left */
    uint32_t pressure;       /* how far back operands reach, */
    uint32_t recent_percent; /* in so many cases */
};

static void add_scope(struct gen *g, vreg_t vreg) {
    vec_push(g->m->arena, &g->scope[g->m->vreg_class.at[vreg]], vreg);
}

static vreg_t make_value(struct gen *g, enum reg_class class) {
    mir_inst(g->m, chance(40) ? MINST_REMAT : 0);
    vreg_t vreg = mir_def(g->m, class);
    add_scope(g, vreg);
    return vreg;
}

/* Recent values more often than old ones. */
static vreg_t pick(struct gen *g, enum reg_class class) {
    uint32_t len = g->scope[class].len;
    uint32_t back = below(chance(g->recent_percent) ? g->pressure : len);
    return g->scope[class].at[len - 1 - (back < len ? back : len - 1)];
}

static enum reg_class any_class(void) {
    return chance(70) ? REG_INT : REG_FP;
}

static void start_block(struct gen *g) {
    g->block = mir_block(g->m, g->depth);
}

/* Jumps from the current block to a goal. */
static void jump(struct gen *g, struct goal *goal) {
    mir_inst(g->m, MINST_END);
    for (uint32_t k = 0; k < goal->param_count; k++) {
        mir_argument(g->m, pick(g, goal->params[k]));
    }
    if (goal->block != UINT32_MAX) {
        mir_link(g->m, g->block, goal->block);
    } else {
        vec_push(g->m->arena, &goal->froms, g->block);
    }
}

static void add_params(struct gen *g, const struct goal *goal) {
    for (uint32_t k = 0; k < goal->param_count; k++) {
        add_scope(g, mir_param(g->m, g->block, goal->params[k]));
    }
}

static struct goal *new_goal(struct gen *g, bool params) {
    struct goal *goal = arena_new(g->m->arena, struct goal);
    goal->block = UINT32_MAX;
    goal->param_count = params ? below(chance(30) ? 9 : 4) : 0;
    for (uint32_t k = 0; k < goal->param_count; k++) {
        goal->params[k] = any_class();
    }
    return goal;
}

/* The block after a construct, where all that jumped to its goal go on. */
static void land(struct gen *g, struct goal *goal) {
    start_block(g);
    for (uint32_t k = 0; k < goal->froms.len; k++) {
        mir_link(g->m, goal->froms.at[k], g->block);
    }
    add_params(g, goal);
}

static void branch(struct gen *g) {
    enum reg_class class = any_class();
    mir_inst(g->m, MINST_END);
    mir_use(g->m, pick(g, class));
    if (chance(50) && reg_count(g->target, class) > 1) {
        mir_use(g->m, pick(g, class));
    }
    if (chance(20) && reg_count(g->target, class) > 2) {
        mir_operand(g->m, mir_vreg(g->m, class), OPERAND_DEF_EARLY, OPERAND_REG, 0);
    }
    g->budget--;
}

/* Uses that stay within the registers of the class, late and early ones counted together. */
static void plain(struct gen *g) {
    enum reg_class class = any_class();
    uint32_t regs = reg_count(g->target, class), before = regs, after = regs;
    mir_inst(g->m, 0);
    for (uint32_t k = below(4); k && before; k--) {
        bool late = chance(20) && after;
        mir_operand(g->m, pick(g, class), late ? OPERAND_USE_LATE : OPERAND_USE, OPERAND_REG, 0);
        before--;
        after -= late;
    }
    if (chance(20)) {
        mir_operand(g->m, pick(g, class == REG_INT ? REG_FP : REG_INT), OPERAND_USE, OPERAND_REG,
                    0);
    }
    for (uint32_t k = below(3); k && after; k--) {
        bool early = chance(20) && before;
        vreg_t vreg = mir_vreg(g->m, class);
        mir_operand(g->m, vreg, early ? OPERAND_DEF_EARLY : OPERAND_DEF, OPERAND_REG, 0);
        before -= early;
        after--;
        if (chance(90)) {
            add_scope(g, vreg);
        }
    }
}

/* An instruction that insists on registers, like a division on some machines. */
static void fixed(struct gen *g) {
    enum reg_class class = any_class();
    uint32_t regs = reg_count(g->target, class), mask = g->target->allocatable[class];
    uint32_t first = below(regs), count = 1 + below(2);
    mir_inst(g->m, 0);
    for (uint32_t k = 0; k < count && k + 1 < regs; k++) {
        enum operand_role role = chance(10) ? OPERAND_USE_LATE : OPERAND_USE;
        mir_operand(g->m, pick(g, class), role, OPERAND_FIXED, nth_reg(mask, first + k));
    }
    if (count + 1 < regs) {
        mir_use(g->m, pick(g, class));
    }
    if (chance(70) && count + 2 < regs) {
        vreg_t vreg = mir_vreg(g->m, class);
        mir_operand(g->m, vreg, OPERAND_DEF, OPERAND_FIXED, nth_reg(mask, first + count));
        add_scope(g, vreg);
    }
}

static void call(struct gen *g) {
    mir_inst(g->m, MINST_CALL);
    for (uint32_t class = 0; class < REG_CLASS_COUNT; class ++) {
        uint32_t mask = g->target->clobbers[class], regs = (uint32_t)__builtin_popcount(mask);
        vreg_t last = pick(g, (enum reg_class) class);
        for (uint32_t k = 0, count = below(regs + 1 < 9 ? regs + 1 : 9); k < count; k++) {
            last = chance(20) ? last : pick(g, (enum reg_class) class);
            mir_operand(g->m, last, OPERAND_USE, OPERAND_FIXED, nth_reg(mask, k));
        }
        if (regs < reg_count(g->target, (enum reg_class) class) && chance(30)) {
            mir_use(g->m, pick(g, (enum reg_class) class));
        }
    }
    for (uint32_t class = 0; class < REG_CLASS_COUNT; class ++) {
        uint32_t mask = g->target->clobbers[class], regs = (uint32_t)__builtin_popcount(mask);
        for (uint32_t k = 0, count = below(regs + 1 < 4 ? regs + 1 : 4); k < count; k++) {
            vreg_t vreg = mir_vreg(g->m, (enum reg_class) class);
            mir_operand(g->m, vreg, OPERAND_DEF, OPERAND_FIXED, nth_reg(mask, k));
            add_scope(g, vreg);
        }
    }
}

static void copy(struct gen *g) {
    enum reg_class class = any_class();
    vreg_t from = pick(g, class);
    mir_inst(g->m, MINST_MOVE);
    vreg_t to = mir_def(g->m, class);
    mir_use(g->m, from);
    add_scope(g, to);
}

static void statements(struct gen *g, int count);

/* Leaves to some goal outside, on a condition. */
static void leave(struct gen *g) {
    struct goal *goal = g->goals.at[below(g->goals.len)];
    branch(g);
    uint32_t from = g->block;
    start_block(g);
    mir_link(g->m, from, g->block);
    jump(g, goal);
    start_block(g);
    mir_link(g->m, from, g->block);
}

struct marks {
    uint32_t scope[REG_CLASS_COUNT], goals;
};

static struct marks mark(const struct gen *g) {
    return (struct marks){{g->scope[REG_INT].len, g->scope[REG_FP].len}, g->goals.len};
}

static void back_to(struct gen *g, struct marks marks) {
    g->scope[REG_INT].len = marks.scope[REG_INT];
    g->scope[REG_FP].len = marks.scope[REG_FP];
    g->goals.len = marks.goals;
}

static void split_ways(struct gen *g, uint32_t ways, int count) {
    struct goal *end = new_goal(g, true);
    struct marks marks = mark(g);
    branch(g);
    uint32_t from = g->block;
    for (uint32_t k = 0; k < ways; k++) {
        start_block(g);
        mir_link(g->m, from, g->block);
        if (chance(80)) {
            statements(g, count / (int)ways);
        }
        jump(g, end);
        back_to(g, marks);
    }
    land(g, end);
}

static void breakable(struct gen *g, int count) {
    struct goal *end = new_goal(g, true);
    struct marks marks = mark(g);
    vec_push(g->m->arena, &g->goals, end);
    statements(g, count);
    jump(g, end);
    back_to(g, marks);
    land(g, end);
}

static void loop(struct gen *g, int count) {
    struct goal *head = new_goal(g, true);
    struct marks marks = mark(g);
    jump(g, head);
    uint32_t before = g->block;
    g->depth++;
    start_block(g);
    mir_link(g->m, before, g->block);
    head->froms.len = 0;
    head->block = g->block;
    add_params(g, head);
    vec_push(g->m->arena, &g->goals, head);
    statements(g, count);
    branch(g); /* once more, or out */
    uint32_t from = g->block;
    start_block(g);
    mir_link(g->m, from, g->block);
    jump(g, head);
    g->depth--;
    start_block(g);
    mir_link(g->m, from, g->block);
    if (chance(50)) {
        back_to(g, marks); /* else values of the loop are used after it: they dominate */
    }
    g->goals.len = marks.goals;
}

static void statement(struct gen *g) {
    uint32_t kind = below(100);
    g->budget--;
    if (kind < 50) {
        plain(g);
    } else if (kind < 60) {
        make_value(g, any_class());
    } else if (kind < 66) {
        copy(g);
    } else if (kind < 72) {
        fixed(g);
    } else if (kind < 80) {
        call(g);
    } else if (kind < 84 && g->goals.len) {
        leave(g);
    } else if (kind < 90) {
        split_ways(g, chance(80) ? 2 : 2 + below(5), g->budget / 3);
    } else if (kind < 95) {
        breakable(g, g->budget / 2);
    } else {
        loop(g, g->budget / 2);
    }
}

static void statements(struct gen *g, int count) {
    int stop = g->budget - count;
    while (g->budget > stop && g->budget > 0) {
        statement(g);
    }
}

/* Parameters in registers, a body, a result in a register. */
static struct mfunc *random_function(struct arena *arena, const struct target *target, int size,
                                     uint32_t pressure) {
    struct gen g = {
        .m = mir_new(arena),
        .target = target,
        .budget = size,
        .pressure = pressure,
        .recent_percent = size > 10000 ? 99 : 70,
    };
    start_block(&g);
    mir_inst(g.m, 0);
    for (uint32_t class = 0; class < REG_CLASS_COUNT; class ++) {
        uint32_t mask = target->clobbers[class];
        for (uint32_t k = 0; k < (uint32_t)__builtin_popcount(mask) && k < 8; k++) {
            vreg_t vreg = mir_vreg(g.m, (enum reg_class) class);
            mir_operand(g.m, vreg, OPERAND_DEF, OPERAND_FIXED, nth_reg(mask, k));
            add_scope(&g, vreg);
        }
    }
    make_value(&g, REG_INT);
    make_value(&g, REG_FP);
    while (g.budget > 0) {
        statement(&g);
    }
    mir_inst(g.m, MINST_END);
    mir_operand(g.m, pick(&g, REG_INT), OPERAND_USE, OPERAND_FIXED,
                nth_reg(target->allocatable[REG_INT], 0));
    return g.m;
}

/* --- tests --- */

static uint32_t seeds(uint32_t otherwise) {
    const char *text = getenv("REGALLOC_SEEDS");
    return text ? (uint32_t)strtoul(text, NULL, 10) : otherwise;
}

static uint64_t move_count, inst_count;

static void run_one(uint64_t seed, const struct target *target, int size, uint32_t pressure) {
    struct arena arena;
    char text[200] = "";
    arena_init(&arena, &heap_source);
    struct mfunc *m = random_function(&arena, target, size, pressure);
    regalloc_run(m, target);
    const char *fault = regalloc_check(m, target);
    if (fault) {
        snprintf(text, sizeof text, "%s", fault);
    }
    inst_count += m->insts.len;
    move_count += m->moves.len;
    arena_fini(&arena);
    if (fault) {
        FAIL("seed %" PRIu64 ": %s", seed, text);
    }
}

static void run_small(uint32_t regs, uint32_t count) {
    const char *only = getenv("REGALLOC_SEED");
    for (uint64_t seed = 1; seed <= count; seed++) {
        if (only && strtoul(only, NULL, 10) != seed) {
            continue;
        }
        random_state = seed * 0x9e3779b97f4a7c15u + regs;
        struct target target = small_target(regs);
        run_one(seed, &target, 10 + (int)below(seed % 16 ? 60 : 500), 1 + below(3 * regs));
    }
}

TEST(two_registers) {
    run_small(2, seeds(1000));
}

TEST(three_registers) {
    run_small(3, seeds(1000));
}

TEST(four_registers) {
    run_small(4, seeds(1000));
}

TEST(six_registers) {
    run_small(6, seeds(1000));
}

/* Some values with holes, and others without that meet them. */
TEST(short_walks) {
    struct regalloc_walk walk = regalloc_walk;
    struct target target = small_target(4);
    for (uint64_t seed = 1, count = seeds(2000); seed <= count; seed++) {
        random_state = seed * 0x9e3779b97f4a7c15u;
        regalloc_walk.least = below(400);
        regalloc_walk.per_inst = 0;
        run_one(seed, &target, 20 + (int)below(500), 1 + below(12));
    }
    regalloc_walk = walk;
}

TEST(riscv_registers) {
    struct target target = riscv_target();
    for (uint64_t seed = 1, count = seeds(500); seed <= count; seed++) {
        random_state = seed * 0x9e3779b97f4a7c15u;
        run_one(seed, &target, 20 + (int)below(400), 5 + below(60));
    }
}

/* Sums over the random functions so far: a worse allocation shows here. */
TEST(counts_moves) {
    printf("# %" PRIu64 " instructions, %" PRIu64 " moves\n", inst_count, move_count);
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

TEST(huge_function) {
    struct target target = riscv_target();
    struct arena arena;
    arena_init(&arena, &heap_source);
    random_state = 42;
    struct mfunc *m = random_function(&arena, &target, 50000, 40);
    double start = seconds();
    regalloc_run(m, &target);
    double time = seconds() - start;
    printf("# %u instructions, %u values, %u blocks, %u moves, %u slots: %.2f s\n", m->insts.len,
           m->vreg_class.len, m->blocks.len, m->moves.len, m->slot_count, time);
    arena_fini(&arena);
    CHECK(time < 20);
}

CHECK_MAIN
