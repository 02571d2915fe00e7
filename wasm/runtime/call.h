/*
 * Calls into guest code, and what guest code asks on its way.
 *
 * A call places its arguments, lets the guest run, and looks at each of its exits: a host function,
 * a helper, a function to be compiled, the return stub, or a trap. A host function may call in turn;
 * then there are several activations, innermost first, one below the other on the guest's stack.
 */
#ifndef WASM_RUNTIME_CALL_H
#define WASM_RUNTIME_CALL_H

#include "wasm/runtime/objects.h"

struct activation {
    struct activation *outer;
    struct plat_regs regs; /* of the guest when it left user mode last */
    gaddr_t stack_top;     /* where its stack began */
    uint32_t depth;        /* outermost: 1 */
};

/* Reserves the guest's stack and its guard. */
MUST_CHECK status_t call_init_stack(struct wasm_store *store);

#endif
