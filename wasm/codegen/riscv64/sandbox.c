/*
 * The sandbox verifier: proves that every access to guest memory stays within the memory's
 * reservation, from the machine instructions alone and with no help from selection.
 *
 * Each vreg gets an interval of what it may hold: as an unsigned number, or as a distance from the
 * memory base. Bases come from gp only; numbers are bounded only by instructions that bound them
 * (add.uw, srli, andi, lbu, ...). An access passes if its address is base + [lo, hi] with lo + imm
 * not below the page in front of the memory and hi + imm + 8 within 4 GiB and the guard. Everything unknown
 * is refused. Block parameters take what all their edges agree on, by going round until nothing
 * changes; what has grown three times is unknown.
 *
 * Any mistake in here or in selection must be made twice, the same way, to be of use to anyone.
 */
#include "wasm/codegen/riscv64/riscv64.h"
#include "wasm/codegen/riscv64/select.h"

#define RESERVED ((uint64_t)6 << 30) /* 4 GiB of memory, 2 GiB of guard */
#define WORD_MAX ((uint64_t)UINT32_MAX)
#define ROUNDS   3u

enum shape { SHAPE_UNSEEN, SHAPE_NUMBER, SHAPE_BASED, SHAPE_UNKNOWN };

/* lo and hi are far from overflow: anything beyond LIMIT_NUMBER is unknown. */
#define LIMIT_NUMBER ((int64_t)1 << 40)
struct range {
    uint8_t shape;
    int64_t lo, hi;
};

static const struct range unknown = {.shape = SHAPE_UNKNOWN};

static struct range number(int64_t lo, int64_t hi) {
    if (lo < -LIMIT_NUMBER || hi > LIMIT_NUMBER) {
        return unknown;
    }
    return (struct range){SHAPE_NUMBER, lo, hi};
}

struct vreg_state {
    uint8_t growths; /* how often a parameter changed */
    bool was_read;   /* something was made of its range */
    bool is_listed;
};

struct sandbox {
    const struct mfunc *m;
    struct range *ranges;     /* by vreg */
    struct vreg_state *state; /* by vreg */
    VEC(vreg_t) list;         /* of vregs that changed after they were read */
    /* Once there are any: */
    uint32_t *first_use, *uses;
    uint32_t *inst_of;  /* by operand */
    uint32_t *block_of; /* by instruction that ends a block */
};

static struct range read_range(const struct sandbox *s, vreg_t v) {
    s->state[v].was_read = true;
    return s->ranges[v];
}

/* What source i of an instruction holds. */
static struct range source(const struct sandbox *s, const struct minst *inst, uint32_t i) {
    uint32_t pin = inst->aux >> (8 * i) & 0xff;
    if (pin != 0) {
        return pin - 1 == ZERO             ? number(0, 0)
               : pin - 1 == ABI_REG_MEMORY ? (struct range){SHAPE_BASED, 0, 0}
                                           : unknown;
    }
    uint32_t skip = i;
    for (uint32_t k = 0; k < i; k++) {
        skip -= (inst->aux >> (8 * k) & 0xff) != 0;
    }
    for (uint32_t k = 0; k < inst->operand_count; k++) {
        const struct moperand *o = &s->m->operands.at[inst->operand + k];
        bool is_use = o->role == OPERAND_USE || o->role == OPERAND_USE_LATE;
        if (is_use && skip-- == 0) {
            return read_range(s, o->vreg);
        }
    }
    return unknown;
}

static struct range add(struct range a, struct range b) {
    bool based = a.shape == SHAPE_BASED || b.shape == SHAPE_BASED;
    bool both = a.shape == SHAPE_BASED && b.shape == SHAPE_BASED;
    if (a.shape == SHAPE_UNSEEN || b.shape == SHAPE_UNSEEN) {
        return (struct range){.shape = SHAPE_UNSEEN};
    }
    if (a.shape == SHAPE_UNKNOWN || b.shape == SHAPE_UNKNOWN || both) {
        return unknown;
    }
    struct range sum = number(a.lo + b.lo, a.hi + b.hi);
    if (sum.shape == SHAPE_NUMBER && based) {
        sum.shape = SHAPE_BASED;
    }
    return sum;
}

