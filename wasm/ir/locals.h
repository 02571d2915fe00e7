/*
 * Local variables in SSA form while a body is being built: which value a local has at a place.
 *
 * After M. Braun et al., "Simple and Efficient Construction of Static Single Assignment Form" (2013): a
 * local is looked up backwards from where it is read, and a phi is made only where paths with different
 * values meet. Two things differ. Nothing recurses, since the guest decides how deep its blocks nest.
 * And the look-up does not go block by block: control flow is structured, so all paths from a dominator
 * to a block lie in the text between the two, and where a local is not set there, whatever else
 * happens, it has the value it had. So each local's times of being set are kept, and a look-up
 * jumps to the last dominator that comes after the last of them.
 *
 * A block is started, filled and finished before the next one is; its predecessors are all finished
 * when it starts, unless it is a loop's header, which is open until its loop ends.
 */
#ifndef WASM_IR_LOCALS_H
#define WASM_IR_LOCALS_H

#include "base/map.h"
#include "wasm/ir/ir.h"

/* A place in the body: how many times locals were set before it. */
typedef uint32_t locals_time_t;

struct local_block;
struct local_walk; /* both in locals.c */

struct locals {
    struct func *f;
    uint32_t count;
    const uint8_t *types;      /* enum ir_type by local */
    value_t *now;              /* by local: value in the current block, */
    block_id_t *now_block;     /*   if this is the current block */
    VEC(locals_time_t) * sets; /* by local: when it was set, ascending */
    locals_time_t time;
    block_id_t current;
    VEC(uint32_t) dirty; /* locals set in the current block */
    struct map defs;     /* block << 32 | local -> value at the block's end */
    VEC(struct local_block) blocks;
    value_t zero[IR_TYPE_COUNT];
    VEC(struct local_walk) walks;
    VEC(value_t) args;
};

/* `types` must outlive it. The entry block exists; parameters are set by the caller. */
void locals_init(struct locals *l, struct func *f, uint32_t count, const uint8_t *types);

/* From here on `block` is the current one. `dominator` is a finished block that all ways to it pass
 * (BLOCK_NONE for the entry), `header` the innermost loop's around it, itself if it is one; headers
 * start open. */
void locals_start(struct locals *l, block_id_t block, block_id_t dominator, block_id_t header);
void locals_finish(struct locals *l);

/* For the next function alone: finds the local's value in the current block. */
void locals_find(struct locals *l, uint32_t local);
static inline value_t locals_get(struct locals *l, uint32_t local) {
    if (l->now_block[local] != l->current) {
        locals_find(l, local);
    }
    return func_resolve(l->f, l->now[local]);
}
void locals_set(struct locals *l, uint32_t local, value_t value);

/* The loop ends: all predecessors of its header are finished. */
void locals_seal(struct locals *l, block_id_t header);
/* The current block goes on after the end of a loop: from now on it is in the one of `header`. */
void locals_leave_loop(struct locals *l, block_id_t header);

#endif
