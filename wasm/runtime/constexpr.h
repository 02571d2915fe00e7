/*
 * Constant expressions (core 3.0, 3.4.13 and 4.6): initial values of globals and tables, elements,
 * and offsets of active segments.
 */
#ifndef WASM_RUNTIME_CONSTEXPR_H
#define WASM_RUNTIME_CONSTEXPR_H

#include "wasm/runtime/objects.h"

/* The value as it looks in a register (global.h). Globals that it names must have theirs already. */
MUST_CHECK status_t constexpr_eval(struct wasm_instance *instance, const struct const_expr *expr,
                                   uint64_t *bits_out);

/* The reference to a function of the instance that has a record. */
gaddr_t constexpr_func_ref(const struct wasm_instance *instance, uint32_t func);

#endif
