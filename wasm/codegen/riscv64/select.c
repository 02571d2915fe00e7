/*
 * func -> mfunc: the driver, and what values and constants are (select.h has the plan).
 *
 * Layout: reverse post-order with every loop's blocks together and blocks that end in a trap last.
 * Constants: used in a loop without calls, they are made before the loop; elsewhere near their
 * use, and shared with other uses nearby. All are marked as cheaper made again than spilled.
 */
#include "wasm/codegen/riscv64/select.h"

#include "wasm/codegen/riscv64/lines.h"
#include "wasm/codegen/riscv64/riscv64.h"

#include <assert.h>

/* ---- putting instructions ------------------------------------------------------------------ */

vreg_t select_new(struct select *s, enum reg_class reg_class) {
    vec_push(s->arena, &s->m->vreg_class, (uint8_t)reg_class);
    return s->m->vreg_class.len - 1;
}

/* An operand of the instruction put last. There is room for it. */
static void add_operand(struct select *s, struct moperand operand) {
    s->m->operands.at[s->m->operands.len++] = operand;
    vec_last(&s->forward).operand_count++;
}

void select_operand(struct select *s, vreg_t vreg, enum operand_role role,
                    enum operand_constraint constraint, reg_t reg) {
    vec_reserve(s->arena, &s->m->operands, s->m->operands.len + 1);
    add_operand(s, (struct moperand){.vreg = vreg,
                                     .role = (uint8_t)role,
                                     .constraint = (uint8_t)constraint,
                                     .reg = (uint8_t)reg});
}

struct minst *select_put(struct select *s, enum rv_op op, vreg_t rd, const struct source *sources,
                         uint32_t n, int64_t imm) {
    struct minst put = {.op = (uint16_t)op,
                        .operand = s->m->operands.len,
                        .imm = imm,
                        .pos = select_inst(s, s->inst)->pos};
    vec_reserve(s->arena, &s->m->operands, s->m->operands.len + n + 1);
    vec_push(s->arena, &s->forward, put);
    if (rd != 0) {
        add_operand(s, (struct moperand){.vreg = rd, .role = OPERAND_DEF});
    }
    for (uint32_t i = 0; i < n; i++) {
        if (sources[i].vreg != 0) {
            add_operand(s, (struct moperand){.vreg = sources[i].vreg, .role = OPERAND_USE});
        } else {
            vec_last(&s->forward).aux |= (uint32_t)(sources[i].pin + 1) << (8 * i);
        }
    }
    return &vec_last(&s->forward);
}

struct minst *select_put1(struct select *s, enum rv_op op, vreg_t rd, struct source a,
                          int64_t imm) {
    return select_put(s, op, rd, &a, 1, imm);
}
struct minst *select_put2(struct select *s, enum rv_op op, vreg_t rd, struct source a,
                          struct source b, int64_t imm) {
    return select_put(s, op, rd, (struct source[]){a, b}, 2, imm);
}

struct source select_make1(struct select *s, enum rv_op op, struct source a, int64_t imm) {
    vreg_t rd = select_new(s, REG_INT);
    select_put1(s, op, rd, a, imm);
    return source_vreg(rd);
}
struct source select_make2(struct select *s, enum rv_op op, struct source a, struct source b) {
    vreg_t rd = select_new(s, REG_INT);
    select_put2(s, op, rd, a, b, 0);
    return source_vreg(rd);
}

/* Moves a value into the register of the instruction being selected. */
static void move(struct select *s, vreg_t rd, struct source from, enum reg_class reg_class) {
    if (from.vreg == 0 && from.pin == ZERO) {
        select_put(s, RV_LI, rd, NULL, 0, 0)->flags |= MINST_REMAT;
        return;
    }
    struct minst *move = select_put1(s, reg_class == REG_INT ? RV_MV : RV_FMV, rd, from, 0);
    if (from.vreg != 0) {
        move->flags |= MINST_MOVE;
    }
}

