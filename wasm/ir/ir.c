/*
 * Building and editing functions in SSA form. See ir.h.
 *
 * Instructions are numbered as they are made and never move in the array; their order is that of the
 * lists in the blocks. Removing is unlinking: what is no longer in a block is garbage until the
 * function's arena goes.
 */
#include "wasm/ir/ir.h"

#include "base/bitset.h"

#include <assert.h>
#include <string.h>

#define NONE   IR_RESULT_NONE
#define I32    IR_RESULT_I32
#define SAME   IR_RESULT_SAME
#define OWN    IR_RESULT_OWN
#define VAR    IR_VAR
#define PURE   IR_PURE
#define COMM   IR_COMM
#define TRAPS  IR_TRAPS
#define READS  IR_READS
#define WRITES IR_WRITES
#define CALLS  IR_CALLS
#define ENDS   IR_ENDS
const struct ir_op_info ir_ops[OP_COUNT] = {
    [OP_NONE] = {"none", 0, NONE, 0},
#define OP(name, text, arity, result, flags) [OP_##name] = {text, arity, result, flags},
#include "wasm/ir/ops.def"
#undef OP
};
#undef NONE
#undef I32
#undef SAME
#undef OWN
#undef VAR
#undef PURE
#undef COMM
#undef TRAPS
#undef READS
#undef WRITES
#undef CALLS
#undef ENDS

const char *const ir_type_names[IR_TYPE_COUNT] = {
    [IR_NONE] = "none", [IR_I32] = "i32", [IR_I64] = "i64", [IR_F32] = "f32",
    [IR_F64] = "f64",   [IR_REF] = "ref", [IR_PTR] = "ptr",
};

const struct access_info access_infos[ACCESS_COUNT] = {
    [ACCESS_8U] = {"8u", 1, false},   [ACCESS_8S] = {"8s", 1, true},
    [ACCESS_16U] = {"16u", 2, false}, [ACCESS_16S] = {"16s", 2, true},
    [ACCESS_32U] = {"32u", 4, false}, [ACCESS_32S] = {"32s", 4, true},
    [ACCESS_64] = {"64", 8, false},   [ACCESS_F32] = {"f32", 4, false},
    [ACCESS_F64] = {"f64", 8, false},
};

const char *const helper_names[HELPER_COUNT] = {
#define X(name, text) [HELPER_##name] = text,
    HELPER_TABLE(X)
#undef X
};

/* ---- making */

struct func *func_new(struct arena *arena, const struct module *module, uint32_t index) {
    struct func *f = arena_new(arena, struct func);
    f->arena = arena;
    f->module = module;
    f->index = index;
    vec_resize(arena, &f->insts, 1);
    return f;
}

block_id_t func_add_block(struct func *f) {
    struct block block = {
        .idom = BLOCK_NONE,
        .rpo = UINT32_MAX,
        .loop_head = BLOCK_NONE,
        .loop_parent = BLOCK_NONE,
    };
    vec_push(f->arena, &f->blocks, block);
    f->is_analyzed = false;
    return f->blocks.len - 1;
}

static inline value_t add_inst(struct func *f, enum ir_op op, enum ir_type type, uint32_t argc) {
    struct inst inst = {
        .op = (uint8_t)op,
        .type = (uint8_t)type,
        .argc = argc,
        .block = BLOCK_NONE,
    };
    if (argc > 3) {
        inst.args = arena_array(f->arena, value_t, argc);
    }
    arena_poll_round(f->arena, f->insts.len);
    vec_push(f->arena, &f->insts, inst);
    f->has_copies |= op == OP_COPY;
    return f->insts.len - 1;
}

value_t func_add_inst(struct func *f, enum ir_op op, enum ir_type type, uint32_t argc) {
    return add_inst(f, op, type, argc);
}

void func_set_argc(struct func *f, value_t v, uint32_t argc) {
    struct inst *i = func_inst(f, v);
    uint32_t kept = i->argc < argc ? i->argc : argc;
    value_t small[3] = {0};
    value_t *to = argc > 3 ? arena_array(f->arena, value_t, argc) : small;
    if (kept > 0) {
        memcpy(to, inst_args(i), kept * sizeof(value_t));
    }
    i->argc = argc;
    if (argc > 3) {
        i->args = to;
    } else {
        memcpy(i->arg, small, sizeof(small));
    }
}

/* ---- order within a block */

