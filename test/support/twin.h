/*
 * The same random operations on a file system and on a directory of this machine, which must succeed, fail and
 * look alike. For unit tests of file systems, included once by each: twin_round() and what it is made of.
 */
#ifndef TEST_SUPPORT_TWIN_H
#define TEST_SUPPORT_TWIN_H

#include "fs/path.h"
#include "test/support/check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static struct node *root;
static struct path_walk walk;
static char host[64]; /* the other one */

static struct fs_name name_of(const char *text) {
    return (struct fs_name){text, strlen(text)};
}

static uint64_t seed = 1;
static unsigned roll(unsigned n) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % n;
}

/* ---- both sides of an operation, as an errno --------------------------------------------------- */

static int to_errno(status_t status) {
    switch (status) {
    case STATUS_OK:
        return 0;
    case STATUS_NOT_FOUND:
        return ENOENT;
    case STATUS_EXISTS:
        return EEXIST;
    case STATUS_NOT_DIR:
        return ENOTDIR;
    case STATUS_IS_DIR:
        return EISDIR;
    case STATUS_NOT_EMPTY:
        return ENOTEMPTY;
    case STATUS_LOOP:
        return ELOOP;
    case STATUS_BAD_ARGUMENT:
        return EINVAL;
    case STATUS_NOT_PERMITTED:
        return EPERM;
    default:
        return 1000 + (int)status;
    }
}

enum op { MKDIR, RMDIR, UNLINK, CREATE, WRITE, RESIZE, SYMLINK, LINK, RENAME, OPS };

struct args {
    const char *path, *path2;
    unsigned at, size; /* of a write */
    unsigned char bytes[9000];
};

static status_t write_file(struct node *node, uint64_t at, const void *bytes, size_t size) {
    struct node_bytes from = node_bytes_from(bytes);
    size_t done;
    TRY(node_open(node, NODE_WRITE));
    TRY(node_write(node, &at, size, &from.io, &done));
    return done == size ? STATUS_OK : STATUS_FULL;
}

/* Operations on what is there already: with and without it. */
static status_t change(enum op op, const struct args *a, struct path_target *t) {
    switch (op) {
    case RMDIR:
        return t->node ? node_rmdir(t->dir, t->name) : STATUS_NOT_FOUND;
    case UNLINK:
        return t->node ? node_unlink(t->dir, t->name) : STATUS_NOT_FOUND;
    case MKDIR:
        return t->node ? STATUS_EXISTS : node_mkdir(t->dir, t->name);
    case SYMLINK:
        return t->node ? STATUS_EXISTS : node_symlink(t->dir, t->name, name_of(a->path2));
    case CREATE:
        return t->node ? STATUS_EXISTS : node_create(t->dir, t->name, &t->node);
    case WRITE:
        return t->node ? write_file(t->node, a->at, a->bytes, a->size) : STATUS_NOT_FOUND;
    default:
        return t->node ? node_set_size(t->node, a->at) : STATUS_NOT_FOUND;
    }
}

static status_t two_paths(enum op op, const struct args *a, const struct path_target *from) {
    static struct path_walk second;
    struct path_target to;
    if (!from->node) {
        return STATUS_NOT_FOUND;
    }
    TRY(path_resolve(&second, root, a->path2, strlen(a->path2), false, &to));
    status_t status = op == RENAME ? node_rename(from->dir, from->name, to.dir, to.name)
                      : to.node    ? STATUS_EXISTS
                                   : node_link(to.dir, to.name, from->node);
    path_end(&second, &to);
    return status;
}

static int do_ours(enum op op, const struct args *a) {
    struct path_target t;
    bool follow = op == WRITE || op == RESIZE;
    status_t status = path_resolve(&walk, root, a->path, strlen(a->path), follow, &t);
    if (status == STATUS_OK) {
        status = op == LINK || op == RENAME ? two_paths(op, a, &t) : change(op, a, &t);
        path_end(&walk, &t);
    }
    return to_errno(status);
}

static int do_host(enum op op, const struct args *a) {
    char path[512], path2[512];
    int fd, result = 0;
    snprintf(path, sizeof(path), "%s/%s", host, a->path);
    snprintf(path2, sizeof(path2), "%s/%s", host, a->path2);
    switch (op) {
    case MKDIR:
        result = mkdir(path, 0777);
        break;
    case RMDIR:
        result = rmdir(path);
        break;
    case UNLINK:
        result = unlink(path);
        break;
    case SYMLINK:
        result = symlink(a->path2, path);
        break;
    case LINK:
        result = link(path, path2);
        break;
    case RENAME:
        result = rename(path, path2);
        break;
    case RESIZE:
        result = truncate(path, a->at);
        break;
    default:
        fd = open(path, op == CREATE ? O_WRONLY | O_CREAT | O_EXCL : O_WRONLY, 0666);
        if (fd < 0) {
            return errno;
        }
        result = op == WRITE && pwrite(fd, a->bytes, a->size, a->at) < 0 ? -1 : 0;
        close(fd);
    }
    return result < 0 ? errno : 0;
}

