/*
 * The table of descriptors, and the functions on descriptors as such: fd_close, fd_renumber, fd_fdstat_*,
 * fd_prestat_*; and sock_*, since no descriptor is a socket yet.
 */
#include "fs/platform.h"
#include "wasi/internal.h"

#include <assert.h>
#include <string.h>

static uint32_t number_of(const struct wasi *wasi, const struct wasi_file *file) {
    return (uint32_t)(file - wasi->files);
}

static void put_file(struct wasi *wasi, uint32_t fd, const struct wasi_file *file) {
    wasi->files[fd] = *file;
    wasi->free_files[fd / 64] &= ~((uint64_t)1 << (fd % 64));
}

/* Room for descriptor `fd`. */
static enum wasi_errno make_room(struct wasi *wasi, uint32_t fd) {
    if (fd < wasi->file_cap) {
        return WASI_SUCCESS;
    }
    uint32_t cap = 4 * wasi->file_cap < WASI_MAX_FILES ? 4 * wasi->file_cap : WASI_MAX_FILES;
    struct wasi_file *files = fs_alloc(cap * sizeof(*files));
    if (!files) {
        return WASI_ENOMEM;
    }
    memcpy(files, wasi->files, wasi->file_cap * sizeof(*files));
    if (wasi->files != wasi->first) {
        fs_free(wasi->files);
    }
    wasi->files = files;
    wasi->file_cap = cap;
    return WASI_SUCCESS;
}

enum wasi_errno wasi_file_open(struct wasi *wasi, const struct wasi_file *file, uint32_t *fd_out) {
    for (uint32_t word = 0; word < WASI_MAX_FILES / 64; word++) {
        if (wasi->free_files[word] != 0) {
            *fd_out = word * 64 + (uint32_t)__builtin_ctzll(wasi->free_files[word]);
            WASI_TRY(make_room(wasi, *fd_out));
            put_file(wasi, *fd_out, file);
            return WASI_SUCCESS;
        }
    }
    return WASI_EMFILE;
}

void wasi_file_close(struct wasi *wasi, struct wasi_file *file) {
    uint32_t fd = number_of(wasi, file);
    node_put(file->node);
    *file = (struct wasi_file){0};
    wasi->free_files[fd / 64] |= (uint64_t)1 << (fd % 64);
}

enum filetype wasi_filetype(enum node_type type) {
    static const uint8_t types[] = {
        [NODE_UNKNOWN] = FILETYPE_UNKNOWN,
        [NODE_REGULAR] = FILETYPE_REGULAR_FILE,
        [NODE_DIRECTORY] = FILETYPE_DIRECTORY,
        [NODE_SYMLINK] = FILETYPE_SYMBOLIC_LINK,
        [NODE_CHARACTER] = FILETYPE_CHARACTER_DEVICE,
        [NODE_BLOCK] = FILETYPE_BLOCK_DEVICE,
        [NODE_STREAM] = FILETYPE_UNKNOWN,
    };
    return (enum filetype)types[type];
}

uint64_t wasi_type_rights(enum node_type type) {
    switch (type) {
    case NODE_DIRECTORY:
        return RIGHTS_DIRECTORY;
    case NODE_REGULAR:
    case NODE_BLOCK:
        return RIGHTS_FILE;
    default:
        return RIGHTS_STREAM;
    }
}

/* ---- what the program starts with ------------------------------------------------------------ */

void wasi_open_stream(struct wasi *wasi, uint32_t fd, struct node *node, unsigned access) {
    uint64_t rights = RIGHTS_ANY;
    rights |= access & NODE_READ ? RIGHT_FD_READ : 0;
    rights |= access & NODE_WRITE ? RIGHT_FD_WRITE : 0;
    assert(fd < WASI_FIRST_FILES && !wasi->files[fd].node);
    put_file(wasi, fd,
             &(struct wasi_file){.node = node_get(node),
                                 .rights = rights,
                                 .filetype = (uint8_t)wasi_filetype(node->type)});
}

