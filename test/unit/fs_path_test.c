/*
 * Paths: where they lead, and that no path leads out. Against Linux's own openat2 with RESOLVE_BENEATH,
 * and by cases.
 */
#include "fs/path.h"
#include "fs/ramfs.h"
#include "test/support/check.h"
#include "test/support/fs_platform.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct ramfs *fs;
static struct node *root;
static struct path_walk walk;

static struct fs_name name_of(const char *text) {
    return (struct fs_name){text, strlen(text)};
}

static status_t resolve(struct node *start, const char *path, bool follow, struct path_target *t) {
    return path_resolve(&walk, start, path, strlen(path), follow, t);
}

static struct node *dir_at(const char *path) {
    struct path_target t;
    CHECK_EQ(resolve(root, path, true, &t), STATUS_OK);
    struct node *node = node_get(t.node);
    path_end(&walk, &t);
    return node;
}

/* What a path ends at: an inode number, 0 for a free name, or an error below. */
static int64_t ends_at(struct node *start, const char *path, bool follow) {
    struct path_target t;
    struct node_attr attr = {0};
    status_t status = resolve(start, path, follow, &t);
    if (status != STATUS_OK) {
        return -(int64_t)status;
    }
    if (t.node) {
        CHECK_EQ(node_get_attr(t.node, &attr), STATUS_OK);
    }
    path_end(&walk, &t);
    return (int64_t)attr.inode;
}

static void make_tree(void) {
    struct node *file;
    CHECK_EQ(ramfs_new((uint64_t)1 << 30, &fs), STATUS_OK);
    root = ramfs_root(fs);
    CHECK_EQ(node_mkdir(root, name_of("d")), STATUS_OK);
    struct node *d = dir_at("d");
    CHECK_EQ(node_mkdir(d, name_of("e")), STATUS_OK);
    CHECK_EQ(node_create(d, name_of("f"), &file), STATUS_OK);
    node_put(file);
    CHECK_EQ(node_symlink(d, name_of("self"), name_of("self")), STATUS_OK);
    CHECK_EQ(node_symlink(d, name_of("up"), name_of("..")), STATUS_OK);
    CHECK_EQ(node_symlink(d, name_of("out"), name_of("../../x")), STATUS_OK);
    CHECK_EQ(node_symlink(d, name_of("abs"), name_of("/d/f")), STATUS_OK);
    CHECK_EQ(node_symlink(d, name_of("file"), name_of("f")), STATUS_OK);
    CHECK_EQ(node_symlink(d, name_of("dir"), name_of("e/")), STATUS_OK);
    CHECK_EQ(node_symlink(d, name_of("new"), name_of("e/made")), STATUS_OK);
    node_put(d);
}

static void drop_tree(void) {
    node_put(root);
    ramfs_free(fs);
    CHECK_EQ(fs_platform_held, 0);
}

TEST(leads_where_it_says) {
    make_tree();
    int64_t f = ends_at(root, "d/f", false), d = ends_at(root, "d", false);
    CHECK(f > 0 && d > 0);
    static const char *const to_f[] = {"./d/f",           "d//f",   "d/e/../f", "d/./f",
                                       "d/e/.././../d/f", "d/file", "d/up/d/f", "d/up/d/up/d/file"};
    for (size_t i = 0; i < sizeof(to_f) / sizeof(to_f[0]); i++) {
        CHECK_EQ(ends_at(root, to_f[i], true), f);
    }
    CHECK_EQ(ends_at(root, "d/", false), d);
    CHECK_EQ(ends_at(root, "d/e/..", false), d);
    CHECK_EQ(ends_at(root, "d/dir/..", false), d);
    CHECK(ends_at(root, "d/file", false) != f);
    CHECK_EQ(ends_at(root, "d/nothing", false), 0);
    CHECK_EQ(ends_at(root, "d/new", true), 0);
    drop_tree();
}

TEST(leads_nowhere_else) {
    make_tree();
    struct node *d = dir_at("d");
    static const struct {
        const char *path;
        status_t status;
    } cases[] = {
        {"", STATUS_NOT_FOUND},
        {"/", STATUS_OUTSIDE},
        {"/d", STATUS_OUTSIDE},
        {"..", STATUS_OUTSIDE},
        {"../d", STATUS_OUTSIDE},
        {"e/../..", STATUS_OUTSIDE},
        {"up", STATUS_OUTSIDE},
        {"up/d/f", STATUS_OUTSIDE},
        {"out", STATUS_OUTSIDE},
        {"abs", STATUS_OUTSIDE},
        {"self", STATUS_LOOP},
        {"self/x", STATUS_LOOP},
        {"f/", STATUS_NOT_DIR},
        {"f/.", STATUS_NOT_DIR},
        {"f/..", STATUS_NOT_DIR},
        {"f/x", STATUS_NOT_DIR},
        {"file/", STATUS_NOT_DIR},
        {"nothing/x", STATUS_NOT_FOUND},
        {"nothing/..", STATUS_NOT_FOUND},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CHECK_EQ(-ends_at(d, cases[i].path, true), cases[i].status);
    }
    struct path_target t;
    CHECK_EQ(path_resolve(&walk, d, "a\0b", 3, true, &t), STATUS_BAD_ARGUMENT);
    node_put(d);
    drop_tree();
}

