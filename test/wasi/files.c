/*
 * What is in a file: reading, writing, seeking, sizes, times, flags.
 */
#include "test/wasi/check.h"

static __wasi_fd_t tmp, fd, fd2;
static __wasi_size_t n;
static __wasi_filesize_t at;
static char buf[64];
static __wasi_filestat_t stat;

static void read_and_write(void) {
    GOOD(open_at(tmp, "f", __WASI_OFLAGS_CREAT, WRITE_RIGHTS, &fd));
    GOOD(write_text(fd, "hello world", &n));
    SAME(n, 11);
    GOOD(__wasi_fd_tell(fd, &at));
    SAME(at, 11);
    GOOD(__wasi_fd_seek(fd, 0, __WASI_WHENCE_SET, &at));
    GOOD(read_some(fd, buf, 5, &n));
    SAME(n, 5);
    SAME(memcmp(buf, "hello", 5), 0);
    __wasi_iovec_t two[3] = {{(uint8_t *)buf, 3}, {(uint8_t *)buf, 0}, {(uint8_t *)buf + 10, 20}};
    GOOD(__wasi_fd_read(fd, two, 3, &n));
    SAME(n, 6);
    SAME(memcmp(buf, " wo", 3), 0);
    SAME(memcmp(buf + 10, "rld", 3), 0);
    GOOD(read_some(fd, buf, 5, &n));
    SAME(n, 0);
    GOOD(__wasi_fd_read(fd, two, 0, &n));
    SAME(n, 0);
    __wasi_ciovec_t out[3] = {
        {(const uint8_t *)"ab", 2}, {(const uint8_t *)"", 0}, {(const uint8_t *)"cde", 3}};
    GOOD(__wasi_fd_write(fd, out, 3, &n));
    SAME(n, 5);
    GOOD(__wasi_fd_filestat_get(fd, &stat));
    SAME(stat.size, 16);
    SAME(stat.filetype, __WASI_FILETYPE_REGULAR_FILE);
    SAME(stat.nlink, 1);
}

static void positioned(void) {
    __wasi_iovec_t v = {(uint8_t *)buf, 5};
    __wasi_ciovec_t w = {(const uint8_t *)"XY", 2};
    GOOD(__wasi_fd_pread(fd, &v, 1, 6, &n));
    SAME(n, 5);
    SAME(memcmp(buf, "world", 5), 0);
    GOOD(__wasi_fd_pwrite(fd, &w, 1, 6, &n));
    SAME(n, 2);
    GOOD(__wasi_fd_tell(fd, &at));
    SAME(at, 16);
    GOOD(__wasi_fd_pread(fd, &v, 1, 6, &n));
    SAME(memcmp(buf, "XYrld", 5), 0);
    GOOD(__wasi_fd_pread(fd, &v, 1, 100, &n));
    SAME(n, 0);
    GOOD(__wasi_fd_pwrite(fd, &w, 1, 20, &n));
    GOOD(__wasi_fd_pread(fd, &v, 1, 16, &n));
    SAME(n, 5);
    SAME(memcmp(buf, "\0\0\0\0X", 5), 0);
}

static void seeking(void) {
    GOOD(__wasi_fd_seek(fd, -2, __WASI_WHENCE_END, &at));
    SAME(at, 20);
    GOOD(__wasi_fd_seek(fd, 5, __WASI_WHENCE_CUR, &at));
    SAME(at, 25);
    BAD(INVAL, __wasi_fd_seek(fd, -26, __WASI_WHENCE_CUR, &at));
    BAD(INVAL, __wasi_fd_seek(fd, -1, __WASI_WHENCE_SET, &at));
    BAD(INVAL, __wasi_fd_seek(fd, 0, 3, &at));
    GOOD(__wasi_fd_tell(fd, &at));
    SAME(at, 25);
    BAD(SPIPE, __wasi_fd_seek(1, 0, __WASI_WHENCE_CUR, &at));
    BAD(SPIPE, __wasi_fd_tell(1, &at));
    BAD(BADF, __wasi_fd_seek(99, 0, __WASI_WHENCE_CUR, &at));
    BAD(BADF, __wasi_fd_tell(99, &at));
}