/* ---- facts about values -------------------------------------------------------------------- */

bool select_is_const(const struct select *s, value_t v, int64_t *value_out) {
    const struct inst *inst = select_inst(s, v);
    if (inst->op == OP_ICONST) {
        *value_out = inst->imm;
    }
    return inst->op == OP_ICONST;
}

const struct inst *select_fold(const struct select *s, value_t v, enum ir_op op) {
    const struct inst *inst = select_inst(s, v);
    return inst->op == op && s->uses[v] == 1 && s->vreg[v] == 0 ? inst : NULL;
}

static uint64_t bound_load(const struct inst *inst) {
    switch (inst->sub) {
    case ACCESS_8U:
        return UINT8_MAX;
    case ACCESS_16U:
        return UINT16_MAX;
    case ACCESS_32U:
        return UINT32_MAX;
    default:
        return UINT64_MAX;
    }
}

uint64_t select_bound(const struct select *s, value_t v, uint32_t depth) {
    const struct inst *inst = select_inst(s, v);
    uint64_t all = select_is_wide(inst->type) ? UINT64_MAX : UINT32_MAX;
    int64_t c;
    if (depth == 0) {
        return all;
    }
    switch (inst->op) {
    case OP_ICONST:
        return (uint64_t)inst->imm & all;
    case OP_LOAD:
        return bound_load(inst) & all;
    case OP_AND: {
        uint64_t x = select_bound(s, inst->arg[0], depth - 1);
        uint64_t y = select_bound(s, inst->arg[1], depth - 1);
        return x < y ? x : y;
    }
    case OP_SHR_U:
        if (select_is_const(s, inst->arg[1], &c)) {
            uint32_t shift = (uint32_t)c & (all == UINT32_MAX ? 31 : 63);
            return select_bound(s, inst->arg[0], depth - 1) >> shift;
        }
        return all;
    case OP_SHL:
        if (select_is_const(s, inst->arg[1], &c)) {
            uint32_t shift = (uint32_t)c & (all == UINT32_MAX ? 31 : 63);
            uint64_t x = select_bound(s, inst->arg[0], depth - 1);
            return x <= all >> shift ? x << shift : all;
        }
        return all;
    case OP_EXTEND_U:
        return select_bound(s, inst->arg[0], depth - 1);
    default:
        return inst->op >= OP_EQZ && inst->op <= OP_FLE ? 1 : all;
    }
}

/* Whether an i64 is its own low half, sign-extended. */
static bool is_sign_extended(const struct select *s, value_t v) {
    const struct inst *inst = select_inst(s, v);
    switch (inst->op) {
    case OP_EXTEND_S:
    case OP_EXTEND8_S:
    case OP_EXTEND16_S:
    case OP_EXTEND32_S:
        return true;
    case OP_LOAD:
        return inst->sub != ACCESS_32U && inst->sub != ACCESS_64;
    default:
        return select_bound(s, v, 4) <= INT32_MAX;
    }
}

value_t select_resolve(const struct select *s, value_t v) {
    for (uint32_t steps = 0; steps < SELECT_CHAIN; steps++) {
        const struct inst *inst = select_inst(s, v);
        switch (inst->op) {
        case OP_COPY:
        case OP_EXTEND_S:
        case OP_FUNC_CHECK:
            v = inst->arg[0];
            continue;
        case OP_WRAP:
            if (!is_sign_extended(s, inst->arg[0])) {
                return v;
            }
            v = inst->arg[0];
            continue;
        case OP_EXTEND_U:
            if (select_bound(s, inst->arg[0], 4) > INT32_MAX) {
                return v;
            }
            v = inst->arg[0];
            continue;
        default:
            return v;
        }
    }
    return v;
}

