/*
 * Locals to SSA. See locals.h.
 *
 * Where several predecessors meet and the local was set between them and their dominator, a look-up
 * stacks a `local_walk`, collects the local's value from each of them, and then either passes on the
 * one value they agree on or makes a phi. Loop headers have their phi before their predecessors are
 * asked, so that no walk meets itself; what turns out to be one value is replaced by it at once, which
 * leaves few phis without purpose (the fold pass removes the rest).
 *
 * Invariant: the dominators noted form a tree whose parents end earlier in the text; with skip
 * pointers (see ir/analysis.c) a jump up costs a logarithm.
 */
#include "wasm/ir/locals.h"

struct local_block {
    block_id_t parent; /* a dominator */
    block_id_t jump;   /* one further up */
    uint32_t depth;    /* in that tree */
    block_id_t header; /* innermost loop header that dominates it, or BLOCK_NONE */
    bool is_open;      /* a header whose loop has not ended */
    locals_time_t start, end;
    locals_time_t loop_end;   /* of a header: when its loop ended */
    VEC(value_t) phis;        /* of an open header, without arguments yet */
    VEC(uint32_t) phi_locals; /* whose they are */
};

struct local_walk {
    block_id_t block;
    block_id_t from; /* where the look-up came from, whose end has the same value; or BLOCK_NONE */
    value_t phi;     /* made before asking, or 0 */
    uint32_t next;   /* predecessor to ask */
    uint32_t args;   /* where its answers start in locals.args */
};

void locals_init(struct locals *l, struct func *f, uint32_t count, const uint8_t *types) {
    *l = (struct locals){.f = f, .count = count, .types = types};
    l->now = arena_array(f->arena, value_t, count);
    l->now_block = arena_array(f->arena, block_id_t, count);
    for (uint32_t k = 0; k < count; k++) {
        l->now_block[k] = BLOCK_NONE;
    }
    l->sets = arena_alloc(f->arena, count * sizeof(*l->sets));
    map_init(&l->defs, f->arena, types_seed(f->module->types));
}

static uint64_t key_of(block_id_t block, uint32_t local) {
    return (uint64_t)block << 32 | local;
}

static void set_dominator(struct locals *l, struct local_block *b, block_id_t dominator) {
    const struct local_block *parent = &l->blocks.at[dominator];
    const struct local_block *up = &l->blocks.at[parent->jump];
    bool is_twice = parent->depth - up->depth == up->depth - l->blocks.at[up->jump].depth;
    b->parent = dominator;
    b->depth = parent->depth + 1;
    b->jump = is_twice ? up->jump : dominator;
}

void locals_start(struct locals *l, block_id_t block, block_id_t dominator, block_id_t header) {
    if (l->blocks.len <= block) {
        vec_resize(l->f->arena, &l->blocks, block + 1);
    }
    struct local_block *b = &l->blocks.at[block];
    *b = (struct local_block){.header = header, .is_open = header == block, .start = l->time};
    if (dominator != BLOCK_NONE) {
        set_dominator(l, b, dominator);
    }
    l->current = block;
}

void locals_finish(struct locals *l) {
    for (uint32_t k = 0; k < l->dirty.len; k++) {
        uint32_t local = l->dirty.at[k];
        map_put(&l->defs, key_of(l->current, local), l->now[local]);
    }
    vec_clear(&l->dirty);
    l->blocks.at[l->current].end = l->time;
}

void locals_set(struct locals *l, uint32_t local, value_t value) {
    /* Set twice in a block it stands twice in `dirty`: harmless. */
    l->now[local] = value;
    l->now_block[local] = l->current;
    l->time++;
    vec_push(l->f->arena, &l->sets[local], l->time);
    vec_push(l->f->arena, &l->dirty, local);
}

/* When the local was set for the last time at or before `until`; 0: never. */
static locals_time_t last_set(const struct locals *l, uint32_t local, locals_time_t until) {
    uint32_t low = 0, high = l->sets[local].len;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (l->sets[local].at[middle] <= until) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low > 0 ? l->sets[local].at[low - 1] : 0;
}

static bool is_set_in_loop(const struct locals *l, uint32_t local,
                           const struct local_block *header) {
    return last_set(l, local, header->loop_end) > header->start;
}

/* ---- making values */

static void put_first(struct func *f, block_id_t block, value_t v) {
    if (f->blocks.at[block].first) {
        func_insert_before(f, f->blocks.at[block].first, v);
    } else {
        func_append(f, block, v);
    }
}

static value_t add_phi(struct locals *l, block_id_t block, uint32_t local) {
    value_t phi = func_add_inst(l->f, OP_PHI, (enum ir_type)l->types[local], 0);
    put_first(l->f, block, phi);
    return phi;
}

static value_t add_open_phi(struct locals *l, block_id_t header, uint32_t local) {
    value_t phi = add_phi(l, header, local);
    struct local_block *b = &l->blocks.at[header];
    vec_push(l->f->arena, &b->phis, phi);
    vec_push(l->f->arena, &b->phi_locals, local);
    map_put(&l->defs, key_of(header, local), phi);
    return phi;
}

/* What a local that is no parameter has at the start; one constant a type. */
static value_t zero_of(struct locals *l, enum ir_type type) {
    if (!l->zero[type]) {
        bool is_float = type == IR_F32 || type == IR_F64;
        l->zero[type] = func_add_inst(l->f, is_float ? OP_FCONST : OP_ICONST, type, 0);
        put_first(l->f, 0, l->zero[type]);
    }
    return l->zero[type];
}

/* ---- looking up */

