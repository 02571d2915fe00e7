/*
 * Functions on what is in a file: fd_read, fd_write and their positioned forms, fd_seek, fd_tell,
 * fd_allocate, fd_advise, fd_sync, fd_datasync, fd_filestat_set_size.
 *
 * Bytes go straight between guest memory and the file system's own (struct node_io): no buffer between
 * them, no allocation.
 */
#include "wasi/internal.h"

/* Vectors fetched from the guest at a time. */
#define BATCH 16u

/* The guest's side of a transfer: its vectors in order. */
struct guest_io {
    struct node_io io;
    struct wasi_call *call;
    uint32_t array, count;  /* the vectors: where, how many */
    uint32_t next;          /* first that is not in batch[] yet */
    uint32_t at, batch_len; /* batch[at..batch_len) is still to be filled or emptied */
    bool to_guest;
    uint32_t total; /* bytes of all */
    struct iovec batch[BATCH];
};

static enum wasi_errno fetch(struct guest_io *g) {
    uint32_t left = g->count - g->next;
    g->batch_len = left < BATCH ? left : BATCH;
    g->at = 0;
    uint32_t addr = g->array + g->next * (uint32_t)sizeof(struct iovec);
    g->next += g->batch_len;
    return wasi_get(g->call, addr, g->batch, g->batch_len * sizeof(struct iovec));
}

/* Checks all vectors before anything is done: each must lie in memory, and their sum must fit. */
static enum wasi_errno check_vectors(struct guest_io *g) {
    uint64_t total = 0, size = g->call->caller->memory_size;
    while (g->next < g->count) {
        WASI_TRY(fetch(g));
        for (uint32_t i = 0; i < g->batch_len; i++) {
            if ((uint64_t)g->batch[i].addr + g->batch[i].size > size) {
                return WASI_EFAULT;
            }
            total += g->batch[i].size;
        }
    }
    if (total > INT32_MAX) {
        return WASI_EINVAL;
    }
    g->total = (uint32_t)total;
    return WASI_SUCCESS;
}

/* The guest's vectors may lie where it reads to: they are checked again as they are used. */
static status_t move(struct node_io *io, void *bytes, size_t size) {
    struct guest_io *g = (struct guest_io *)io;
    uint8_t *at = bytes;
    while (size > 0) {
        if (g->at == g->batch_len && (g->next == g->count || fetch(g) != WASI_SUCCESS)) {
            return STATUS_FAULT;
        }
        struct iovec *v = &g->batch[g->at];
        size_t n = v->size < size ? v->size : size;
        TRY(g->to_guest ? wasm_memory_write(g->call->caller, v->addr, at, n)
                        : wasm_memory_read(g->call->caller, v->addr, at, n));
        v->addr += (uint32_t)n;
        v->size -= (uint32_t)n;
        at += n;
        size -= n;
        g->at += v->size == 0;
    }
    return STATUS_OK;
}

/* The vectors of arguments 1 and 2. */
static enum wasi_errno guest_io_init(struct guest_io *g, struct wasi_call *call, bool to_guest) {
    g->io.move = move;
    g->call = call;
    g->array = wasi_arg(call, 1);
    g->count = wasi_arg(call, 2);
    g->next = g->at = g->batch_len = 0;
    g->to_guest = to_guest;
    WASI_TRY(check_vectors(g));
    if (g->count > BATCH) { /* from the start again */
        g->next = g->batch_len = 0;
    }
    return WASI_SUCCESS;
}

static bool is_stream(const struct wasi_file *file) {
    return file->node->type == NODE_STREAM || file->node->type == NODE_CHARACTER;
}

/* ---- reading --------------------------------------------------------------------------------- */

static enum wasi_errno check_readable(const struct wasi_file *file) {
    return file->node->type == NODE_DIRECTORY ? WASI_EISDIR : wasi_file_need(file, RIGHT_FD_READ);
}

static enum wasi_errno read_at(struct wasi_call *call, uint64_t offset, size_t *done_out) {
    struct guest_io g;
    *done_out = 0;
    WASI_TRY(guest_io_init(&g, call, true));
    if (g.total == 0) {
        return WASI_SUCCESS;
    }
    if ((call->file->flags & FDFLAG_NONBLOCK) && !node_ready(call->file->node, NODE_READ).now) {
        return WASI_EAGAIN;
    }
    return wasi_from_status(node_read(call->file->node, offset, g.total, &g.io, done_out));
}

enum wasi_errno wasi_fd_read(struct wasi_call *call) {
    size_t done;
    WASI_TRY(check_readable(call->file));
    WASI_TRY(read_at(call, call->file->offset, &done));
    call->file->offset += done;
    return wasi_put_u32(call, wasi_arg(call, 3), (uint32_t)done);
}

/* The offset of fd_pread and fd_pwrite. */
static enum wasi_errno check_positioned(const struct wasi_call *call) {
    if (is_stream(call->file)) {
        return WASI_ESPIPE;
    }
    WASI_TRY(wasi_file_need(call->file, RIGHT_FD_SEEK));
    return wasi_arg64(call, 3) > INT64_MAX ? WASI_EINVAL : WASI_SUCCESS;
}

enum wasi_errno wasi_fd_pread(struct wasi_call *call) {
    size_t done;
    WASI_TRY(check_readable(call->file));
    WASI_TRY(check_positioned(call));
    WASI_TRY(read_at(call, wasi_arg64(call, 3), &done));
    return wasi_put_u32(call, wasi_arg(call, 4), (uint32_t)done);
}

/* ---- writing --------------------------------------------------------------------------------- */

