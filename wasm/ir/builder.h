/*
 * Function body -> SSA, in one pass over a validated body.
 */
#ifndef WASM_IR_BUILDER_H
#define WASM_IR_BUILDER_H

#include "wasm/ir/ir.h"

/* Function `index` of the module, which is validated and no import. All in `arena`, whose exhaustion
 * must not return. */
struct func *builder_run(struct arena *arena, const struct module *module, uint32_t index);

#endif