/* ---- comparing the trees ----------------------------------------------------------------------- */

static void compare_bytes(struct node *node, const char *path, uint64_t size) {
    static unsigned char ours[70000], theirs[70000];
    struct node_bytes to = node_bytes_to(ours);
    size_t done;
    CHECK(size < sizeof(ours));
    int fd = open(path, O_RDONLY);
    CHECK(fd >= 0);
    ssize_t n = read(fd, theirs, sizeof(theirs));
    close(fd);
    CHECK_EQ(node_open(node, NODE_READ), STATUS_OK);
    CHECK_EQ(node_read(node, 0, sizeof(ours), &to.io, &done), STATUS_OK);
    CHECK_EQ(done, size);
    CHECK_EQ((size_t)n, size);
    CHECK_BYTES(ours, theirs, size);
}

struct lister {
    struct node_emit emit;
    unsigned len;
    char names[16][8];
    enum node_type types[16];
};

static bool list_entry_of(struct node_emit *emit, const struct node_entry *entry) {
    struct lister *l = (struct lister *)emit;
    if (entry->name.at[0] != '.') {
        CHECK(l->len < 16);
        memcpy(l->names[l->len], entry->name.at, entry->name.len);
        l->names[l->len][entry->name.len] = '\0';
        l->types[l->len++] = entry->type;
    }
    return true;
}

static void compare(struct node *dir, const char *path, unsigned depth);

static void compare_one(struct node *dir, const char *dir_path, const char *name, unsigned depth) {
    char path[512];
    struct stat st;
    struct node *node;
    struct node_attr attr;
    snprintf(path, sizeof(path), "%s/%s", dir_path, name);
    CHECK_EQ(lstat(path, &st), 0);
    CHECK_EQ(node_lookup(dir, name_of(name), &node), STATUS_OK);
    CHECK_EQ(node_get_attr(node, &attr), STATUS_OK);
    CHECK_EQ(attr.type, S_ISDIR(st.st_mode)   ? NODE_DIRECTORY
                        : S_ISLNK(st.st_mode) ? NODE_SYMLINK
                                              : NODE_REGULAR);
    if (attr.type != NODE_DIRECTORY) {
        CHECK_EQ(attr.links, st.st_nlink);
        CHECK_EQ(attr.size, st.st_size);
    }
    if (attr.type == NODE_REGULAR) {
        compare_bytes(node, path, attr.size);
    } else if (attr.type == NODE_DIRECTORY) {
        compare(node, path, depth + 1);
    }
    node_put(node);
}

static void compare(struct node *dir, const char *path, unsigned depth) {
    struct lister l = {.emit = {.entry = list_entry_of}};
    unsigned count = 0;
    struct dirent *entry;
    CHECK(depth < 40);
    CHECK_EQ(node_readdir(dir, 0, &l.emit), STATUS_OK);
    DIR *d = opendir(path);
    CHECK(d != NULL);
    while ((entry = readdir(d))) {
        count += entry->d_name[0] != '.';
    }
    closedir(d);
    CHECK_EQ(l.len, count);
    for (unsigned i = 0; i < l.len; i++) {
        compare_one(dir, path, l.names[i], depth);
    }
}

static const char *random_path(char *out) {
    unsigned parts = 1 + roll(3);
    char *at = out;
    for (unsigned i = 0; i < parts; i++) {
        at += sprintf(at, "%s%c", i ? "/" : "", 'a' + (char)roll(4));
    }
    return out;
}

static void twin_round(void) {
    static struct args a;
    char path[32], path2[32];
    for (unsigned i = 0; i < 400; i++) {
        enum op op = (enum op)roll(OPS);
        a.path = random_path(path);
        a.path2 = random_path(path2);
        a.at = roll(30000);
        a.size = 1 + roll(sizeof(a.bytes) - 1);
        memset(a.bytes, (int)roll(256), a.size);
        int ours = do_ours(op, &a), theirs = do_host(op, &a);
        bool alike = op == RENAME ? !ours == !theirs : ours == theirs;
        if (!alike) {
            FAIL("operation %d on %s, %s: %s here, %s there", op, path, path2, strerror(ours),
                 strerror(theirs));
        }
    }
    compare(root, host, 0);
}

#endif
