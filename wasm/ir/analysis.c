/*
 * Reverse post-order, dominators and loops. See analysis.h.
 *
 * Control flow is reducible, so the immediate dominator of a block is the nearest common ancestor of
 * its forward predecessors alone, and one pass in reverse post-order finds it. The ancestor is found
 * with skip pointers (E. Myers, 1983), in logarithmic time: walking up parent by parent would be
 * quadratic for a chain of blocks that all branch to one exit, which is what guards look like.
 */
#include "wasm/ir/analysis.h"

#include <assert.h>

/* ---- reverse post-order */

struct frame {
    block_id_t block;
    uint32_t left;   /* successors not looked at in this round, the last ones before the first */
    bool is_leaving; /* the first of two rounds */
};

/* The next successor to visit, or BLOCK_NONE. What is visited first comes last in the order, so
 * those that leave the block's loop go in a first round, which keeps loops together (as far as
 * loop_depth is known), and then the last before the first. */
static block_id_t next_successor(const struct func *f, struct frame *frame) {
    const struct block *b = &f->blocks.at[frame->block];
    for (;;) {
        while (frame->left > 0) {
            block_id_t to = b->succs.at[--frame->left];
            if ((f->blocks.at[to].loop_depth < b->loop_depth) == frame->is_leaving) {
                return to;
            }
        }
        if (!frame->is_leaving) {
            return BLOCK_NONE;
        }
        *frame = (struct frame){frame->block, b->succs.len, false};
    }
}

/* Depth 0 is left by no one. */
static struct frame frame_of(const struct func *f, block_id_t block) {
    const struct block *b = &f->blocks.at[block];
    return (struct frame){block, b->succs.len, b->loop_depth > 0};
}

static void find_order(struct func *f) {
    struct arena *arena = f->arena;
    uint32_t len = f->blocks.len;
    for (block_id_t b = 0; b < len; b++) {
        f->blocks.at[b].rpo = UINT32_MAX;
    }
    vec_reserve(arena, &f->order, len);
    f->order.len = len;
    uint32_t front = len; /* filled from the back */
    struct frame *stack = arena_array_raw(arena, struct frame, len);
    uint32_t depth = 0;
    stack[depth++] = frame_of(f, 0);
    f->blocks.at[0].rpo = 0;
    while (depth > 0) {
        block_id_t to = next_successor(f, &stack[depth - 1]);
        if (to == BLOCK_NONE) {
            f->order.at[--front] = stack[--depth].block;
        } else if (f->blocks.at[to].rpo == UINT32_MAX) {
            f->blocks.at[to].rpo = 0;
            stack[depth++] = frame_of(f, to);
        }
    }
    f->order.len = len - front;
    for (uint32_t i = 0; i < f->order.len; i++) {
        f->order.at[i] = f->order.at[front + i];
        f->blocks.at[f->order.at[i]].rpo = i;
    }
}

/* ---- dominators, in numbers of reverse post-order */

struct dom {
    uint32_t parent, jump, depth;
};

static uint32_t common_ancestor(const struct dom *doms, uint32_t a, uint32_t b) {
    if (doms[a].depth < doms[b].depth) {
        uint32_t swap = a;
        a = b;
        b = swap;
    }
    while (doms[a].depth > doms[b].depth) {
        a = doms[doms[a].jump].depth >= doms[b].depth ? doms[a].jump : doms[a].parent;
    }
    while (a != b) {
        bool far = doms[a].jump != doms[b].jump;
        a = far ? doms[a].jump : doms[a].parent;
        b = far ? doms[b].jump : doms[b].parent;
    }
    return a;
}

static void set_parent(struct dom *doms, uint32_t n, uint32_t parent) {
    uint32_t jump = doms[parent].jump;
    bool twice =
        doms[parent].depth - doms[jump].depth == doms[jump].depth - doms[doms[jump].jump].depth;
    doms[n].parent = parent;
    doms[n].depth = doms[parent].depth + 1;
    doms[n].jump = twice ? doms[jump].jump : parent;
}

static void find_dominators(struct func *f) {
    uint32_t len = f->order.len;
    struct dom *doms = arena_array(f->arena, struct dom, len);
    f->blocks.at[0].idom = BLOCK_NONE;
    for (uint32_t n = 1; n < len; n++) {
        struct block *b = &f->blocks.at[f->order.at[n]];
        uint32_t dom = UINT32_MAX;
        for (uint32_t k = 0; k < b->preds.len; k++) {
            uint32_t p = f->blocks.at[b->preds.at[k]].rpo;
            if (p < n) {
                dom = dom == UINT32_MAX ? p : common_ancestor(doms, dom, p);
            }
        }
        assert(dom != UINT32_MAX);
        set_parent(doms, n, dom);
        b->idom = f->order.at[dom];
    }
}

