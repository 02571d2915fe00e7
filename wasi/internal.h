/*
 * Between the files of wasi/: one call of a WASI function.
 */
#ifndef WASI_INTERNAL_H
#define WASI_INTERNAL_H

#include "wasi/errno.h"
#include "wasi/wasi.h"
#include "wasm/wasm.h"

#include <stdbool.h>

struct wasi_call {
    struct wasi *wasi;
    struct wasm_caller *caller;
    const struct wasm_value *args;   /* as the row in preview1.def says */
    bool exits;                      /* the program ends with this call */
};

typedef enum wasi_errno (*wasi_fn)(struct wasi_call *call);

#define WASI(name, params)
#define WASI_DONE(name, params) enum wasi_errno wasi_##name(struct wasi_call *call);
#include "wasi/preview1.def"
#undef WASI
#undef WASI_DONE

static inline uint32_t wasi_arg(const struct wasi_call *call, unsigned i) {
    return call->args[i].i32;
}
static inline uint64_t wasi_arg64(const struct wasi_call *call, unsigned i) {
    return call->args[i].i64;
}

/* Guest memory: success or EFAULT. Every access of every function goes through these. */
enum wasi_errno wasi_get(struct wasi_call *call, uint32_t addr, void *to, size_t size);
enum wasi_errno wasi_put(struct wasi_call *call, uint32_t addr, const void *from, size_t size);
enum wasi_errno wasi_put_u32(struct wasi_call *call, uint32_t addr, uint32_t value);
enum wasi_errno wasi_put_u64(struct wasi_call *call, uint32_t addr, uint64_t value);

/* Hand an error on to the program. */
#define WASI_TRY(expr)                                                                             \
    do {                                                                                           \
        enum wasi_errno try_errno_ = (expr);                                                       \
        if (try_errno_ != WASI_SUCCESS) {                                                          \
            return try_errno_;                                                                     \
        }                                                                                          \
    } while (0)

#endif
