/*
 * The quickest calls: fd_read and fd_write of few bytes, in the middle of the trap. For one small vector
 * and a file that can be read and written at once; whatever is odd, wrong or slow is left to the
 * ordinary way by returning false, with nothing done that it would do twice.
 */
#include "wasi/check.h"

/* A quick call, with its vector. */
struct small_io {
    struct wasi_call call;
    struct iovec vector;
};

/* False: not for here. */
static inline __attribute__((always_inline)) bool take_vector(struct small_io *io) {
    const struct wasi_call *call = &io->call;
    if (wasi_arg(call, 2) != 1 || call->file->flags) {
        return false;
    }
    struct plat_word vector = wasm_quick_load8(call->caller, wasi_arg(call, 1));
    io->vector = (struct iovec){(uint32_t)vector.value, (uint32_t)(vector.value >> 32)};
    return vector.there && io->vector.size > 0 && io->vector.size <= WASI_QUICK_MAX;
}

/* The bytes to write, to wasi->buffer. A word is quicker than a copy, where more than is wanted can be had. */
static inline __attribute__((always_inline)) bool fetch(const struct small_io *io) {
    const struct wasi_call *call = &io->call;
    const struct iovec *v = &io->vector;
    if (v->size <= sizeof(uint64_t)) {
        struct plat_word word = wasm_quick_load8(call->caller, v->addr);
        call->wasi->word = word.value;
        return word.there;
    }
    return wasi_get(call, v->addr, call->wasi->buffer, v->size) == WASI_SUCCESS;
}

static inline __attribute__((always_inline)) struct small_io begin(void *ctx, uint64_t *regs) {
    const struct wasi_binding *binding = ctx;
    return (struct small_io){.call = {.wasi = binding->wasi,
                                      .caller = wasm_quick_caller(binding->wasi->quick, regs),
                                      .args = wasm_quick_values(regs),
                                      .quick = true}};
}

/* The vector is in memory of the kernel by the time that the bytes could overwrite it; but the ordinary
 * call, if one must follow, will look for it again: so nothing is stored over it. */
bool wasi_quick_fd_read(void *ctx, uint64_t *regs) {
    struct small_io io = begin(ctx, regs);
    size_t done;
    if (check_fd_read(&io.call) != WASI_SUCCESS || !take_vector(&io)) {
        return false;
    }
    struct wasi_file *file = io.call.file;
    const struct node_ops *ops = file->node->ops;
    uint8_t *buffer = io.call.wasi->buffer;
    uint64_t start = wasi_arg(&io.call, 1), end = start + sizeof(struct iovec);
    bool overlaps = io.vector.addr < end && start < (uint64_t)io.vector.addr + io.vector.size;
    if (overlaps || !ops->read_now || !(file->rights & RIGHT_FD_READ) ||
        ops->read_now(file->node, file->offset, buffer, io.vector.size, &done) != STATUS_OK ||
        wasi_put(&io.call, io.vector.addr, buffer, done) != WASI_SUCCESS ||
        !wasm_quick_store4(io.call.caller, wasi_arg(&io.call, 3), (uint32_t)done)) {
        return false;
    }
    file->offset += done;
    wasm_quick_values(regs)[0] = WASI_SUCCESS;
    return true;
}

/* When the result cannot be stored, the ordinary call writes the same bytes to the same place again. */
bool wasi_quick_fd_write(void *ctx, uint64_t *regs) {
    struct small_io io = begin(ctx, regs);
    if (check_fd_write(&io.call) != WASI_SUCCESS || !take_vector(&io)) {
        return false;
    }
    struct wasi_file *file = io.call.file;
    const struct node_ops *ops = file->node->ops;
    uint8_t *buffer = io.call.wasi->buffer;
    if (!ops->write_now || !fetch(&io) ||
        ops->write_now(file->node, file->offset, buffer, io.vector.size) != STATUS_OK ||
        !wasm_quick_store4(io.call.caller, wasi_arg(&io.call, 3), io.vector.size)) {
        return false;
    }
    file->offset += io.vector.size;
    wasm_quick_values(regs)[0] = WASI_SUCCESS;
    return true;
}
