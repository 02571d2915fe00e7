/*
 * The RAM file system: the same random operations on it and on a directory of this machine, which must
 * succeed, fail and look alike; then sizes, holes, cookies, quotas and failing memory.
 */
#include "fs/path.h"
#include "fs/ramfs.h"
#include "test/support/check.h"
#include "test/support/fs_platform.h"
#include "test/support/twin.h"

#define BIG ((uint64_t)1 << 30)

static struct ramfs *fs;

static void open_fs(uint64_t size) {
    CHECK_EQ(ramfs_new(size, &fs), STATUS_OK);
    root = ramfs_root(fs);
}

static void close_fs(void) {
    node_put(root);
    ramfs_free(fs);
    CHECK_EQ(fs_platform_held, 0);
}

TEST(like_the_host) {
    for (unsigned round = 0; round < 60; round++) {
        char command[128];
        strcpy(host, "/tmp/k23-ramfs-XXXXXX");
        CHECK(mkdtemp(host) != NULL);
        open_fs(BIG);
        twin_round();
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