/* The value whose low 32 bits are those of v. */
static value_t resolve_low(const struct select *s, value_t v) {
    for (uint32_t steps = 0; steps < SELECT_CHAIN; steps++) {
        const struct inst *inst = select_inst(s, v);
        int64_t mask;
        switch (inst->op) {
        case OP_COPY:
        case OP_EXTEND_S:
        case OP_EXTEND_U:
        case OP_EXTEND32_S:
        case OP_WRAP:
            v = inst->arg[0];
            continue;
        case OP_AND:
            if (select_is_const(s, inst->arg[1], &mask) && (uint32_t)mask == UINT32_MAX) {
                v = inst->arg[0];
                continue;
            }
            return v;
        default:
            return v;
        }
    }
    return v;
}

bool select_low_only(const struct select *s, value_t v) {
    return (s->facts[v] & FACT_FULL) == 0;
}

/* ---- registers of values ------------------------------------------------------------------- */

static vreg_t need(struct select *s, value_t v) {
    if (s->vreg[v] == 0) {
        uint8_t type = select_inst(s, v)->type;
        s->vreg[v] = select_new(s, select_is_float(type) ? REG_FP : REG_INT);
    }
    return s->vreg[v];
}

static enum rv_op constant_op(const struct inst *inst) {
    return inst->op == OP_ICONST ? RV_LI : inst->type == IR_F32 ? RV_FLI_S : RV_FLI_D;
}
static bool is_constant(const struct inst *inst) {
    return inst->op == OP_ICONST || inst->op == OP_FCONST;
}

/* Of what select_resolve() gave. */
static vreg_t vreg_of_resolved(struct select *s, value_t v) {
    const struct inst *inst = select_inst(s, v);
    if (is_constant(inst)) {
        return select_constant(s, constant_op(inst), inst->imm);
    }
    s->facts[v] |= FACT_FULL;
    return need(s, v);
}

vreg_t select_vreg(struct select *s, value_t v) {
    return vreg_of_resolved(s, select_resolve(s, v));
}

struct source select_reg(struct select *s, value_t v) {
    v = select_resolve(s, v);
    const struct inst *inst = select_inst(s, v);
    if (inst->op == OP_ICONST && inst->imm == 0) {
        return source_pin(ZERO);
    }
    return source_vreg(vreg_of_resolved(s, v));
}

struct source select_low(struct select *s, value_t v) {
    v = resolve_low(s, v);
    const struct inst *inst = select_inst(s, v);
    if (inst->op == OP_ICONST) {
        return select_li(s, (int32_t)(uint32_t)inst->imm);
    }
    return source_vreg(need(s, v));
}

vreg_t select_fresh(struct select *s, value_t v) {
    v = select_resolve(s, v);
    const struct inst *inst = select_inst(s, v);
    if (!is_constant(inst)) {
        return vreg_of_resolved(s, v);
    }
    vreg_t rd = select_new(s, inst->op == OP_ICONST ? REG_INT : REG_FP);
    select_put(s, constant_op(inst), rd, NULL, 0, inst->imm)->flags |= MINST_REMAT;
    return rd;
}

/* ---- constants ----------------------------------------------------------------------------- */

static enum reg_class constant_class(uint16_t op) {
    return op == RV_FLI_S || op == RV_FLI_D ? REG_FP : REG_INT;
}

static struct minst constant_inst(struct select *s, const struct constant *c) {
    struct minst inst = {.op = c->op,
                         .flags = MINST_REMAT,
                         .operand = s->m->operands.len,
                         .operand_count = 1,
                         .imm = c->imm};
    struct moperand operand = {.vreg = c->vreg, .role = OPERAND_DEF, .constraint = OPERAND_REG};
    vec_push(s->arena, &s->m->operands, operand);
    return inst;
}

/* Makes constant i of this block here, that is before all of its uses so far. */
static void flush_constant(struct select *s, uint32_t i) {
    struct minst inst = constant_inst(s, &s->near[i]);
    vec_push(s->arena, &s->reverse, inst);
    s->near[i] = s->near[--s->near_count];
}

static void flush_constants(struct select *s) {
    while (s->near_count != 0) {
        flush_constant(s, s->near_count - 1);
    }
}