static void sizes(void) {
    GOOD(__wasi_fd_filestat_set_size(fd, 3));
    GOOD(__wasi_fd_filestat_get(fd, &stat));
    SAME(stat.size, 3);
    GOOD(__wasi_fd_filestat_set_size(fd, 100));
    __wasi_iovec_t v = {(uint8_t *)buf, 8};
    GOOD(__wasi_fd_pread(fd, &v, 1, 0, &n));
    SAME(memcmp(buf, "hel\0\0\0\0\0", 8), 0);
    BAD(INVAL, __wasi_fd_filestat_set_size(fd, (__wasi_filesize_t)-1));
    GOOD(__wasi_fd_allocate(fd, 50, 200));
    GOOD(__wasi_fd_filestat_get(fd, &stat));
    SAME(stat.size, 250);
    GOOD(__wasi_fd_allocate(fd, 0, 10));
    GOOD(__wasi_fd_filestat_get(fd, &stat));
    SAME(stat.size, 250);
    BAD(INVAL, __wasi_fd_allocate(fd, 0, 0));
    BAD(BADF, __wasi_fd_allocate(99, 0, 1));
    BAD(BADF, __wasi_fd_filestat_set_size(99, 1));
    BAD(BADF, __wasi_fd_filestat_get(99, &stat));
    GOOD(__wasi_fd_advise(fd, 0, 10, __WASI_ADVICE_WILLNEED));
    BAD(INVAL, __wasi_fd_advise(fd, 0, 10, 77));
    BAD(BADF, __wasi_fd_advise(99, 0, 10, __WASI_ADVICE_NORMAL));
    GOOD(__wasi_fd_sync(fd));
    GOOD(__wasi_fd_datasync(fd));
    BAD(BADF, __wasi_fd_sync(99));
    BAD(BADF, __wasi_fd_datasync(99));
}

static void times(void) {
    GOOD(__wasi_fd_filestat_set_times(fd, 1000000000, 2000000000,
                                      __WASI_FSTFLAGS_ATIM | __WASI_FSTFLAGS_MTIM));
    GOOD(__wasi_fd_filestat_get(fd, &stat));
    SAME(stat.atim, 1000000000);
    SAME(stat.mtim, 2000000000);
    GOOD(__wasi_fd_filestat_set_times(fd, 5, 6, __WASI_FSTFLAGS_MTIM_NOW));
    GOOD(__wasi_fd_filestat_get(fd, &stat));
    SAME(stat.atim, 1000000000);
    SAME(stat.mtim > 1600000000000000000, 1);
    BAD(INVAL,
        __wasi_fd_filestat_set_times(fd, 5, 6, __WASI_FSTFLAGS_MTIM | __WASI_FSTFLAGS_MTIM_NOW));
    BAD(INVAL,
        __wasi_fd_filestat_set_times(fd, 5, 6, __WASI_FSTFLAGS_ATIM | __WASI_FSTFLAGS_ATIM_NOW));
    BAD(BADF, __wasi_fd_filestat_set_times(99, 5, 6, 0));
    GOOD(write_text(fd, "x", &n));
    GOOD(__wasi_fd_filestat_get(fd, &stat));
    SAME(stat.mtim > 1600000000000000000, 1);
}

static void flags(void) {
    __wasi_fdstat_t fdstat;
    GOOD(__wasi_path_open(tmp, 0, "f", 0, WRITE_RIGHTS, 0, __WASI_FDFLAGS_APPEND, &fd2));
    GOOD(__wasi_fd_fdstat_get(fd2, &fdstat));
    SAME(fdstat.fs_flags, __WASI_FDFLAGS_APPEND);
    SAME(fdstat.fs_filetype, __WASI_FILETYPE_REGULAR_FILE);
    GOOD(__wasi_fd_seek(fd2, 0, __WASI_WHENCE_SET, &at));
    GOOD(__wasi_fd_filestat_set_size(fd2, 4));
    GOOD(write_text(fd2, "tail", &n));
    GOOD(__wasi_fd_tell(fd2, &at));
    SAME(at, 8);
    GOOD(__wasi_fd_fdstat_set_flags(fd2, 0));
    GOOD(__wasi_fd_seek(fd2, 0, __WASI_WHENCE_SET, &at));
    GOOD(write_text(fd2, "head", &n));
    GOOD(__wasi_fd_filestat_get(fd2, &stat));
    SAME(stat.size, 8);
    BAD(INVAL, __wasi_fd_fdstat_set_flags(fd2, 0x400));
    BAD(BADF, __wasi_fd_fdstat_set_flags(99, 0));
    GOOD(__wasi_fd_close(fd2));
    BAD(BADF, __wasi_fd_close(fd2));
    BAD(BADF, write_text(fd2, "x", &n));
    BAD(BADF, read_some(fd2, buf, 1, &n));
}

