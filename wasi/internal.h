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
    const uint64_t *args;    /* checked, as the row in preview1.def says */
    struct wasi_file *file;  /* the row's descriptor */
    struct wasi_file *file2; /* and the second one */
    bool unstable;           /* with the layouts of wasi_unstable */
    bool exits;              /* the program ends with this call */
    /* In the middle of the trap, interrupts off: what would sleep or take long gives EAGAIN, and then the
     * call is made again the ordinary way. So nothing that a second call would do twice may be done before
     * all that can give EAGAIN is. */
    bool quick;
};

bool wasi_quick_fd_read(void *ctx, uint64_t *regs);
bool wasi_quick_fd_write(void *ctx, uint64_t *regs);

/* A quick call moves so many bytes at most. */
#define WASI_QUICK_MAX 256u

typedef enum wasi_errno (*wasi_fn)(struct wasi_call *call);

#define WASI(name, params, rights, rights2) enum wasi_errno wasi_##name(struct wasi_call *call);
#include "wasi/preview1.def"
#undef WASI

static inline uint32_t wasi_arg(const struct wasi_call *call, unsigned i) {
    return (uint32_t)call->args[i];
}
static inline uint64_t wasi_arg64(const struct wasi_call *call, unsigned i) {
    return call->args[i];
}

enum wasi_errno wasi_from_status(status_t status);

/* Guest memory: success, EFAULT, ENOMEM; in a quick call EAGAIN. Every access of every function goes
 * through these. */
enum wasi_errno wasi_from_copy(status_t status);

static inline enum wasi_errno wasi_get(const struct wasi_call *call, uint32_t addr, void *to,
                                       size_t size) {
    status_t status = wasm_memory_read(call->caller, addr, to, size);
    return status == STATUS_OK ? WASI_SUCCESS : wasi_from_copy(status);
}

static inline enum wasi_errno wasi_put(const struct wasi_call *call, uint32_t addr,
                                       const void *from, size_t size) {
    status_t status = wasm_memory_write(call->caller, addr, from, size);
    return status == STATUS_OK ? WASI_SUCCESS : wasi_from_copy(status);
}

static inline enum wasi_errno wasi_put_u32(const struct wasi_call *call, uint32_t addr,
                                           uint32_t value) {
    return wasi_put(call, addr, &value, sizeof(value));
}

static inline enum wasi_errno wasi_put_u64(const struct wasi_call *call, uint32_t addr,
                                           uint64_t value) {
    return wasi_put(call, addr, &value, sizeof(value));
}

/* ---- files.c ---- */

/* The descriptor, or NULL when it is not open. */
static inline struct wasi_file *wasi_file(struct wasi *wasi, uint32_t fd) {
    if (fd >= wasi->file_cap) {
        return NULL;
    }
    struct wasi_file *file = &wasi->files[fd];
    return file->node ? file : NULL;
}
/* Opens the lowest free descriptor; takes over the reference on success. Pointers to descriptors are
 * good no longer. EMFILE, ENOMEM. */
enum wasi_errno wasi_file_open(struct wasi *wasi, const struct wasi_file *file, uint32_t *fd_out);
void wasi_file_close(struct wasi *wasi, struct wasi_file *file);
/* The file does not have all of these: ENOTCAPABLE. */
static inline enum wasi_errno wasi_file_need(const struct wasi_file *file, uint64_t rights) {
    return (file->rights & rights) == rights ? WASI_SUCCESS : WASI_ENOTCAPABLE;
}
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