static void flush_distant(struct select *s) {
    for (uint32_t i = s->near_count; i-- > 0;) {
        if (s->near[i].used_at + CONSTANTS_DISTANCE < s->step) {
            flush_constant(s, i);
        }
    }
}

/* Where a constant used in this block is best made: before the outermost loop around it. */
static block_id_t constant_home(const struct select *s) {
    block_id_t home = s->block;
    for (;;) {
        block_id_t head = s->f->blocks.at[home].loop_head;
        if (head == BLOCK_NONE) {
            return home;
        }
        home = s->f->blocks.at[head].idom;
    }
}

/* One that is or can be made before the loops around this block; 0 if it is to be made here. */
static vreg_t hoisted_constant(struct select *s, enum rv_op op, int64_t imm) {
    block_id_t home = constant_home(s);
    struct hoisted *h = &s->hoisted[home];
    if (home == s->block) {
        return 0;
    }
    for (uint32_t i = 0; i < h->list.len; i++) {
        if (h->list.at[i].op == op && h->list.at[i].imm == imm) {
            return h->list.at[i].vreg;
        }
    }
    enum reg_class reg_class = constant_class((uint16_t)op);
    if (h->count[reg_class] == CONSTANTS_LOOP) {
        return 0;
    }
    h->count[reg_class]++;
    struct constant c = {.op = (uint16_t)op, .imm = imm, .vreg = select_new(s, reg_class)};
    vec_push(s->arena, &h->list, c);
    return c.vreg;
}

vreg_t select_constant(struct select *s, enum rv_op op, int64_t imm) {
    vreg_t vreg = hoisted_constant(s, op, imm);
    if (vreg != 0) {
        return vreg;
    }
    uint32_t oldest = 0;
    for (uint32_t i = 0; i < s->near_count; i++) {
        if (s->near[i].op == op && s->near[i].imm == imm) {
            s->near[i].used_at = s->step;
            return s->near[i].vreg;
        }
        if (s->near[i].used_at < s->near[oldest].used_at) {
            oldest = i;
        }
    }
    if (s->near_count == CONSTANTS_NEAR) {
        /* Is the oldest used by this very instruction? Then make the new one on the spot. */
        if (s->near[oldest].used_at == s->step) {
            vreg_t rd = select_new(s, constant_class((uint16_t)op));
            select_put(s, op, rd, NULL, 0, imm)->flags |= MINST_REMAT;
            return rd;
        }
        flush_constant(s, oldest);
    }
    struct constant c = {.op = (uint16_t)op,
                         .imm = imm,
                         .used_at = s->step,
                         .vreg = select_new(s, constant_class((uint16_t)op))};
    s->near[s->near_count++] = c;
    return c.vreg;
}

struct source select_li(struct select *s, int64_t imm) {
    return imm == 0 ? source_pin(ZERO) : source_vreg(select_constant(s, RV_LI, imm));
}

/* ---- ends of blocks ------------------------------------------------------------------------ */

static void select_jump(struct select *s, block_id_t block, block_id_t to) {
    const struct block *target = &s->f->blocks.at[to];
    uint32_t edge = s->edge_of[block];
    vec_clear(&s->jump_args);
    for (value_t v = target->first; v != 0 && select_inst(s, v)->op == OP_PHI;
         v = select_inst(s, v)->next) {
        vreg_t arg = select_fresh(s, select_arg(s, v, edge));
        vec_push(s->arena, &s->jump_args, arg);
    }
    select_put(s, RV_JUMP, 0, NULL, 0, 0);
    for (uint32_t i = 0; i < s->jump_args.len; i++) {
        select_operand(s, s->jump_args.at[i], OPERAND_USE, OPERAND_ANY, 0);
    }
}

static void select_br(struct select *s, value_t v) {
    struct compare c = select_compare(s, select_arg(s, v, 0));
    select_put2(s, RV_BRANCH, 0, c.x, c.y, c.cond);
}