/* A number without sign, at most `max` if nothing is known. */
static struct range unsigned_within(struct range a, uint64_t max) {
    bool fits = a.shape == SHAPE_NUMBER && a.lo >= 0 && (uint64_t)a.hi <= max;
    return fits ? a : number(0, (int64_t)max);
}

static struct range shifted_left(struct range a, uint32_t k) {
    bool fits = a.shape == SHAPE_NUMBER && a.lo >= 0 && a.hi <= LIMIT_NUMBER >> k;
    return fits ? number(a.lo << k, a.hi << k) : unknown;
}

static struct range shifted_right(struct range a, uint32_t k, uint32_t bits) {
    if (a.shape == SHAPE_NUMBER && a.lo >= 0 && (bits == 64 || (uint64_t)a.hi <= WORD_MAX)) {
        if (k != 0 || bits == 64 || a.hi <= INT32_MAX) {
            return number(a.lo >> k, a.hi >> k);
        }
    }
    return k == 0 || bits - k >= 40 ? unknown : number(0, ((int64_t)1 << (bits - k)) - 1);
}

/* and: no more than either side, if that is known to have no sign. */
static struct range masked(struct range a, struct range b) {
    bool a_known = a.shape == SHAPE_NUMBER && a.lo >= 0;
    bool b_known = b.shape == SHAPE_NUMBER && b.lo >= 0;
    if (!a_known && !b_known) {
        return unknown;
    }
    int64_t hi = !b_known || (a_known && a.hi < b.hi) ? a.hi : b.hi;
    return number(0, hi);
}

/* slliw and such: right only if nothing reaches bit 31. */
static struct range as_word(struct range a) {
    bool fits = a.shape == SHAPE_NUMBER && a.lo >= 0 && a.hi <= INT32_MAX;
    return fits ? a : unknown;
}

static struct range result_of_shift_add(const struct sandbox *s, const struct minst *inst,
                                        uint32_t k, bool is_word) {
    struct range x = source(s, inst, 0);
    if (x.shape == SHAPE_UNSEEN) {
        return x;
    }
    if (is_word) {
        x = unsigned_within(x, WORD_MAX);
    }
    return add(shifted_left(x, k), source(s, inst, 1));
}

static struct range result_of(const struct sandbox *s, const struct minst *inst) {
    uint32_t shamt = (uint32_t)inst->imm & 63;
    switch (inst->op) {
    case RV_LI:
        return number(inst->imm, inst->imm);
    case RV_PAGE:
        return (struct range){SHAPE_BASED, inst->imm * 4096, inst->imm * 4096};
    case RV_MV:
        return source(s, inst, 0);
    case RV_ADDI:
        return add(source(s, inst, 0), number(inst->imm, inst->imm));
    case RV_ADD:
        return add(source(s, inst, 0), source(s, inst, 1));
    case RV_ADD_UW:
        return result_of_shift_add(s, inst, 0, true);
    case RV_SH1ADD:
    case RV_SH2ADD:
    case RV_SH3ADD:
        return result_of_shift_add(s, inst,
                                   inst->op == RV_SH1ADD   ? 1
                                   : inst->op == RV_SH2ADD ? 2
                                                           : 3,
                                   false);
    case RV_SH1ADD_UW:
    case RV_SH2ADD_UW:
    case RV_SH3ADD_UW:
        return result_of_shift_add(s, inst,
                                   inst->op == RV_SH1ADD_UW   ? 1
                                   : inst->op == RV_SH2ADD_UW ? 2
                                                              : 3,
                                   true);
    case RV_SLLI:
        return shifted_left(source(s, inst, 0), shamt);
    case RV_SLLIW:
        return as_word(shifted_left(source(s, inst, 0), shamt));
    case RV_SRLI:
        return shifted_right(source(s, inst, 0), shamt, 64);
    case RV_SRLIW:
        return shifted_right(source(s, inst, 0), shamt, 32);
    case RV_ANDI:
        return masked(source(s, inst, 0), number(inst->imm, inst->imm));
    case RV_AND:
        return masked(source(s, inst, 0), source(s, inst, 1));
    case RV_ANDN:
    case RV_BCLRI:
        return masked(source(s, inst, 0), unknown);
    case RV_ZEXT_H:
    case RV_LHU:
        return number(0, UINT16_MAX);
    case RV_LBU:
        return number(0, UINT8_MAX);
    case RV_LWU:
        return number(0, UINT32_MAX);
    case RV_SLTI:
    case RV_SLTIU:
    case RV_SLT:
    case RV_SLTU:
    case RV_BEXT:
    case RV_BEXTI:
    case RV_FEQ_S:
    case RV_FLT_S:
    case RV_FLE_S:
    case RV_FEQ_D:
    case RV_FLT_D:
    case RV_FLE_D:
        return number(0, 1);
    case RV_XORI: /* of a truth value */
        return inst->imm == 1 && masked(source(s, inst, 0), number(1, 1)).shape != SHAPE_UNKNOWN &&
                       source(s, inst, 0).shape == SHAPE_NUMBER && source(s, inst, 0).hi <= 1 &&
                       source(s, inst, 0).lo >= 0
                   ? number(0, 1)
                   : unknown;
    case RV_CHECKED_ADDR:
        return (struct range){SHAPE_BASED, 0, (int64_t)WORD_MAX + 1 - checked_size(inst->imm)};
    default:
        return unknown;
    }
}

