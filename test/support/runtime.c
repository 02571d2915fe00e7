/*
 * Loading and calling for tests.
 */
#include "test/support/runtime.h"

#include "base/fmt.h"

#include <string.h>

status_t runtime_load(struct loaded *l, const void *bytes, size_t size) {
    struct wasm_module *module;
    TRY(wasm_module_load(l->store, bytes, size, &module, &l->error));
    return wasm_instantiate(l->store, module, &l->instance, &l->error, &l->trap);
}

status_t runtime_call(struct loaded *l, const char *name, uint32_t arg, uint32_t *result_out) {
    struct wasm_extern func;
    TRY(wasm_export(l->instance, name, strlen(name), &func));
    struct wasm_value args[1] = {{.type = VALTYPE_I32, .i32 = arg}}, results[1] = {{0}};
    TRY(wasm_call(l->store, &func, args, results, &l->trap));
    *result_out = results[0].i32;
    return STATUS_OK;
}

const char *runtime_trap_text(const struct wasm_trap *trap, char *buf, size_t cap) {
    struct text_sink text = fmt_open_text(buf, cap);
    wasm_trap_print(trap, &text.sink);
    return buf;
}