/* The furthest dominator of `block` in the innermost loop after whose end the local is not set on the
 * way to the block's end; the block itself if it may be set right before it. */
static block_id_t jump_up(const struct locals *l, block_id_t block, uint32_t local) {
    const struct local_block *blocks = l->blocks.at;
    locals_time_t until = block == l->current ? l->time : blocks[block].end;
    locals_time_t set = last_set(l, local, until);
    block_id_t header = blocks[block].header;
    uint32_t top = header == BLOCK_NONE ? 0 : blocks[header].depth;
    while (blocks[block].depth > top) {
        const struct local_block *b = &blocks[block];
        if (blocks[b->jump].depth >= top && blocks[b->jump].end >= set) {
            block = b->jump;
        } else if (blocks[b->parent].end >= set) {
            block = b->parent;
        } else {
            break;
        }
    }
    return block;
}

static void push_walk(struct locals *l, block_id_t block, block_id_t from, value_t phi) {
    struct local_walk walk = {.block = block, .from = from, .phi = phi, .args = l->args.len};
    vec_push(l->f->arena, &l->walks, walk);
}

/* The value at the end of `block` if one place on the way up tells it; 0 when paths meet first, for
 * which a walk has been stacked. */
static value_t climb(struct locals *l, block_id_t block, uint32_t local) {
    block_id_t from = block;
    value_t value = 0;
    for (;;) {
        if (map_get(&l->defs, key_of(block, local), &value)) {
            break;
        }
        const struct local_block *b = &l->blocks.at[block];
        const struct block *node = &l->f->blocks.at[block];
        block_id_t up = jump_up(l, block, local);
        if (up != block) {
            block = up;
        } else if (block == 0) {
            map_put(&l->defs, key_of(0, local), zero_of(l, (enum ir_type)l->types[local]));
        } else if (b->is_open) {
            add_open_phi(l, block, local);
        } else if (node->preds.len == 1 || (b->header == block && !is_set_in_loop(l, local, b))) {
            block = b->parent;
        } else {
            value_t phi = b->header == block ? add_phi(l, block, local) : 0;
            if (phi) {
                map_put(&l->defs, key_of(block, local), phi);
            }
            push_walk(l, block, from, phi);
            return 0;
        }
    }
    value = func_resolve(l->f, value);
    if (from != block) {
        map_put(&l->defs, key_of(from, local), value);
    }
    return value;
}

/* The one value that all arguments are, not counting the phi itself; 0 if there are two. */
static value_t single_value(struct locals *l, const value_t *args, uint32_t len, value_t phi) {
    value_t single = 0;
    for (uint32_t k = 0; k < len; k++) {
        value_t arg = func_resolve(l->f, args[k]);
        if (arg == phi || arg == single) {
            continue;
        }
        if (single) {
            return 0;
        }
        single = arg;
    }
    return single;
}

/* All predecessors of the topmost walk have answered. */
static value_t finish_walk(struct locals *l, uint32_t local) {
    struct local_walk walk = vec_pop(&l->walks);
    const value_t *args = &l->args.at[walk.args];
    uint32_t len = l->args.len - walk.args;
    value_t value = single_value(l, args, len, walk.phi);
    if (value && walk.phi) {
        func_replace(l->f, walk.phi, value);
    } else if (!value) {
        value = walk.phi ? walk.phi : add_phi(l, walk.block, local);
        func_set_argc(l->f, value, len);
        for (uint32_t k = 0; k < len; k++) {
            inst_args(func_inst(l->f, value))[k] = args[k];
        }
    }
    l->args.len = walk.args;
    if (walk.from != BLOCK_NONE) {
        map_put(&l->defs, key_of(walk.block, local), value);
        map_put(&l->defs, key_of(walk.from, local), value);
    }
    return value;
}

/* Runs the stacked walks until the lowest, number `base`, has its value. */
static value_t run_walks(struct locals *l, uint32_t base, uint32_t local) {
    value_t value = 0;
    while (l->walks.len > base) {
        struct local_walk *walk = &vec_last(&l->walks);
        const struct block *b = &l->f->blocks.at[walk->block];
        if (walk->next == b->preds.len) {
            value = finish_walk(l, local);
            if (l->walks.len > base) {
                vec_push(l->f->arena, &l->args, value);
            }
        } else {
            value = climb(l, b->preds.at[walk->next++], local);
            if (value) {
                vec_push(l->f->arena, &l->args, value);
            }
        }
    }
    return value;
}

static value_t look_up(struct locals *l, block_id_t block, uint32_t local) {
    uint32_t base = l->walks.len;
    value_t value = climb(l, block, local);
    return value ? value : run_walks(l, base, local);
}

void locals_find(struct locals *l, uint32_t local) {
    l->now[local] = look_up(l, l->current, local);
    l->now_block[local] = l->current;
}

void locals_leave_loop(struct locals *l, block_id_t header) {
    l->blocks.at[l->current].header = header;
}

void locals_seal(struct locals *l, block_id_t header) {
    struct local_block *b = &l->blocks.at[header];
    b->is_open = false;
    b->loop_end = l->time;
    for (uint32_t k = 0; k < b->phis.len; k++) {
        value_t phi = b->phis.at[k];
        uint32_t local = b->phi_locals.at[k];
        if (!is_set_in_loop(l, local, b)) {
            func_replace(l->f, phi, look_up(l, b->parent, local));
        } else {
            uint32_t base = l->walks.len;
            /* The value at the header's start; what it has at its end is known already. */
            push_walk(l, header, BLOCK_NONE, phi);
            run_walks(l, base, local);
        }
    }
}
