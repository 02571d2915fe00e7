/*
 * Commands on files: ls, cat, rm.
 */
#include "init/shell/internal.h"

#include <string.h>

static void complain(const char *command, const char *path, status_t status) {
    shell_print("%s: %s: %s\n", command, path, status_text(status));
}

/* Names from a directory, as many as there is room for: nothing may be printed under a file system's lock. */
struct batch {
    struct node_emit emit;
    char *bytes;
    size_t cap, used;
    uint64_t cookie; /* of the last one */
};

static bool take_entry(struct node_emit *emit, const struct node_entry *entry) {
    struct batch *batch = (struct batch *)emit;
    if (entry->name.len + 1 > batch->cap - batch->used) {
        return false;
    }
    memcpy(batch->bytes + batch->used, entry->name.at, entry->name.len);
    batch->used += entry->name.len;
    batch->bytes[batch->used++] = '\0';
    batch->cookie = entry->cookie;
    return true;
}

/* Control characters of names do not reach the terminal. */
static void show_entry(const char *name, const struct node *node, const struct node_attr *attr) {
    char shown[FS_NAME_MAX + 1];
    size_t len = 0;
    for (; name[len] && len < FS_NAME_MAX; len++) {
        unsigned char c = (unsigned char)name[len];
        shown[len] = c < 0x20 || c == 0x7f ? '?' : name[len];
    }
    shown[len] = '\0';
    shell_print("%10llu  %s%s\n", (unsigned long long)attr->size, shown,
                node->type == NODE_DIRECTORY ? "/"
                : node->type == NODE_SYMLINK ? "@"
                                             : "");
}

static void list_name(struct node *dir, const char *name) {
    struct node *node;
    struct node_attr attr;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        return;
    }
    if (node_lookup(dir, (struct fs_name){name, strlen(name)}, &node) != STATUS_OK) {
        return; /* it is gone since */
    }
    if (node_get_attr(node, &attr) == STATUS_OK) {
        show_entry(name, node, &attr);
    }
    node_put(node);
}

static status_t list_dir(struct shell *shell, struct node *dir) {
    struct batch batch = {{take_entry}, shell->list, sizeof(shell->list), 1, 0};
    TRY(node_open(dir, NODE_READ));
    while (batch.used > 0 && !terminal_interrupted()) {
        batch.used = 0;
        TRY(node_readdir(dir, batch.cookie, &batch.emit));
        for (size_t at = 0; at < batch.used; at += strlen(shell->list + at) + 1) {
            list_name(dir, shell->list + at);
        }
    }
    return STATUS_OK;
}

static status_t list(struct shell *shell, const char *path) {
    struct node *node;
    struct node_attr attr;
    TRY(names_find(shell, path, &node));
    status_t status =
        node->type == NODE_DIRECTORY ? list_dir(shell, node) : node_get_attr(node, &attr);
    if (status == STATUS_OK && node->type != NODE_DIRECTORY) {
        show_entry(path, node, &attr);
    }
    node_put(node);
    return status;
}

static bool is_root(const char *path) {
    return path[strspn(path, "./")] == '\0';
}

void command_ls(struct shell *shell, unsigned argc, char **argv) {
    static char root[] = "/";
    char *only[] = {root};
    char **paths = argc > 1 ? argv + 1 : only;
    unsigned len = argc > 1 ? argc - 1 : 1;
    for (unsigned i = 0; i < len; i++) {
        status_t status = list(shell, paths[i]);
        for (uint32_t m = 0; is_root(paths[i]) && m < shell->mounts.count; m++) {
            if (!is_root(shell->mounts.dirs[m].name)) {
                shell_print("%10s  %s\n", "mounted", shell->mounts.dirs[m].name);
            }
        }
        if (status != STATUS_OK && !is_root(paths[i])) {
            complain("ls", paths[i], status);
        }
    }
}

static status_t show(struct shell *shell, const char *path) {
    struct node *node;
    TRY(names_find(shell, path, &node));
    status_t status = node_open(node, NODE_READ);
    size_t got = 1;
    for (uint64_t at = 0; status == STATUS_OK && got > 0 && !terminal_interrupted(); at += got) {
        struct node_bytes to = node_bytes_to(shell->list);
        got = 0;
        status = node_read(node, at, sizeof(shell->list), &to.io, &got);
        terminal_write(shell->list, got);
    }
    node_put(node);
    return status;
}

void command_cat(struct shell *shell, unsigned argc, char **argv) {
    for (unsigned i = 1; i < argc; i++) {
        status_t status = show(shell, argv[i]);
        if (status != STATUS_OK) {
            complain("cat", argv[i], status);
        }
    }
}

void command_rm(struct shell *shell, unsigned argc, char **argv) {
    for (unsigned i = 1; i < argc; i++) {
        status_t status = names_remove(shell, argv[i]);
        if (status != STATUS_OK) {
            complain("rm", argv[i], status);
        }
    }
}