/* Widens `to` so that it covers `from`. Returns whether it changed. */
static bool join(struct range *to, struct range from, bool must_settle) {
    if (from.shape == SHAPE_UNSEEN || to->shape == SHAPE_UNKNOWN) {
        return false;
    }
    if (to->shape == SHAPE_UNSEEN) {
        *to = from;
        return true;
    }
    bool covered = to->shape == from.shape && to->lo <= from.lo && from.hi <= to->hi;
    if (covered) {
        return false;
    }
    if (must_settle || to->shape != from.shape) {
        *to = unknown;
        return true;
    }
    to->lo = from.lo < to->lo ? from.lo : to->lo;
    to->hi = from.hi > to->hi ? from.hi : to->hi;
    return true;
}

/* ---- going round ------------------------------------------------------------------------------ */

/* A vreg whose range changed after it was read is on the list until its uses have been looked at
 * again. A parameter changes ROUNDS times and then becomes unknown, so all of it takes time by the size
 * of the function, whatever its loops. */
static void note_change(struct sandbox *s, vreg_t v) {
    struct vreg_state *state = &s->state[v];
    if (state->was_read && !state->is_listed) {
        state->is_listed = true;
        vec_push(s->m->arena, &s->list, v);
    }
}

static void pass_argument(struct sandbox *s, const struct mblock *from, const struct minst *jump,
                          uint32_t i) {
    const struct mblock *to = &s->m->blocks.at[from->succs.at[0]];
    if (i < to->params.len) {
        vreg_t param = to->params.at[i];
        struct range range = read_range(s, s->m->operands.at[jump->operand + i].vreg);
        if (join(&s->ranges[param], range, s->state[param].growths >= ROUNDS)) {
            s->state[param].growths++;
            note_change(s, param);
        }
    }
}

static void evaluate(struct sandbox *s, const struct minst *inst) {
    bool is_known = (inst->flags & MINST_CALL) == 0 && inst->op != RV_PARAMS;
    const struct moperand *operands = &s->m->operands.at[inst->operand];
    for (uint32_t k = 0; k < inst->operand_count; k++) {
        if (operands[k].role != OPERAND_DEF && operands[k].role != OPERAND_DEF_EARLY) {
            continue;
        }
        vreg_t v = operands[k].vreg;
        struct range r = is_known ? result_of(s, inst) : unknown;
        struct range *old = &s->ranges[v];
        if (r.shape != old->shape || r.lo != old->lo || r.hi != old->hi) {
            *old = r;
            note_change(s, v);
        }
    }
}

