/*
 * Names: opening, making, removing, renaming, links, attributes, and that no path leads out.
 */
#include "test/wasi/check.h"

static __wasi_fd_t tmp, ro, fd, dir;
static __wasi_size_t n;
static __wasi_filestat_t stat;
static uint8_t buf[64];

#define ALL_DIR 0x1fffffffu
#define FOLLOW  __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW

static void opening(void) {
    BAD(NOENT, open_at(tmp, "a", 0, READ_RIGHTS, &fd));
    GOOD(open_at(tmp, "a", __WASI_OFLAGS_CREAT | __WASI_OFLAGS_EXCL, WRITE_RIGHTS, &fd));
    GOOD(write_text(fd, "text", &n));
    GOOD(__wasi_fd_close(fd));
    BAD(EXIST, open_at(tmp, "a", __WASI_OFLAGS_CREAT | __WASI_OFLAGS_EXCL, WRITE_RIGHTS, &fd));
    GOOD(open_at(tmp, "a", __WASI_OFLAGS_CREAT, READ_RIGHTS, &fd));
    GOOD(__wasi_fd_filestat_get(fd, &stat));
    SAME(stat.size, 4);
    GOOD(__wasi_fd_close(fd));
    GOOD(open_at(tmp, "a", __WASI_OFLAGS_TRUNC, WRITE_RIGHTS, &fd));
    GOOD(__wasi_fd_filestat_get(fd, &stat));
    SAME(stat.size, 0);
    GOOD(__wasi_fd_close(fd));
    BAD(NOTDIR, open_at(tmp, "a", __WASI_OFLAGS_DIRECTORY, READ_RIGHTS, &fd));
    BAD(NOTDIR, open_at(tmp, "a/", 0, READ_RIGHTS, &fd));
    BAD(NOTDIR, open_at(tmp, "a/b", 0, READ_RIGHTS, &fd));
    BAD(INVAL, __wasi_path_open(tmp, 0x10, "a", 0, READ_RIGHTS, 0, 0, &fd));
    BAD(INVAL, __wasi_path_open(tmp, 0, "a", 0x10, READ_RIGHTS, 0, 0, &fd));
    BAD(INVAL, __wasi_path_open(tmp, 0, "a", 0, READ_RIGHTS, 0, 0x20, &fd));
    BAD(INVAL, open_at(tmp, "x", __WASI_OFLAGS_CREAT | __WASI_OFLAGS_DIRECTORY, READ_RIGHTS, &fd));
    BAD(BADF, open_at(99, "a", 0, READ_RIGHTS, &fd));
    GOOD(open_at(tmp, "a", 0, READ_RIGHTS, &fd));
    BAD(NOTDIR, open_at(fd, "a", 0, READ_RIGHTS, &dir));
    GOOD(__wasi_fd_close(fd));
    BAD(NOENT, open_at(tmp, "", 0, READ_RIGHTS, &fd));
    BAD(NOENT, open_at(tmp, "no/a", __WASI_OFLAGS_CREAT, WRITE_RIGHTS, &fd));
    if (!left_out(tmp, "slashes")) {
        BAD(ISDIR, open_at(tmp, "new/", __WASI_OFLAGS_CREAT, WRITE_RIGHTS, &fd));
    }
}

