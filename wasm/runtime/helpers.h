/*
 * Helpers that run in the runtime: operations which compiled code calls through the instance and
 * which are not made in user mode.
 */
#ifndef WASM_RUNTIME_HELPERS_H
#define WASM_RUNTIME_HELPERS_H

#include "wasm/runtime/objects.h"

#define HELPER_MAX_ARGS 5

/* Does `helper` for an instance, with its arguments as in HELPER_TABLE (wasm/ir/ir.h). Gives its
 * result, if it has one, sign-extended, and TRAP_NONE; or the trap. */
enum trap helpers_run(struct wasm_instance *instance, enum helper helper,
                      const uint64_t args[HELPER_MAX_ARGS], uint64_t *result_out);

#endif