#define SWITCH_CHAIN 3u /* successors up to which comparisons are used */

static void select_switch(struct select *s, value_t v) {
    uint32_t n = s->f->blocks.at[s->block].succs.len;
    struct source index = select_reg(s, select_arg(s, v, 0));
    if (n <= SWITCH_CHAIN) {
        struct source ks[3] = {index};
        for (uint32_t i = 1; i + 1 < n; i++) {
            ks[i] = select_li(s, i);
        }
        select_put(s, RV_SWITCH_STEP, 0, ks, n < 2 ? 1 : n - 1, 0);
        return;
    }
    bool bounded = select_bound(s, select_arg(s, v, 0), 4) < n;
    struct source table = source_vreg(select_constant(s, RV_TABLE, s->block));
    struct source last = bounded ? source_pin(ZERO) : select_li(s, (int64_t)n - 1);
    select_put(s, RV_SWITCH, 0, (struct source[]){index, table, last}, 3, bounded);
}

static void select_end(struct select *s, value_t v) {
    switch (select_inst(s, v)->op) {
    case OP_JUMP:
        select_jump(s, s->block, s->f->blocks.at[s->block].succs.at[0]);
        break;
    case OP_BR:
        select_br(s, v);
        break;
    case OP_SWITCH:
        select_switch(s, v);
        break;
    case OP_RET:
        select_ret(s, v);
        break;
    default:
        select_put(s, RV_TRAP, 0, NULL, 0, 0)->trap = (uint8_t)select_inst(s, v)->imm;
        break;
    }
    vec_last(&s->forward).flags |= MINST_END;
}

/* ---- instructions -------------------------------------------------------------------------- */

static void select_func_check(struct select *s, value_t v) {
    const struct inst *inst = select_inst(s, v);
    vreg_t type = select_new(s, REG_INT);
    select_put1(s, RV_LW, type, select_reg(s, inst->arg[0]), offsetof(struct func_record, type))
        ->trap = TRAP_UNINITIALIZED_ELEMENT;
    struct compare c = {COND_NE, source_vreg(type), select_li(s, inst->aux)};
    select_trap_branch(s, c, TRAP_INDIRECT_CALL_TYPE);
    if (s->vreg[v] != 0) { /* the end of a long chain: not seen through */
        move(s, s->vreg[v], select_reg(s, inst->arg[0]), REG_INT);
    }
}

/* Those that are made whether or not their value is used. */
static bool select_effect(struct select *s, value_t v) {
    const struct inst *inst = select_inst(s, v);
    switch (inst->op) {
    case OP_STORE:
        select_store(s, v);
        return true;
    case OP_CALL:
    case OP_CALL_REF:
    case OP_HELPER:
        flush_constants(s);
        select_call(s, v);
        return true;
    case OP_TRAP_IF:
        select_trap_branch(s, select_compare(s, inst->arg[0]), (enum trap)inst->imm);
        return true;
    case OP_FUNC_CHECK:
        select_func_check(s, v);
        return true;
    case OP_ADDR:
        select_addr(s, v);
        return true;
    case OP_GLOBAL_SET:
    case OP_TABLE_SET:
        select_instance(s, v, 0);
        return true;
    default:
        return false;
    }
}

static vreg_t result_reg(struct select *s, value_t v) {
    const struct inst *inst = select_inst(s, v);
    bool must = (ir_ops[inst->op].flags & IR_TRAPS) != 0;
    return must ? need(s, v) : s->vreg[v];
}

static void select_value(struct select *s, value_t v) {
    const struct inst *inst = select_inst(s, v);
    if (select_effect(s, v)) {
        return;
    }
    vreg_t rd = result_reg(s, v);
    if (rd == 0) {
        return;
    }
    switch (inst->op) {
    case OP_LOAD:
        select_load(s, v, rd);
        break;
    case OP_MEMORY_SIZE:
    case OP_GLOBAL_GET:
    case OP_TABLE_GET:
    case OP_TABLE_SIZE:
    case OP_REF_FUNC:
        select_instance(s, v, rd);
        break;
    default:
        if (select_is_int_op(inst->op)) {
            select_int(s, v, rd);
        } else {
            select_float(s, v, rd);
        }
        break;
    }
}