static void directories(void) {
    GOOD(__wasi_path_create_directory(tmp, "d"));
    BAD(EXIST, __wasi_path_create_directory(tmp, "d"));
    BAD(EXIST, __wasi_path_create_directory(tmp, "a"));
    BAD(EXIST, __wasi_path_create_directory(tmp, "."));
    BAD(NOENT, __wasi_path_create_directory(tmp, "no/d"));
    BAD(NOTDIR, __wasi_path_create_directory(tmp, "a/d"));
    BAD(NOENT, __wasi_path_create_directory(tmp, ""));
    BAD(BADF, __wasi_path_create_directory(99, "x"));
    GOOD(__wasi_path_create_directory(tmp, "d/e/"));
    BAD(ISDIR, open_at(tmp, "d", 0, WRITE_RIGHTS, &fd));
    BAD(ISDIR, open_at(tmp, "d", __WASI_OFLAGS_TRUNC, WRITE_RIGHTS, &fd));
    GOOD(__wasi_path_open(tmp, 0, "d", __WASI_OFLAGS_DIRECTORY, ALL_DIR & ~0x400042u & ~0x100u,
                          ALL_DIR, 0, &dir));
    BAD(ISDIR, read_some(dir, buf, 4, &n));
    GOOD(__wasi_path_filestat_get(dir, 0, "e", &stat));
    SAME(stat.filetype, __WASI_FILETYPE_DIRECTORY);
    GOOD(__wasi_path_filestat_get(dir, 0, "e/..", &stat));
    BAD(NOTCAPABLE, __wasi_path_filestat_get(dir, 0, "..", &stat));
    BAD(NOTCAPABLE, __wasi_path_filestat_get(dir, 0, "e/../../a", &stat));
    BAD(NOTCAPABLE, __wasi_path_filestat_get(dir, 0, "/tmp/a", &stat));
    BAD(NOTEMPTY, __wasi_path_remove_directory(tmp, "d"));
    BAD(NOTDIR, __wasi_path_remove_directory(tmp, "a"));
    BAD(NOENT, __wasi_path_remove_directory(tmp, "none"));
    BAD(INVAL, __wasi_path_remove_directory(tmp, "."));
    BAD(BADF, __wasi_path_remove_directory(99, "d"));
    GOOD(__wasi_path_remove_directory(tmp, "d/e/"));
    BAD(ISDIR, __wasi_path_unlink_file(tmp, "d"));
    BAD(NOENT, __wasi_path_unlink_file(tmp, "none"));
    if (!left_out(tmp, "slashes")) {
        BAD(NOTDIR, __wasi_path_unlink_file(tmp, "a/"));
    }
    BAD(BADF, __wasi_path_unlink_file(99, "a"));
}

static void links(void) {
    GOOD(__wasi_path_symlink("a", tmp, "la"));
    GOOD(__wasi_path_symlink("self", tmp, "self"));
    GOOD(__wasi_path_symlink("../outside", tmp, "out"));
    GOOD(__wasi_path_symlink("nowhere", tmp, "dangling"));
    BAD(NOTCAPABLE, __wasi_path_symlink("/etc/passwd", tmp, "abs"));
    BAD(EXIST, __wasi_path_symlink("x", tmp, "la"));
    BAD(NOENT, __wasi_path_symlink("", tmp, "empty"));
    BAD(NOENT, __wasi_path_symlink("x", tmp, "no/l"));
    BAD(BADF, __wasi_path_symlink("x", 99, "l"));
    GOOD(__wasi_path_readlink(tmp, "la", buf, sizeof(buf), &n));
    SAME(n, 1);
    SAME(buf[0], 'a');
    GOOD(__wasi_path_readlink(tmp, "out", buf, 4, &n));
    SAME(n, 4);
    SAME(memcmp(buf, "../o", 4), 0);
    BAD(INVAL, __wasi_path_readlink(tmp, "a", buf, sizeof(buf), &n));
    BAD(NOENT, __wasi_path_readlink(tmp, "none", buf, sizeof(buf), &n));
    BAD(BADF, __wasi_path_readlink(99, "la", buf, sizeof(buf), &n));
    GOOD(__wasi_path_filestat_get(tmp, 0, "la", &stat));
    SAME(stat.filetype, __WASI_FILETYPE_SYMBOLIC_LINK);
    GOOD(__wasi_path_filestat_get(tmp, FOLLOW, "la", &stat));
    SAME(stat.filetype, __WASI_FILETYPE_REGULAR_FILE);
    BAD(LOOP, __wasi_path_filestat_get(tmp, FOLLOW, "self", &stat));
    BAD(LOOP, open_at(tmp, "self", 0, READ_RIGHTS, &fd));
    BAD(LOOP, __wasi_path_open(tmp, 0, "la", 0, READ_RIGHTS, 0, 0, &fd));
    BAD(NOTCAPABLE, open_at(tmp, "out", 0, READ_RIGHTS, &fd));
    BAD(NOENT, open_at(tmp, "dangling", 0, READ_RIGHTS, &fd));
    BAD(EXIST,
        open_at(tmp, "dangling", __WASI_OFLAGS_CREAT | __WASI_OFLAGS_EXCL, WRITE_RIGHTS, &fd));
    GOOD(open_at(tmp, "dangling", __WASI_OFLAGS_CREAT, WRITE_RIGHTS, &fd));
    GOOD(__wasi_fd_close(fd));
    GOOD(__wasi_path_unlink_file(tmp, "nowhere"));
    GOOD(__wasi_path_link(tmp, 0, "a", tmp, "d/b"));
    GOOD(__wasi_path_filestat_get(tmp, 0, "a", &stat));
    SAME(stat.nlink, 2);
    BAD(EXIST, __wasi_path_link(tmp, 0, "a", tmp, "d/b"));
    BAD(NOENT, __wasi_path_link(tmp, 0, "none", tmp, "x"));
    BAD(PERM, __wasi_path_link(tmp, 0, "d", tmp, "d2"));
    BAD(BADF, __wasi_path_link(tmp, 0, "a", 99, "x"));
    BAD(BADF, __wasi_path_link(99, 0, "a", tmp, "x"));
    GOOD(__wasi_path_unlink_file(tmp, "d/b"));
    GOOD(__wasi_path_unlink_file(tmp, "la"));
    GOOD(__wasi_path_unlink_file(tmp, "self"));
    GOOD(__wasi_path_unlink_file(tmp, "out"));
    GOOD(__wasi_path_unlink_file(tmp, "dangling"));
}

