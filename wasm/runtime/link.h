/*
 * Linking: finding what a module imports, and whether it fits (core 3.0, 4.5.3 and 3.3.10).
 */
#ifndef WASM_RUNTIME_LINK_H
#define WASM_RUNTIME_LINK_H

#include "wasm/runtime/objects.h"

/* objects_out[i] becomes what import i stands for. UNLINKABLE, with the first import that is unknown
 * or does not fit named in *error_out; nothing else is touched. */
MUST_CHECK status_t link_resolve(const struct wasm_store *store, const struct module *module,
                                 struct wasm_extern *objects_out, struct wasm_error *error_out);

#endif