status_t wasi_preopen(struct wasi *wasi, struct node *dir, const char *name) {
    struct wasi_file file = {.node = dir,
                             .rights = RIGHTS_DIRECTORY,
                             .inheriting = RIGHTS_ALL,
                             .preopen = name,
                             .filetype = FILETYPE_DIRECTORY};
    uint32_t fd;
    enum wasi_errno error = wasi_file_open(wasi, &file, &fd);
    if (error != WASI_SUCCESS) {
        return error == WASI_ENOMEM ? STATUS_NO_MEMORY : STATUS_LIMIT;
    }
    node_get(dir);
    return STATUS_OK;
}

/* ---- fd_* ------------------------------------------------------------------------------------ */

enum wasi_errno wasi_fd_close(struct wasi_call *call) {
    wasi_file_close(call->wasi, call->file);
    return WASI_SUCCESS;
}

/* Both must be open: that a descriptor which is just being opened elsewhere is taken can not happen. */
enum wasi_errno wasi_fd_renumber(struct wasi_call *call) {
    struct wasi_file *from = call->file, *to = call->file2;
    if (from == to) {
        return WASI_SUCCESS;
    }
    node_put(to->node);
    *to = *from;
    node_get(to->node);
    wasi_file_close(call->wasi, from);
    return WASI_SUCCESS;
}

enum wasi_errno wasi_fd_fdstat_get(struct wasi_call *call) {
    struct fdstat stat = {.filetype = call->file->filetype,
                          .flags = call->file->flags,
                          .rights_base = call->file->rights,
                          .rights_inheriting = call->file->inheriting};
    return wasi_put(call, wasi_arg(call, 1), &stat, sizeof(stat));
}

enum wasi_errno wasi_fd_fdstat_set_flags(struct wasi_call *call) {
    if (wasi_arg(call, 1) & ~FDFLAGS_ALL) {
        return WASI_EINVAL;
    }
    call->file->flags = (uint16_t)wasi_arg(call, 1);
    return WASI_SUCCESS;
}

/* Rights can only be given up. */
enum wasi_errno wasi_fd_fdstat_set_rights(struct wasi_call *call) {
    uint64_t rights = wasi_arg64(call, 1), inheriting = wasi_arg64(call, 2);
    if ((rights & ~call->file->rights) || (inheriting & ~call->file->inheriting)) {
        return WASI_ENOTCAPABLE;
    }
    call->file->rights = rights;
    call->file->inheriting = inheriting;
    return WASI_SUCCESS;
}

enum wasi_errno wasi_fd_prestat_get(struct wasi_call *call) {
    if (!call->file->preopen) {
        return WASI_EBADF;
    }
    struct prestat stat = {.name_len = (uint32_t)strlen(call->file->preopen)};
    return wasi_put(call, wasi_arg(call, 1), &stat, sizeof(stat));
}

enum wasi_errno wasi_fd_prestat_dir_name(struct wasi_call *call) {
    const char *name = call->file->preopen;
    if (!name) {
        return WASI_EBADF;
    }
    size_t len = strlen(name);
    return wasi_arg(call, 2) < len ? WASI_ENAMETOOLONG
                                   : wasi_put(call, wasi_arg(call, 1), name, len);
}

/* ---- sockets: none is ever open --------------------------------------------------------------- */

enum wasi_errno wasi_sock_accept(struct wasi_call *call) {
    (void)call;
    return WASI_ENOTSOCK;
}

enum wasi_errno wasi_sock_recv(struct wasi_call *call) {
    (void)call;
    return WASI_ENOTSOCK;
}

enum wasi_errno wasi_sock_send(struct wasi_call *call) {
    (void)call;
    return WASI_ENOTSOCK;
}

enum wasi_errno wasi_sock_shutdown(struct wasi_call *call) {
    uint32_t how = wasi_arg(call, 1);
    return how == 0 || how > 3 ? WASI_EINVAL : WASI_ENOTSOCK;
}
