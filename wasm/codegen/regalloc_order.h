/*
 * Moves that happen at once, put into an order in which they can be done one after the other.
 */
#ifndef WASM_CODEGEN_REGALLOC_ORDER_H
#define WASM_CODEGEN_REGALLOC_ORDER_H

#include "wasm/codegen/regalloc.h"

/* Groups in front of one instruction, in the order in which they happen. */
enum move_group { MOVES_IN, MOVES_AT, MOVES_OUT, MOVES_GROUPS };

struct move {
    loc_t from, to; /* from: LOC_NONE with remat */
    uint32_t remat; /* instruction + 1 that makes the value, or 0 */
    uint8_t reg_class;
    uint8_t group;
    uint32_t next; /* of the same instruction; index + 1 */
};

struct move_list {
    struct arena *arena;
    VEC(struct move) moves;
    uint32_t *first; /* by instruction; index + 1 */
    uint32_t inst_count;
};

void move_list_init(struct move_list *list, struct arena *arena, uint32_t inst_count);

/* Within a group no place is written with two different values. */
void move_list_add(struct move_list *list, uint32_t inst, enum move_group group, struct move move);

/* Fills m->moves. Cycles go through the scratch register of one class, slot to slot within them
 * through that of the other class, whatever the value's: a slot's 64 bits pass either unchanged. */
void move_list_write(const struct move_list *list, struct mfunc *m, const struct target *target);

#endif
