/*
 * A directory of the host, live: what the programs in test/wasi/run look at from the other side. Preopened as
 * /h; the argument says what to do.
 */
#include "test/wasi/check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define MANY   100000
#define SOME   200
#define SPARSE 5368709120ll /* 5 GiB */

/* Contents for the host to compare. */
static void effects(void) {
    __wasi_fd_t h = preopened("/h");
    struct stat st;
    make_file(h, "text", "from the program\n");
    make_file(h, "a \xff\xfe\n,=:b", "any bytes\n");
    make_file(h, "to move", "moved\n");
    SAME(rename("/h/to move", "/h/moved"), 0);
    SAME(mkdir("/h/dir", 0777), 0);
    SAME(symlink("../text", "/h/dir/link"), 0);
    SAME(link("/h/text", "/h/dir/same"), 0);
    SAME(truncate("/h/given", 5), 0);
    SAME(unlink("/h/useless"), 0);
    SAME(rmdir("/h/empty"), 0);
    SAME(stat("/h/dir/link", &st), 0);
    SAME(st.st_size, 17);
    SAME(st.st_nlink, 2);
    SAME(stat("/h/out", &st), -1);
    SAME(errno, ENOTCAPABLE);
    SAME(open("/h/pipe", O_RDONLY), -1);
    SAME(errno, EACCES);
    int fd = open("/h/log", O_WRONLY | O_APPEND);
    SAME(write(fd, "ours\n", 5), 5);
    SAME(lseek(fd, 0, SEEK_CUR), 12);
    SAME(close(fd), 0);
    struct timespec times[2] = {{1000000000, 5}, {1100000000, 123456789}};
    SAME(utimensat(AT_FDCWD, "/h/moved", times, 0), 0);
}

/* The host has made files named by numbers; each must come exactly once. Then half of some are removed, and
 * as many made. */
static void many(void) {
    static unsigned char seen[MANY];
    char name[32];
    unsigned found = 0, twice = 0, failed = 0;
    DIR *dir = opendir("/h");
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        char *end;
        long i = strtol(entry->d_name, &end, 10);
        if (*end == '\0' && i >= 0 && i < MANY) {
            found++;
            twice += seen[i]++;
        }
    }
    SAME(found, MANY);
    SAME(twice, 0);
    SAME(closedir(dir), 0);
    for (int i = 0; i < SOME; i += 2) {
        snprintf(name, sizeof(name), "/h/%d", i);
        failed += unlink(name) != 0;
        snprintf(name, sizeof(name), "/h/new %d", i);
        int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0666);
        failed += fd < 0 || close(fd) != 0;
    }
    SAME(failed, 0);
}

static void sparse(void) {
    char buf[8] = "";
    int fd = open("/h/sparse", O_RDWR | O_CREAT, 0666);
    SAME(pwrite(fd, "start", 5, 0), 5);
    SAME(pwrite(fd, "end", 3, SPARSE), 3);
    SAME(lseek(fd, 0, SEEK_END), SPARSE + 3);
    SAME(pread(fd, buf, 3, SPARSE), 3);
    SAME(memcmp(buf, "end", 3), 0);
    SAME(pread(fd, buf, 5, SPARSE - 5), 5);
    SAME(memcmp(buf, "\0\0\0\0\0", 5), 0);
    SAME(pread(fd, buf, 5, SPARSE + 3), 0);
    SAME(close(fd), 0);
}

/* 3 MiB and some, by one call each way: several requests. */
static void large(void) {
    enum { SIZE = 3 * 1048576 + 12345 };
    unsigned char *out = malloc(SIZE), *in = malloc(SIZE);
    for (int i = 0; i < SIZE; i++) {
        out[i] = (unsigned char)((unsigned)i * 2654435761u >> 24);
    }
    int fd = open("/h/large", O_RDWR | O_CREAT, 0666);
    SAME(write(fd, out, SIZE), SIZE);
    SAME(pread(fd, in, SIZE, 0), SIZE);
    SAME(memcmp(in, out, SIZE), 0);
    SAME(pread(fd, in, SIZE, 1048577), SIZE - 1048577);
    SAME(memcmp(in, out + 1048577, SIZE - 1048577), 0);
    SAME(close(fd), 0);
}

/* A file that is removed or replaced while it is open is read and written on, and no other is changed. */
static void removed(void) {
    __wasi_fd_t h = preopened("/h");
    char buf[8];
    make_file(h, "old", "old text");
    make_file(h, "new", "new text");
    int fd = open("/h/old", O_RDWR);
    SAME(rename("/h/new", "/h/old"), 0);
    SAME(pread(fd, buf, 8, 0), 8);
    SAME(memcmp(buf, "old text", 8), 0);
    SAME(pwrite(fd, "more", 4, 8), 4);
    (void)ftruncate(fd, 3);
    SAME(close(fd), 0);
    fd = open("/h/gone", O_RDWR | O_CREAT, 0666);
    SAME(unlink("/h/gone"), 0);
    SAME(write(fd, "text", 4), 4);
    SAME(pread(fd, buf, 8, 0), 4);
    SAME(memcmp(buf, "text", 4), 0);
    SAME(close(fd), 0);
}

/* Says when what it wrote must be on the host, and does not end. */
static void sync_and_wait(void) {
    int fd = open("/h/synced", O_WRONLY | O_CREAT, 0666);
    SAME(write(fd, "safe\n", 5), 5);
    SAME(fsync(fd), 0);
    puts("synced");
    fflush(stdout);
    for (;;) {
        sleep(1000);
    }
}

/* The host puts a link that leads out in the place of a directory that is open here. */
static void swapped(void) {
    __wasi_fd_t h = preopened("/h"), dir, fd;
    SAME(__wasi_path_open(h, 0, "dir", __WASI_OFLAGS_DIRECTORY, __WASI_RIGHTS_PATH_OPEN,
                          READ_RIGHTS, 0, &dir),
         0);
    puts("ready");
    fflush(stdout);
    (void)getchar();
    SAME(open_at(dir, "file", 0, READ_RIGHTS, &fd) != 0, 1);
    SAME(open("/h/dir/file", O_RDONLY), -1);
}

static void read_only(void) {
    char buf[8];
    int fd = open("/h/given", O_RDONLY);
    SAME(read(fd, buf, 5), 5);
    SAME(memcmp(buf, "given", 5), 0);
    SAME(open("/h/given", O_RDWR), -1);
    SAME(errno, EROFS);
    SAME(open("/h/new", O_WRONLY | O_CREAT, 0666), -1);
    SAME(errno, EROFS);
    SAME(unlink("/h/given"), -1);
    SAME(errno, EROFS);
    SAME(mkdir("/h/new", 0777), -1);
    SAME(errno, EROFS);
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        void (*run)(void);
    } tasks[] = {{"effects", effects},     {"many", many},       {"sparse", sparse},
                 {"large", large},         {"removed", removed}, {"sync", sync_and_wait},
                 {"read-only", read_only}, {"swapped", swapped}};
    for (size_t i = 0; i < sizeof(tasks) / sizeof(tasks[0]); i++) {
        if (argc == 2 && strcmp(argv[1], tasks[i].name) == 0) {
            tasks[i].run();
            return check_sum();
        }
    }
    return 2;
}