/* Links v between two neighbours of which either may be none. */
static inline void link_between(struct func *f, block_id_t block, value_t prev, value_t v,
                                value_t next) {
    struct inst *i = func_inst(f, v);
    struct block *b = &f->blocks.at[block];
    assert(i->block == BLOCK_NONE);
    i->block = block;
    i->prev = prev;
    i->next = next;
    *(prev ? &func_inst(f, prev)->next : &b->first) = v;
    *(next ? &func_inst(f, next)->prev : &b->last) = v;
}

void func_append(struct func *f, block_id_t block, value_t v) {
    link_between(f, block, f->blocks.at[block].last, v, 0);
}

value_t func_append_inst(struct func *f, block_id_t block, enum ir_op op, enum ir_type type,
                         uint32_t argc, uint32_t pos) {
    value_t v = add_inst(f, op, type, argc);
    func_inst(f, v)->pos = pos;
    link_between(f, block, f->blocks.at[block].last, v, 0);
    return v;
}

void func_insert_before(struct func *f, value_t where, value_t v) {
    link_between(f, func_inst(f, where)->block, func_inst(f, where)->prev, v, where);
}

void func_unlink(struct func *f, value_t v) {
    struct inst *i = func_inst(f, v);
    struct block *b = &f->blocks.at[i->block];
    *(i->prev ? &func_inst(f, i->prev)->next : &b->first) = i->next;
    *(i->next ? &func_inst(f, i->next)->prev : &b->last) = i->prev;
    i->block = BLOCK_NONE;
    i->prev = i->next = 0;
}

value_t func_insert_const(struct func *f, value_t where, enum ir_type type, int64_t bits) {
    bool is_float = type == IR_F32 || type == IR_F64;
    value_t v = func_add_inst(f, is_float ? OP_FCONST : OP_ICONST, type, 0);
    struct inst *i = func_inst(f, v);
    i->imm = type == IR_I32 ? (int32_t)bits : bits;
    i->pos = func_inst(f, where)->pos;
    func_insert_before(f, where, v);
    return v;
}

void func_replace(struct func *f, value_t v, value_t with) {
    if (func_inst(f, v)->block != BLOCK_NONE) {
        func_unlink(f, v);
    }
    with = func_resolve(f, with);
    assert(with != v);
    struct inst *i = func_inst(f, v);
    i->op = OP_COPY;
    i->argc = 1;
    i->arg[0] = with;
    f->has_copies = true;
}

/* ---- edges */

void func_add_edge(struct func *f, block_id_t from, block_id_t to) {
    f->is_analyzed = false;
    vec_push(f->arena, &f->blocks.at[from].succs, to);
    vec_push(f->arena, &f->blocks.at[to].preds, from);
}

uint32_t func_pred_index(const struct func *f, block_id_t from, uint32_t succ) {
    const struct block *b = &f->blocks.at[from];
    block_id_t to = b->succs.at[succ];
    uint32_t skip = 0;
    for (uint32_t k = 0; k < succ; k++) {
        skip += b->succs.at[k] == to;
    }
    const struct block *t = &f->blocks.at[to];
    uint32_t index = 0;
    while (t->preds.at[index] != from || skip-- > 0) {
        index++;
        assert(index < t->preds.len);
    }
    return index;
}

/*
 * For every edge, which entry of the target's predecessors it is, in linear time: `start` and `pred`
 * go by block and number of the successor.
 */
struct edge_map {
    uint32_t *start; /* by block: where its successors begin in `pred` */
    uint32_t *pred;
};

static struct edge_map map_edges(struct func *f) {
    uint32_t len = f->blocks.len;
    struct edge_map map = {.start = arena_array(f->arena, uint32_t, len + 1)};
    for (block_id_t b = 0; b < len; b++) {
        map.start[b + 1] = map.start[b] + f->blocks.at[b].succs.len;
    }
    uint32_t edges = map.start[len];
    map.pred = arena_array(f->arena, uint32_t, edges);
    /* All entries of predecessors, sorted by `from` and then by target. */
    struct entry {
        block_id_t to;
        uint32_t index;
    } *entries = arena_array(f->arena, struct entry, edges);
    uint32_t *fill = arena_copy(f->arena, map.start, len * sizeof(uint32_t));
    for (block_id_t to = 0; to < len; to++) {
        const struct block *t = &f->blocks.at[to];
        for (uint32_t k = 0; k < t->preds.len; k++) {
            entries[fill[t->preds.at[k]]++] = (struct entry){to, k};
        }
    }
    /* For one `from`, next[to] is the first entry of `to` not given to a successor yet. */
    uint32_t *next = arena_array(f->arena, uint32_t, len);
    for (block_id_t from = 0; from < len; from++) {
        const struct block *b = &f->blocks.at[from];
        for (uint32_t e = map.start[from + 1]; e-- > map.start[from];) {
            next[entries[e].to] = e;
        }
        for (uint32_t k = 0; k < b->succs.len; k++) {
            map.pred[map.start[from] + k] = entries[next[b->succs.at[k]]++].index;
        }
    }
    return map;
}