TEST(limits) {
    static char path[FS_PATH_MAX + 2];
    make_tree();
    memset(path, 'x', FS_NAME_MAX);
    CHECK_EQ(ends_at(root, path, true), 0);
    path[FS_NAME_MAX] = 'x';
    CHECK_EQ(-ends_at(root, path, true), STATUS_NAME_TOO_LONG);
    for (size_t i = 0; i <= FS_PATH_MAX; i++) {
        path[i] = i % 2 ? '/' : '.';
    }
    CHECK_EQ(-ends_at(root, path, true), STATUS_NAME_TOO_LONG);
    path[FS_PATH_MAX] = '\0';
    CHECK(ends_at(root, path, true) > 0);
    struct node *at = node_get(root);
    for (unsigned i = 0; i < FS_DEPTH_MAX + 5; i++) {
        struct node *next;
        CHECK_EQ(node_mkdir(at, name_of("n")), STATUS_OK);
        CHECK_EQ(node_lookup(at, name_of("n"), &next), STATUS_OK);
        node_put(at);
        at = next;
    }
    node_put(at);
    for (size_t i = 0; i < FS_PATH_MAX; i++) {
        path[i] = i % 2 ? '/' : 'n';
    }
    CHECK_EQ(-ends_at(root, path, true), STATUS_NAME_TOO_LONG);
    drop_tree();
}

/* ---- against Linux ----------------------------------------------------------------------------- */

static uint64_t seed = 7;
static unsigned roll(unsigned n) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % n;
}

static void random_path(char *out) {
    static const char *const parts[] = {"a", "b", "c", "d", "..", ".", "a", "b"};
    unsigned count = 1 + roll(5);
    char *at = out;
    at += sprintf(at, "%s", roll(40) == 0 ? "/" : "");
    for (unsigned i = 0; i < count; i++) {
        at += sprintf(at, "%s%s", i ? (roll(6) ? "/" : "//") : "", parts[roll(8)]);
    }
    sprintf(at, "%s", roll(6) == 0 ? "/" : "");
}

/* The same thing in both trees: a directory, a file or a link. */
static void make_random(int host, const char *name, struct node *dir) {
    char target[128];
    struct node *file;
    unsigned kind = roll(5);
    if (kind < 2) {
        CHECK_EQ(mkdirat(host, name, 0777), 0);
        CHECK_EQ(node_mkdir(dir, name_of(name)), STATUS_OK);
    } else if (kind == 2) {
        close(openat(host, name, O_CREAT | O_WRONLY, 0666));
        CHECK_EQ(node_create(dir, name_of(name), &file), STATUS_OK);
        node_put(file);
    } else {
        random_path(target);
        CHECK_EQ(symlinkat(target, host, name), 0);
        CHECK_EQ(node_symlink(dir, name_of(name), name_of(target)), STATUS_OK);
    }
}

static void fill(int host, struct node *dir, unsigned depth) {
    static const char *const names[] = {"a", "b", "c", "d"};
    for (unsigned i = 0; i < 4; i++) {
        struct node *child;
        make_random(host, names[i], dir);
        CHECK_EQ(node_lookup(dir, name_of(names[i]), &child), STATUS_OK);
        if (child->type == NODE_DIRECTORY && depth > 0) {
            int fd = openat(host, names[i], O_RDONLY | O_DIRECTORY);
            fill(fd, child, depth - 1);
            close(fd);
        }
        node_put(child);
    }
}

/* As our statuses; 1 if something is there, 0 for a free name. */
static int64_t host_ends_at(int host, const char *path, bool follow) {
    struct open_how how = {.flags = (uint64_t)(O_PATH | (follow ? 0 : O_NOFOLLOW)),
                           .resolve = RESOLVE_BENEATH};
    /* EAGAIN: somebody renamed or mounted anything on the machine while ".." was looked up. */
    long fd;
    do {
        fd = syscall(SYS_openat2, host, path, &how, sizeof(how));
    } while (fd < 0 && errno == EAGAIN);
    if (fd >= 0) {
        close((int)fd);
        return 1;
    }
    switch (errno) {
    case ENOENT:
        return -STATUS_NOT_FOUND;
    case ENOTDIR:
        return -STATUS_NOT_DIR;
    case ELOOP:
        return -STATUS_LOOP;
    case EXDEV:
        return -STATUS_OUTSIDE;
    default:
        return -1000 - errno;
    }
}

static void compare_paths(int host) {
    for (unsigned i = 0; i < 3000; i++) {
        char path[128];
        random_path(path);
        bool follow = roll(2);
        int64_t ours = ends_at(root, path, follow), theirs = host_ends_at(host, path, follow);
        ours = ours > 0 ? 1 : ours == 0 ? -STATUS_NOT_FOUND : ours;
        if (ours != theirs) {
            FAIL("\"%s\" (follow %d): %" PRId64 " here, %" PRId64 " there", path, follow, ours,
                 theirs);
        }
    }
}

TEST(like_linux) {
    if (syscall(SYS_openat2, AT_FDCWD, ".", NULL, 0) < 0 && errno == ENOSYS) {
        SKIP("no openat2 here");
    }
    for (unsigned round = 0; round < 40; round++) {
        char top[] = "/tmp/k23-path-XXXXXX", command[64];
        CHECK(mkdtemp(top) != NULL);
        CHECK_EQ(ramfs_new((uint64_t)1 << 30, &fs), STATUS_OK);
        root = ramfs_root(fs);
        int host = open(top, O_RDONLY | O_DIRECTORY);
        fill(host, root, 2);
        compare_paths(host);
        close(host);
        drop_tree();
        snprintf(command, sizeof(command), "rm -rf %s", top);
        CHECK_EQ(system(command), 0);
    }
}

CHECK_MAIN
