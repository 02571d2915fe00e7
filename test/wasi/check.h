/*
 * Tests of WASI from inside a program. Each check is a line "ok - name" or "not ok - name: ..." whose name
 * is the checked text itself, so that runs elsewhere can be compared line by line. main() ends with
 * check_sum().
 */
#ifndef TEST_WASI_CHECK_H
#define TEST_WASI_CHECK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wasi/api.h>

static int check_passed, check_failed;

static inline void check_line(bool good, const char *name, long long got, long long want) {
    if (good) {
        check_passed++;
        printf("ok - %s\n", name);
        fflush(stdout);
    } else {
        check_failed++;
        printf("not ok - %s: got %lld, not %lld\n", name, got, want);
    }
}

/* The name is made where the check is written, before macros in it are replaced. */
#define CHECK_LINE(got, want, name)                                                                \
    do {                                                                                           \
        long long got_ = (long long)(got), want_ = (long long)(want);                              \
        check_line(got_ == want_, name, got_, want_);                                              \
    } while (0)

/* Values that are the same. */
#define SAME(got, want) CHECK_LINE(got, want, #got " is " #want)

/* A call that succeeds, one that fails with an errno. */
#define GOOD(call) CHECK_LINE(call, 0, #call " succeeds")
#define BAD(errno_name, call)                                                                      \
    CHECK_LINE(call, __WASI_ERRNO_##errno_name, #call " gives " #errno_name)

static inline int check_sum(void) {
    printf("%d passed, %d failed, 0 skipped\n", check_passed, check_failed);
    return check_failed ? 1 : 0;
}

/* Whether the runner wants a part of the program left out, by a file /tmp/without-NAME: node hangs in it. */
static inline bool left_out(__wasi_fd_t tmp, const char *name) {
    char path[64];
    __wasi_filestat_t stat;
    snprintf(path, sizeof(path), "without-%s", name);
    return __wasi_path_filestat_get(tmp, 0, path, &stat) == 0;
}

/* The descriptor of the preopened directory of that name. */
static inline __wasi_fd_t preopened(const char *name) {
    __wasi_prestat_t stat;
    char text[64];
    for (__wasi_fd_t fd = 3; __wasi_fd_prestat_get(fd, &stat) == 0; fd++) {
        if (stat.u.dir.pr_name_len == strlen(name) &&
            __wasi_fd_prestat_dir_name(fd, (uint8_t *)text, sizeof(text)) == 0 &&
            memcmp(text, name, strlen(name)) == 0) {
            return fd;
        }
    }
    printf("not ok - %s is preopened\n", name);
    exit(1);
}

#define READ_RIGHTS                                                                                \
    (__WASI_RIGHTS_FD_READ | __WASI_RIGHTS_FD_SEEK | __WASI_RIGHTS_FD_TELL |                       \
     __WASI_RIGHTS_FD_FILESTAT_GET | __WASI_RIGHTS_FD_ADVISE | __WASI_RIGHTS_POLL_FD_READWRITE)
#define WRITE_RIGHTS                                                                               \
    (READ_RIGHTS | __WASI_RIGHTS_FD_WRITE | __WASI_RIGHTS_FD_ALLOCATE | __WASI_RIGHTS_FD_SYNC |    \
     __WASI_RIGHTS_FD_DATASYNC | __WASI_RIGHTS_FD_FILESTAT_SET_SIZE |                              \
     __WASI_RIGHTS_FD_FILESTAT_SET_TIMES | __WASI_RIGHTS_FD_FDSTAT_SET_FLAGS)

static inline __wasi_errno_t open_at(__wasi_fd_t dir, const char *path, __wasi_oflags_t oflags,
                                     __wasi_rights_t rights, __wasi_fd_t *fd) {
    return __wasi_path_open(dir, __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW, path, oflags, rights, 0, 0, fd);
}

static inline __wasi_errno_t write_text(__wasi_fd_t fd, const char *text, __wasi_size_t *done) {
    __wasi_ciovec_t v = {(const uint8_t *)text, strlen(text)};
    return __wasi_fd_write(fd, &v, 1, done);
}

static inline __wasi_errno_t read_some(__wasi_fd_t fd, void *buf, size_t size,
                                       __wasi_size_t *done) {
    __wasi_iovec_t v = {buf, size};
    return __wasi_fd_read(fd, &v, 1, done);
}

/* A file of that text. */
static inline void make_file(__wasi_fd_t dir, const char *path, const char *text) {
    __wasi_fd_t fd;
    __wasi_size_t done;
    if (open_at(dir, path, __WASI_OFLAGS_CREAT | __WASI_OFLAGS_TRUNC, WRITE_RIGHTS, &fd) != 0 ||
        write_text(fd, text, &done) != 0 || __wasi_fd_close(fd) != 0) {
        printf("not ok - %s is made\n", path);
    }
}

#endif