/* Numbers of a pre-order from the sizes of subtrees: in reverse post-order, each block takes the next
 * free stretch of its dominator's. */
static void number_dominators(struct func *f) {
    uint32_t len = f->order.len;
    uint32_t *size = arena_array(f->arena, uint32_t, f->blocks.len);
    uint32_t *next = arena_array(f->arena, uint32_t, f->blocks.len);
    for (uint32_t n = len; n-- > 0;) {
        block_id_t b = f->order.at[n];
        size[b]++;
        if (n > 0) {
            size[f->blocks.at[b].idom] += size[b];
        }
    }
    for (uint32_t n = 0; n < len; n++) {
        block_id_t id = f->order.at[n];
        struct block *b = &f->blocks.at[id];
        b->dom_first = n == 0 ? 0 : next[b->idom];
        b->dom_last = b->dom_first + size[id] - 1;
        next[id] = b->dom_first + 1;
        if (n > 0) {
            next[b->idom] += size[id];
        }
    }
}

block_id_t *analysis_dom_order(struct func *f) {
    block_id_t *order = arena_array(f->arena, block_id_t, f->order.len);
    for (uint32_t n = 0; n < f->order.len; n++) {
        order[f->blocks.at[f->order.at[n]].dom_first] = f->order.at[n];
    }
    return order;
}

/* ---- loops */

/* The header of the outermost loop found so far around b, or b. `up` is a forest of headers with
 * paths compressed on the way. */
static block_id_t find_outermost(block_id_t *up, block_id_t b) {
    while (up[b] != b) {
        up[b] = up[up[b]];
        b = up[b];
    }
    return b;
}

struct loops {
    struct func *f;
    block_id_t *up;
    VEC(block_id_t) todo;
};

/* Puts the outermost known loop around b, or b alone, into the loop of `header`. */
static void add_member(struct loops *l, block_id_t header, block_id_t b) {
    b = find_outermost(l->up, b);
    if (b == header || !block_is_reachable(l->f, b)) {
        return;
    }
    struct block *member = &l->f->blocks.at[b];
    if (member->loop_head == b) {
        member->loop_parent = header;
    } else {
        member->loop_head = header;
    }
    l->up[b] = header;
    vec_push(l->f->arena, &l->todo, b);
}

/* All that reaches a back edge of `header` without passing the header. */
static void collect_loop(struct loops *l, block_id_t header) {
    struct func *f = l->f;
    const struct block *h = &f->blocks.at[header];
    for (uint32_t k = 0; k < h->preds.len; k++) {
        block_id_t p = h->preds.at[k];
        if (block_is_reachable(f, p) && block_dominates(f, header, p)) {
            f->blocks.at[header].loop_head = header;
            add_member(l, header, p);
        }
    }
    while (l->todo.len > 0) {
        const struct block *b = &f->blocks.at[vec_pop(&l->todo)];
        for (uint32_t k = 0; k < b->preds.len; k++) {
            add_member(l, header, b->preds.at[k]);
        }
    }
}

/* Whether there are any. */
static bool find_loops(struct func *f) {
    struct loops l = {.f = f, .up = arena_array(f->arena, block_id_t, f->blocks.len)};
    for (block_id_t b = 0; b < f->blocks.len; b++) {
        l.up[b] = b;
    }
    for (uint32_t n = f->order.len; n-- > 0;) {
        collect_loop(&l, f->order.at[n]);
    }
    bool any = false;
    for (uint32_t n = 0; n < f->order.len; n++) {
        block_id_t id = f->order.at[n];
        struct block *b = &f->blocks.at[id];
        block_id_t around = b->loop_head == id ? b->loop_parent : b->loop_head;
        b->loop_depth = around == BLOCK_NONE ? 0 : f->blocks.at[around].loop_depth;
        b->loop_depth += b->loop_head == id;
        any |= b->loop_head == id;
    }
    return any;
}

bool block_in_loop(const struct func *f, block_id_t b, block_id_t header) {
    block_id_t h = f->blocks.at[b].loop_head;
    uint32_t depth = f->blocks.at[header].loop_depth;
    while (h != BLOCK_NONE && f->blocks.at[h].loop_depth > depth) {
        h = f->blocks.at[h].loop_parent;
    }
    return h == header;
}

void analysis_run(struct func *f) {
    if (f->is_analyzed) {
        return;
    }
    f->is_analyzed = true;
    for (block_id_t b = 0; b < f->blocks.len; b++) {
        f->blocks.at[b].loop_head = f->blocks.at[b].loop_parent = BLOCK_NONE;
        f->blocks.at[b].loop_depth = 0;
    }
    find_order(f);
    find_dominators(f);
    number_dominators(f);
    if (find_loops(f)) {
        /* Once more, now that it is known which edges leave loops. */
        find_order(f);
        number_dominators(f);
    }
}
