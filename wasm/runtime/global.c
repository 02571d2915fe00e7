/*
 * Globals (core 3.0, 4.2.9), of which the runtime keeps the type and the address.
 */
#include "wasm/runtime/global.h"

status_t global_write(struct wasm_store *store, const struct wasm_global *global, uint64_t bits) {
    return plat_copy_out(store->space, global->addr, &bits, sizeof(bits));
}

status_t global_read(struct wasm_store *store, const struct wasm_global *global,
                     uint64_t *bits_out) {
    return plat_copy_in(store->space, bits_out, global->addr, sizeof(*bits_out));
}

status_t wasm_global_get(struct wasm_store *store, const struct wasm_extern *global,
                         struct wasm_value *value_out) {
    const struct wasm_global *object = global->object;
    uint64_t bits;
    TRY(global_read(store, object, &bits));
    *value_out = value_from_bits(object->type, bits);
    return STATUS_OK;
}
