/*
 * The table of functions and the way from an import to its implementation.
 */
#include "wasi/wasi.h"

#include "wasi/internal.h"

#include <string.h>

struct function {
    const char *name;
    const char *params;
    wasi_fn fn;   /* NULL: not there yet */
};

static const struct function functions[] = {
#define WASI(name, params) {#name, params, NULL},
#define WASI_DONE(name, params) {#name, params, wasi_##name},
#include "wasi/preview1.def"
#undef WASI
#undef WASI_DONE
};
_Static_assert(sizeof(functions) / sizeof(functions[0]) == WASI_FUNCTIONS, "all of preview 1");

#define MAX_PARAMS 9

void wasi_init(struct wasi *wasi, const struct wasi_system *system) {
    memset(wasi, 0, sizeof(*wasi));
    wasi->system = system;
    for (uint32_t i = 0; i < WASI_FUNCTIONS; i++) {
        wasi->bindings[i] = (struct wasi_binding){.wasi = wasi, .function = i};
    }
}

/* ---- guest memory -------------------------------------------------------------------------- */

enum wasi_errno wasi_get(struct wasi_call *call, uint32_t addr, void *to, size_t size) {
    return wasm_memory_read(call->caller, addr, to, size) == STATUS_OK ? WASI_SUCCESS : WASI_EFAULT;
}

enum wasi_errno wasi_put(struct wasi_call *call, uint32_t addr, const void *from, size_t size) {
    return wasm_memory_write(call->caller, addr, from, size) == STATUS_OK ? WASI_SUCCESS
                                                                          : WASI_EFAULT;
}

enum wasi_errno wasi_put_u32(struct wasi_call *call, uint32_t addr, uint32_t value) {
    return wasi_put(call, addr, &value, sizeof(value));
}

enum wasi_errno wasi_put_u64(struct wasi_call *call, uint32_t addr, uint64_t value) {
    return wasi_put(call, addr, &value, sizeof(value));
}

/* ---- imports ------------------------------------------------------------------------------- */

/* Every call from the program comes through here (a wasm_host_fn). */
static status_t enter(void *ctx, struct wasm_caller *caller, const struct wasm_value *args,
                      struct wasm_value *results) {
    struct wasi_binding *binding = ctx;
    wasi_fn fn = functions[binding->function].fn;
    struct wasi_call call = {.wasi = binding->wasi, .caller = caller, .args = args};
    enum wasi_errno error = fn ? fn(&call) : WASI_ENOSYS;
    if (call.exits) {
        return STATUS_EXITED;
    }
    results[0].i32 = (uint32_t)error;
    return STATUS_OK;
}

status_t wasi_define(struct wasi *wasi, struct wasm_store *store) {
    const valtype_t result = VALTYPE_I32;
    for (uint32_t i = 0; i < WASI_FUNCTIONS; i++) {
        const struct function *f = &functions[i];
        valtype_t params[MAX_PARAMS];
        uint32_t count = (uint32_t)strlen(f->params);
        for (uint32_t p = 0; p < count; p++) {
            params[p] = f->params[p] == 'I' ? VALTYPE_I64 : VALTYPE_I32;
        }
        uint32_t results = strcmp(f->name, "proc_exit") == 0 ? 0 : 1;
        TRY(wasm_define_func(store, "wasi_snapshot_preview1", f->name, params, count, &result,
                             results, enter, &wasi->bindings[i]));
    }
    return STATUS_OK;
}
