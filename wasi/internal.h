/*
 * Between the files of wasi/: one call of a WASI function.
 */
#ifndef WASI_INTERNAL_H
#define WASI_INTERNAL_H

#include "wasi/errno.h"
#include "wasi/types.h"
#include "wasi/wasi.h"
#include "wasm/wasm.h"

#include <stdbool.h>

struct wasi_call {
    struct wasi *wasi;
    struct wasm_caller *caller;
    const struct wasm_value *args; /* checked, as the row in preview1.def says */
    struct wasi_file *file;        /* the row's descriptor */
    struct wasi_file *file2;       /* and the second one */
    bool unstable;                 /* with the layouts of wasi_unstable */
    bool exits;                    /* the program ends with this call */
};

typedef enum wasi_errno (*wasi_fn)(struct wasi_call *call);

#define WASI(name, params, rights, rights2) enum wasi_errno wasi_##name(struct wasi_call *call);
#include "wasi/preview1.def"
#undef WASI

static inline uint32_t wasi_arg(const struct wasi_call *call, unsigned i) {
    return call->args[i].i32;
}
static inline uint64_t wasi_arg64(const struct wasi_call *call, unsigned i) {
    return call->args[i].i64;
}

enum wasi_errno wasi_from_status(status_t status);

/* Guest memory: success or EFAULT. Every access of every function goes through these. */
enum wasi_errno wasi_get(struct wasi_call *call, uint32_t addr, void *to, size_t size);
enum wasi_errno wasi_put(struct wasi_call *call, uint32_t addr, const void *from, size_t size);
enum wasi_errno wasi_put_u32(struct wasi_call *call, uint32_t addr, uint32_t value);
enum wasi_errno wasi_put_u64(struct wasi_call *call, uint32_t addr, uint64_t value);

/* ---- files.c ---- */

/* The descriptor, or NULL when it is not open. */
struct wasi_file *wasi_file(struct wasi *wasi, uint32_t fd);
/* Opens the lowest free descriptor; takes over the reference on success. EMFILE. */
enum wasi_errno wasi_file_open(struct wasi *wasi, const struct wasi_file *file, uint32_t *fd_out);
void wasi_file_close(struct wasi *wasi, struct wasi_file *file);
/* The file does not have all of these: ENOTCAPABLE. */
enum wasi_errno wasi_file_need(const struct wasi_file *file, uint64_t rights);
enum filetype wasi_filetype(enum node_type type);
uint64_t wasi_type_rights(enum node_type type);

/* Hand an error on to the program. */
#define WASI_TRY(expr)                                                                             \
    do {                                                                                           \
        enum wasi_errno try_errno_ = (expr);                                                       \
        if (try_errno_ != WASI_SUCCESS) {                                                          \
            return try_errno_;                                                                     \
        }                                                                                          \
    } while (0)
#define WASI_TRY_STATUS(expr) WASI_TRY(wasi_from_status(expr))

#endif
