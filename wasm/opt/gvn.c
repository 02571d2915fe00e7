/*
 * Global value numbering: what was computed, loaded or tested before is not again.
 *
 * Needs: nothing. Gives: no instruction without effect equals one that dominates it; no load of what
 * is known to have been loaded or stored (opt/avail.h); no branch on a condition that a dominating
 * branch decided; no COPY in use. Breaks: the analysis, where it decides a branch.
 *
 * Blocks are visited in a pre-order of the dominator tree, so one hash table serves: an entry whose
 * block does not dominate the present one belongs to a finished subtree and is replaced. All forward
 * predecessors of a block come before it, so what they all know at their end is known at its start;
 * at a loop's header that is what came in and the loop does not overwrite.
 */
#include "wasm/ir/analysis.h"
#include "wasm/opt/avail.h"
#include "wasm/opt/opt.h"

struct known_condition {
    block_id_t block; /* where it is known from; 0: nowhere */
    bool is_true;
};

enum { MAX_LOOKS = 256 };

struct gvn {
    struct func *f;
    value_t *table; /* open addressing; a power of two */
    uint32_t mask;
    struct known_condition *known; /* by value */
    const effects_t *loop_writes;
    const struct avail **at_end; /* by block; NULL: not visited */
    struct avail now;
    const struct avail *shared; /* what `now` equals, or NULL */
    VEC(struct edge) decided;
};

/* ---- the table */

static uint64_t mix(uint64_t hash, uint64_t x) {
    hash = (hash ^ x) * 0x9e3779b97f4a7c15ull;
    return hash ^ hash >> 32;
}

static uint64_t hash_of(const struct gvn *g, value_t v) {
    struct inst *i = func_inst(g->f, v);
    uint64_t hash =
        i->op | (uint64_t)i->type << 8 | (uint64_t)i->sub << 16 | (uint64_t)i->aux << 32;
    hash = mix(hash, (uint64_t)i->imm);
    const value_t *args = inst_args(i);
    for (uint32_t k = 0; k < i->argc; k++) {
        hash = mix(hash, args[k]);
    }
    return i->op == OP_PHI ? mix(hash, i->block) : hash;
}

static bool have_equal_args(struct inst *a, struct inst *b) {
    const value_t *x = inst_args(a), *y = inst_args(b);
    uint32_t k = 0;
    while (k < a->argc && x[k] == y[k]) {
        k++;
    }
    return k == a->argc;
}

static bool are_equal(const struct func *f, value_t v, value_t w) {
    struct inst *a = func_inst(f, v), *b = func_inst(f, w);
    return a->op == b->op && a->type == b->type && a->sub == b->sub && a->aux == b->aux &&
           a->imm == b->imm && a->argc == b->argc && (a->op != OP_PHI || a->block == b->block) &&
           have_equal_args(a, b);
}

/* An equal value that dominates v, or 0 after v has become the one that later ones are compared to. Who chooses
 * constants that collide gets no more than MAX_LOOKS. */
static value_t find_or_add(struct gvn *g, value_t v) {
    struct func *f = g->f;
    uint64_t hash = hash_of(g, v);
    uint32_t at = (uint32_t)hash & g->mask;
    for (uint32_t looks = 0; g->table[at] && !are_equal(f, v, g->table[at]); looks++) {
        if (looks == MAX_LOOKS) {
            return 0;
        }
        at = (at + 1) & g->mask;
    }
    value_t leader = g->table[at];
    if (leader && block_dominates(f, func_inst(f, leader)->block, func_inst(f, v)->block)) {
        return leader;
    }
    g->table[at] = v;
    return 0;
}

static bool is_numbered(const struct func *f, const struct inst *i) {
    if (i->op == OP_RESULT || i->op == OP_PARAM || i->op == OP_COPY) {
        return false;
    }
    if (i->op == OP_GLOBAL_GET) {
        return effects_read(f, i) == 0;
    }
    return inst_has(i, IR_PURE) ||
           (inst_has(i, IR_TRAPS) && !inst_has(i, IR_READS | IR_WRITES | IR_CALLS | IR_ENDS));
}

/* ---- conditions */

/* What is known of the condition by which the block is entered. */
static void learn_condition(struct gvn *g, block_id_t id) {
    const struct func *f = g->f;
    const struct block *b = &f->blocks.at[id];
    if (b->preds.len != 1) {
        return;
    }
    const struct block *p = &f->blocks.at[b->preds.at[0]];
    const struct inst *end = func_inst(f, p->last);
    if (end->op == OP_BR && p->succs.at[0] != p->succs.at[1]) {
        g->known[func_resolve(f, end->arg[0])] = (struct known_condition){id, p->succs.at[0] == id};
    }
}