static void renaming(void) {
    make_file(tmp, "b", "b");
    GOOD(__wasi_path_rename(tmp, "b", tmp, "c"));
    BAD(NOENT, __wasi_path_filestat_get(tmp, 0, "b", &stat));
    GOOD(__wasi_path_rename(tmp, "c", tmp, "a"));
    GOOD(__wasi_path_filestat_get(tmp, 0, "a", &stat));
    SAME(stat.size, 1);
    BAD(NOENT, __wasi_path_rename(tmp, "none", tmp, "x"));
    BAD(ISDIR, __wasi_path_rename(tmp, "a", tmp, "d"));
    BAD(NOTDIR, __wasi_path_rename(tmp, "d", tmp, "a"));
    if (!left_out(tmp, "slashes")) {
        BAD(NOTDIR, __wasi_path_rename(tmp, "a", tmp, "x/"));
    }
    BAD(INVAL, __wasi_path_rename(tmp, "d", tmp, "d/x"));
    BAD(NOTCAPABLE, __wasi_path_rename(tmp, "a", tmp, "../x"));
    BAD(BUSY, __wasi_path_rename(tmp, ".", tmp, "x"));
    BAD(BADF, __wasi_path_rename(99, "a", tmp, "x"));
    BAD(BADF, __wasi_path_rename(tmp, "a", 99, "x"));
    GOOD(__wasi_path_create_directory(tmp, "d3"));
    GOOD(__wasi_path_rename(tmp, "d", tmp, "d3"));
    GOOD(__wasi_path_rename(tmp, "d3/", tmp, "d/"));
    BAD(BUSY, __wasi_path_rename(dir, ".", dir, "."));
}

static void attributes(void) {
    GOOD(__wasi_path_filestat_set_times(tmp, 0, "a", 1000000000, 3000000000,
                                        __WASI_FSTFLAGS_ATIM | __WASI_FSTFLAGS_MTIM));
    GOOD(__wasi_path_filestat_get(tmp, 0, "a", &stat));
    SAME(stat.atim, 1000000000);
    SAME(stat.mtim, 3000000000);
    BAD(NOENT, __wasi_path_filestat_set_times(tmp, 0, "none", 0, 0, __WASI_FSTFLAGS_MTIM_NOW));
    if (!left_out(tmp, "bad-times")) {
        BAD(INVAL, __wasi_path_filestat_set_times(tmp, 0, "a", 0, 0,
                                                  __WASI_FSTFLAGS_MTIM_NOW | __WASI_FSTFLAGS_MTIM));
    }
    BAD(BADF, __wasi_path_filestat_set_times(99, 0, "a", 0, 0, __WASI_FSTFLAGS_MTIM_NOW));
    BAD(NOENT, __wasi_path_filestat_get(tmp, 0, "none", &stat));
    BAD(BADF, __wasi_path_filestat_get(99, 0, "a", &stat));
}

static void names(void) {
    static char name[5000];
    memset(name, 'n', 255);
    GOOD(open_at(tmp, name, __WASI_OFLAGS_CREAT, WRITE_RIGHTS, &fd));
    GOOD(__wasi_fd_close(fd));
    GOOD(__wasi_path_unlink_file(tmp, name));
    name[255] = 'n';
    BAD(NAMETOOLONG, open_at(tmp, name, __WASI_OFLAGS_CREAT, WRITE_RIGHTS, &fd));
    memset(name, '/', 4999);
    name[0] = 'd';
    BAD(NAMETOOLONG, open_at(tmp, name, 0, READ_RIGHTS, &fd));
    static const char odd[] = "\x01\xff \n\"";
    GOOD(open_at(tmp, odd, __WASI_OFLAGS_CREAT, WRITE_RIGHTS, &fd));
    GOOD(__wasi_fd_close(fd));
    GOOD(__wasi_path_unlink_file(tmp, odd));
}

