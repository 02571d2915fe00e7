/*
 * Every operation once or twice, on names that depend on each other, with no look at what they give.
 */
#include "test/support/ninep_use.h"

#include <string.h>

struct taker {
    struct node_emit emit;
    unsigned left;
};

static bool take(struct node_emit *emit, const struct node_entry *entry) {
    struct taker *t = (struct taker *)emit;
    return entry->name.len > 0 && --t->left > 0;
}

static struct fs_name name_of(const char *text) {
    return (struct fs_name){text, strlen(text)};
}

void ninep_use(struct node *dir) {
    static unsigned char buf[3000];
    struct node *file = NULL, *other = NULL;
    struct node_bytes from = node_bytes_from(buf), to = node_bytes_to(buf);
    struct node_times times = {.set_atime = true, .atime_ns = 5};
    struct taker all = {.emit = {take}, .left = 1000};
    struct node_attr attr;
    uint64_t at = 5, end = NODE_APPEND;
    size_t n;
    (void)!node_mkdir(dir, name_of("dir"));
    (void)!node_symlink(dir, name_of("link"), name_of("file"));
    if (node_create(dir, name_of("file"), &file) == STATUS_OK) {
        (void)!node_write(file, &at, sizeof(buf), &from.io, &n);
        from = node_bytes_from(buf);
        (void)!node_write(file, &end, 10, &from.io, &n);
        (void)!node_read(file, 1, sizeof(buf), &to.io, &n);
        (void)!node_set_size(file, 100);
        (void)!node_allocate(file, 200, 50);
        (void)!node_sync(file, false);
        (void)!node_link(dir, name_of("same"), file);
        (void)!node_set_times(file, &times);
        node_put(file);
    }
    if (node_lookup(dir, name_of("link"), &other) == STATUS_OK) {
        (void)!node_readlink(other, (char *)buf, sizeof(buf), &n);
        node_put(other);
    }
    if (node_lookup(dir, name_of("same"), &other) == STATUS_OK) {
        if (node_open(other, NODE_READ | NODE_WRITE) == STATUS_OK) {
            to = node_bytes_to(buf);
            (void)!node_read(other, 0, sizeof(buf), &to.io, &n);
        }
        (void)!node_get_attr(other, &attr);
        node_put(other);
    }
    (void)!node_readdir(dir, 0, &all.emit);
    (void)!node_rename(dir, name_of("file"), dir, name_of("dir"));
    (void)!node_rename(dir, name_of("file"), dir, name_of("renamed"));
    (void)!node_unlink(dir, name_of("renamed"));
    (void)!node_rmdir(dir, name_of("dir"));
}
