/*
 * What calls cost, for docs/performance.md: under --icount a nanosecond is an instruction. Where a host's directory
 * is preopened as /h, also what it costs this side; waiting is not counted, so it is the thread's own time.
 */
#include "test/wasi/check.h"

#define TIMES 1000u

static __wasi_clockid_t clock = __WASI_CLOCKID_MONOTONIC;

static uint64_t now(void) {
    __wasi_timestamp_t t;
    (void)!__wasi_clock_time_get(clock, 1, &t);
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

enum { BLOCKS = 1024, BLOCK = 65536, KIB = BLOCKS * (BLOCK / 1024) };
static uint8_t block[BLOCK];

/* In the file `fd` of that directory, which is empty. */
static void measure(__wasi_fd_t dir, __wasi_fd_t fd) {
    __wasi_size_t n;
    __wasi_filesize_t at;
    __wasi_filestat_t stat;
    __wasi_ciovec_t all = {block, BLOCK};
    COST("fd_write of 1 byte", TIMES, TIMES, write_text(fd, "x", &n));
    COST("path_filestat_get", TIMES, TIMES, __wasi_path_filestat_get(dir, 0, "f", &stat));
    COST("write of 64 MiB, a KiB", BLOCKS, KIB, __wasi_fd_write(fd, &all, 1, &n));
    (void)!__wasi_fd_seek(fd, 0, __WASI_WHENCE_SET, &at);
    COST("overwrite of 64 MiB, a KiB", BLOCKS, KIB, __wasi_fd_write(fd, &all, 1, &n));
    (void)!__wasi_fd_seek(fd, 0, __WASI_WHENCE_SET, &at);
    COST("read of 64 MiB, a KiB", BLOCKS, KIB, read_some(fd, block, BLOCK, &n));
}

/* The floor of the three above: bytes are moved once each way by any system. */
static void move_once(void) {
    static uint8_t other[BLOCK];
    uint64_t start = now();
    for (uint32_t i = 0; i < BLOCKS; i++) {
        memcpy(i % 2 ? block : other, i % 2 ? other : block, BLOCK);
        __asm__ volatile("" ::: "memory");
    }
    printf("%-36s %6llu\n", "memory.copy of 64 MiB, a KiB",
           (unsigned long long)((now() - start) / KIB));
}

static bool has_host(void) {
    __wasi_prestat_t stat;
    char name[3] = "";
    for (__wasi_fd_t fd = 3; __wasi_fd_prestat_get(fd, &stat) == 0; fd++) {
        if (stat.u.dir.pr_name_len == 2 &&
            __wasi_fd_prestat_dir_name(fd, (uint8_t *)name, 2) == 0 && strcmp(name, "/h") == 0) {
            return true;
        }
    }
    return false;
}

int main(void) {
    __wasi_filesize_t at;
    __wasi_fd_t tmp = preopened("/tmp"), fd;
    make_file(tmp, "f", "");
    if (open_at(tmp, "f", 0, WRITE_RIGHTS, &fd) != 0) {
        return 1;
    }
    COST("a call that ends at the first check", TIMES, TIMES, __wasi_fd_tell(99, &at));
    COST("clock_time_get", TIMES, TIMES, __wasi_clock_time_get(1, 1, &at));
    measure(tmp, fd);
    move_once();
    if (has_host()) {
        clock = __WASI_CLOCKID_THREAD_CPUTIME_ID;
        printf("on the host's directory:\n");
        __wasi_fd_t h = preopened("/h");
        make_file(h, "f", "");
        if (open_at(h, "f", 0, WRITE_RIGHTS, &fd) != 0) {
            return 1;
        }
        measure(h, fd);
    }
    return 0;
}
