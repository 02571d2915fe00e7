/*
 * What state an operation reads and writes, in classes that cannot alias each other.
 */
#ifndef WASM_OPT_EFFECTS_H
#define WASM_OPT_EFFECTS_H

#include "wasm/ir/ir.h"

enum effect {
    EFFECT_MEMORY = 1, /* bytes of linear memories */
    EFFECT_MEMORY_SIZE = 2,
    EFFECT_GLOBAL = 4,
    EFFECT_TABLE = 8, /* elements of tables */
    EFFECT_TABLE_SIZE = 16,
    EFFECT_ALL = 31
};
typedef uint32_t effects_t; /* a set of enum effect */

effects_t effects_read(const struct func *f, const struct inst *i);
effects_t effects_written(const struct inst *i);

/* By header: what the loop, with those inside it, writes. Needs fresh analysis. In f's arena. */
effects_t *effects_of_loops(struct func *f);

/* Whether running it now rather than never could trap. */
bool effects_may_trap(const struct func *f, const struct inst *i);

#endif
