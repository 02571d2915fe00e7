/*
 * Builds the tree of a read-only RAM file system from archive entries. An archive names a directory
 * before what is in it, but directories that it leaves out are made.
 */
#include "fs/initrdfs.h"

#include <string.h>

enum { MODE_TYPE = 0170000, MODE_DIRECTORY = 0040000, MODE_REGULAR = 0100000, MODE_LINK = 0120000 };

/* What the tables of one file system may take; the bytes of the files are not counted. */
#define MAX_TABLES ((uint64_t)256 << 20)

static bool is_name(struct fs_name name) {
    return name.len > 0 && name.len <= FS_NAME_MAX && !(name.len == 1 && name.at[0] == '.') &&
           !(name.len == 2 && memcmp(name.at, "..", 2) == 0);
}

/* The directory of that name, made if it is not there. The caller gets a reference. */
static status_t enter(struct node *dir, struct fs_name name, struct node **out) {
    status_t status = node_lookup(dir, name, out);
    if (status == STATUS_NOT_FOUND) {
        TRY(node_mkdir(dir, name));
        status = node_lookup(dir, name, out);
    }
    if (status == STATUS_OK && (*out)->type != NODE_DIRECTORY) {
        node_put(*out);
        return STATUS_BAD_FORMAT;
    }
    return status;
}

/* Times go by the node, which is looked up anew: this is no fast path. */
static status_t set_time(struct node *dir, struct fs_name name, const struct initrd_entry *entry) {
    struct node *node;
    uint64_t ns = entry->mtime * 1000000000u;
    struct node_times times = {
        .set_atime = true, .set_mtime = true, .atime_ns = ns, .mtime_ns = ns};
    TRY(node_lookup(dir, name, &node));
    status_t status = node_set_times(node, &times);
    node_put(node);
    return status;
}

static status_t add(struct node *dir, struct fs_name name, const struct initrd_entry *entry) {
    struct fs_name target = {(const char *)entry->bytes, entry->size};
    struct node *made = NULL;
    status_t status;
    switch (entry->mode & MODE_TYPE) {
    case MODE_DIRECTORY:
        status = enter(dir, name, &made);
        node_put(made);
        break;
    case MODE_REGULAR:
        status = ramfs_add_file(dir, name, entry->bytes, entry->size);
        break;
    case MODE_LINK:
        status = node_symlink(dir, name, target);
        break;
    default:
        return STATUS_OK;
    }
    TRY(status);
    return set_time(dir, name, entry);
}

/* Walks to the entry's directory, then adds it there. */
static status_t add_path(struct node *root, const char *path, const struct initrd_entry *entry) {
    struct node *dir = node_get(root);
    status_t status = STATUS_OK;
    while (status == STATUS_OK) {
        struct fs_name name = {path, strcspn(path, "/")};
        const char *rest = path + name.len + strspn(path + name.len, "/");
        if (!is_name(name)) {
            status = STATUS_BAD_FORMAT;
            break;
        }
        if (*rest == '\0') {
            status = add(dir, name, entry);
            break;
        }
        struct node *next = NULL;
        status = enter(dir, name, &next);
        if (status == STATUS_OK) {
            node_put(dir);
            dir = next;
            path = rest;
        }
    }
    node_put(dir);
    return status == STATUS_EXISTS ? STATUS_BAD_FORMAT : status;
}

static status_t fill(struct node *root, const struct initrd *initrd, const char *folder) {
    struct initrd_entry entry;
    size_t cursor = 0, len = strlen(folder);
    while (initrd_next(initrd, &cursor, &entry)) {
        if (strncmp(entry.name, folder, len) == 0 && entry.name[len] == '/' &&
            entry.name[len + 1] != '\0') {
            TRY(add_path(root, entry.name + len + 1, &entry));
        }
    }
    return STATUS_OK;
}

status_t initrdfs_new(const struct initrd *initrd, const char *folder, struct ramfs **out) {
    struct ramfs *fs;
    TRY(ramfs_new(MAX_TABLES, &fs));
    struct node *root = ramfs_root(fs);
    status_t status = fill(root, initrd, folder);
    node_put(root);
    if (status != STATUS_OK) {
        ramfs_free(fs);
        return status;
    }
    ramfs_set_read_only(fs);
    *out = fs;
    return STATUS_OK;
}
