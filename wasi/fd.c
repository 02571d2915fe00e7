/*
 * Functions on descriptors (WASI preview 1: fd_*). Descriptors are the program's streams: they can
 * be read, written and closed, not sought.
 */
#include "wasi/internal.h"

#include <string.h>

/* More vectors than this in one call are refused, as POSIX systems do (IOV_MAX). */
#define MAX_VECTORS 1024u

enum filetype { FILETYPE_UNKNOWN = 0, FILETYPE_CHARACTER_DEVICE = 2 };

#define RIGHT_FD_READ ((uint64_t)1 << 1)
#define RIGHT_FD_WRITE ((uint64_t)1 << 6)
#define RIGHT_FD_FDSTAT_SET_FLAGS ((uint64_t)1 << 3)
#define FDFLAGS_ALL 31u
#define FDFLAGS_NONE 0u

/* The layouts of types `iovec` and `fdstat`. */
struct iovec {
    uint32_t addr, size;
};
struct fdstat {
    uint8_t filetype;
    uint8_t pad;
    uint16_t flags;
    uint32_t pad2;
    uint64_t rights_base, rights_inheriting;
};
_Static_assert(sizeof(struct fdstat) == 24, "as the specification lays it out");

/* The open file of argument 0. */
static enum wasi_errno get_file(struct wasi_call *call, struct file **out) {
    uint32_t fd = wasi_arg(call, 0);
    *out = fd < WASI_MAX_FILES ? call->wasi->files[fd] : NULL;
    return *out ? WASI_SUCCESS : WASI_EBADF;
}

static enum wasi_errno from_status(status_t status) {
    switch (status) {
    case STATUS_OK:
        return WASI_SUCCESS;
    case STATUS_DENIED:
        return WASI_EBADF; /* as POSIX: not open for that */
    case STATUS_NO_MEMORY:
        return WASI_ENOMEM;
    default:
        return WASI_EIO;
    }
}

/* ---- reading and writing --------------------------------------------------------------------- */

/* The vectors of arguments 1 and 2, one at a time, each checked to lie in memory. */
static enum wasi_errno get_vector(struct wasi_call *call, uint32_t i, struct iovec *out) {
    uint64_t addr = (uint64_t)wasi_arg(call, 1) + (uint64_t)i * sizeof(*out);
    if (addr > UINT32_MAX) {
        return WASI_EFAULT;
    }
    WASI_TRY(wasi_get(call, (uint32_t)addr, out, sizeof(*out)));
    uint64_t end = (uint64_t)out->addr + out->size;
    return end <= wasm_memory_size(call->caller) ? WASI_SUCCESS : WASI_EFAULT;
}

/* Checks all vectors before anything is done; their sum must fit the result. */
static enum wasi_errno check_vectors(struct wasi_call *call) {
    uint64_t total = 0;
    if (wasi_arg(call, 2) > MAX_VECTORS) {
        return WASI_EINVAL;
    }
    for (uint32_t i = 0; i < wasi_arg(call, 2); i++) {
        struct iovec v;
        WASI_TRY(get_vector(call, i, &v));
        total += v.size;
    }
    return total <= INT32_MAX ? WASI_SUCCESS : WASI_EINVAL;
}

/* Gathers the vectors into buffers and writes those, so that a line made of pieces leaves as one. */
static enum wasi_errno write_vectors(struct wasi_call *call, struct file *file, uint32_t *written) {
    uint8_t *buffer = call->wasi->buffer;
    size_t filled = 0;
    for (uint32_t i = 0; i < wasi_arg(call, 2); i++) {
        struct iovec v;
        WASI_TRY(get_vector(call, i, &v));
        while (v.size > 0) {
            uint32_t room = (uint32_t)(WASI_BUFFER_SIZE - filled);
            uint32_t n = v.size < room ? v.size : room;
            WASI_TRY(wasi_get(call, v.addr, buffer + filled, n));
            filled += n;
            v.addr += n;
            v.size -= n;
            if (filled == WASI_BUFFER_SIZE) {
                WASI_TRY(from_status(file_write(file, buffer, filled)));
                *written += (uint32_t)filled;
                filled = 0;
            }
        }
    }
    if (filled > 0) {
        WASI_TRY(from_status(file_write(file, buffer, filled)));
        *written += (uint32_t)filled;
    }
    return WASI_SUCCESS;
}

