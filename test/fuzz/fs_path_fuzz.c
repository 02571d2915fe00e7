/*
 * Paths of arbitrary bytes, over a tree whose links have targets of arbitrary bytes: a resolution never
 * leaves the directory it starts in (what lies outside of it would be seen by its number) and loses no
 * reference.
 */
#include "fs/path.h"
#include "fs/ramfs.h"
#include "test/support/fs_platform.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* The next piece of the input, up to a 0xff. */
static struct fs_name take(const uint8_t **bytes, size_t *size) {
    const uint8_t *end = *size ? memchr(*bytes, 0xff, *size) : NULL;
    struct fs_name piece = {(const char *)*bytes, end ? (size_t)(end - *bytes) : *size};
    size_t used = piece.len + (end != NULL);
    *bytes += used;
    *size -= used;
    return piece;
}

static void must(bool good) {
    if (!good) {
        abort();
    }
}

static void resolve(struct node *start, struct fs_name path, bool follow) {
    static struct path_walk walk;
    struct path_target target;
    struct node_attr attr;
    if (path_resolve(&walk, start, path.at, path.len, follow, &target) != STATUS_OK) {
        must(walk.depth == 0);
        return;
    }
    if (target.node) {
        must(node_get_attr(target.node, &attr) == STATUS_OK);
        must(attr.inode > 2); /* 1 is the root, 2 the file beside the start */
    }
    path_end(&walk, &target);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static const char *const names[] = {"a", "b", "c"};
    struct ramfs *fs;
    struct node *start, *child;
    must(ramfs_new((uint64_t)1 << 24, &fs) == STATUS_OK);
    struct node *root = ramfs_root(fs);
    must(node_create(root, (struct fs_name){"secret", 6}, &child) == STATUS_OK);
    node_put(child);
    must(node_mkdir(root, (struct fs_name){"start", 5}) == STATUS_OK);
    must(node_lookup(root, (struct fs_name){"start", 5}, &start) == STATUS_OK);
    must(node_mkdir(start, (struct fs_name){"d", 1}) == STATUS_OK);
    must(node_lookup(start, (struct fs_name){"d", 1}, &child) == STATUS_OK);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct fs_name name = {names[i], 1};
        (void)!node_symlink(i == 2 ? child : start, name, take(&bytes, &size));
    }
    node_put(child);
    struct fs_name path = take(&bytes, &size);
    resolve(start, path, true);
    resolve(start, path, false);
    node_put(start);
    node_put(root);
    ramfs_free(fs);
    must(fs_platform_held == 0);
    return 0;
}
