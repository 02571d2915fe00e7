/*
 * Locals to SSA. See locals.h.
 *
 * A look-up walks up from block to block, remembering its path. Where several predecessors meet it
 * stacks a `local_walk`, collects the local's value from each of them, and then either passes on the
 * one value they agree on or makes a phi. Loop headers have their phi before their predecessors are
 * asked, so that no walk meets itself; what turns out to be one value is replaced by it at once, which
 * leaves few phis without purpose (the fold pass removes the rest). Every block on the way gets the
 * answer noted, so that a walk is taken once.
 */
#include "wasm/ir/locals.h"

struct local_walk {
    block_id_t block;
    value_t phi;   /* made before asking, or 0 */
    uint32_t next; /* predecessor to ask */
    uint32_t args; /* where its answers start in locals.args */
    uint32_t path; /* where the path that asked for this one starts in locals.path */
};

void locals_init(struct locals *l, struct func *f, uint32_t count, const uint8_t *types) {
    *l = (struct locals){.f = f, .count = count, .types = types};
    l->now = arena_array(f->arena, value_t, count);
    l->now_block = arena_array(f->arena, block_id_t, count);
    for (uint32_t k = 0; k < count; k++) {
        l->now_block[k] = BLOCK_NONE;
    }
    l->set_at = arena_array(f->arena, locals_time_t, count);
    map_init(&l->defs, f->arena);
}

static uint64_t key_of(block_id_t block, uint32_t local) {
    return (uint64_t)block << 32 | local;
}

static struct local_block *info_of(struct locals *l, block_id_t block) {
    while (l->blocks.len <= block) {
        struct local_block fresh = {.origin = BLOCK_NONE};
        vec_push(l->f->arena, &l->blocks, fresh);
    }
    return &l->blocks.at[block];
}

void locals_start(struct locals *l, block_id_t block) {
    l->current = block;
}

void locals_finish(struct locals *l) {
    for (uint32_t k = 0; k < l->dirty.len; k++) {
        uint32_t local = l->dirty.at[k];
        map_put(&l->defs, key_of(l->current, local), l->now[local]);
    }
    vec_clear(&l->dirty);
}

void locals_set(struct locals *l, uint32_t local, value_t value) {
    /* Set twice in a block it stands twice in `dirty`: harmless. */
    l->now[local] = value;
    l->now_block[local] = l->current;
    l->set_at[local] = ++l->time;
    vec_push(l->f->arena, &l->dirty, local);
}

void locals_open(struct locals *l, block_id_t header) {
    struct local_block *info = info_of(l, header);
    info->is_open = info->is_header = true;
}

void locals_set_origin(struct locals *l, block_id_t block, block_id_t origin, locals_time_t since) {
    struct local_block *info = info_of(l, block);
    info->origin = origin;
    info->since = since;
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

static void push_walk(struct locals *l, block_id_t block, value_t phi, uint32_t path) {
    struct local_walk walk = {.block = block, .phi = phi, .args = l->args.len, .path = path};
    vec_push(l->f->arena, &l->walks, walk);
}

/* The value at the end of `block` if the block itself tells, else 0. */
static value_t find_in_block(struct locals *l, block_id_t block, uint32_t local) {
    value_t value;
    if (map_get(&l->defs, key_of(block, local), &value)) {
        return func_resolve(l->f, value);
    }
    if (block == 0) {
        return zero_of(l, (enum ir_type)l->types[local]);
    }
    if (!info_of(l, block)->is_open) {
        return 0;
    }
    value = add_phi(l, block, local);
    struct local_block *info = info_of(l, block);
    vec_push(l->f->arena, &info->phis, value);
    vec_push(l->f->arena, &info->phi_locals, local);
    return value;
}

/* Walks up from `block` to the first place that tells the value, noting the path; 0 when that is a
 * meeting of paths, for which a walk has been stacked. */
static value_t climb(struct locals *l, block_id_t block, uint32_t local) {
    uint32_t path = l->path.len;
    for (;;) {
        value_t value = find_in_block(l, block, local);
        vec_push(l->f->arena, &l->path, block);
        if (value) {
            for (uint32_t k = path; k < l->path.len; k++) {
                map_put(&l->defs, key_of(l->path.at[k], local), value);
            }
            l->path.len = path;
            return value;
        }
        const struct local_block *info = info_of(l, block);
        const struct block *b = &l->f->blocks.at[block];
        if (info->origin != BLOCK_NONE && l->set_at[local] <= info->since) {
            block = info->origin;
        } else if (b->preds.len == 1) {
            block = b->preds.at[0];
        } else {
            value_t phi = info->is_header ? add_phi(l, block, local) : 0;
            if (phi) {
                map_put(&l->defs, key_of(block, local), phi);
            }
            push_walk(l, block, phi, path);
            return 0;
        }
    }
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
    for (uint32_t k = walk.path; k < l->path.len; k++) {
        map_put(&l->defs, key_of(l->path.at[k], local), value);
    }
    l->path.len = walk.path;
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

value_t locals_get(struct locals *l, uint32_t local) {
    if (l->now_block[local] != l->current) {
        uint32_t base = l->walks.len;
        value_t value = climb(l, l->current, local);
        l->now[local] = value ? value : run_walks(l, base, local);
        l->now_block[local] = l->current;
    }
    return func_resolve(l->f, l->now[local]);
}

void locals_seal(struct locals *l, block_id_t header) {
    info_of(l, header)->is_open = false;
    for (uint32_t k = 0; k < info_of(l, header)->phis.len; k++) {
        value_t phi = info_of(l, header)->phis.at[k];
        uint32_t local = info_of(l, header)->phi_locals.at[k];
        uint32_t base = l->walks.len;
        push_walk(l, header, phi, l->path.len);
        run_walks(l, base, local);
    }
}
