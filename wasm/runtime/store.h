/*
 * Looking things up in a store.
 */
#ifndef WASM_RUNTIME_STORE_H
#define WASM_RUNTIME_STORE_H

#include "wasm/runtime/objects.h"

/* What MODULE.FIELD stands for, or NULL. */
const struct wasm_extern *store_find(const struct wasm_store *store, struct name module,
                                     struct name field);

/* The object behind an export. */
struct wasm_extern store_export(const struct wasm_instance *instance, const struct export *export);

/* The instance whose area is at `area`, or NULL. */
struct wasm_instance *store_find_instance(const struct wasm_store *store, gaddr_t area);

#endif