void func_compact_preds(struct func *f, block_id_t block) {
    struct block *b = &f->blocks.at[block];
    uint32_t kept = 0;
    for (uint32_t k = 0; k < b->preds.len; k++) {
        kept += b->preds.at[k] != BLOCK_NONE;
    }
    for (value_t v = b->first; v && func_inst(f, v)->op == OP_PHI; v = func_inst(f, v)->next) {
        value_t *args = inst_args(func_inst(f, v));
        uint32_t to = 0;
        for (uint32_t k = 0; k < b->preds.len; k++) {
            if (b->preds.at[k] != BLOCK_NONE) {
                args[to++] = args[k];
            }
        }
        func_set_argc(f, v, kept);
    }
    uint32_t to = 0;
    for (uint32_t k = 0; k < b->preds.len; k++) {
        if (b->preds.at[k] != BLOCK_NONE) {
            b->preds.at[to++] = b->preds.at[k];
        }
    }
    b->preds.len = kept;
}

void func_fold_branches(struct func *f, const struct edge *kept, uint32_t len) {
    f->is_analyzed = false;
    struct edge_map map = map_edges(f);
    struct bitset touched = bitset_new(f->arena, f->blocks.len);
    for (uint32_t k = 0; k < len; k++) {
        struct block *b = &f->blocks.at[kept[k].from];
        for (uint32_t s = 0; s < b->succs.len; s++) {
            if (s != kept[k].succ) {
                block_id_t to = b->succs.at[s];
                f->blocks.at[to].preds.at[map.pred[map.start[kept[k].from] + s]] = BLOCK_NONE;
                bitset_add(&touched, to);
            }
        }
        b->succs.at[0] = b->succs.at[kept[k].succ];
        b->succs.len = 1;
        func_set_argc(f, b->last, 0);
        func_inst(f, b->last)->op = OP_JUMP;
    }
    bitset_each(&touched, to) {
        func_compact_preds(f, to);
    }
}

/* A block on the edge from preds.at[index] of `to`, in place in both lists. */
static void split_edge(struct func *f, block_id_t from, uint32_t succ, block_id_t to,
                       uint32_t index) {
    block_id_t middle = func_add_block(f);
    value_t jump = func_add_inst(f, OP_JUMP, IR_NONE, 0);
    func_inst(f, jump)->pos = func_inst(f, f->blocks.at[from].last)->pos;
    func_append(f, middle, jump);
    f->blocks.at[from].succs.at[succ] = middle;
    f->blocks.at[to].preds.at[index] = middle;
    vec_push(f->arena, &f->blocks.at[middle].preds, from);
    vec_push(f->arena, &f->blocks.at[middle].succs, to);
}

void func_split_critical_edges(struct func *f) {
    struct edge_map map = map_edges(f);
    uint32_t len = f->blocks.len;
    for (block_id_t from = 0; from < len; from++) {
        for (uint32_t s = 0; f->blocks.at[from].succs.len > 1 && s < f->blocks.at[from].succs.len;
             s++) {
            block_id_t to = f->blocks.at[from].succs.at[s];
            if (f->blocks.at[to].preds.len > 1) {
                split_edge(f, from, s, to, map.pred[map.start[from] + s]);
            }
        }
    }
}

static void resolve_args(const struct func *f, struct inst *i) {
    value_t *args = inst_args(i);
    for (uint32_t k = 0; k < i->argc; k++) {
        args[k] = func_resolve(f, args[k]);
    }
}

void func_resolve_copies(struct func *f) {
    for (block_id_t b = 0; b < f->blocks.len && f->has_copies; b++) {
        value_t next;
        for (value_t v = f->blocks.at[b].first; v; v = next) {
            struct inst *i = func_inst(f, v);
            next = i->next;
            if (i->op == OP_COPY) {
                func_unlink(f, v);
            } else {
                resolve_args(f, i);
            }
        }
    }
    f->has_copies = false;
}

void func_resolve_phis(struct func *f) {
    for (block_id_t b = 0; b < f->blocks.len && f->has_copies; b++) {
        for (value_t v = f->blocks.at[b].first; v && func_inst(f, v)->op == OP_PHI;
             v = func_inst(f, v)->next) {
            resolve_args(f, func_inst(f, v));
        }
    }
    f->has_copies = false;
}
