/*
 * Paths over all mounts, and what can be completed. "/tmp/a", "tmp/a" and "./tmp/a" are the same: there is no
 * other current directory than "/". A directory that the host gave as "." is at "/" itself.
 */
#include "init/shell/internal.h"

#include <string.h>

static const char *trim(const char *path) {
    for (;;) {
        if (path[0] == '/' || (path[0] == '.' && path[1] == '/')) {
            path++;
        } else if (path[0] == '.' && path[1] == '\0') {
            return path + 1;
        } else {
            return path;
        }
    }
}

/* How much of the path names the mount; -1: the path is not in it. */
static long match(const char *mount, const char *path) {
    size_t len = strlen(mount);
    while (len > 0 && mount[len - 1] == '/') {
        len--;
    }
    if (strncmp(mount, path, len) != 0 || (len > 0 && path[len] != '/' && path[len] != '\0')) {
        return -1;
    }
    return (long)len;
}

/* The mount with the longest name that the path is in, and what is left of the path there. */
static struct node *find_mount(const struct shell *shell, const char *path, const char **rest_out) {
    struct node *best = NULL;
    long best_len = -1;
    path = trim(path);
    for (uint32_t i = 0; i < shell->mounts.count; i++) {
        long len = match(trim(shell->mounts.dirs[i].name), path);
        if (len > best_len) {
            best_len = len;
            best = shell->mounts.dirs[i].node;
        }
    }
    if (best) {
        const char *rest = trim(path + best_len);
        *rest_out = *rest ? rest : ".";
    }
    return best;
}

static status_t resolve(struct shell *shell, const char *path, struct path_target *target) {
    const char *rest;
    struct node *root = find_mount(shell, path, &rest);
    return root ? path_resolve(&shell->walk, root, rest, strlen(rest), true, target)
                : STATUS_NOT_FOUND;
}

/* What a path that ends with a directory itself, "." or "..", leads to is the directory. */
static struct node *node_of(const struct path_target *target) {
    return target->name.len == 0 ? target->dir : target->node;
}

status_t names_find(struct shell *shell, const char *path, struct node **out) {
    struct path_target target;
    TRY(resolve(shell, path, &target));
    struct node *node = node_of(&target);
    if (node) {
        *out = node_get(node);
    }
    path_end(&shell->walk, &target);
    return node ? STATUS_OK : STATUS_NOT_FOUND;
}

static status_t create(const struct path_target *target, struct node **out) {
    if (!node_of(target)) {
        return target->slash ? STATUS_IS_DIR : node_create(target->dir, target->name, out);
    }
    if (node_of(target)->type != NODE_REGULAR) {
        return STATUS_IS_DIR;
    }
    *out = node_get(target->node);
    status_t status = node_open(*out, NODE_WRITE);
    if (status == STATUS_OK) {
        status = node_set_size(*out, 0);
    }
    if (status != STATUS_OK) {
        node_put(*out);
        *out = NULL;
    }
    return status;
}

status_t names_create(struct shell *shell, const char *path, struct node **out) {
    struct path_target target;
    TRY(resolve(shell, path, &target));
    status_t status = create(&target, out);
    path_end(&shell->walk, &target);
    return status;
}

status_t names_remove(struct shell *shell, const char *path) {
    struct path_target target;
    const char *rest;
    struct node *root = find_mount(shell, path, &rest);
    if (!root) {
        return STATUS_NOT_FOUND;
    }
    TRY(path_resolve(&shell->walk, root, rest, strlen(rest), false, &target));
    status_t status = target.name.len == 0 ? STATUS_IS_DIR
                      : !target.node       ? STATUS_NOT_FOUND
                                           : node_unlink(target.dir, target.name);
    path_end(&shell->walk, &target);
    return status;
}

