/*
 * An open file as programs see it: a stream of bytes with a few traits. Implementations embed
 * struct file and give its operations; whoever holds a reference calls through these.
 */
#ifndef FS_FILE_H
#define FS_FILE_H

#include "base/status.h"
#include "base/watch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct file;

struct file_ops {
    /* Reads up to cap > 0 bytes, waiting for at least one; *size_out 0 is the end. IO. */
    status_t (*read)(struct file *file, void *buf, size_t cap, size_t *size_out);
    /* Writes all bytes, in order. IO. */
    status_t (*write)(struct file *file, const void *bytes, size_t size);
    /* Whether a read, or a write, would not wait; as many bytes can then be moved as long as nobody else
     * moves some. NULL: neither ever waits. */
    struct readiness (*ready)(struct file *file, bool to_write);
    /* From now on until unwatch() the watch is told when that may have become so. Together with ready, which
     * is asked after watch() once more. */
    void (*watch)(struct file *file, struct watch *watch);
    void (*unwatch)(struct file *file, struct watch *watch);
};

struct file {
    const struct file_ops *ops;
    bool is_terminal; /* somebody reads and types at the other end */
};

/* DENIED when the file cannot be read or written at all. */
MUST_CHECK static inline status_t file_read(struct file *file, void *buf, size_t cap,
                                            size_t *size_out) {
    return file->ops->read ? file->ops->read(file, buf, cap, size_out) : STATUS_DENIED;
}
MUST_CHECK static inline status_t file_write(struct file *file, const void *bytes, size_t size) {
    return file->ops->write ? file->ops->write(file, bytes, size) : STATUS_DENIED;
}
static inline struct readiness file_ready(struct file *file, bool to_write) {
    return file->ops->ready ? file->ops->ready(file, to_write) : READINESS_ALWAYS;
}

#endif