/* ---- blocks -------------------------------------------------------------------------------- */

/* Turns what was put for one IR instruction round. */
static void take_forward(struct select *s) {
    vec_reserve(s->arena, &s->reverse, s->reverse.len + s->forward.len);
    for (uint32_t i = s->forward.len; i-- > 0;) {
        s->reverse.at[s->reverse.len++] = s->forward.at[i];
    }
    vec_clear(&s->forward);
}

static void select_hoisted(struct select *s) {
    struct hoisted *h = &s->hoisted[s->block];
    for (uint32_t i = 0; i < h->list.len; i++) {
        struct minst inst = constant_inst(s, &h->list.at[i]);
        vec_push(s->arena, &s->reverse, inst);
    }
}

static bool is_made_elsewhere(uint8_t op) {
    return op == OP_ICONST || op == OP_FCONST || op == OP_PHI || op == OP_PARAM ||
           op == OP_RESULT || op == OP_COPY || op == OP_NONE;
}

#define STEP_WINDOW 100u /* instructions looked at behind a step */

/* A comparison that the branch at the end of its block has taken for itself. */
static bool is_branch_condition(const struct select *s, value_t v, value_t end) {
    return select_inst(s, end)->op == OP_BR && select_arg(s, end, 0) == v && s->uses[v] == 1 &&
           s->vreg[v] == 0;
}

/* Whether nothing between v and the end of its block uses it. */
static bool is_used_late(const struct select *s, value_t v) {
    value_t end = s->f->blocks.at[s->block].last;
    value_t at = select_inst(s, v)->next;
    for (uint32_t i = 0; i < STEP_WINDOW && at != end; i++) {
        for (uint32_t k = 0; k < select_inst(s, at)->argc; k++) {
            if (select_arg(s, at, k) == v && !is_branch_condition(s, at, end)) {
                return false;
            }
        }
        at = select_inst(s, at)->next;
    }
    return at == end;
}

/* The steps of loop variables are made last of all in a block where that is possible: then the old
 * value is not needed any more and both can have one register. */
static void select_steps(struct select *s, block_id_t block) {
    for (value_t v = s->block_steps[block]; v != 0; v = s->next_step[v]) {
        if (s->vreg[v] != 0 && is_used_late(s, v)) {
            s->inst = v;
            select_value(s, v);
            take_forward(s);
            s->facts[v] |= FACT_DONE;
        }
    }
}

static void select_block(struct select *s, block_id_t block) {
    const struct block *b = &s->f->blocks.at[block];
    s->block = block;
    for (value_t v = b->last; v != 0; v = select_inst(s, v)->prev) {
        s->inst = v;
        s->step++;
        if (v == b->last) {
            select_end(s, v);
            take_forward(s);
            select_steps(s, block);
            select_hoisted(s);
        } else if (!is_made_elsewhere(select_inst(s, v)->op) && (s->facts[v] & FACT_DONE) == 0) {
            select_value(s, v);
            take_forward(s);
            flush_distant(s);
        }
    }
    flush_constants(s);
    if (block == 0) {
        select_params(s);
        take_forward(s);
    }
}

/* ---- layout -------------------------------------------------------------------------------- */

static bool is_cold(const struct select *s, block_id_t block) {
    return select_inst(s, s->f->blocks.at[block].last)->op == OP_TRAP && block != 0;
}

/* Blocks in the order in which they will stand: a walk over the loop tree, whose inner nodes are
 * headers and whose children stand in reverse post-order. */
struct order {
    uint32_t *first, *last,
        *next; /* children by loop header (the function at blocks.len), siblings */
};

