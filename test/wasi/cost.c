/*
 * What calls cost, for docs/performance.md: under --icount a nanosecond is an instruction.
 */
#include "test/wasi/check.h"

#define TIMES 1000u

static uint64_t now(void) {
    __wasi_timestamp_t t;
    (void)!__wasi_clock_time_get(__WASI_CLOCKID_MONOTONIC, 1, &t);
    return t;
}

/* Prints what `call` takes, done so often. */
#define COST(what, times, unit, call)                                                              \
    do {                                                                                           \
        uint64_t start = now();                                                                    \
        for (uint32_t i = 0; i < (times); i++) {                                                   \
            (void)!(call);                                                                         \
        }                                                                                          \
        printf("%-36s %6llu\n", what, (unsigned long long)((now() - start) / (unit)));             \
    } while (0)

int main(void) {
    enum { BLOCKS = 1024, BLOCK = 65536, KIB = BLOCKS * (BLOCK / 1024) };
    static uint8_t block[BLOCK];
    __wasi_fd_t tmp = preopened("/tmp"), fd;
    __wasi_size_t n;
    __wasi_filesize_t at;
    __wasi_filestat_t stat;
    __wasi_ciovec_t all = {block, BLOCK};
    make_file(tmp, "f", "");
    if (open_at(tmp, "f", 0, WRITE_RIGHTS, &fd) != 0) {
        return 1;
    }
    COST("a call that ends at the first check", TIMES, TIMES, __wasi_fd_tell(99, &at));
    COST("clock_time_get", TIMES, TIMES, __wasi_clock_time_get(1, 1, &at));
    COST("fd_write of 1 byte", TIMES, TIMES, write_text(fd, "x", &n));
    COST("path_filestat_get", TIMES, TIMES, __wasi_path_filestat_get(tmp, 0, "f", &stat));
    COST("write of 64 MiB, a KiB", BLOCKS, KIB, __wasi_fd_write(fd, &all, 1, &n));
    (void)!__wasi_fd_seek(fd, 0, __WASI_WHENCE_SET, &at);
    COST("overwrite of 64 MiB, a KiB", BLOCKS, KIB, __wasi_fd_write(fd, &all, 1, &n));
    (void)!__wasi_fd_seek(fd, 0, __WASI_WHENCE_SET, &at);
    COST("read of 64 MiB, a KiB", BLOCKS, KIB, read_some(fd, block, BLOCK, &n));
    return 0;
}
