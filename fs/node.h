/*
 * A file, directory, symbolic link or device as every file system shows it. A file system embeds
 * struct node in its own object and gives its operations; paths (fs/path.h), descriptors (wasi/)
 * and everybody else know nodes alone.
 *
 *     node_init -> (node_get | operations)... -> node_put      the last put calls ops->free
 *
 * Reference counts: whoever holds a pointer beyond a call holds a reference. Operations that give a
 * node (`out`) give a reference with it. A node may outlive its last name, and is then still read and
 * written. Two nodes may stand for one file (file systems over a wire keep no table of them): the
 * same file is known by attr.device and attr.inode.
 *
 * Names are any bytes but '/' and NUL, 1 to FS_NAME_MAX of them, never "." or "..": the callers
 * (fs/path.c) check that, and that a directory operation is called on a NODE_DIRECTORY.
 *
 * Locks: each file system locks itself, inside its operations; node_get and node_put are atomic. An
 * operation may sleep: thread context, no spinlock held. A caller's node_io or node_emit runs under the file
 * system's lock and must not call file operations.
 *
 * An operation that a file system does not have is NULL: calls through node_*() then give the status
 * named beside it.
 */
#ifndef FS_NODE_H
#define FS_NODE_H

#include "base/status.h"
#include "base/watch.h"
#include "fs/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum node_type {
    NODE_UNKNOWN,
    NODE_REGULAR,
    NODE_DIRECTORY,
    NODE_SYMLINK,
    NODE_CHARACTER, /* a terminal, or another device of bytes */
    NODE_BLOCK,
    NODE_STREAM, /* a pipe, a socket: read and written in order, not sought */
};

struct node {
    const struct node_ops *ops;
    uint32_t refs;
    enum node_type type; /* never changes */
};

/* A name inside a directory: not terminated. */
struct fs_name {
    const char *at;
    size_t len;
};

struct node_attr {
    enum node_type type;
    uint64_t device; /* one number a mounted file system, see node_new_device() */
    uint64_t inode;  /* the file's number on it */
    uint64_t links;
    uint64_t size;                         /* bytes; of a symbolic link its target */
    uint64_t atime_ns, mtime_ns, ctime_ns; /* since 1970 */
};

/* What set_times is to do with each time. */
struct node_times {
    bool set_atime, set_mtime;
    uint64_t atime_ns, mtime_ns;
};

/* What a node is opened for. */
enum node_access {
    NODE_READ = 1,
    NODE_WRITE = 2,
};

/* The caller's side of a transfer: passes the next `size` bytes between `bytes`, which is the file
 * system's memory, and the caller's: from `bytes` in a read, into `bytes` in a write. FAULT, NO_MEMORY. */
struct node_io {
    status_t (*move)(struct node_io *io, void *bytes, size_t size);
};

/* What readdir tells of an entry. `cookie` is where the next readdir goes on after this one. */
struct node_entry {
    struct fs_name name;
    uint64_t cookie; /* never 0 */
    uint64_t inode;
    enum node_type type;
};

/* Takes an entry; false: enough. */
struct node_emit {
    bool (*entry)(struct node_emit *emit, const struct node_entry *entry);
};

/* The offset of a write that goes to the file's end, wherever that is by then. */
#define NODE_APPEND UINT64_MAX

struct node_ops {
    /* The last reference is gone. Never NULL. */
    void (*free)(struct node *node);

    /* Before the first read, write or readdir through a reference that was looked up: may refuse the
     * access (DENIED, READ_ONLY), may take what it needs for it. Called once or twice for a node,
     * each time with what is wanted beyond what it was opened for. NULL: always fine. */
    status_t (*open)(struct node *node, unsigned access);

    /* Up to size > 0 bytes from offset on; *done_out 0 is the end. NULL: DENIED. A stream ignores the
     * offset and waits for at least one byte. */
    status_t (*read)(struct node *node, uint64_t offset, size_t size, struct node_io *to,
                     size_t *done_out);
    /* size > 0 bytes to *offset, or to the end if that is NODE_APPEND; *offset becomes where they went.
     * A gap before them reads as zeros. OK with *done_out < size when space ran out after some; FULL,
     * TOO_BIG, READ_ONLY, IO with none written. NULL: DENIED. */
    status_t (*write)(struct node *node, uint64_t *offset, size_t size, struct node_io *from,
                      size_t *done_out);
    /* The same for few bytes of plain memory, at once: all of them, or WOULD_BLOCK and nothing has
     * changed. Never sleep; interrupts may be off. *done_out is less than size at the file's end.
     * NULL: WOULD_BLOCK. */
    status_t (*read_now)(struct node *node, uint64_t offset, void *to, size_t size,
                         size_t *done_out);
    status_t (*write_now)(struct node *node, uint64_t offset, const void *from, size_t size);
    /* Whether a read (NODE_READ) or a write (NODE_WRITE) would not sleep, and for how many bytes at least while
     * nobody else moves some; and, from watch() until unwatch(), who is to be told when that may have become so,
     * if it is asked once more after watch(). NULL: always ready. */
    struct readiness (*ready)(struct node *node, enum node_access access);
    void (*watch)(struct node *node, struct watch *watch);
    void (*unwatch)(struct node *node, struct watch *watch);