static void order_add(struct order *o, uint32_t parent, uint32_t child) {
    if (o->first[parent] == BLOCK_NONE) {
        o->first[parent] = child;
    } else {
        o->next[o->last[parent]] = child;
    }
    o->last[parent] = child;
}

static uint32_t order_parent(const struct func *f, block_id_t block) {
    const struct block *b = &f->blocks.at[block];
    block_id_t head = b->loop_head == block ? b->loop_parent : b->loop_head;
    return head == BLOCK_NONE ? f->blocks.len : head;
}

static uint32_t *layout_order(struct select *s, uint32_t *count_out) {
    const struct func *f = s->f;
    uint32_t n = f->blocks.len, count = 0;
    struct order o = {arena_array(s->arena, uint32_t, n + 1),
                      arena_array(s->arena, uint32_t, n + 1),
                      arena_array(s->arena, uint32_t, n + 1)};
    uint32_t *list = arena_array(s->arena, uint32_t, n + 1);
    uint32_t *stack = arena_array(s->arena, uint32_t, n + 1), depth = 0;
    for (uint32_t i = 0; i <= n; i++) {
        o.first[i] = o.next[i] = BLOCK_NONE;
    }
    for (uint32_t i = 0; i < f->order.len; i++) {
        if (!is_cold(s, f->order.at[i])) {
            order_add(&o, order_parent(f, f->order.at[i]), f->order.at[i]);
        }
    }
    uint32_t at = o.first[n];
    while (at != BLOCK_NONE || depth != 0) {
        if (at == BLOCK_NONE) {
            at = o.next[stack[--depth]];
            continue;
        }
        list[count++] = at;
        stack[depth++] = at;
        at = o.first[at];
    }
    for (uint32_t i = 0; i < f->order.len; i++) {
        if (is_cold(s, f->order.at[i])) {
            list[count++] = f->order.at[i];
        }
    }
    *count_out = count;
    return list;
}

/* ---- the whole ----------------------------------------------------------------------------- */

static void note_uses(struct select *s, value_t v) {
    const struct inst *inst = select_inst(s, v);
    int64_t c;
    for (uint32_t k = 0; k < inst->argc; k++) {
        s->uses[select_arg(s, v, k)]++;
    }
    if (inst->op == OP_ADD && select_inst(s, inst->arg[0])->op == OP_PHI &&
        select_is_const(s, inst->arg[1], &c)) {
        s->step_of[inst->arg[0]] = v;
        s->next_step[v] = s->block_steps[inst->block];
        s->block_steps[inst->block] = v;
    }
}

static void count_uses(struct select *s) {
    const struct func *f = s->f;
    for (uint32_t i = 0; i < f->order.len; i++) {
        const struct block *b = &f->blocks.at[f->order.at[i]];
        for (value_t v = b->first; v != 0; v = select_inst(s, v)->next) {
            note_uses(s, v);
        }
    }
}

/* Which of its successor's predecessors a block is; of use for blocks with one successor. */
static void number_edges(struct select *s) {
    const struct func *f = s->f;
    for (uint32_t i = 0; i < f->order.len; i++) {
        const struct block *b = &f->blocks.at[f->order.at[i]];
        for (uint32_t k = 0; k < b->preds.len; k++) {
            s->edge_of[b->preds.at[k]] = k;
        }
    }
}