/* How much of `size` bytes is to be written: all, or without blocking what there is room for. */
static enum wasi_errno limit_write(const struct wasi_file *file, size_t *size) {
    if (!(file->flags & FDFLAG_NONBLOCK)) {
        return WASI_SUCCESS;
    }
    struct readiness ready = node_ready(file->node, NODE_WRITE);
    *size = *size < ready.bytes ? *size : (size_t)ready.bytes;
    return ready.now ? WASI_SUCCESS : WASI_EAGAIN;
}

static enum wasi_errno write_at(struct wasi_call *call, uint64_t *offset, size_t *done_out) {
    struct guest_io g;
    struct wasi_file *file = call->file;
    *done_out = 0;
    WASI_TRY(guest_io_init(&g, call, false));
    size_t size = g.total;
    if (size == 0) {
        return WASI_SUCCESS;
    }
    WASI_TRY(limit_write(file, &size));
    WASI_TRY_STATUS(node_write(file->node, offset, size, &g.io, done_out));
    if (file->flags & (FDFLAG_SYNC | FDFLAG_DSYNC)) {
        return wasi_from_status(node_sync(file->node, !(file->flags & FDFLAG_SYNC)));
    }
    return WASI_SUCCESS;
}

enum wasi_errno wasi_fd_write(struct wasi_call *call) {
    struct wasi_file *file = call->file;
    uint64_t offset = file->flags & FDFLAG_APPEND ? NODE_APPEND : file->offset;
    size_t done;
    WASI_TRY(write_at(call, &offset, &done));
    if (done > 0) {
        file->offset = offset + done;
    }
    return wasi_put_u32(call, wasi_arg(call, 3), (uint32_t)done);
}

enum wasi_errno wasi_fd_pwrite(struct wasi_call *call) {
    uint64_t offset = wasi_arg64(call, 3);
    size_t done;
    WASI_TRY(wasi_file_need(call->file, RIGHT_FD_WRITE));
    WASI_TRY(check_positioned(call));
    WASI_TRY(write_at(call, &offset, &done));
    return wasi_put_u32(call, wasi_arg(call, 4), (uint32_t)done);
}

/* ---- offsets --------------------------------------------------------------------------------- */

enum whence { WHENCE_SET, WHENCE_CUR, WHENCE_END };

static enum wasi_errno get_whence(const struct wasi_call *call, enum whence *out) {
    static const uint8_t unstable[] = {WHENCE_CUR, WHENCE_END, WHENCE_SET};
    uint32_t whence = wasi_arg(call, 2);
    if (whence > WHENCE_END) {
        return WASI_EINVAL;
    }
    *out = (enum whence)(call->unstable ? unstable[whence] : whence);
    return WASI_SUCCESS;
}

enum wasi_errno wasi_fd_seek(struct wasi_call *call) {
    struct wasi_file *file = call->file;
    int64_t delta = (int64_t)wasi_arg64(call, 1), start = 0, to;
    enum whence whence = WHENCE_SET;
    struct node_attr attr;
    if (is_stream(file)) {
        return WASI_ESPIPE;
    }
    WASI_TRY(get_whence(call, &whence));
    bool tells = delta == 0 && whence == WHENCE_CUR;
    WASI_TRY(wasi_file_need(file, tells ? RIGHT_FD_TELL : RIGHT_FD_SEEK | RIGHT_FD_TELL));
    if (whence == WHENCE_CUR) {
        start = (int64_t)file->offset;
    } else if (whence == WHENCE_END) {
        if (call->quick) {
            return WASI_EAGAIN;
        }
        WASI_TRY_STATUS(node_get_attr(file->node, &attr));
        start = (int64_t)attr.size;
    }
    if (__builtin_add_overflow(start, delta, &to)) {
        return WASI_EOVERFLOW;
    }
    if (to < 0) {
        return WASI_EINVAL;
    }
    enum wasi_errno error = wasi_put_u64(call, wasi_arg(call, 3), (uint64_t)to);
    if (error != WASI_EAGAIN) {
        file->offset = (uint64_t)to;
    }
    return error;
}

enum wasi_errno wasi_fd_tell(struct wasi_call *call) {
    if (is_stream(call->file)) {
        return WASI_ESPIPE;
    }
    WASI_TRY(wasi_file_need(call->file, RIGHT_FD_TELL));
    return wasi_put_u64(call, wasi_arg(call, 1), call->file->offset);
}

/* ---- space ----------------------------------------------------------------------------------- */

/* Advice is taken note of: nothing here reads ahead. */
enum wasi_errno wasi_fd_advise(struct wasi_call *call) {
    enum { ADVICE_LAST = 5 };
    bool negative = wasi_arg64(call, 1) > INT64_MAX || wasi_arg64(call, 2) > INT64_MAX;
    return wasi_arg(call, 3) > ADVICE_LAST || negative ? WASI_EINVAL : WASI_SUCCESS;
}

enum wasi_errno wasi_fd_allocate(struct wasi_call *call) {
    uint64_t offset = wasi_arg64(call, 1), size = wasi_arg64(call, 2);
    if (size == 0 || offset > INT64_MAX || size > INT64_MAX) {
        return WASI_EINVAL;
    }
    if (offset + size > INT64_MAX) {
        return WASI_EFBIG;
    }
    return wasi_from_status(node_allocate(call->file->node, offset, size));
}

enum wasi_errno wasi_fd_filestat_set_size(struct wasi_call *call) {
    if (wasi_arg64(call, 1) > INT64_MAX) {
        return WASI_EINVAL;
    }
    return wasi_from_status(node_set_size(call->file->node, wasi_arg64(call, 1)));
}

enum wasi_errno wasi_fd_sync(struct wasi_call *call) {
    return wasi_from_status(node_sync(call->file->node, false));
}

enum wasi_errno wasi_fd_datasync(struct wasi_call *call) {
    return wasi_from_status(node_sync(call->file->node, true));
}
