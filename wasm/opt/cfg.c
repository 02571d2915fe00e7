/*
 * Control flow made plain: unreachable blocks go, blocks that only jump are jumped over, blocks that
 * follow each other are one, phis that are one value are that value.
 *
 * Needs: nothing. Gives: no unreachable block, no COPY in use, no block whose one predecessor has it
 * as its one successor. Breaks: the analysis.
 *
 * It never makes a critical edge: a block is jumped over only from blocks that have no other way. And
 * it never gives a loop a second way in.
 */
#include "wasm/ir/analysis.h"
#include "wasm/opt/opt.h"

enum {
    MAX_THREADED_PREDS = 256, /* of the target of a jump moved: their lists are copied each time */
};

/* ---- unreachable blocks */

static void remove_unreachable(struct func *f) {
    for (uint32_t n = 0; n < f->order.len; n++) {
        struct block *b = &f->blocks.at[f->order.at[n]];
        bool any = false;
        for (uint32_t k = 0; k < b->preds.len; k++) {
            if (!block_is_reachable(f, b->preds.at[k])) {
                b->preds.at[k] = BLOCK_NONE;
                any = true;
            }
        }
        if (any) {
            func_compact_preds(f, f->order.at[n]);
        }
    }
    for (block_id_t id = 0; id < f->blocks.len; id++) {
        struct block *b = &f->blocks.at[id];
        if (!block_is_reachable(f, id)) {
            while (b->first) {
                func_unlink(f, b->first);
            }
            b->preds.len = b->succs.len = 0;
        }
    }
}

/* ---- phis */

static value_t phi_value(const struct func *f, value_t phi) {
    struct inst *i = func_inst(f, phi);
    value_t *args = inst_args(i);
    value_t single = 0;
    for (uint32_t k = 0; k < i->argc; k++) {
        value_t arg = func_resolve(f, args[k]);
        if (arg != phi && arg != single) {
            if (single) {
                return 0;
            }
            single = arg;
        }
    }
    return single;
}

static void replace_single_phis(struct func *f, block_id_t b) {
    value_t next;
    for (value_t v = f->blocks.at[b].first; v && func_inst(f, v)->op == OP_PHI; v = next) {
        next = func_inst(f, v)->next;
        value_t single = phi_value(f, v);
        if (single) {
            func_replace(f, v, single);
        }
    }
}

/* ---- branches both of whose ways are one */

static bool phis_agree(const struct func *f, block_id_t b, uint32_t one, uint32_t other) {
    for (value_t v = f->blocks.at[b].first; v && func_inst(f, v)->op == OP_PHI;
         v = func_inst(f, v)->next) {
        value_t *args = inst_args(func_inst(f, v));
        if (func_resolve(f, args[one]) != func_resolve(f, args[other])) {
            return false;
        }
    }
    return true;
}

static void fold_equal_branches(struct func *f) {
    VEC(struct edge) folds = {0};
    for (uint32_t n = 0; n < f->order.len; n++) {
        block_id_t id = f->order.at[n];
        const struct block *b = &f->blocks.at[id];
        if (func_inst(f, b->last)->op == OP_BR && b->succs.at[0] == b->succs.at[1] &&
            f->blocks.at[b->succs.at[0]].preds.len <= MAX_THREADED_PREDS &&
            phis_agree(f, b->succs.at[0], func_pred_index(f, id, 0), func_pred_index(f, id, 1))) {
            vec_push(f->arena, &folds, ((struct edge){id, 0}));
        }
    }
    if (folds.len > 0) {
        func_fold_branches(f, folds.at, folds.len);
    }
}

/* ---- blocks that only jump */

