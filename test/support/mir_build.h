/*
 * Makes machine IR by hand, for tests of what comes after selection: instructions without meaning
 * that have operands only.
 *
 *     struct mfunc *m = mir_new(&arena);
 *     vreg_t a = mir_vreg(m, REG_INT);
 *     mir_block(m, 0);
 *     mir_inst(m, 0);
 *     mir_operand(m, a, OPERAND_DEF, OPERAND_REG, 0);
 *     mir_inst(m, MINST_END);          the end of the block
 *     mir_link(m, 0, 1);               an edge
 */
#ifndef TEST_SUPPORT_MIR_BUILD_H
#define TEST_SUPPORT_MIR_BUILD_H

#include "wasm/codegen/mir.h"

static inline vreg_t mir_vreg(struct mfunc *m, enum reg_class reg_class) {
    vec_push(m->arena, &m->vreg_class, (uint8_t)reg_class);
    return m->vreg_class.len - 1;
}

static inline struct mfunc *mir_new(struct arena *arena) {
    struct mfunc *m = arena_new(arena, struct mfunc);
    m->arena = arena;
    vec_push(arena, &m->vreg_class, 0);
    return m;
}

/* Begins the next block; returns its index. */
static inline uint32_t mir_block(struct mfunc *m, uint32_t loop_depth) {
    struct mblock block = {.first = m->insts.len, .loop_depth = loop_depth};
    vec_push(m->arena, &m->blocks, block);
    return m->blocks.len - 1;
}

static inline void mir_inst(struct mfunc *m, uint8_t flags) {
    struct minst inst = {.flags = flags, .operand = m->operands.len};
    vec_push(m->arena, &m->insts, inst);
    vec_last(&m->blocks).count++;
    m->has_calls = m->has_calls || (flags & MINST_CALL);
}

static inline void mir_operand(struct mfunc *m, vreg_t vreg, enum operand_role role,
                               enum operand_constraint constraint, uint32_t reg) {
    struct moperand operand = {.vreg = vreg,
                               .role = (uint8_t)role,
                               .constraint = (uint8_t)constraint,
                               .reg = (uint8_t)reg};
    vec_push(m->arena, &m->operands, operand);
    vec_last(&m->insts).operand_count++;
}

static inline void mir_use(struct mfunc *m, vreg_t vreg) {
    mir_operand(m, vreg, OPERAND_USE, OPERAND_REG, 0);
}

static inline vreg_t mir_def(struct mfunc *m, enum reg_class reg_class) {
    vreg_t vreg = mir_vreg(m, reg_class);
    mir_operand(m, vreg, OPERAND_DEF, OPERAND_REG, 0);
    return vreg;
}

/* Argument of a jump. */
static inline void mir_argument(struct mfunc *m, vreg_t vreg) {
    mir_operand(m, vreg, OPERAND_USE, OPERAND_ANY, 0);
}

static inline void mir_link(struct mfunc *m, uint32_t from, uint32_t to) {
    vec_push(m->arena, &m->blocks.at[from].succs, to);
    vec_push(m->arena, &m->blocks.at[to].preds, from);
}

static inline vreg_t mir_param(struct mfunc *m, uint32_t block, enum reg_class reg_class) {
    vreg_t vreg = mir_vreg(m, reg_class);
    vec_push(m->arena, &m->blocks.at[block].params, vreg);
    return vreg;
}

#endif
