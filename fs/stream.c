/*
 * Streams as nodes. Writes are gathered in a buffer, so that a line made of pieces leaves as one.
 */
#include "fs/stream.h"

static struct stream_node *of(struct node *node) {
    return (struct stream_node *)node;
}

static void stay(struct node *node) {
    (void)node; /* the storage is its owner's */
}

static status_t open_for(struct node *node, unsigned access) {
    const struct file_ops *ops = of(node)->file->ops;
    bool refused = ((access & NODE_READ) && !ops->read) || ((access & NODE_WRITE) && !ops->write);
    return refused ? STATUS_DENIED : STATUS_OK;
}

static status_t stream_read(struct node *node, uint64_t offset, size_t size, struct node_io *to,
                            size_t *done_out) {
    struct stream_node *s = of(node);
    size_t got = 0, cap = size < STREAM_BUFFER_SIZE ? size : STREAM_BUFFER_SIZE;
    (void)offset;
    TRY(file_read(s->file, s->buffer, cap, &got));
    if (got > 0) {
        TRY(to->move(to, s->buffer, got));
    }
    *done_out = got;
    return STATUS_OK;
}

static status_t stream_write(struct node *node, uint64_t *offset, size_t size, struct node_io *from,
                             size_t *done_out) {
    struct stream_node *s = of(node);
    *offset = 0;
    while (size > 0) {
        size_t n = size < STREAM_BUFFER_SIZE ? size : STREAM_BUFFER_SIZE;
        TRY(from->move(from, s->buffer, n));
        TRY(file_write(s->file, s->buffer, n));
        *done_out += n;
        size -= n;
    }
    return STATUS_OK;
}

static struct readiness stream_ready(struct node *node, enum node_access access) {
    return file_ready(of(node)->file, access == NODE_WRITE);
}

static void stream_watch(struct node *node, struct watch *watch) {
    const struct file_ops *ops = of(node)->file->ops;
    if (ops->watch) {
        ops->watch(of(node)->file, watch);
    }
}

static void stream_unwatch(struct node *node, struct watch *watch) {
    const struct file_ops *ops = of(node)->file->ops;
    if (ops->watch) {
        ops->unwatch(of(node)->file, watch);
    }
}

static status_t stream_attr(struct node *node, struct node_attr *out) {
    out->type = node->type;
    out->links = 1;
    return STATUS_OK;
}

static const struct node_ops ops = {
    .free = stay,
    .open = open_for,
    .read = stream_read,
    .write = stream_write,
    .ready = stream_ready,
    .watch = stream_watch,
    .unwatch = stream_unwatch,
    .get_attr = stream_attr,
};

void stream_init(struct stream_node *stream, struct file *file) {
    node_init(&stream->node, &ops, file->is_terminal ? NODE_CHARACTER : NODE_STREAM);
    stream->file = file;
}