/* All once, in their order: definitions come first, so that most is settled by that. */
static void evaluate_all(struct sandbox *s) {
    const struct mfunc *m = s->m;
    for (uint32_t b = 0; b < m->blocks.len; b++) {
        const struct mblock *block = &m->blocks.at[b];
        for (uint32_t i = 0; i < block->count; i++) {
            const struct minst *inst = &m->insts.at[block->first + i];
            evaluate(s, inst);
            for (uint32_t k = 0; inst->op == RV_JUMP && k < inst->operand_count; k++) {
                pass_argument(s, block, inst, k);
            }
        }
    }
}

/* uses[first_use[v]] up to uses[first_use[v + 1]]: the operands that read v. */
static void find_uses(struct sandbox *s) {
    const struct mfunc *m = s->m;
    s->first_use = arena_array(m->arena, uint32_t, m->vreg_class.len + 2);
    s->uses = arena_array_raw(m->arena, uint32_t, m->operands.len);
    s->inst_of = arena_array_raw(m->arena, uint32_t, m->operands.len);
    s->block_of = arena_array(m->arena, uint32_t, m->insts.len);
    for (uint32_t i = 0; i < m->insts.len; i++) {
        for (uint32_t k = 0; k < m->insts.at[i].operand_count; k++) {
            s->inst_of[m->insts.at[i].operand + k] = i;
            s->first_use[m->operands.at[m->insts.at[i].operand + k].vreg + 2]++;
        }
    }
    for (uint32_t v = 2; v < m->vreg_class.len + 2; v++) {
        s->first_use[v] += s->first_use[v - 1];
    }
    for (uint32_t i = 0; i < m->insts.len; i++) {
        for (uint32_t k = 0; k < m->insts.at[i].operand_count; k++) {
            uint32_t operand = m->insts.at[i].operand + k;
            s->uses[s->first_use[m->operands.at[operand].vreg + 1]++] = operand;
        }
    }
    for (uint32_t b = 0; b < m->blocks.len; b++) {
        const struct mblock *block = &m->blocks.at[b];
        s->block_of[block->first + block->count - 1] = b;
    }
}

static void propagate(struct sandbox *s) {
    const struct mfunc *m = s->m;
    while (s->list.len > 0) {
        vreg_t v = vec_pop(&s->list);
        s->state[v].is_listed = false;
        for (uint32_t u = s->first_use[v]; u < s->first_use[v + 1]; u++) {
            uint32_t i = s->inst_of[s->uses[u]];
            const struct minst *inst = &m->insts.at[i];
            if (inst->op == RV_JUMP) {
                const struct mblock *block = &m->blocks.at[s->block_of[i]];
                pass_argument(s, block, inst, s->uses[u] - inst->operand);
            } else {
                evaluate(s, inst);
            }
        }
    }
}

/* ---- the verdict ------------------------------------------------------------------------------ */

static bool is_guest_access(const struct minst *inst) {
    enum format f = rv_ops[inst->op].format;
    return f == FORMAT_L || f == FORMAT_S || f == FORMAT_FL || f == FORMAT_FS;
}

static bool is_allowed(const struct sandbox *s, const struct minst *inst) {
    struct range base = source(s, inst, 0);
    return base.shape == SHAPE_BASED && base.lo + inst->imm >= -4096 &&
           base.hi + inst->imm + 8 <= (int64_t)RESERVED;
}

const char *riscv64_check_sandbox(const struct mfunc *m) {
    struct sandbox s = {.m = m};
    s.ranges = arena_array(m->arena, struct range, m->vreg_class.len);
    s.state = arena_array(m->arena, struct vreg_state, m->vreg_class.len);
    evaluate_all(&s);
    if (s.list.len > 0) {
        find_uses(&s);
        propagate(&s);
    }
    for (uint32_t i = 0; i < m->insts.len; i++) {
        const struct minst *inst = &m->insts.at[i];
        if ((inst->flags & MINST_MEMORY) == 0) {
            continue;
        }
        if (!is_guest_access(inst)) {
            return "memory access by an instruction that is none";
        }
        if (!is_allowed(&s, inst)) {
            return "memory access that is not shown to stay in its memory";
        }
    }
    return NULL;
}