static void begin(struct select *s) {
    uint32_t values = s->f->insts.len, blocks = s->f->blocks.len;
    s->vreg = arena_array(s->arena, vreg_t, values);
    s->uses = arena_array(s->arena, uint32_t, values);
    s->facts = arena_array(s->arena, uint8_t, values);
    s->page_head = arena_array(s->arena, uint32_t, values);
    s->block_of = arena_array(s->arena, uint32_t, blocks);
    s->edge_of = arena_array(s->arena, uint32_t, blocks);
    s->step_of = arena_array(s->arena, value_t, values);
    s->next_step = arena_array(s->arena, value_t, values);
    s->block_steps = arena_array(s->arena, value_t, blocks);
    s->hoisted = arena_array(s->arena, struct hoisted, blocks);
    struct page_addr none = {0};
    vec_push(s->arena, &s->page_addrs, none);
    vec_push(s->arena, &s->m->vreg_class, REG_INT);
    struct abi_walk walk = {0};
    for (uint32_t i = 0; i < s->f->params.len; i++) {
        abi_next(&walk, select_is_float((uint8_t)s->f->params.at[i]));
    }
    s->param_slots = walk.slots;
    number_edges(s);
    count_uses(s);
}

/* The code of a block, in `reverse`. */
struct block_code {
    uint32_t first, count;
};

/* Block parameters stand for phis; each needs a register whether or not a use was met. */
static void add_params(struct select *s, block_id_t block, struct mblock *to) {
    for (value_t v = s->f->blocks.at[block].first; v != 0 && select_inst(s, v)->op == OP_PHI;
         v = select_inst(s, v)->next) {
        vec_push(s->arena, &to->params, need(s, v));
    }
}

static void add_edges(struct select *s, block_id_t block, struct mblock *to) {
    const struct block *b = &s->f->blocks.at[block];
    vec_start(s->arena, &to->preds, b->preds.len);
    for (uint32_t k = 0; k < b->preds.len; k++) {
        if (s->f->blocks.at[b->preds.at[k]].rpo != UINT32_MAX) {
            to->preds.at[to->preds.len++] = s->block_of[b->preds.at[k]];
        }
    }
    vec_start(s->arena, &to->succs, b->succs.len);
    for (uint32_t k = 0; k < b->succs.len; k++) {
        to->succs.at[to->succs.len++] = s->block_of[b->succs.at[k]];
    }
}

static void add_code(struct select *s, struct block_code code) {
    struct mfunc *m = s->m;
    for (uint32_t k = code.count; k-- > 0;) {
        struct minst *inst = &m->insts.at[m->insts.len++];
        *inst = s->reverse.at[code.first + k];
        if (inst->op == RV_TABLE) {
            inst->imm = s->block_of[inst->imm];
        }
    }
}

/* Puts the code of all blocks, made out of order, into layout order. */
static void join(struct select *s, const uint32_t *order, uint32_t count,
                 const struct block_code *code) {
    struct mfunc *m = s->m;
    vec_reserve(s->arena, &m->blocks, count);
    vec_reserve(s->arena, &m->insts, s->reverse.len);
    for (uint32_t i = 0; i < count; i++) {
        s->block_of[order[i]] = i;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct mblock block = {
            .first = m->insts.len,
            .count = code[order[i]].count,
            .loop_depth = s->f->blocks.at[order[i]].loop_depth,
            .ir_block = order[i],
        };
        add_edges(s, order[i], &block);
        add_params(s, order[i], &block);
        add_code(s, code[order[i]]);
        vec_push(s->arena, &m->blocks, block);
    }
}

struct mfunc *riscv64_select(struct arena *arena, const struct func *f, const struct layout *layout,
                             const struct target_options *options) {
    struct select s = {.arena = arena, .f = f, .layout = layout, .features = options->features};
    s.m = arena_new(arena, struct mfunc);
    s.m->arena = arena;
    s.m->index = f->index;
    begin(&s);
    uint32_t count;
    uint32_t *order = layout_order(&s, &count);
    struct block_code *code = arena_array_raw(arena, struct block_code, f->blocks.len);
    vec_reserve(arena, &s.reverse, f->insts.len);
    vec_reserve(arena, &s.m->operands, f->insts.len);
    for (uint32_t i = f->order.len; i-- > 0;) {
        block_id_t block = f->order.at[i];
        code[block].first = s.reverse.len;
        select_block(&s, block);
        code[block].count = s.reverse.len - code[block].first;
    }
    join(&s, order, count, code);
    return s.m;
}
