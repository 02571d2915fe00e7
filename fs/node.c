/*
 * Nodes: reference counts, and the operations with an answer for those that a file system does not
 * have.
 */
#include "fs/node.h"

#include <assert.h>
#include <string.h>

void node_init(struct node *node, const struct node_ops *ops, enum node_type type) {
    node->ops = ops;
    node->refs = 1;
    node->type = type;
}

struct node *node_get(struct node *node) {
    uint32_t before = __atomic_fetch_add(&node->refs, 1, __ATOMIC_RELAXED);
    assert(before != 0 && before != UINT32_MAX);
    return node;
}

void node_put(struct node *node) {
    if (!node) {
        return;
    }
    uint32_t before = __atomic_fetch_sub(&node->refs, 1, __ATOMIC_ACQ_REL);
    assert(before != 0);
    if (before == 1) {
        node->ops->free(node);
    }
}

uint64_t node_new_device(void) {
    static uint64_t last;
    return __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
}

/* ---- operations ------------------------------------------------------------------------------ */

status_t node_open(struct node *node, unsigned access) {
    return node->ops->open ? node->ops->open(node, access) : STATUS_OK;
}

status_t node_read(struct node *node, uint64_t offset, size_t size, struct node_io *to,
                   size_t *done_out) {
    *done_out = 0;
    return node->ops->read ? node->ops->read(node, offset, size, to, done_out) : STATUS_DENIED;
}

status_t node_write(struct node *node, uint64_t *offset, size_t size, struct node_io *from,
                    size_t *done_out) {
    *done_out = 0;
    return node->ops->write ? node->ops->write(node, offset, size, from, done_out) : STATUS_DENIED;
}

struct readiness node_ready(struct node *node, enum node_access access) {
    return node->ops->ready ? node->ops->ready(node, access) : READINESS_ALWAYS;
}

void node_watch(struct node *node, struct watch *watch) {
    if (node->ops->watch) {
        node->ops->watch(node, watch);
    }
}

void node_unwatch(struct node *node, struct watch *watch) {
    if (node->ops->watch) {
        node->ops->unwatch(node, watch);
    }
}

status_t node_get_attr(struct node *node, struct node_attr *out) {
    memset(out, 0, sizeof(*out));
    return node->ops->get_attr(node, out);
}

status_t node_set_size(struct node *node, uint64_t size) {
    return node->ops->set_size ? node->ops->set_size(node, size) : STATUS_BAD_ARGUMENT;
}

status_t node_allocate(struct node *node, uint64_t offset, uint64_t size) {
    return node->ops->allocate ? node->ops->allocate(node, offset, size) : STATUS_UNSUPPORTED;
}

status_t node_set_times(struct node *node, const struct node_times *times) {
    return node->ops->set_times ? node->ops->set_times(node, times) : STATUS_READ_ONLY;
}

status_t node_sync(struct node *node, bool data_only) {
    return node->ops->sync ? node->ops->sync(node, data_only) : STATUS_OK;
}

status_t node_readlink(struct node *node, char *buf, size_t cap, size_t *len_out) {
    *len_out = 0;
    return node->ops->readlink ? node->ops->readlink(node, buf, cap, len_out) : STATUS_BAD_ARGUMENT;
}

/* ---- directories ----------------------------------------------------------------------------- */

status_t node_lookup(struct node *dir, struct fs_name name, struct node **out) {
    *out = NULL;
    return dir->ops->lookup ? dir->ops->lookup(dir, name, out) : STATUS_NOT_DIR;
}

status_t node_readdir(struct node *dir, uint64_t cookie, struct node_emit *emit) {
    return dir->ops->readdir ? dir->ops->readdir(dir, cookie, emit) : STATUS_NOT_DIR;
}

status_t node_create(struct node *dir, struct fs_name name, struct node **out) {
    *out = NULL;
    return dir->ops->create ? dir->ops->create(dir, name, out) : STATUS_READ_ONLY;
}

status_t node_mkdir(struct node *dir, struct fs_name name) {
    return dir->ops->mkdir ? dir->ops->mkdir(dir, name) : STATUS_READ_ONLY;
}

status_t node_symlink(struct node *dir, struct fs_name name, struct fs_name target) {
    return dir->ops->symlink ? dir->ops->symlink(dir, name, target) : STATUS_READ_ONLY;
}

status_t node_link(struct node *dir, struct fs_name name, struct node *node) {
    if (dir->ops != node->ops) {
        return STATUS_CROSS_DEVICE;
    }
    if (node->type == NODE_DIRECTORY) {
        return STATUS_NOT_PERMITTED;
    }
    return dir->ops->link ? dir->ops->link(dir, name, node) : STATUS_READ_ONLY;
}

status_t node_unlink(struct node *dir, struct fs_name name) {
    return dir->ops->unlink ? dir->ops->unlink(dir, name) : STATUS_READ_ONLY;
}

status_t node_rmdir(struct node *dir, struct fs_name name) {
    return dir->ops->rmdir ? dir->ops->rmdir(dir, name) : STATUS_READ_ONLY;
}

status_t node_rename(struct node *from_dir, struct fs_name from, struct node *to_dir,
                     struct fs_name to) {
    if (from_dir->ops != to_dir->ops) {
        return STATUS_CROSS_DEVICE;
    }
    return from_dir->ops->rename ? from_dir->ops->rename(from_dir, from, to_dir, to)
                                 : STATUS_READ_ONLY;
}

/* ---- plain memory ---------------------------------------------------------------------------- */

static status_t move_bytes(struct node_io *io, void *bytes, size_t size) {
    struct node_bytes *mine = (struct node_bytes *)io;
    if (mine->is_write) {
        memcpy(bytes, mine->next, size);
    } else {
        memcpy(mine->next, bytes, size);
    }
    mine->next += size;
    return STATUS_OK;
}

struct node_bytes node_bytes_to(void *buf) {
    return (struct node_bytes){.io = {.move = move_bytes}, .next = buf};
}

struct node_bytes node_bytes_from(const void *bytes) {
    union {
        const void *in;
        void *out; /* only read from */
    } cast = {.in = bytes};
    return (struct node_bytes){.io = {.move = move_bytes}, .next = cast.out, .is_write = true};
}
