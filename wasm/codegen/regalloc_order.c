/*
 * Parallel moves: each group becomes a sequence with the same effect.
 *
 * A move can be done once nobody has to read its target any more. When none is left of that kind,
 * what remains are cycles; one place of each is saved in a scratch register first. Values that are
 * made again come last, since they read nothing.
 */
#include "wasm/codegen/regalloc_order.h"

#include <assert.h>

struct order {
    const struct target *target;
    struct mfunc *m;
    uint32_t inst;
    VEC(struct move) group; /* the moves at hand */
    VEC(uint32_t) ready;
    uint32_t *writer;  /* by loc: index + 1 in group of the move that writes it */
    uint32_t *readers; /* by loc: moves not yet done that read it */
};

void move_list_init(struct move_list *list, struct arena *arena, uint32_t inst_count) {
    *list = (struct move_list){.arena = arena, .inst_count = inst_count};
    list->first = arena_array(arena, uint32_t, inst_count);
}

void move_list_add(struct move_list *list, uint32_t inst, enum move_group group, struct move move) {
    assert(inst < list->inst_count);
    move.group = (uint8_t)group;
    move.next = list->first[inst];
    vec_push(list->arena, &list->moves, move);
    list->first[inst] = list->moves.len;
}

static inline void emit(struct order *s, loc_t from, loc_t to, uint32_t remat, uint32_t reg_class) {
    struct mmove move = {s->inst, from, to, remat, (uint8_t)reg_class};
    vec_push(s->m->arena, &s->m->moves, move);
}

static loc_t scratch(const struct order *s, uint32_t reg_class) {
    return LOC_REG(reg_class, s->target->scratch[reg_class]);
}

/* Slot to slot goes through the scratch register of class `through`. */
static void emit_move(struct order *s, loc_t from, const struct move *move, uint32_t through) {
    if (loc_is_slot(from) && loc_is_slot(move->to)) {
        emit(s, from, scratch(s, through), 0, through);
        emit(s, scratch(s, through), move->to, 0, through);
    } else {
        emit(s, from, move->to, 0, move->reg_class);
    }
}

static void emit_remat(struct order *s, const struct move *move) {
    if (loc_is_slot(move->to)) {
        loc_t reg = scratch(s, move->reg_class);
        emit(s, LOC_NONE, reg, move->remat, move->reg_class);
        emit(s, reg, move->to, 0, move->reg_class);
    } else {
        emit(s, LOC_NONE, move->to, move->remat, move->reg_class);
    }
}

/* Does moves as long as there are some whose target nobody reads. */
static void drain(struct order *s) {
    while (s->ready.len) {
        const struct move *move = &s->group.at[vec_pop(&s->ready)];
        emit_move(s, move->from, move, REG_INT);
        s->writer[move->to] = 0;
        uint32_t writer = s->writer[move->from];
        if (--s->readers[move->from] == 0 && writer && !s->group.at[writer - 1].remat) {
            vec_push(s->m->arena, &s->ready, writer - 1);
        }
    }
}

static const struct move *writer_of(const struct order *s, loc_t loc) {
    assert(s->writer[loc]);
    return &s->group.at[s->writer[loc] - 1];
}

/* The cycle of moves a <- b <- ... <- a: saves a, and gives it to the last. Through slots a cycle may
 * hold both classes; the one that reads a counts. */
static void break_cycle(struct order *s, const struct move *move) {
    loc_t saved = move->to;
    const struct move *last = move;
    while (last->from != saved) {
        last = writer_of(s, last->from);
    }
    uint32_t class = last->reg_class, other = class == REG_INT ? REG_FP : REG_INT;
    loc_t temp = scratch(s, class);
    emit(s, saved, temp, 0, class);
    for (;; move = writer_of(s, move->from)) {
        emit_move(s, move == last ? temp : move->from, move, other);
        s->writer[move->to] = 0;
        s->readers[move->from]--;
        if (move == last) {
            return;
        }
    }
}

static bool add(struct order *s, const struct move *move) {
    uint32_t writer = s->writer[move->to];
    if (writer) { /* a piece that starts in the register where the value is FIXED */
        assert(s->group.at[writer - 1].from == move->from);
        assert(s->group.at[writer - 1].remat == move->remat);
        return false;
    }
    vec_push(s->m->arena, &s->group, *move);
    s->writer[move->to] = s->group.len;
    return true;
}

static void write_group(struct order *s) {
    for (uint32_t k = 0; k < s->group.len; k++) {
        const struct move *move = &s->group.at[k];
        if (!move->remat && s->readers[move->to] == 0) {
            vec_push(s->m->arena, &s->ready, k);
        }
    }
    drain(s);
    for (uint32_t k = 0; k < s->group.len; k++) {
        const struct move *move = &s->group.at[k];
        if (!move->remat && s->writer[move->to] == k + 1) {
            break_cycle(s, move);
        }
    }
    for (uint32_t k = 0; k < s->group.len; k++) {
        const struct move *move = &s->group.at[k];
        if (move->remat) {
            emit_remat(s, move);
            s->writer[move->to] = 0;
        }
    }
}

/* The moves in front of the instruction at hand, from index + 1 on. */
static void write_moves(struct order *s, const struct move_list *list, uint32_t first) {
    for (uint8_t group = 0; group < MOVES_GROUPS; group++) {
        vec_clear(&s->group);
        for (uint32_t k = first; k; k = list->moves.at[k - 1].next) {
            const struct move *move = &list->moves.at[k - 1];
            if (move->group == group && add(s, move) && !move->remat) {
                s->readers[move->from]++;
            }
        }
        write_group(s);
    }
}

void move_list_write(const struct move_list *list, struct mfunc *m, const struct target *target) {
    struct order s = {.target = target, .m = m};
    uint32_t locs = LOC_SLOT(m->slot_count);
    s.writer = arena_array(m->arena, uint32_t, locs);
    s.readers = arena_array(m->arena, uint32_t, locs);
    for (s.inst = 0; s.inst < list->inst_count; s.inst++) {
        uint32_t first = list->first[s.inst];
        if (!first) {
            continue;
        }
        const struct move *move = &list->moves.at[first - 1];
        if (move->next) {
            write_moves(&s, list, first);
        } else if (move->remat) {
            emit_remat(&s, move);
        } else {
            emit_move(&s, move->from, move, REG_INT);
        }
    }
}
