/*
 * Spill slots: one for each spilled value, the same for values that never live at the same time.
 *
 * Needs: the scan's spilled marks. Gives: value.slot, slot_count. Breaks: nothing.
 *
 * A slot belongs to a value from its first range to its last; holes are not shared, but for one
 * case that is worth it: a block parameter and its argument take one slot where they do not
 * overlap, so that the edge needs no move through memory.
 */
#include "wasm/codegen/regalloc.h"

#include <assert.h>

#define SHARERS_MAX 8u /* values of one slot that a newcomer is compared with */

struct slot {
    pos_t end; /* of the last value in it; POS_NONE while it lies in `free` */
    uint32_t sharer_count;
    vreg_t sharers[SHARERS_MAX];
};

struct slots {
    struct regalloc *ra;
    VEC(struct slot) all;
    VEC(uint32_t) free;  /* may hold some that were taken again; their end tells */
    vreg_t *ending;      /* by instruction: values whose life ends there, linked by next_ending */
    vreg_t *next_ending; /* by vreg */
    uint32_t swept;      /* instructions whose values have been given back */
};

static pos_t value_start(const struct regalloc *ra, const struct value *value) {
    return ra->ranges.at[value->range].start;
}

static pos_t value_end(const struct regalloc *ra, const struct value *value) {
    return ra->ranges.at[value->range_end - 1].end;
}

#define OVERLAP_STEPS 256

/* Also true if it takes too long to tell. */
static bool overlap(const struct regalloc *ra, const struct value *a, const struct value *b) {
    uint32_t i = a->range, j = b->range;
    for (int step = 0; i < a->range_end && j < b->range_end; step++) {
        const struct range *x = &ra->ranges.at[i], *y = &ra->ranges.at[j];
        if (x->end <= y->start) {
            i++;
        } else if (y->end <= x->start) {
            j++;
        } else {
            return true;
        }
        if (step == OVERLAP_STEPS) {
            return true;
        }
    }
    return false;
}

/* Gives back the slots of values that ended in instructions before `inst`. */
static void sweep(struct slots *s, uint32_t inst) {
    for (; s->swept < inst; s->swept++) {
        for (vreg_t v = s->ending[s->swept]; v; v = s->next_ending[v]) {
            uint32_t slot = s->ra->values[v].slot;
            if (s->all.at[slot].end <= pos_at(s->swept + 1, POS_BEFORE)) {
                s->all.at[slot].end = POS_NONE;
                vec_push(s->ra->arena, &s->free, slot);
            }
        }
    }
}

static void take_slot(struct slots *s, vreg_t vreg, uint32_t slot) {
    struct value *value = &s->ra->values[vreg];
    struct slot *at = &s->all.at[slot];
    pos_t end = value_end(s->ra, value);
    uint32_t last = pos_inst(end - 1);
    value->slot = slot;
    if (at->end == POS_NONE) {
        at->sharer_count = 0;
        at->end = end;
    }
    at->end = at->end < end ? end : at->end;
    at->sharers[at->sharer_count++] = vreg;
    s->next_ending[vreg] = s->ending[last];
    s->ending[last] = vreg;
}

/* Whether the value could live in a slot, be it busy. */
static bool may_share(const struct slots *s, vreg_t vreg, uint32_t slot) {
    const struct slot *at = &s->all.at[slot];
    if (at->end == POS_NONE) {
        return true;
    }
    if (at->sharer_count >= SHARERS_MAX) {
        return false;
    }
    for (uint32_t k = 0; k < at->sharer_count; k++) {
        if (overlap(s->ra, &s->ra->values[at->sharers[k]], &s->ra->values[vreg])) {
            return false;
        }
    }
    return true;
}

/* Shares the slot of `related` if that works. */
static bool share(struct slots *s, vreg_t vreg, vreg_t related) {
    const struct value *other = &s->ra->values[related];
    if (!other->spilled || value_start(s->ra, other) >= value_start(s->ra, &s->ra->values[vreg]) ||
        !may_share(s, vreg, other->slot)) {
        return false;
    }
    take_slot(s, vreg, other->slot);
    return true;
}

/* The parameters that the value becomes, and the arguments that become it. */
static bool share_with_related(struct slots *s, vreg_t vreg) {
    const struct regalloc *ra = s->ra;
    const struct value *value = &ra->values[vreg];
    for (uint32_t k = value->use; k < value->use_end && k < value->use + SHARERS_MAX; k++) {
        const struct moperand *o = &ra->m->operands.at[ra->uses[k].operand];
        if (o->constraint == OPERAND_ANY && pos_step(ra->uses[k].pos) == POS_WRITE) {
            uint32_t block = pos_block(ra, ra->uses[k].pos);
            if (share(s, vreg, argument_param(ra, block, ra->uses[k].operand))) {
                return true;
            }
        }
    }
    if (!value_is_param(value)) {
        return false;
    }
    const struct mblock *block = &ra->m->blocks.at[value->def_block];
    for (uint32_t p = 0; p < block->preds.len && p < SHARERS_MAX; p++) {
        uint32_t operand = param_argument(ra, block->preds.at[p], value->param);
        if (share(s, vreg, ra->m->operands.at[operand].vreg)) {
            return true;
        }
    }
    return false;
}

static void place(struct slots *s, vreg_t vreg) {
    sweep(s, pos_inst(value_start(s->ra, &s->ra->values[vreg])));
    if (share_with_related(s, vreg)) {
        return;
    }
    while (s->free.len) {
        uint32_t slot = vec_pop(&s->free);
        if (s->all.at[slot].end == POS_NONE) {
            take_slot(s, vreg, slot);
            return;
        }
    }
    vec_push(s->ra->arena, &s->all, (struct slot){.end = POS_NONE});
    take_slot(s, vreg, s->all.len - 1);
}

void regalloc_slots_assign(struct regalloc *ra) {
    struct slots s = {.ra = ra};
    for (uint32_t k = 0; k < ra->order.len; k++) {
        if (!ra->values[ra->order.at[k]].spilled) {
            continue;
        }
        if (!s.ending) {
            s.ending = arena_array(ra->arena, vreg_t, ra->m->insts.len);
            s.next_ending = arena_array(ra->arena, vreg_t, ra->m->vreg_class.len);
        }
        place(&s, ra->order.at[k]);
    }
    ra->m->slot_count = s.all.len;
}
