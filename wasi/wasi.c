/*
 * The table of functions, and the way from an import to its implementation.
 */
#include "wasi/wasi.h"

#include "fs/platform.h"
#include "wasi/check.h"
#include "wasi/internal.h"

#include <string.h>

void wasi_init(struct wasi *wasi, const struct wasi_system *system) {
    memset(wasi, 0, sizeof(*wasi));
    memset(wasi->free_files, 0xff, sizeof(wasi->free_files));
    wasi->system = system;
    wasi->files = wasi->first;
    wasi->file_cap = WASI_FIRST_FILES;
    for (uint32_t i = 0; i < 2 * WASI_FUNCTIONS; i++) {
        wasi->bindings[i / WASI_FUNCTIONS][i % WASI_FUNCTIONS] = (struct wasi_binding){
            .wasi = wasi, .function = i % WASI_FUNCTIONS, .unstable = i >= WASI_FUNCTIONS};
    }
}

void wasi_fini(struct wasi *wasi) {
    fs_event_free(wasi->event);
    wasi->event = NULL;
    for (uint32_t fd = 0; fd < wasi->file_cap; fd++) {
        if (wasi->files[fd].node) {
            wasi_file_close(wasi, &wasi->files[fd]);
        }
    }
    if (wasi->files != wasi->first) {
        fs_free(wasi->files);
        wasi->files = wasi->first;
        wasi->file_cap = WASI_FIRST_FILES;
    }
}

enum wasi_errno wasi_from_status(status_t status) {
    static const uint8_t errnos[STATUS_COUNT] = {
        [STATUS_NO_MEMORY] = WASI_ENOMEM,    [STATUS_BAD_ARGUMENT] = WASI_EINVAL,
        [STATUS_BAD_RANGE] = WASI_EINVAL,    [STATUS_UNSUPPORTED] = WASI_ENOTSUP,
        [STATUS_LIMIT] = WASI_ENOSPC,        [STATUS_NOT_FOUND] = WASI_ENOENT,
        [STATUS_EXISTS] = WASI_EEXIST,       [STATUS_DENIED] = WASI_EACCES,
        [STATUS_FAULT] = WASI_EFAULT,        [STATUS_NOT_DIR] = WASI_ENOTDIR,
        [STATUS_IS_DIR] = WASI_EISDIR,       [STATUS_NOT_EMPTY] = WASI_ENOTEMPTY,
        [STATUS_FULL] = WASI_ENOSPC,         [STATUS_READ_ONLY] = WASI_EROFS,
        [STATUS_LOOP] = WASI_ELOOP,          [STATUS_NAME_TOO_LONG] = WASI_ENAMETOOLONG,
        [STATUS_OUTSIDE] = WASI_ENOTCAPABLE, [STATUS_CROSS_DEVICE] = WASI_EXDEV,
        [STATUS_TOO_BIG] = WASI_EFBIG,       [STATUS_TOO_MANY_LINKS] = WASI_EMLINK,
        [STATUS_NOT_PERMITTED] = WASI_EPERM, [STATUS_BUSY] = WASI_EBUSY,
        [STATUS_WOULD_BLOCK] = WASI_EAGAIN,  [STATUS_TIMED_OUT] = WASI_ETIMEDOUT,
        [STATUS_KILLED] = WASI_EINTR,
    };
    if (status == STATUS_OK) {
        return WASI_SUCCESS;
    }
    return errnos[status] ? (enum wasi_errno)errnos[status] : WASI_EIO;
}

/* ---- guest memory -------------------------------------------------------------------------- */

enum wasi_errno wasi_from_copy(status_t status) {
    switch (status) {
    case STATUS_OK:
        return WASI_SUCCESS;
    case STATUS_NO_MEMORY:
        return WASI_ENOMEM;
    case STATUS_WOULD_BLOCK:
        return WASI_EAGAIN;
    default:
        return WASI_EFAULT;
    }
}

/* Every call of a function, checked and done. */
#define WASI(name, params, rights, rights2)                                                        \
    static enum wasi_errno call_##name(struct wasi_call *call) {                                   \
        WASI_TRY(check_##name(call));                                                              \
        return wasi_##name(call);                                                                  \
    }
#include "wasi/preview1.def"
#undef WASI

/* A wasm_quick_fn. */
static bool enter_quick(void *ctx, uint64_t *regs);

static const struct function {
    const char *name;
    const char *params; /* letters of preview1.def */
    wasi_fn call;
    wasm_quick_fn quick; /* or NULL */
} functions[] = {
#define WASI(name, params, rights, rights2)       {#name, params, call_##name, NULL},
#define WASI_QUICK(name, params, rights, rights2) {#name, params, call_##name, enter_quick},
#define WASI_QUICKEST(name, params, rights, rights2)                                               \
    {#name, params, call_##name, wasi_quick_##name},
#include "wasi/preview1.def"
#undef WASI
};
_Static_assert(sizeof(functions) / sizeof(functions[0]) == WASI_FUNCTIONS, "all of preview 1");

/* ---- imports ------------------------------------------------------------------------------- */

/* Every call from the program comes through here (a wasm_host_fn), or first through the next one. */
static status_t enter(void *ctx, struct wasm_caller *caller, uint64_t *values) {
    const struct wasi_binding *binding = ctx;
    struct wasi_call call = {
        .wasi = binding->wasi, .caller = caller, .args = values, .unstable = binding->unstable};
    enum wasi_errno error = functions[binding->function].call(&call);
    if (call.exits) {
        return STATUS_EXITED;
    }
    values[0] = error;
    return STATUS_OK;
}

static bool enter_quick(void *ctx, uint64_t *regs) {
    const struct wasi_binding *binding = ctx;
    uint64_t *values = wasm_quick_values(regs);
    struct wasi_call call = {.wasi = binding->wasi,
                             .caller = wasm_quick_caller(binding->wasi->quick, regs),
                             .args = values,
                             .unstable = binding->unstable,
                             .quick = true};
    enum wasi_errno error = functions[binding->function].call(&call);
    if (error == WASI_EAGAIN) {
        return false;
    }
    values[0] = error;
    return true;
}

#define MAX_PARAMS 9

static status_t define(struct wasi_binding *binding, struct wasm_store *store) {
    const struct function *f = &functions[binding->function];
    const char *module = binding->unstable ? "wasi_unstable" : "wasi_snapshot_preview1";
    const valtype_t result = VALTYPE_I32;
    valtype_t params[MAX_PARAMS];
    uint32_t count = 0;
    for (const char *letter = f->params; *letter; letter++) {
        for (uint32_t n = check_width(*letter); n > 0; n--) {
            params[count++] = *letter == 'I' ? VALTYPE_I64 : VALTYPE_I32;
        }
    }
    TRY(wasm_define_func(store, module, f->name, params, count, &result,
                         f->call == call_proc_exit ? 0 : 1, enter, binding));
    return f->quick ? wasm_define_quick(store, module, f->name, f->quick, binding) : STATUS_OK;
}

status_t wasi_define(struct wasi *wasi, struct wasm_store *store) {
    wasi->quick = wasm_store_quick(store);
    for (uint32_t i = 0; i < WASI_FUNCTIONS; i++) {
        TRY(define(&wasi->bindings[0][i], store));
        if (functions[i].call != call_sock_accept) { /* it came later than wasi_unstable */
            TRY(define(&wasi->bindings[1][i], store));
        }
    }
    return STATUS_OK;
}
