/*
 * The RAM file system: the same random operations on it and on a directory of this machine, which must
 * succeed, fail and look alike; then sizes, holes, cookies, quotas and failing memory.
 */
#include "fs/path.h"
#include "fs/ramfs.h"
#include "test/support/check.h"
#include "test/support/fs_platform.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define BIG ((uint64_t)1 << 30)

static struct ramfs *fs;
static struct node *root;
static struct path_walk walk;
static char host[64]; /* the other one */

static void open_fs(uint64_t size) {
    CHECK_EQ(ramfs_new(size, &fs), STATUS_OK);
    root = ramfs_root(fs);
}

static void close_fs(void) {
    node_put(root);
    ramfs_free(fs);
    CHECK_EQ(fs_platform_held, 0);
}

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

static void one_round(void) {
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

TEST(like_the_host) {
    for (unsigned round = 0; round < 60; round++) {
        char command[128];
        strcpy(host, "/tmp/k23-ramfs-XXXXXX");
        CHECK(mkdtemp(host) != NULL);
        open_fs(BIG);
        one_round();
        close_fs();
        snprintf(command, sizeof(command), "rm -rf %s", host);
        CHECK_EQ(system(command), 0);
    }
}

/* ---- what the host does not show --------------------------------------------------------------- */

TEST(sparse_files_cost_what_they_hold) {
    struct node *file;
    unsigned char byte = 7, back[3];
    size_t done;
    open_fs(BIG);
    CHECK_EQ(node_create(root, name_of("f"), &file), STATUS_OK);
    CHECK_EQ(write_file(file, RAMFS_FILE_MAX - 1, &byte, 1), STATUS_OK);
    CHECK(ramfs_used(fs) < 40000);
    CHECK_EQ(write_file(file, RAMFS_FILE_MAX, &byte, 1), STATUS_TOO_BIG);
    struct node_bytes to = node_bytes_to(back);
    CHECK_EQ(node_read(file, RAMFS_FILE_MAX - 2, 3, &to.io, &done), STATUS_OK);
    CHECK_EQ(done, 2);
    CHECK_EQ(back[0], 0);
    CHECK_EQ(back[1], 7);
    CHECK_EQ(node_set_size(file, 5), STATUS_OK);
    CHECK_EQ(node_set_size(file, RAMFS_FILE_MAX + 1), STATUS_TOO_BIG);
    CHECK_EQ(node_set_size(file, 0), STATUS_OK);
    CHECK(ramfs_used(fs) < 2000);
    node_put(file);
    close_fs();
}

TEST(unlinked_files_live_on) {
    struct node *file;
    open_fs(BIG);
    CHECK_EQ(node_create(root, name_of("f"), &file), STATUS_OK);
    CHECK_EQ(node_unlink(root, name_of("f")), STATUS_OK);
    CHECK_EQ(write_file(file, 0, "text", 4), STATUS_OK);
    CHECK_EQ(node_link(root, name_of("g"), file), STATUS_NOT_FOUND);
    uint64_t used = ramfs_used(fs);
    node_put(file);
    CHECK(ramfs_used(fs) < used - 4096);
    close_fs();
}

struct reader_of_many {
    struct node_emit emit;
    unsigned left; /* entries to take */
    unsigned seen;
    uint64_t cookie;
    unsigned char *times;
};

static bool take_some(struct node_emit *emit, const struct node_entry *entry) {
    struct reader_of_many *r = (struct reader_of_many *)emit;
    if (r->left == 0) {
        return false;
    }
    r->left--;
    r->cookie = entry->cookie;
    if (entry->name.at[0] != '.') {
        r->times[strtoul(entry->name.at, NULL, 10)]++;
        r->seen++;
    }
    return true;
}

/* Entries that stay are told exactly once while others come and go. */
TEST(cookies_stay_good_in_a_large_directory) {
    enum { MANY = 100000 };
    struct node *file;
    char name[16];
    struct reader_of_many r = {.emit = {.entry = take_some}, .times = calloc(1, 2 * MANY)};
    open_fs(BIG);
    for (unsigned i = 0; i < MANY; i++) {
        sprintf(name, "%05u", i);
        CHECK_EQ(node_create(root, name_of(name), &file), STATUS_OK);
        node_put(file);
    }
    for (unsigned step = 0; r.seen < MANY; step++) {
        unsigned before = r.seen;
        r.left = 1000;
        CHECK_EQ(node_readdir(root, r.cookie, &r.emit), STATUS_OK);
        if (r.seen == before) {
            break;
        }
        for (unsigned i = 0; i < 700; i++) { /* remove some: read ones and others */
            sprintf(name, "%05u", (step * 700 + i) * 2 % MANY);
            (void)!node_unlink(root, name_of(name));
        }
        sprintf(name, "%05u", MANY + step);
        CHECK_EQ(node_create(root, name_of(name), &file), STATUS_OK);
        node_put(file);
    }
    for (unsigned i = 0; i < MANY; i++) {
        CHECK(r.times[i] == 1 || (i % 2 == 0 && r.times[i] == 0));
    }
    for (unsigned i = 0; i < MANY; i++) {
        sprintf(name, "%05u", i);
        (void)!node_unlink(root, name_of(name));
    }
    free(r.times);
    close_fs();
}

TEST(quota) {
    struct node *file;
    static char bytes[100000];
    open_fs(50000);
    CHECK_EQ(node_create(root, name_of("f"), &file), STATUS_OK);
    CHECK_EQ(write_file(file, 0, bytes, sizeof(bytes)), STATUS_FULL);
    CHECK_EQ(write_file(file, 60000, bytes, 1), STATUS_FULL);
    CHECK_EQ(node_allocate(file, 0, 60000), STATUS_FULL);
    CHECK(ramfs_used(fs) <= 50000);
    CHECK_EQ(node_set_size(file, 0), STATUS_OK);
    CHECK_EQ(write_file(file, 0, bytes, 30000), STATUS_OK);
    status_t status = STATUS_OK;
    for (unsigned i = 0; status == STATUS_OK; i++) {
        char name[16];
        sprintf(name, "%u", i);
        status = node_mkdir(root, name_of(name));
    }
    CHECK_EQ(status, STATUS_FULL);
    node_put(file);
    close_fs();
}

TEST(rename_rules) {
    open_fs(BIG);
    struct node *a, *file;
    CHECK_EQ(node_mkdir(root, name_of("a")), STATUS_OK);
    CHECK_EQ(node_lookup(root, name_of("a"), &a), STATUS_OK);
    CHECK_EQ(node_mkdir(a, name_of("b")), STATUS_OK);
    CHECK_EQ(node_rename(root, name_of("a"), a, name_of("c")), STATUS_BAD_ARGUMENT);
    CHECK_EQ(node_create(root, name_of("f"), &file), STATUS_OK);
    CHECK_EQ(node_rename(root, name_of("f"), root, name_of("a")), STATUS_IS_DIR);
    CHECK_EQ(node_rename(root, name_of("a"), root, name_of("f")), STATUS_NOT_DIR);
    CHECK_EQ(node_rename(a, name_of("b"), root, name_of("a")), STATUS_NOT_EMPTY);
    CHECK_EQ(node_link(root, name_of("g"), file), STATUS_OK);
    CHECK_EQ(node_rename(root, name_of("f"), root, name_of("g")), STATUS_OK);
    CHECK_EQ(node_unlink(root, name_of("f")), STATUS_OK);
    CHECK_EQ(node_rmdir(a, name_of("b")), STATUS_OK);
    CHECK_EQ(node_rmdir(root, name_of("a")), STATUS_OK);
    CHECK_EQ(node_mkdir(a, name_of("z")), STATUS_NOT_FOUND); /* it is gone */
    node_put(a);
    node_put(file);
    close_fs();
}

/* Each allocation fails once: an error, and nothing lost. */
TEST(memory_runs_out_anywhere) {
    for (int64_t n = 0; n < 300; n++) {
        struct node *file = NULL;
        fs_platform_allocs_left = n;
        status_t status = ramfs_new(BIG, &fs);
        if (status == STATUS_OK) {
            root = ramfs_root(fs);
            for (unsigned i = 0; i < 40; i++) {
                char name[16];
                sprintf(name, "%u", i);
                (void)!node_mkdir(root, name_of(name));
                (void)!node_symlink(root, name_of("link"), name_of(name));
                (void)!node_rename(root, name_of(name), root, name_of("moved"));
            }
            if (node_create(root, name_of("f"), &file) == STATUS_OK) {
                (void)!write_file(file, 5000000, "x", 1);
                (void)!node_link(root, name_of("g"), file);
                node_put(file);
            }
            node_put(root);
            ramfs_free(fs);
        }
        fs_platform_allocs_left = INT64_MAX;
        CHECK_EQ(fs_platform_held, 0);
    }
}

CHECK_MAIN
