/*
 * Writes a cpio archive in the "newc" format (see cpio(5)): for each file a header of hexadecimal
 * fields, the name and the contents, each padded to four bytes; at the end a file "TRAILER!!!".
 */
#include "tools/k23/cpio.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FILE_SIZE ((off_t)1 << 30)

int cpio_open(struct cpio *cpio) {
    cpio->count = 0;
    cpio->fd = memfd_create("k23-initrd", 0);
    return cpio->fd < 0 ? -1 : 0;
}

static int write_all(int fd, const void *bytes, size_t size) {
    const char *at = bytes;
    while (size > 0) {
        ssize_t n = write(fd, at, size);
        if (n < 0 && errno != EINTR) {
            return -1;
        }
        if (n > 0) {
            at += n;
            size -= (size_t)n;
        }
    }
    return 0;
}

static int write_padding(int fd, size_t size) {
    static const char zeros[3];
    return write_all(fd, zeros, (4 - size % 4) % 4);
}

static int write_header(struct cpio *cpio, const char *name, unsigned mode, time_t mtime,
                        size_t size) {
    char header[128];
    size_t name_size = strlen(name) + 1;
    unsigned seconds = mtime < 0 ? 0 : mtime > UINT32_MAX ? UINT32_MAX : (unsigned)mtime;
    int n = snprintf(header, sizeof(header),
                     "070701%08X%08X%08X%08X%08X%08X%08zX%08X%08X%08X%08X%08zX%08X", ++cpio->count,
                     mode, 0u, 0u, 1u, seconds, size, 0u, 0u, 0u, 0u, name_size, 0u);
    if (write_all(cpio->fd, header, (size_t)n) != 0 || write_all(cpio->fd, name, name_size) != 0) {
        return -1;
    }
    return write_padding(cpio->fd, (size_t)n + name_size);
}

static int add_entry(struct cpio *cpio, const char *name, unsigned mode, time_t mtime,
                     const void *bytes, size_t size) {
    if (write_header(cpio, name, mode, mtime, size) != 0 || write_all(cpio->fd, bytes, size) != 0) {
        return -1;
    }
    return write_padding(cpio->fd, size);
}

int cpio_add(struct cpio *cpio, const char *name, const void *bytes, size_t size) {
    return add_entry(cpio, name, S_IFREG | 0444, 0, bytes, size);
}

/* A pipe or a device: what comes until its end. */
static int add_stream(struct cpio *cpio, const char *name, int file) {
    size_t size = 0, cap = 0;
    char *bytes = NULL;
    ssize_t n = 1;
    while (n > 0 && size <= MAX_FILE_SIZE) {
        if (size == cap) {
            cap = cap ? 2 * cap : 65536;
            char *more = realloc(bytes, cap);
            if (!more) {
                break;
            }
            bytes = more;
        }
        n = read(file, bytes + size, cap - size);
        size += n > 0 ? (size_t)n : 0;
        n = n < 0 && errno == EINTR ? 1 : n;
    }
    errno = size > MAX_FILE_SIZE ? EFBIG : errno;
    int result = n == 0 && size <= MAX_FILE_SIZE ? cpio_add(cpio, name, bytes, size) : -1;
    free(bytes);
    return result;
}

static int add_contents(struct cpio *cpio, const char *name, int file) {
    struct stat st;
    if (fstat(file, &st) != 0) {
        return -1;
    }
    if (S_ISDIR(st.st_mode)) {
        errno = EISDIR;
        return -1;
    }
    if (!S_ISREG(st.st_mode)) {
        return add_stream(cpio, name, file);
    }
    if (st.st_size > MAX_FILE_SIZE) {
        errno = EFBIG;
        return -1;
    }
    size_t size = (size_t)st.st_size;
    char *bytes = size ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, file, 0) : NULL;
    if (bytes == MAP_FAILED) {
        return -1;
    }
    int result = add_entry(cpio, name, S_IFREG | 0444, st.st_mtime, bytes, size);
    if (bytes) {
        munmap(bytes, size);
    }
    return result;
}

int cpio_add_file(struct cpio *cpio, const char *name, const char *path) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return -1;
    }
    int result = add_contents(cpio, name, file);
    int error = errno;
    close(file);
    errno = error;
    return result;
}

static int add_link(struct cpio *cpio, const char *name, const FTSENT *entry) {
    char target[PATH_MAX];
    ssize_t len = readlink(entry->fts_accpath, target, sizeof(target));
    return len < 0 ? -1
                   : add_entry(cpio, name, S_IFLNK | 0777, entry->fts_statp->st_mtime, target,
                               (size_t)len);
}

/* One entry of the walk; `skip` bytes of its path are the directory's own. */
static int add_walked(struct cpio *cpio, const char *folder, size_t skip, FTSENT *entry) {
    char name[PATH_MAX];
    const char *rest = entry->fts_path + skip;
    if (snprintf(name, sizeof(name), "%s%s", folder, rest) >= (int)sizeof(name)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    switch (entry->fts_info) {
    case FTS_D:
        return add_entry(cpio, name, S_IFDIR | 0755, entry->fts_statp->st_mtime, NULL, 0);
    case FTS_F:
        return cpio_add_file(cpio, name, entry->fts_accpath);
    case FTS_SL:
    case FTS_SLNONE:
        return add_link(cpio, name, entry);
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        errno = entry->fts_errno;
        return -1;
    default:
        return 0;
    }
}

int cpio_add_tree(struct cpio *cpio, const char *name, const char *path) {
    char *const roots[] = {(char *)path, NULL};
    struct stat st;
    if (stat(path, &st) != 0) {
        return -1;
    }
    if (!S_ISDIR(st.st_mode)) {
        errno = ENOTDIR;
        return -1;
    }
    size_t skip = strcmp(path, "/") == 0 ? 0 : strlen(path);
    FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, NULL);
    FTSENT *entry;
    int result = walk ? 0 : -1;
    while (result == 0 && (errno = 0, entry = fts_read(walk))) {
        result = add_walked(cpio, name, skip, entry);
    }
    result = result == 0 && errno != 0 ? -1 : result;
    int error = errno;
    if (walk) {
        fts_close(walk);
    }
    errno = error;
    return result;
}

int cpio_finish(struct cpio *cpio) {
    return write_header(cpio, "TRAILER!!!", 0, 0, 0);
}
