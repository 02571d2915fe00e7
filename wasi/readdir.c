/*
 * fd_readdir: entries one after the other in the program's buffer, the last cut off where the buffer
 * ends, so that a full buffer says that there may be more.
 */
#include "wasi/internal.h"

struct filler {
    struct node_emit emit;
    struct wasi_call *call;
    uint32_t addr, left; /* of the buffer */
    enum wasi_errno error;
};

/* As much as there is room for. */
static void put_part(struct filler *f, const void *bytes, size_t size) {
    uint32_t n = size < f->left ? (uint32_t)size : f->left;
    if (n > 0 && f->error == WASI_SUCCESS) {
        f->error = wasi_put(f->call, f->addr, bytes, n);
        f->addr += n;
        f->left -= n;
    }
}

static bool put_entry(struct node_emit *emit, const struct node_entry *entry) {
    struct filler *f = (struct filler *)emit;
    struct dirent dirent = {.next = entry->cookie,
                            .ino = entry->inode,
                            .name_len = (uint32_t)entry->name.len,
                            .filetype = (uint8_t)wasi_filetype(entry->type)};
    put_part(f, &dirent, sizeof(dirent));
    put_part(f, entry->name.at, entry->name.len);
    return f->left > 0 && f->error == WASI_SUCCESS;
}

enum wasi_errno wasi_fd_readdir(struct wasi_call *call) {
    struct filler f = {.emit = {.entry = put_entry},
                       .call = call,
                       .addr = wasi_arg(call, 1),
                       .left = wasi_arg(call, 2)};
    if (f.left > 0) {
        WASI_TRY_STATUS(node_readdir(call->file->node, wasi_arg64(call, 3), &f.emit));
        WASI_TRY(f.error);
    }
    return wasi_put_u32(call, wasi_arg(call, 4), wasi_arg(call, 2) - f.left);
}
