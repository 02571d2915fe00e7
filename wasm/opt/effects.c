/*
 * Reads and writes of state. See effects.h.
 */
#include "wasm/opt/effects.h"

#include "wasm/opt/value.h"

effects_t effects_read(const struct func *f, const struct inst *i) {
    switch (i->op) {
    case OP_LOAD:
        return EFFECT_MEMORY;
    case OP_MEMORY_SIZE:
        return EFFECT_MEMORY_SIZE;
    case OP_TABLE_GET:
        return EFFECT_TABLE;
    case OP_TABLE_SIZE:
        return EFFECT_TABLE_SIZE;
    case OP_GLOBAL_GET:
        return f->module && !f->module->globals[i->imm].is_mutable ? 0 : EFFECT_GLOBAL;
    default:
        return inst_has(i, IR_CALLS) ? EFFECT_ALL : 0;
    }
}

effects_t effects_written(const struct inst *i) {
    switch (i->op) {
    case OP_STORE:
        return EFFECT_MEMORY;
    case OP_GLOBAL_SET:
        return EFFECT_GLOBAL;
    case OP_TABLE_SET:
        return EFFECT_TABLE;
    case OP_CALL:
    case OP_CALL_REF:
        return EFFECT_ALL;
    case OP_HELPER:
        break;
    default:
        return 0;
    }
    switch ((enum helper)i->imm) {
    case HELPER_MEMORY_GROW:
        return EFFECT_MEMORY_SIZE;
    case HELPER_MEMORY_COPY:
    case HELPER_MEMORY_FILL:
    case HELPER_MEMORY_INIT:
        return EFFECT_MEMORY;
    case HELPER_TABLE_GROW:
        return EFFECT_TABLE_SIZE | EFFECT_TABLE;
    case HELPER_TABLE_FILL:
    case HELPER_TABLE_COPY:
    case HELPER_TABLE_INIT:
        return EFFECT_TABLE;
    case HELPER_DATA_DROP:
    case HELPER_ELEM_DROP:
        return 0;
    case HELPER_COUNT:
        break;
    }
    return EFFECT_ALL;
}

effects_t *effects_of_loops(struct func *f) {
    effects_t *written = arena_array(f->arena, effects_t, f->blocks.len);
    for (uint32_t n = f->order.len; n-- > 0;) {
        /* Backwards, so that a loop is complete before it is added to the one around it. */
        block_id_t id = f->order.at[n];
        const struct block *b = &f->blocks.at[id];
        if (b->loop_head == BLOCK_NONE) {
            continue;
        }
        for (value_t v = b->first; v; v = func_inst(f, v)->next) {
            written[b->loop_head] |= effects_written(func_inst(f, v));
        }
        if (b->loop_head == id && b->loop_parent != BLOCK_NONE) {
            written[b->loop_parent] |= written[id];
        }
    }
    return written;
}

bool effects_may_trap(const struct func *f, const struct inst *i) {
    int64_t c;
    if (!inst_has(i, IR_TRAPS)) {
        return false;
    }
    switch (i->op) {
    case OP_DIV_U:
    case OP_REM_U:
    case OP_REM_S:
        return !value_const(f, i->arg[1], &c) || c == 0;
    case OP_DIV_S:
        return !value_const(f, i->arg[1], &c) || c == 0 || c == -1;
    default:
        return true;
    }
}