static void use_condition(struct gvn *g, block_id_t id) {
    const struct func *f = g->f;
    const struct inst *end = func_inst(f, f->blocks.at[id].last);
    if (end->op != OP_BR) {
        return;
    }
    const struct known_condition *known = &g->known[end->arg[0]];
    if (known->block != 0 && block_dominates(f, known->block, id)) {
        vec_push(f->arena, &g->decided, ((struct edge){id, known->is_true ? 0 : 1}));
    }
}

/* ---- state */

/* What is known at the start of the block. */
static void enter_block(struct gvn *g, block_id_t id) {
    const struct func *f = g->f;
    const struct block *b = &f->blocks.at[id];
    bool is_first = true;
    g->shared = NULL;
    g->now.len = g->now.oldest = 0;
    for (uint32_t k = 0; k < b->preds.len; k++) {
        const struct avail *end = g->at_end[b->preds.at[k]];
        if (!end) {
            continue; /* over a back edge, or never taken */
        }
        if (is_first) {
            avail_copy(&g->now, end);
            g->shared = end;
        } else if (end != g->shared) {
            avail_intersect(&g->now, end);
            g->shared = NULL;
        }
        is_first = false;
    }
    if (b->loop_head == id) {
        avail_kill(&g->now, f, g->loop_writes[id]);
        g->shared = NULL;
    }
}

static void leave_block(struct gvn *g, block_id_t id) {
    if (!g->shared) {
        struct avail *end = arena_alloc(g->f->arena, avail_size(&g->now));
        avail_copy(end, &g->now);
        g->shared = end;
    }
    g->at_end[id] = g->shared;
}

/* ---- the walk */

static bool is_const(const struct func *f, value_t v) {
    return func_inst(f, v)->op == OP_ICONST || func_inst(f, v)->op == OP_FCONST;
}

/* One order for both of a + b and b + a: by number, but constants to the right. */
static void order_arguments(const struct func *f, struct inst *i) {
    if (!inst_has(i, IR_COMM)) {
        return;
    }
    bool left = is_const(f, i->arg[0]), right = is_const(f, i->arg[1]);
    if (left != right ? left : i->arg[0] > i->arg[1]) {
        value_t first = i->arg[0];
        i->arg[0] = i->arg[1];
        i->arg[1] = first;
    }
}

static void visit(struct gvn *g, value_t v) {
    struct func *f = g->f;
    struct inst *i = func_inst(f, v);
    value_t *args = inst_args(i);
    for (uint32_t k = 0; k < i->argc; k++) {
        args[k] = func_resolve(f, args[k]);
    }
    if (is_numbered(f, i)) {
        order_arguments(f, i);
        value_t leader = find_or_add(g, v);
        if (leader && i->type == IR_NONE) {
            func_unlink(f, v); /* a check that was passed before */
        } else if (leader) {
            func_replace(f, v, leader);
        }
        return;
    }
    value_t value = avail_find(&g->now, f, v);
    if (value) {
        func_replace(f, v, value);
    } else if (avail_note(&g->now, f, v)) {
        g->shared = NULL;
    }
}

static void visit_block(struct gvn *g, block_id_t id) {
    struct func *f = g->f;
    enter_block(g, id);
    learn_condition(g, id);
    value_t next;
    for (value_t v = f->blocks.at[id].first; v; v = next) {
        next = func_inst(f, v)->next;
        arena_poll_round(f->arena, v);
        visit(g, v);
    }
    use_condition(g, id);
    leave_block(g, id);
}

static uint32_t table_size(uint32_t len) {
    uint32_t size = 16;
    while (size < len + len / 2) {
        size *= 2;
    }
    return size;
}

void gvn_run(struct func *f) {
    struct gvn g = {.f = f};
    analysis_run(f);
    uint32_t size = table_size(f->insts.len);
    g.table = arena_array(f->arena, value_t, size);
    g.mask = size - 1;
    g.known = arena_array(f->arena, struct known_condition, f->insts.len);
    g.loop_writes = effects_of_loops(f);
    g.at_end = arena_array(f->arena, const struct avail *, f->blocks.len);
    const block_id_t *order = analysis_dom_order(f);
    for (uint32_t n = 0; n < f->order.len; n++) {
        visit_block(&g, order[n]);
    }
    if (g.decided.len > 0) {
        func_fold_branches(f, g.decided.at, g.decided.len);
    }
    func_resolve_phis(f);
}
