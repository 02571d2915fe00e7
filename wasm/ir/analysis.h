/*
 * What passes want to know about the shape of a function: reverse post-order, dominators, loops.
 *
 * The results stand in struct block and func.order, and are stale once an edge or block changes.
 * Nothing here recurses; all of it is linear but for the dominators, which take a logarithm more.
 */
#ifndef WASM_IR_ANALYSIS_H
#define WASM_IR_ANALYSIS_H

#include "wasm/ir/ir.h"

/* Fills order, rpo, idom, dom_first, dom_last and the loop fields, unless they are fresh. Needs
 * edges that fit together. */
void analysis_run(struct func *f);

/* Blocks by a pre-order of the dominator tree in which children stand in reverse post-order, so that
 * every block comes after all its forward predecessors. In f's arena; f->order.len of them. */
block_id_t *analysis_dom_order(struct func *f);

/* Whether every way to b passes a (a == b too). Both reachable. */
static inline bool block_dominates(const struct func *f, block_id_t a, block_id_t b) {
    const struct block *x = &f->blocks.at[a];
    const struct block *y = &f->blocks.at[b];
    return x->dom_first <= y->dom_first && y->dom_first <= x->dom_last;
}

static inline bool block_is_reachable(const struct func *f, block_id_t b) {
    return f->blocks.at[b].rpo != UINT32_MAX;
}

/* Whether b is in the loop of that header, at any depth. */
bool block_in_loop(const struct func *f, block_id_t b, block_id_t header);

#endif
