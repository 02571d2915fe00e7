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

/* A link to itself, on the way or at its end. */
static void loops(void) {
    GOOD(__wasi_path_symlink("self", tmp, "self"));
    BAD(LOOP, open_at(tmp, "self", __WASI_OFLAGS_DIRECTORY, __WASI_RIGHTS_FD_READDIR, &fd));
    BAD(LOOP, open_at(tmp, "self/x", 0, READ_RIGHTS, &fd));
    BAD(LOOP, __wasi_path_filestat_get(tmp, 0, "self/x", &stat));
    BAD(LOOP, __wasi_path_filestat_set_times(tmp, __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW, "self", 0, 0,
                                             __WASI_FSTFLAGS_MTIM_NOW));
    BAD(LOOP, __wasi_path_filestat_set_times(tmp, 0, "self/x", 0, 0, __WASI_FSTFLAGS_MTIM_NOW));
    BAD(LOOP, __wasi_path_readlink(tmp, "self/x", buf, sizeof(buf), &n));
    BAD(LOOP, __wasi_path_create_directory(tmp, "self/x"));
    BAD(LOOP, __wasi_path_remove_directory(tmp, "self/x"));
    BAD(LOOP, __wasi_path_unlink_file(tmp, "self/x"));
    BAD(LOOP, __wasi_path_symlink("x", tmp, "self/x"));
    BAD(LOOP, __wasi_path_link(tmp, __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW, "self", tmp, "x"));
    BAD(LOOP, __wasi_path_link(tmp, 0, "f", tmp, "self/x"));
    BAD(LOOP, __wasi_path_rename(tmp, "self/x", tmp, "x"));
    BAD(LOOP, __wasi_path_rename(tmp, "f", tmp, "self/x"));
    GOOD(__wasi_path_unlink_file(tmp, "self"));
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

/* The error in the event of one subscription, or the call's own. */
static __wasi_errno_t poll_event(__wasi_subscription_t s) {
    __wasi_event_t e = {0};
    s.userdata = 77;
    __wasi_errno_t error = __wasi_poll_oneoff(&s, &e, 1, &n);
    if (error == 0) {
        CHECK_LINE(n, 1, "there is one event");
        CHECK_LINE(e.userdata, 77, "the event is the subscription's");
        CHECK_LINE(e.type, s.u.tag, "the event has its type");
        error = e.error;
    }
    return error;
}

static __wasi_subscription_t on_fd(__wasi_fd_t which, uint8_t tag) {
    __wasi_subscription_t s = {.u = {.tag = tag}};
    s.u.u.fd_read.file_descriptor = which;
    return s;
}

static __wasi_subscription_t on_clock(uint32_t id, uint16_t flags) {
    __wasi_subscription_t s = {.u = {.tag = __WASI_EVENTTYPE_CLOCK}};
    s.u.u.clock.id = id;
    s.u.u.clock.timeout = 1;
    s.u.u.clock.flags = flags;
    return s;
}

static void polls(void) {
    BAD(BADF, poll_event(on_fd(99, __WASI_EVENTTYPE_FD_READ)));
    BAD(BADF, poll_event(on_fd(0xffffffff, __WASI_EVENTTYPE_FD_WRITE)));
    GOOD(poll_event(on_fd(file, __WASI_EVENTTYPE_FD_READ)));
    BAD(NOTCAPABLE, poll_event(on_fd(file, __WASI_EVENTTYPE_FD_WRITE)));
    BAD(NOTCAPABLE, poll_event(on_fd(tmp, __WASI_EVENTTYPE_FD_READ)));
    BAD(NOTCAPABLE, poll_event(on_fd(1, __WASI_EVENTTYPE_FD_READ)));
    BAD(INVAL, poll_event(on_clock(99, 0)));
    BAD(INVAL, poll_event(on_clock(__WASI_CLOCKID_MONOTONIC, 0x80)));
    BAD(NOTSUP, poll_event(on_clock(__WASI_CLOCKID_THREAD_CPUTIME_ID, 0)));
    BAD(INVAL, poll_event(on_fd(1, 3)));
}

int main(void) {
    tmp = preopened("/tmp");
    weak_file();
    GOOD(open_at(tmp, "f", 0, READ_RIGHTS, &file));
    no_directory();
    long_names();
    loops();
    sockets();
    polls();
    GOOD(__wasi_fd_close(file));
    GOOD(__wasi_path_unlink_file(tmp, "f"));
    return check_sum();
}