static void rights(void) {
    __wasi_fdstat_t fdstat;
    GOOD(open_at(tmp, "f", 0, READ_RIGHTS, &fd2));
    GOOD(read_some(fd2, buf, 4, &n));
    BAD(NOTCAPABLE, write_text(fd2, "x", &n));
    BAD(NOTCAPABLE, __wasi_fd_filestat_set_size(fd2, 0));
    BAD(NOTCAPABLE, __wasi_fd_allocate(fd2, 0, 1));
    BAD(NOTCAPABLE, __wasi_fd_sync(fd2));
    BAD(NOTCAPABLE, __wasi_fd_fdstat_set_flags(fd2, 0));
    BAD(NOTCAPABLE, __wasi_fd_filestat_set_times(fd2, 0, 0, __WASI_FSTFLAGS_MTIM_NOW));
    BAD(NOTCAPABLE, __wasi_fd_fdstat_set_rights(fd2, WRITE_RIGHTS, 0));
    GOOD(__wasi_fd_fdstat_set_rights(fd2, __WASI_RIGHTS_FD_WRITE & READ_RIGHTS, 0));
    GOOD(__wasi_fd_fdstat_get(fd2, &fdstat));
    SAME(fdstat.fs_rights_base, 0);
    BAD(NOTCAPABLE, read_some(fd2, buf, 4, &n));
    BAD(NOTCAPABLE, __wasi_fd_seek(fd2, 1, __WASI_WHENCE_SET, &at));
    BAD(NOTCAPABLE, __wasi_fd_tell(fd2, &at));
    GOOD(__wasi_fd_close(fd2));
    BAD(BADF, __wasi_fd_fdstat_get(99, &fdstat));
    BAD(BADF, __wasi_fd_fdstat_set_rights(99, 0, 0));
}

static void streams(void) {
    __wasi_fdstat_t fdstat;
    __wasi_iovec_t v = {(uint8_t *)buf, 5};
    __wasi_ciovec_t w = {(const uint8_t *)"XY", 2};
    BAD(SPIPE, __wasi_fd_pread(0, &v, 1, 0, &n));
    BAD(SPIPE, __wasi_fd_pwrite(1, &w, 1, 0, &n));
    BAD(NOTCAPABLE, read_some(1, buf, 1, &n));
    BAD(NOTCAPABLE, write_text(0, "x", &n));
    GOOD(__wasi_fd_fdstat_get(1, &fdstat));
    SAME(fdstat.fs_rights_base & __WASI_RIGHTS_FD_SEEK, 0);
    GOOD(__wasi_fd_filestat_get(1, &stat));
    GOOD(read_some(0, buf, sizeof(buf), &n)); /* the runner gives no input */
    SAME(n, 0);
}

static void large(void) {
    static char block[65536];
    GOOD(open_at(tmp, "large", __WASI_OFLAGS_CREAT, WRITE_RIGHTS, &fd2));
    bool same = true;
    for (unsigned i = 0; i < 64; i++) {
        memset(block, (int)i + 1, sizeof(block));
        __wasi_ciovec_t w = {(const uint8_t *)block, sizeof(block)};
        same = same && __wasi_fd_write(fd2, &w, 1, &n) == 0 && n == sizeof(block);
    }
    SAME(same, 1);
    GOOD(__wasi_fd_seek(fd2, 1000, __WASI_WHENCE_SET, &at));
    for (unsigned i = 0; i < 63; i++) {
        same = same && read_some(fd2, block, sizeof(block), &n) == 0 && n == sizeof(block);
        same = same && block[0] == (char)(i + 1) && block[sizeof(block) - 1] == (char)(i + 2);
    }
    SAME(same, 1);
    GOOD(__wasi_fd_seek(fd2, (int64_t)1 << 33, __WASI_WHENCE_SET, &at));
    GOOD(write_text(fd2, "far", &n));
    GOOD(__wasi_fd_filestat_get(fd2, &stat));
    SAME(stat.size, ((int64_t)1 << 33) + 3);
    GOOD(__wasi_fd_close(fd2));
    GOOD(__wasi_path_unlink_file(tmp, "large"));
}

int main(void) {
    tmp = preopened("/tmp");
    read_and_write();
    positioned();
    seeking();
    sizes();
    times();
    flags();
    rights();
    streams();
    large();
    GOOD(__wasi_path_unlink_file(tmp, "f"));
    GOOD(write_text(fd, "still open", &n));
    GOOD(__wasi_fd_close(fd));
    return check_sum();
}