    status_t (*get_attr)(struct node *node, struct node_attr *out); /* never NULL */
    /* Cuts or grows with zeros. NULL: BAD_ARGUMENT. */
    status_t (*set_size)(struct node *node, uint64_t size);
    /* Makes sure that writes to [offset, offset + size) will have space; grows the file if it ends
     * before. NULL: UNSUPPORTED. */
    status_t (*allocate)(struct node *node, uint64_t offset, uint64_t size);
    status_t (*set_times)(struct node *node, const struct node_times *times); /* NULL: READ_ONLY */
    /* What was written is safe when it returns. NULL: nothing to do. */
    status_t (*sync)(struct node *node, bool data_only);

    /* Symbolic links: the target's bytes, at most cap <= FS_PATH_MAX of them. NULL: BAD_ARGUMENT. */
    status_t (*readlink)(struct node *node, char *buf, size_t cap, size_t *len_out);

    /* ---- directories ---- */

    /* NOT_FOUND. "." and ".." are never asked for. */
    status_t (*lookup)(struct node *dir, struct fs_name name, struct node **out);
    /* All entries after `cookie` (0: from the first), "." and ".." among them, until emit has enough
     * or there are no more. A cookie stays good while the directory is open: an entry that is neither
     * made nor removed in between is told exactly once. */
    status_t (*readdir)(struct node *dir, uint64_t cookie, struct node_emit *emit);
    /* These change the directory. NULL: READ_ONLY. Common errors: EXISTS, NOT_FOUND, FULL, NO_MEMORY,
     * READ_ONLY, LIMIT, DENIED, IO. */
    status_t (*create)(struct node *dir, struct fs_name name, struct node **out); /* regular file */
    status_t (*mkdir)(struct node *dir, struct fs_name name);
    status_t (*symlink)(struct node *dir, struct fs_name name, struct fs_name target);
    /* Another name for `node`, which is no directory and has the same ops. TOO_MANY_LINKS. */
    status_t (*link)(struct node *dir, struct fs_name name, struct node *node);
    status_t (*unlink)(struct node *dir, struct fs_name name); /* IS_DIR */
    status_t (*rmdir)(struct node *dir, struct fs_name name);  /* NOT_DIR, NOT_EMPTY */
    /* As rename(2): replaces what has the new name if it is of the same kind and empty (IS_DIR,
     * NOT_DIR, NOT_EMPTY); BAD_ARGUMENT to move a directory below itself. Both directories have the
     * same ops; CROSS_DEVICE if they are of two file systems even so. */
    status_t (*rename)(struct node *from_dir, struct fs_name from, struct node *to_dir,
                       struct fs_name to);
};

/* One reference, the caller's. */
void node_init(struct node *node, const struct node_ops *ops, enum node_type type);

struct node *node_get(struct node *node);
void node_put(struct node *node); /* NULL is allowed */

/* A number for node_attr.device that no other mounted file system has. */
uint64_t node_new_device(void);

/* ---- the operations, with NULL ones answered ------------------------------------------------ */

MUST_CHECK status_t node_open(struct node *node, unsigned access);
MUST_CHECK status_t node_read(struct node *node, uint64_t offset, size_t size, struct node_io *to,
                              size_t *done_out);
MUST_CHECK status_t node_write(struct node *node, uint64_t *offset, size_t size,
                               struct node_io *from, size_t *done_out);
struct readiness node_ready(struct node *node, enum node_access access);
/* Of a node that was not ready. */
void node_watch(struct node *node, struct watch *watch);
void node_unwatch(struct node *node, struct watch *watch);
MUST_CHECK status_t node_get_attr(struct node *node, struct node_attr *out);
MUST_CHECK status_t node_set_size(struct node *node, uint64_t size);
MUST_CHECK status_t node_allocate(struct node *node, uint64_t offset, uint64_t size);
MUST_CHECK status_t node_set_times(struct node *node, const struct node_times *times);
MUST_CHECK status_t node_sync(struct node *node, bool data_only);
MUST_CHECK status_t node_readlink(struct node *node, char *buf, size_t cap, size_t *len_out);
MUST_CHECK status_t node_lookup(struct node *dir, struct fs_name name, struct node **out);
MUST_CHECK status_t node_readdir(struct node *dir, uint64_t cookie, struct node_emit *emit);
MUST_CHECK status_t node_create(struct node *dir, struct fs_name name, struct node **out);
MUST_CHECK status_t node_mkdir(struct node *dir, struct fs_name name);
MUST_CHECK status_t node_symlink(struct node *dir, struct fs_name name, struct fs_name target);
/* CROSS_DEVICE if the two have different operations; NOT_PERMITTED for a directory. */
MUST_CHECK status_t node_link(struct node *dir, struct fs_name name, struct node *node);
MUST_CHECK status_t node_unlink(struct node *dir, struct fs_name name);
MUST_CHECK status_t node_rmdir(struct node *dir, struct fs_name name);
MUST_CHECK status_t node_rename(struct node *from_dir, struct fs_name from, struct node *to_dir,
                                struct fs_name to);

/* A transfer with plain memory, for those who have the bytes at hand. */
struct node_bytes {
    struct node_io io;
    unsigned char *next;
    bool is_write;
};
struct node_bytes node_bytes_to(void *buf);           /* for a read */
struct node_bytes node_bytes_from(const void *bytes); /* for a write */

#endif
