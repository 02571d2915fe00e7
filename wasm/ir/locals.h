/*
 * Local variables in SSA form while a body is being built: which value a local has at a place.
 *
 * After M. Braun et al., "Simple and Efficient Construction of Static Single Assignment Form" (2013):
 * a local is looked up backwards from where it is read, and a phi is made only where paths with
 * different values meet. Two things differ. Nothing recurses, since the guest decides how deep its
 * blocks nest. And a block made by a structured construct knows the block in which that construct
 * began: a local that was not set since has the value it had there, whatever lies between.
 *
 * A block is started, filled and finished before the next one is; its predecessors are all finished
 * when it starts, unless it is a loop's header, which is open until its loop ends.
 */
#ifndef WASM_IR_LOCALS_H
#define WASM_IR_LOCALS_H

#include "base/map.h"
#include "wasm/ir/ir.h"

/* A place in the body; later ones are greater. */
typedef uint32_t locals_time_t;

struct local_block {
    bool is_open;
    bool is_header;
    block_id_t origin;        /* where the construct that ends here began, or BLOCK_NONE */
    locals_time_t since;      /* when */
    VEC(value_t) phis;        /* of an open header, without arguments yet */
    VEC(uint32_t) phi_locals; /* whose they are */
};

struct local_walk; /* in locals.c */

struct locals {
    struct func *f;
    uint32_t count;
    const uint8_t *types;  /* enum ir_type by local */
    value_t *now;          /* by local: value in the current block, */
    block_id_t *now_block; /*   if this is the current block */
    locals_time_t *set_at; /* by local: the last time it was set */
    locals_time_t time;
    block_id_t current;
    VEC(uint32_t) dirty; /* locals set in the current block */
    struct map defs;     /* block << 32 | local -> value at the block's end */
    VEC(struct local_block) blocks;
    value_t zero[IR_TYPE_COUNT];
    VEC(struct local_walk) walks;
    VEC(block_id_t) path;
    VEC(value_t) args;
};

/* `types` must outlive it. The entry block exists; parameters are set by the caller. */
void locals_init(struct locals *l, struct func *f, uint32_t count, const uint8_t *types);
void locals_start(struct locals *l, block_id_t block);
void locals_finish(struct locals *l);
value_t locals_get(struct locals *l, uint32_t local);
void locals_set(struct locals *l, uint32_t local, value_t value);

/* The header of a loop that is about to start / all of whose predecessors are finished. */
void locals_open(struct locals *l, block_id_t header);
void locals_seal(struct locals *l, block_id_t header);

/* A construct that began in `origin` at that time ends in (or is a loop headed by) `block`. */
void locals_set_origin(struct locals *l, block_id_t block, block_id_t origin, locals_time_t since);

#endif
