/*
 * Dead code: values that nothing needs go.
 *
 * Needs: nothing. Gives: every instruction left has an effect or is an argument, over however many
 * steps, of one that has; no COPY is in use. Breaks: nothing.
 *
 * What has an effect is marked, then what it uses, by a worklist; so phis that only feed each other
 * go too. The results of a call stay with it, used or not.
 */
#include "wasm/opt/opt.h"

struct dce {
    struct func *f;
    VEC(value_t) todo;
};

static bool has_effect(const struct inst *i) {
    return inst_has(i, IR_TRAPS | IR_WRITES | IR_CALLS | IR_ENDS) || i->op == OP_RESULT;
}

static inline void mark(struct dce *d, value_t v) {
    struct inst *i = func_inst(d->f, v);
    if (!i->mark) {
        i->mark = 1;
        vec_push(d->f->arena, &d->todo, v);
    }
}

static void mark_args(struct dce *d, value_t v) {
    struct inst *i = func_inst(d->f, v);
    value_t *args = inst_args(i);
    for (uint32_t k = 0; k < i->argc; k++) {
        args[k] = func_resolve(d->f, args[k]);
        mark(d, args[k]);
    }
}

static void sweep(struct func *f) {
    for (block_id_t b = 0; b < f->blocks.len; b++) {
        value_t next;
        for (value_t v = f->blocks.at[b].first; v; v = next) {
            next = func_inst(f, v)->next;
            if (!func_inst(f, v)->mark) {
                func_unlink(f, v);
            }
            func_inst(f, v)->mark = 0;
        }
    }
}

void dce_run(struct func *f) {
    struct dce d = {.f = f};
    vec_reserve(f->arena, &d.todo, 64);
    for (block_id_t b = 0; b < f->blocks.len; b++) {
        for (value_t v = f->blocks.at[b].first; v; v = func_inst(f, v)->next) {
            if (has_effect(func_inst(f, v))) {
                mark(&d, v);
            }
        }
        while (d.todo.len > 0) {
            mark_args(&d, vec_pop(&d.todo));
        }
    }
    sweep(f);
}