status_t names_find_program(struct shell *shell, const char *name, struct node **out) {
    static const char *const forms[] = {"%s", "%s.wasm", NAMES_BIN "/%s", NAMES_BIN "/%s.wasm"};
    char path[FS_PATH_MAX];
    status_t status = STATUS_NOT_FOUND;
    unsigned len = strchr(name, '/') ? 2 : 4;
    for (unsigned i = 0; i < len && status == STATUS_NOT_FOUND; i++) {
        fmt_text(path, sizeof(path), forms[i], name);
        status = names_find(shell, path, out);
        if (status == STATUS_OK && (*out)->type != NODE_REGULAR) {
            node_put(*out);
            *out = NULL;
            status = STATUS_IS_DIR;
        }
    }
    return status;
}

/* ---- completion ---- */

/* What begins with the prefix: how many, what they have in common, and their names. */
struct candidates {
    struct node_emit emit;
    struct shell *shell;
    const char *prefix;
    size_t prefix_len;
    unsigned len;
    char common[FS_NAME_MAX + 2];
    size_t shown; /* bytes of shell->list */
};

static void add_candidate(struct candidates *c, const char *name, size_t len, const char *end) {
    char text[FS_NAME_MAX + 2];
    if (len > FS_NAME_MAX || len < c->prefix_len || memcmp(name, c->prefix, c->prefix_len) != 0) {
        return;
    }
    fmt_text(text, sizeof(text), "%.*s%s", (int)len, name, end);
    if (c->len++ == 0) {
        strcpy(c->common, text);
    }
    size_t same = 0;
    while (c->common[same] && c->common[same] == text[same]) {
        same++;
    }
    c->common[same] = '\0';
    c->shown +=
        fmt_text(c->shell->list + c->shown, sizeof(c->shell->list) - c->shown, "%s  ", text);
}

static bool take_entry(struct node_emit *emit, const struct node_entry *entry) {
    struct candidates *c = (struct candidates *)emit;
    if (entry->name.at[0] != '.' || c->prefix_len > 0) {
        add_candidate(c, entry->name.at, entry->name.len,
                      entry->type == NODE_DIRECTORY ? "/" : " ");
    }
    return true;
}

static void add_files(struct candidates *c, const char *path) {
    struct node *dir;
    if (names_find(c->shell, path, &dir) != STATUS_OK) {
        return;
    }
    if (dir->type == NODE_DIRECTORY && node_open(dir, NODE_READ) == STATUS_OK) {
        status_t status = node_readdir(dir, 0, &c->emit);
        (void)status; /* then there is less to choose from */
    }
    node_put(dir);
}

static const char *last_slash(const char *text, size_t len) {
    while (len > 0 && text[len - 1] != '/') {
        len--;
    }
    return len > 0 ? text + len - 1 : NULL;
}

static void gather(struct candidates *c, const char *line, size_t start) {
    char path[SHELL_LINE_MAX + 1];
    const char *slash = last_slash(c->prefix, c->prefix_len);
    if (start == strspn(line, " ")) {
        for (unsigned i = 0; i < commands_len; i++) {
            add_candidate(c, commands[i].name, strlen(commands[i].name), " ");
        }
    }
    if (slash) {
        size_t len = (size_t)(slash + 1 - c->prefix);
        fmt_text(path, sizeof(path), "%.*s", (int)len, c->prefix);
        c->prefix += len;
        c->prefix_len -= len;
        add_files(c, path);
    } else {
        add_files(c, NAMES_BIN);
        add_files(c, "/");
    }
    for (uint32_t i = 0; (!slash || strcmp(path, "/") == 0) && i < c->shell->mounts.count; i++) {
        const char *name = trim(c->shell->mounts.dirs[i].name);
        add_candidate(c, name, strlen(name), "/");
    }
}

bool names_complete(struct editor *editor, size_t start) {
    struct line *line = &editor->line;
    struct candidates c = {
        .emit = {take_entry},
        .shell = editor->owner,
        .prefix = line->text + start,
        .prefix_len = line->at - start,
    };
    gather(&c, line->text, start);
    size_t common = strlen(c.common);
    if (c.len > 1 && common == c.prefix_len) {
        shell_print("\n%s\n", c.shell->list);
        return true;
    }
    if (common > c.prefix_len) {
        line_insert(line, c.common + c.prefix_len, common - c.prefix_len);
    }
    return false;
}
