/*
 * Errors that no other program comes by: with them, each errno that a row of preview1.def can give is
 * checked for each function (the runner looks whether that is so).
 */
#include "test/wasi/check.h"

#define FAR ((void *)0xfffffff0u)

static __wasi_fd_t tmp, fd, file;
static __wasi_filestat_t stat;
static __wasi_size_t n;
static uint8_t buf[16];
static char name[257];

static void weak_file(void) {
    __wasi_iovec_t v = {buf, 1};
    __wasi_ciovec_t w = {buf, 1};
    GOOD(open_at(tmp, "f", __WASI_OFLAGS_CREAT, __WASI_RIGHTS_FD_SEEK, &fd));
    BAD(NOTCAPABLE, __wasi_fd_advise(fd, 0, 0, __WASI_ADVICE_NORMAL));
    BAD(NOTCAPABLE, __wasi_fd_datasync(fd));
    BAD(NOTCAPABLE, __wasi_fd_filestat_get(fd, &stat));
    BAD(NOTCAPABLE, __wasi_fd_pread(fd, &v, 1, 0, &n));
    BAD(NOTCAPABLE, __wasi_fd_pwrite(fd, &w, 1, 0, &n));
    BAD(BADF, __wasi_fd_pread(99, &v, 1, 0, &n));
    BAD(BADF, __wasi_fd_pwrite(99, &w, 1, 0, &n));
    GOOD(__wasi_fd_close(fd));
}

/* A file where a directory must be. */
static void no_directory(void) {
    BAD(NOTDIR, __wasi_path_create_directory(file, "x"));
    BAD(NOTDIR, __wasi_path_filestat_get(file, 0, "x", &stat));
    BAD(NOTDIR, __wasi_path_filestat_set_times(file, 0, "x", 0, 0, 0));
    BAD(NOTDIR, __wasi_path_link(file, 0, "x", tmp, "y"));
    BAD(NOTDIR, __wasi_path_link(tmp, 0, "f", file, "y"));
    BAD(NOTDIR, __wasi_path_readlink(file, "x", buf, 1, &n));
    BAD(NOTDIR, __wasi_path_remove_directory(file, "x"));
    BAD(NOTDIR, __wasi_path_rename(file, "x", tmp, "y"));
    BAD(NOTDIR, __wasi_path_rename(tmp, "f", file, "y"));
    BAD(NOTDIR, __wasi_path_symlink("x", file, "y"));
    BAD(NOTDIR, __wasi_path_unlink_file(file, "x"));
    BAD(NOTDIR, open_at(file, "x", 0, READ_RIGHTS, &fd));
}

/* A name of 256 bytes. */
static void long_names(void) {
    memset(name, 'n', 256);
    BAD(NAMETOOLONG, __wasi_path_create_directory(tmp, name));
    BAD(NAMETOOLONG, __wasi_path_filestat_get(tmp, 0, name, &stat));
    BAD(NAMETOOLONG, __wasi_path_filestat_set_times(tmp, 0, name, 0, 0, 0));
    BAD(NAMETOOLONG, __wasi_path_link(tmp, 0, "f", tmp, name));
    BAD(NAMETOOLONG, __wasi_path_link(tmp, 0, name, tmp, "y"));
    BAD(NAMETOOLONG, __wasi_path_readlink(tmp, name, buf, 1, &n));
    BAD(NAMETOOLONG, __wasi_path_remove_directory(tmp, name));
    BAD(NAMETOOLONG, __wasi_path_rename(tmp, "f", tmp, name));
    BAD(NAMETOOLONG, __wasi_path_symlink("x", tmp, name));
    BAD(NAMETOOLONG, __wasi_path_unlink_file(tmp, name));
    GOOD(__wasi_path_filestat_get(tmp, 0, "f", &stat));
}

static void sockets(void) {
    __wasi_iovec_t v = {buf, 1};
    __wasi_ciovec_t w = {buf, 1};
    __wasi_roflags_t flags;
    BAD(FAULT, __wasi_sock_accept(1, 0, FAR));
    BAD(FAULT, __wasi_sock_recv(1, FAR, 1, 0, &n, &flags));
    BAD(FAULT, __wasi_sock_recv(1, &v, 1, 0, FAR + 14, &flags));
    BAD(FAULT, __wasi_sock_recv(1, &v, 1, 0, &n, FAR + 15));
    BAD(FAULT, __wasi_sock_send(1, FAR, 1, 0, &n));
    BAD(FAULT, __wasi_sock_send(1, &w, 1, 0, FAR));
    BAD(INVAL, __wasi_sock_recv(1, &v, 0xffffffff, 0, &n, &flags));
    BAD(INVAL, __wasi_sock_send(1, &w, 1025, 0, &n));
}

int main(void) {
    tmp = preopened("/tmp");
    weak_file();
    GOOD(open_at(tmp, "f", 0, READ_RIGHTS, &file));
    no_directory();
    long_names();
    sockets();
    GOOD(__wasi_fd_close(file));
    GOOD(__wasi_path_unlink_file(tmp, "f"));
    return check_sum();
}