enum wasi_errno wasi_fd_write(struct wasi_call *call) {
    struct file *file;
    uint32_t written = 0;
    WASI_TRY(get_file(call, &file));
    if (!file->ops->write) {
        return WASI_EBADF;
    }
    WASI_TRY(check_vectors(call));
    enum wasi_errno error = write_vectors(call, file, &written);
    if (error != WASI_SUCCESS && written == 0) {
        return error;
    }
    return wasi_put_u32(call, wasi_arg(call, 3), written);
}

/* One read of the file, spread over the vectors. */
enum wasi_errno wasi_fd_read(struct wasi_call *call) {
    struct file *file;
    WASI_TRY(get_file(call, &file));
    if (!file->ops->read) {
        return WASI_EBADF;
    }
    WASI_TRY(check_vectors(call));
    uint64_t room = 0;
    for (uint32_t i = 0; i < wasi_arg(call, 2); i++) {
        struct iovec v;
        WASI_TRY(get_vector(call, i, &v));
        room += v.size;
    }
    size_t size = 0, done = 0;
    if (room > 0) {
        size_t cap = room < WASI_BUFFER_SIZE ? (size_t)room : WASI_BUFFER_SIZE;
        WASI_TRY(from_status(file_read(file, call->wasi->buffer, cap, &size)));
    }
    for (uint32_t i = 0; done < size; i++) {
        struct iovec v;
        WASI_TRY(get_vector(call, i, &v));
        size_t n = v.size < size - done ? v.size : size - done;
        WASI_TRY(wasi_put(call, v.addr, call->wasi->buffer + done, n));
        done += n;
    }
    return wasi_put_u32(call, wasi_arg(call, 3), (uint32_t)size);
}

/* ---- the rest ------------------------------------------------------------------------------ */

enum wasi_errno wasi_fd_close(struct wasi_call *call) {
    struct file *file;
    WASI_TRY(get_file(call, &file));
    call->wasi->files[wasi_arg(call, 0)] = NULL;
    return WASI_SUCCESS;
}

enum wasi_errno wasi_fd_fdstat_get(struct wasi_call *call) {
    struct file *file;
    WASI_TRY(get_file(call, &file));
    struct fdstat stat;
    memset(&stat, 0, sizeof(stat));
    stat.filetype = file->is_terminal ? FILETYPE_CHARACTER_DEVICE : FILETYPE_UNKNOWN;
    stat.rights_base = (file->ops->read ? RIGHT_FD_READ : 0) |
                       (file->ops->write ? RIGHT_FD_WRITE : 0) | RIGHT_FD_FDSTAT_SET_FLAGS;
    return wasi_put(call, wasi_arg(call, 1), &stat, sizeof(stat));
}

enum wasi_errno wasi_fd_fdstat_set_flags(struct wasi_call *call) {
    struct file *file;
    WASI_TRY(get_file(call, &file));
    if (wasi_arg(call, 1) & ~FDFLAGS_ALL) {
        return WASI_EINVAL;
    }
    /* Streams know no flag that can be set. */
    return wasi_arg(call, 1) == FDFLAGS_NONE ? WASI_SUCCESS : WASI_EINVAL;
}

/* Rights can only be given up, and nothing asks for them later: streams keep theirs. */
enum wasi_errno wasi_fd_fdstat_set_rights(struct wasi_call *call) {
    struct file *file;
    WASI_TRY(get_file(call, &file));
    uint64_t held = (file->ops->read ? RIGHT_FD_READ : 0) |
                    (file->ops->write ? RIGHT_FD_WRITE : 0) | RIGHT_FD_FDSTAT_SET_FLAGS;
    return (wasi_arg64(call, 1) & ~held) || wasi_arg64(call, 2) ? WASI_ENOTCAPABLE : WASI_SUCCESS;
}

/* There are no preopened directories yet: nothing beyond the streams is open. */
enum wasi_errno wasi_fd_prestat_get(struct wasi_call *call) {
    struct file *file;
    WASI_TRY(get_file(call, &file));
    return WASI_EBADF;
}

enum wasi_errno wasi_fd_prestat_dir_name(struct wasi_call *call) {
    return wasi_fd_prestat_get(call);
}

enum wasi_errno wasi_fd_seek(struct wasi_call *call) {
    struct file *file;
    WASI_TRY(get_file(call, &file));
    return wasi_arg(call, 2) <= 2 ? WASI_ESPIPE : WASI_EINVAL;
}

enum wasi_errno wasi_fd_tell(struct wasi_call *call) {
    struct file *file;
    WASI_TRY(get_file(call, &file));
    return WASI_ESPIPE;
}
