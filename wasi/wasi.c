/*
 * The table of functions, the checking of what programs pass, and the way from an import to its
 * implementation.
 */
#include "wasi/wasi.h"

#include "wasi/internal.h"

#include <string.h>

struct function {
    const char *name;
    const char *params; /* letters of preview1.def */
    wasi_fn fn;
    uint64_t rights, rights2;
};

static const struct function functions[] = {
#define WASI(name, params, rights, rights2) {#name, params, wasi_##name, rights, rights2},
#include "wasi/preview1.def"
#undef WASI
};
_Static_assert(sizeof(functions) / sizeof(functions[0]) == WASI_FUNCTIONS, "all of preview 1");

#define MAX_PARAMS 9

void wasi_init(struct wasi *wasi, const struct wasi_system *system) {
    memset(wasi, 0, sizeof(*wasi));
    memset(wasi->free_files, 0xff, sizeof(wasi->free_files));
    wasi->system = system;
    for (uint32_t i = 0; i < 2 * WASI_FUNCTIONS; i++) {
        wasi->bindings[i / WASI_FUNCTIONS][i % WASI_FUNCTIONS] = (struct wasi_binding){
            .wasi = wasi, .function = i % WASI_FUNCTIONS, .unstable = i >= WASI_FUNCTIONS};
    }
}

void wasi_fini(struct wasi *wasi) {
    for (uint32_t fd = 0; fd < WASI_MAX_FILES; fd++) {
        if (wasi->files[fd].node) {
            wasi_file_close(wasi, &wasi->files[fd]);
        }
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

static enum wasi_errno from_copy(status_t status) {
    return status == STATUS_OK          ? WASI_SUCCESS
           : status == STATUS_NO_MEMORY ? WASI_ENOMEM
                                        : WASI_EFAULT;
}

enum wasi_errno wasi_get(struct wasi_call *call, uint32_t addr, void *to, size_t size) {
    return from_copy(wasm_memory_read(call->caller, addr, to, size));
}

enum wasi_errno wasi_put(struct wasi_call *call, uint32_t addr, const void *from, size_t size) {
    return from_copy(wasm_memory_write(call->caller, addr, from, size));
}

enum wasi_errno wasi_put_u32(struct wasi_call *call, uint32_t addr, uint32_t value) {
    return wasi_put(call, addr, &value, sizeof(value));
}

enum wasi_errno wasi_put_u64(struct wasi_call *call, uint32_t addr, uint64_t value) {
    return wasi_put(call, addr, &value, sizeof(value));
}

/* ---- checking ------------------------------------------------------------------------------ */

/* How many bytes a pointer of that letter leads to; 0: it is no pointer to a result. */
static uint32_t result_size(const struct wasi_call *call, char letter) {
    switch (letter) {
    case '2':
        return 2;
    case '4':
        return 4;
    case '8':
        return 8;
    case 't':
        return sizeof(struct fdstat);
    case 's':
        return call->unstable ? sizeof(struct filestat_unstable) : sizeof(struct filestat);
    default:
        return 0;
    }
}

static uint32_t params_of(char letter) {
    return letter == 'p' || letter == 'b' || letter == 'v' ? 2 : 1;
}

static enum wasi_errno check_descriptor(struct wasi_call *call, const struct function *f,
                                        uint32_t fd, char letter) {
    struct wasi_file *file = wasi_file(call->wasi, fd);
    bool second = call->file != NULL;
    if (!file) {
        return WASI_EBADF;
    }
    *(second ? &call->file2 : &call->file) = file;
    if (letter == 'd' && file->node->type != NODE_DIRECTORY) {
        return WASI_ENOTDIR;
    }
    return wasi_file_need(file, second ? f->rights2 : f->rights);
}

static enum wasi_errno check_range(const struct wasi_call *call, uint64_t addr, uint64_t size) {
    return addr + size <= wasm_memory_size(call->caller) ? WASI_SUCCESS : WASI_EFAULT;
}

/* One letter, whose first argument is number `i`. */
static enum wasi_errno check_param(struct wasi_call *call, const struct function *f, char letter,
                                   uint32_t i) {
    uint32_t value = wasi_arg(call, i);
    switch (letter) {
    case 'i':
    case 'I':
        return WASI_SUCCESS;
    case 'f':
    case 'd':
        return check_descriptor(call, f, value, letter);
    case 'p':
    case 'b':
        return check_range(call, value, wasi_arg(call, i + 1));
    case 'v':
        if (wasi_arg(call, i + 1) > WASI_MAX_VECTORS) {
            return WASI_EINVAL;
        }
        return check_range(call, value, sizeof(struct iovec) * (uint64_t)wasi_arg(call, i + 1));
    default:
        return check_range(call, value, result_size(call, letter));
    }
}

static enum wasi_errno check(struct wasi_call *call, const struct function *f) {
    uint32_t i = 0;
    for (const char *letter = f->params; *letter; letter++) {
        WASI_TRY(check_param(call, f, *letter, i));
        i += params_of(*letter);
    }
    return WASI_SUCCESS;
}

/* ---- imports ------------------------------------------------------------------------------- */

/* Every call from the program comes through here (a wasm_host_fn). */
static status_t enter(void *ctx, struct wasm_caller *caller, const struct wasm_value *args,
                      struct wasm_value *results) {
    struct wasi_binding *binding = ctx;
    const struct function *f = &functions[binding->function];
    struct wasi_call call = {
        .wasi = binding->wasi, .caller = caller, .args = args, .unstable = binding->unstable};
    enum wasi_errno error = check(&call, f);
    if (error == WASI_SUCCESS) {
        error = f->fn(&call);
    }
    if (call.exits) {
        return STATUS_EXITED;
    }
    results[0].i32 = (uint32_t)error;
    return STATUS_OK;
}

static status_t define(struct wasi_binding *binding, struct wasm_store *store) {
    const struct function *f = &functions[binding->function];
    const valtype_t result = VALTYPE_I32;
    valtype_t params[MAX_PARAMS];
    uint32_t count = 0;
    for (const char *letter = f->params; *letter; letter++) {
        for (uint32_t n = params_of(*letter); n > 0; n--) {
            params[count++] = *letter == 'I' ? VALTYPE_I64 : VALTYPE_I32;
        }
    }
    return wasm_define_func(store, binding->unstable ? "wasi_unstable" : "wasi_snapshot_preview1",
                            f->name, params, count, &result, f->fn == wasi_proc_exit ? 0 : 1, enter,
                            binding);
}

status_t wasi_define(struct wasi *wasi, struct wasm_store *store) {
    for (uint32_t i = 0; i < WASI_FUNCTIONS; i++) {
        TRY(define(&wasi->bindings[0][i], store));
        if (functions[i].fn != wasi_sock_accept) { /* it came later than wasi_unstable */
            TRY(define(&wasi->bindings[1][i], store));
        }
    }
    return STATUS_OK;
}
