/*
 * A stream of bytes (fs/file.h) as a node, for descriptors: a terminal is NODE_CHARACTER, any other
 * stream NODE_STREAM. One reader and one writer at a time.
 */
#ifndef FS_STREAM_H
#define FS_STREAM_H

#include "fs/file.h"
#include "fs/node.h"

#define STREAM_BUFFER_SIZE 16384u

struct stream_node {
    struct node node;
    struct file *file;
    unsigned char buffer[STREAM_BUFFER_SIZE];
};

/* In the caller's storage; the last node_put() frees nothing. `file` must outlive it. */
void stream_init(struct stream_node *stream, struct file *file);

#endif