static void less_rights(void) {
    __wasi_fd_t weak;
    GOOD(__wasi_path_open(tmp, 0, "d", __WASI_OFLAGS_DIRECTORY, __WASI_RIGHTS_PATH_OPEN,
                          READ_RIGHTS, 0, &weak));
    BAD(NOTCAPABLE, open_at(weak, "x", __WASI_OFLAGS_CREAT, READ_RIGHTS, &fd));
    BAD(NOTCAPABLE, open_at(weak, "x", 0, WRITE_RIGHTS, &fd));
    BAD(NOTCAPABLE, open_at(weak, "x", __WASI_OFLAGS_TRUNC, READ_RIGHTS, &fd));
    BAD(NOENT, open_at(weak, "x", 0, READ_RIGHTS, &fd));
    BAD(NOTCAPABLE, __wasi_path_create_directory(weak, "x"));
    BAD(NOTCAPABLE, __wasi_path_remove_directory(weak, "x"));
    BAD(NOTCAPABLE, __wasi_path_unlink_file(weak, "x"));
    BAD(NOTCAPABLE, __wasi_path_filestat_get(weak, 0, "x", &stat));
    BAD(NOTCAPABLE, __wasi_path_filestat_set_times(weak, 0, "x", 0, 0, 0));
    BAD(NOTCAPABLE, __wasi_path_readlink(weak, "x", buf, 1, &n));
    BAD(NOTCAPABLE, __wasi_path_symlink("x", weak, "y"));
    BAD(NOTCAPABLE, __wasi_path_rename(weak, "x", tmp, "y"));
    BAD(NOTCAPABLE, __wasi_path_rename(tmp, "a", weak, "y"));
    BAD(NOTCAPABLE, __wasi_path_link(weak, 0, "x", tmp, "y"));
    BAD(NOTCAPABLE, __wasi_path_link(tmp, 0, "a", weak, "y"));
    BAD(NOTCAPABLE, __wasi_fd_readdir(weak, buf, sizeof(buf), 0, &n));
    GOOD(__wasi_fd_close(weak));
}

/* The directory that the runner gives read-only. */
static void read_only(void) {
    ro = preopened("/ro");
    GOOD(open_at(ro, "file", 0, READ_RIGHTS, &fd));
    GOOD(read_some(fd, buf, sizeof(buf), &n));
    SAME(n, 10);
    SAME(memcmp(buf, "some text\n", 10), 0);
    GOOD(__wasi_fd_close(fd));
    GOOD(open_at(ro, "sub/link", 0, READ_RIGHTS, &fd));
    GOOD(read_some(fd, buf, sizeof(buf), &n));
    SAME(n, 10);
    GOOD(__wasi_fd_close(fd));
    BAD(NOTCAPABLE, open_at(ro, "sub/out", 0, READ_RIGHTS, &fd));
    BAD(ROFS, open_at(ro, "file", 0, WRITE_RIGHTS, &fd));
    BAD(ROFS, open_at(ro, "new", __WASI_OFLAGS_CREAT, WRITE_RIGHTS, &fd));
    BAD(ROFS, __wasi_path_create_directory(ro, "new"));
    BAD(ROFS, __wasi_path_unlink_file(ro, "file"));
    BAD(ROFS, __wasi_path_remove_directory(ro, "empty"));
    BAD(ROFS, __wasi_path_rename(ro, "file", ro, "new"));
    BAD(ROFS, __wasi_path_symlink("x", ro, "new"));
    BAD(ROFS, __wasi_path_link(ro, 0, "file", ro, "new"));
    BAD(ROFS, __wasi_path_filestat_set_times(ro, 0, "file", 0, 0, __WASI_FSTFLAGS_MTIM_NOW));
    GOOD(__wasi_path_filestat_get(ro, 0, "file", &stat));
    SAME(stat.size, 10);
    SAME(stat.mtim, 1000000000000000000);
    make_file(tmp, "mine", "x");
    BAD(XDEV, __wasi_path_link(tmp, 0, "mine", ro, "new"));
    BAD(XDEV, __wasi_path_rename(tmp, "mine", ro, "new"));
    GOOD(__wasi_path_unlink_file(tmp, "mine"));
}

int main(int argc, char **argv) {
    tmp = preopened("/tmp");
    opening();
    directories();
    links();
    renaming();
    attributes();
    names();
    less_rights();
    if (argc > 1 && strcmp(argv[1], "read-only") == 0) {
        read_only();
    }
    GOOD(__wasi_fd_close(dir));
    GOOD(__wasi_path_unlink_file(tmp, "a"));
    GOOD(__wasi_path_remove_directory(tmp, "d"));
    return check_sum();
}
