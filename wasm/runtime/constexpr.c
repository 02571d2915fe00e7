/*
 * The evaluator of constant expressions: a loop over instructions with a stack of its own. The
 * module is valid, so operands are there and of the right type.
 */
#include "wasm/runtime/constexpr.h"

#include "wasm/module/instr.h"
#include "wasm/runtime/global.h"

#include <assert.h>

struct machine {
    struct wasm_instance *instance;
    struct arena *arena;
    VEC(uint64_t) stack;
};

gaddr_t constexpr_func_ref(const struct wasm_instance *instance, uint32_t func) {
    uint32_t offset = instance->module->layout->records[func];
    assert(offset != UINT32_MAX);
    return instance->area + offset;
}

static uint64_t sign_extend(uint64_t bits) {
    return (uint64_t)(int64_t)(int32_t)bits;
}

/* The value of an instruction that takes nothing. */
static status_t leaf(struct machine *m, const struct instr *i, uint64_t *bits_out) {
    switch (i->op) {
    case INSTR_I32_CONST:
    case INSTR_I64_CONST:
    case INSTR_F64_CONST:
        *bits_out = (uint64_t)i->value;
        return STATUS_OK;
    case INSTR_F32_CONST:
        *bits_out = 0xffffffff00000000u | (uint64_t)i->value;
        return STATUS_OK;
    case INSTR_REF_NULL:
        *bits_out = 0;
        return STATUS_OK;
    case INSTR_REF_FUNC:
        *bits_out = constexpr_func_ref(m->instance, i->index);
        return STATUS_OK;
    case INSTR_GLOBAL_GET:
        return global_read(m->instance->store, m->instance->globals[i->index], bits_out);
    default:
        return STATUS_UNSUPPORTED; /* an instruction of a feature that has no row here yet */
    }
}

static bool binary(enum instr_op op, uint64_t a, uint64_t b, uint64_t *bits_out) {
    switch (op) {
    case INSTR_I32_ADD:
        *bits_out = sign_extend(a + b);
        return true;
    case INSTR_I32_SUB:
        *bits_out = sign_extend(a - b);
        return true;
    case INSTR_I32_MUL:
        *bits_out = sign_extend(a * b);
        return true;
    case INSTR_I64_ADD:
        *bits_out = a + b;
        return true;
    case INSTR_I64_SUB:
        *bits_out = a - b;
        return true;
    case INSTR_I64_MUL:
        *bits_out = a * b;
        return true;
    default:
        return false;
    }
}

static status_t step(struct machine *m, const struct instr *i) {
    uint64_t bits;
    uint32_t len = m->stack.len;
    if (len >= 2 && binary(i->op, m->stack.at[len - 2], m->stack.at[len - 1], &bits)) {
        m->stack.len -= 2;
    } else {
        TRY(leaf(m, i, &bits));
    }
    TRY_PUSH(m->arena, &m->stack, bits);
    return STATUS_OK;
}

static status_t run(struct machine *m, const struct const_expr *expr, uint64_t *bits_out) {
    struct reader r;
    struct instr i;
    reader_init(&r, expr->at, expr->size);
    while (instr_read(&r, &i) && i.op != INSTR_END) {
        TRY(step(m, &i));
    }
    assert(m->stack.len == 1);
    *bits_out = m->stack.at[0];
    return STATUS_OK;
}

status_t constexpr_eval(struct wasm_instance *instance, const struct const_expr *expr,
                        uint64_t *bits_out) {
    struct machine m = {.instance = instance, .arena = &instance->store->scratch};
    struct arena_mark mark = arena_mark(m.arena);
    status_t status = run(&m, expr, bits_out);
    arena_reset(m.arena, mark);
    return status;
}