static bool can_jump_over(const struct func *f, block_id_t id) {
    const struct block *b = &f->blocks.at[id];
    if (id == 0 || b->first != b->last || !b->first || func_inst(f, b->last)->op != OP_JUMP) {
        return false;
    }
    block_id_t to = b->succs.at[0];
    if (to == id || f->blocks.at[to].preds.len + b->preds.len > MAX_THREADED_PREDS) {
        return false;
    }
    if (f->blocks.at[to].loop_head == to && !block_in_loop(f, id, to)) {
        return false; /* the one block before a loop: where licm puts what it moves out */
    }
    for (uint32_t k = 0; k < b->preds.len; k++) {
        if (f->blocks.at[b->preds.at[k]].succs.len != 1 || b->preds.at[k] == id) {
            return false;
        }
    }
    return true;
}

/* The predecessors of `id` become predecessors of its target: the first in its place, the others at
 * the end, and so for the arguments of phis. */
static void jump_over(struct func *f, block_id_t id) {
    f->is_analyzed = false;
    struct block *b = &f->blocks.at[id];
    block_id_t to = b->succs.at[0];
    struct block *t = &f->blocks.at[to];
    uint32_t index = func_pred_index(f, id, 0);
    uint32_t old_len = t->preds.len;
    t->preds.at[index] = b->preds.at[0];
    for (uint32_t k = 0; k < b->preds.len; k++) {
        f->blocks.at[b->preds.at[k]].succs.at[0] = to;
        if (k > 0) {
            vec_push(f->arena, &t->preds, b->preds.at[k]);
        }
    }
    for (value_t v = t->first; v && func_inst(f, v)->op == OP_PHI; v = func_inst(f, v)->next) {
        func_set_argc(f, v, t->preds.len);
        value_t *args = inst_args(func_inst(f, v));
        for (uint32_t k = old_len; k < t->preds.len; k++) {
            args[k] = args[index];
        }
    }
    func_unlink(f, b->first);
    b->preds.len = b->succs.len = 0;
}

/* ---- blocks in a row */

/* Appends `to`, which only `from` leads to, to `from`, which leads only there. */
static void join(struct func *f, block_id_t from, block_id_t to) {
    f->is_analyzed = false;
    struct block *b = &f->blocks.at[from];
    struct block *t = &f->blocks.at[to];
    replace_single_phis(f, to);
    func_unlink(f, b->last);
    for (value_t v = t->first; v; v = func_inst(f, v)->next) {
        func_inst(f, v)->block = from;
    }
    func_inst(f, t->first)->prev = b->last;
    *(b->last ? &func_inst(f, b->last)->next : &b->first) = t->first;
    b->last = t->last;
    b->succs.at = t->succs.at;
    b->succs.len = t->succs.len;
    b->succs.cap = t->succs.cap;
    t->first = t->last = 0;
    t->preds.len = 0;
    t->succs.at = NULL;
    t->succs.len = t->succs.cap = 0;
}

static void join_rows(struct func *f) {
    block_id_t *stands_for = arena_array(f->arena, block_id_t, f->blocks.len);
    for (block_id_t b = 0; b < f->blocks.len; b++) {
        stands_for[b] = b;
    }
    for (uint32_t n = 0; n < f->order.len; n++) {
        block_id_t id = f->order.at[n];
        const struct block *b = &f->blocks.at[id];
        while (b->first && func_inst(f, b->last)->op == OP_JUMP && b->succs.at[0] != id &&
               f->blocks.at[b->succs.at[0]].preds.len == 1) {
            stands_for[b->succs.at[0]] = id;
            join(f, id, b->succs.at[0]);
        }
    }
    for (block_id_t b = 0; b < f->blocks.len; b++) {
        for (uint32_t k = 0; k < f->blocks.at[b].preds.len; k++) {
            f->blocks.at[b].preds.at[k] = stands_for[f->blocks.at[b].preds.at[k]];
        }
    }
}

void cfg_run(struct func *f) {
    analysis_run(f);
    remove_unreachable(f);
    for (uint32_t n = 0; n < f->order.len; n++) {
        replace_single_phis(f, f->order.at[n]);
    }
    fold_equal_branches(f);
    for (uint32_t n = 0; n < f->order.len; n++) {
        if (can_jump_over(f, f->order.at[n])) {
            jump_over(f, f->order.at[n]);
        }
    }
    join_rows(f);
    func_resolve_copies(f);
}
