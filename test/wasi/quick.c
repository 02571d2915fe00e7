/*
 * Reads and writes that can be done in the middle of a call's trap, and those next to them that cannot:
 * sizes, alignments, places at the borders of pages and of memory, and rights. What is read and written
 * is compared with a copy in memory, by calls that never go the quick way.
 */
#include "test/wasi/check.h"

enum { FILE_SIZE = 3 * 4096, MOST = 600, ROUNDS = 3000, PAGE = 65536 };

static __wasi_fd_t tmp, fd;
static uint8_t model[FILE_SIZE + MOST], bytes[FILE_SIZE + MOST];
static uint64_t model_size;

static uint32_t chance(uint32_t below) {
    static uint64_t state = 1;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % below;
}

/* A random place that is often a border. */
static uint64_t some_offset(void) {
    uint64_t at = chance(2) ? chance(FILE_SIZE) : chance(4) * 4096ull + chance(9);
    return at < 4 ? at : at - 4;
}

static uint32_t some_size(void) {
    return chance(3) ? 1 + chance(16) : chance(MOST);
}

static bool seek_to(uint64_t to) {
    __wasi_filesize_t now = 0, again = 0;
    return __wasi_fd_seek(fd, (int64_t)to, __WASI_WHENCE_SET, &now) == 0 && now == to &&
           __wasi_fd_tell(fd, &again) == 0 && again == to;
}

static bool write_some(uint64_t at, uint32_t size, uint8_t *from) {
    __wasi_ciovec_t v = {from, size};
    __wasi_size_t done = 77;
    for (uint32_t i = 0; i < size; i++) {
        model[at + i] = from[i] = (uint8_t)chance(256);
    }
    if (size > 0 && at + size > model_size) {
        model_size = at + size;
    }
    return __wasi_fd_write(fd, &v, 1, &done) == 0 && done == size;
}

static bool read_back(uint64_t at, uint32_t size, uint8_t *to) {
    __wasi_iovec_t v = {to, size};
    __wasi_size_t done = 77;
    uint64_t left = at < model_size ? model_size - at : 0, want = size < left ? size : left;
    return __wasi_fd_read(fd, &v, 1, &done) == 0 && done == want &&
           memcmp(to, model + at, want) == 0;
}

static bool whole_file(void) {
    __wasi_iovec_t v[2] = {{bytes, 1}, {bytes + 1, sizeof(bytes) - 1}};
    __wasi_size_t done = 0;
    return __wasi_fd_pread(fd, v, 2, 0, &done) == 0 && done == model_size &&
           memcmp(bytes, model, model_size) == 0;
}

static void random_calls(void) {
    static uint8_t place[MOST + 8];
    unsigned seeks = 0, writes = 0, reads = 0, files = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t at = some_offset(), after = 0;
        uint32_t size = some_size(), shift = chance(8);
        seeks += seek_to(at);
        if (chance(2)) {
            writes += write_some(at, size, place + shift);
            seeks += __wasi_fd_tell(fd, &after) == 0 && after == at + size;
        } else {
            writes++;
            reads += read_back(at, size, place + shift);
            seeks++;
        }
        files += i % 100 == 99 && whole_file();
    }
    SAME(seeks, 2 * ROUNDS);
    SAME(writes, ROUNDS);
    CHECK_LINE(reads > ROUNDS / 3, true, "reads give what was written");
    SAME(files, ROUNDS / 100);
}

/* `call` gives `error` and leaves the file and its offset as they are. */
#define REFUSED(error, call)                                                                       \
    do {                                                                                           \
        SAME(seek_to(5), true);                                                                    \
        BAD(error, call);                                                                          \
        GOOD(__wasi_fd_tell(fd, &at));                                                             \
        SAME(at, 5);                                                                               \
        SAME(whole_file(), true);                                                                  \
    } while (0)

static void odd_calls(void) {
    __wasi_filesize_t at;
    __wasi_size_t n;
    uint8_t *end = (uint8_t *)(__builtin_wasm_memory_size(0) * PAGE);
    __wasi_iovec_t in = {bytes, 3}, beyond = {end - 2, 3};
    __wasi_ciovec_t out = {bytes, 3}, out_beyond = {end - 2, 3};
    REFUSED(FAULT, __wasi_fd_write(fd, &out_beyond, 1, &n));
    REFUSED(FAULT, __wasi_fd_read(fd, &beyond, 1, &n));
    REFUSED(FAULT, __wasi_fd_write(fd, &out, 1, (__wasi_size_t *)(end - 3)));
    REFUSED(FAULT, __wasi_fd_read(fd, &in, 1, (__wasi_size_t *)(end - 3)));
    REFUSED(FAULT, __wasi_fd_write(fd, (__wasi_ciovec_t *)(end - 7), 1, &n));
    REFUSED(FAULT, __wasi_fd_tell(fd, (__wasi_filesize_t *)(end - 7)));
    REFUSED(FAULT, __wasi_fd_seek(fd, 9, __WASI_WHENCE_SET, (__wasi_filesize_t *)(end - 7)));
    REFUSED(INVAL, __wasi_fd_seek(fd, 9, 3, &at));
    REFUSED(INVAL, __wasi_fd_seek(fd, -9, __WASI_WHENCE_CUR, &at));
    REFUSED(OVERFLOW, __wasi_fd_seek(fd, INT64_MAX, __WASI_WHENCE_CUR, &at));
    REFUSED(FAULT, __wasi_random_get(end - 2, 3));
}

/* At the end of memory, in pages that nobody has touched, and after memory has grown. */
static void last_bytes(void) {
    SAME(seek_to(0), true);
    for (unsigned round = 0; round < 2; round++) {
        size_t pages = __builtin_wasm_memory_grow(0, 1);
        uint8_t *start = (uint8_t *)(pages * PAGE), *end = start + PAGE;
        __wasi_iovec_t *v = (__wasi_iovec_t *)(start + 8192);
        __wasi_size_t *n = (__wasi_size_t *)(end - 4);
        *v = (__wasi_iovec_t){end - 12, 8};
        GOOD(__wasi_fd_read(fd, v, 1, n));
        SAME(*n, 8);
        SAME(memcmp(end - 12, model + 8 * round, 8), 0);
        __wasi_filesize_t *at = (__wasi_filesize_t *)(start + 4 * 4096 - 4); /* in two new pages */
        GOOD(__wasi_fd_tell(fd, at));
        SAME(*at, 8 * (round + 1));
        GOOD(__wasi_clock_time_get(1, 1, (__wasi_timestamp_t *)(start + 5 * 4096)));
        CHECK_LINE(*(uint64_t *)(start + 5 * 4096) > 0, true, "the time in a new page");
    }
}

/* The vector lies where it reads to, and the result where it writes from. */
static void overlaps(void) {
    union {
        __wasi_iovec_t v;
        __wasi_ciovec_t cv;
        __wasi_size_t n[4];
        uint8_t bytes[16];
    } u;
    SAME(seek_to(0), true);
    u.v = (__wasi_iovec_t){u.bytes, 16};
    GOOD(__wasi_fd_read(fd, &u.v, 1, &u.n[3]));
    SAME(memcmp(u.bytes, model, 12), 0);
    SAME(u.n[3], 16);
    SAME(seek_to(100), true);
    u.cv = (__wasi_ciovec_t){u.bytes, 16};
    memcpy(model + 100, u.bytes, 16);
    GOOD(__wasi_fd_write(fd, &u.cv, 1, &u.n[0]));
    SAME(u.n[0], 16);
    SAME(whole_file(), true);
}

static void flags_and_rights(void) {
    __wasi_filesize_t at;
    __wasi_fdstat_t stat;
    __wasi_size_t n;
    uint8_t byte;
    __wasi_iovec_t v = {&byte, 1};
    GOOD(__wasi_fd_fdstat_set_flags(fd, __WASI_FDFLAGS_APPEND));
    SAME(seek_to(7), true);
    byte = 'z';
    model[model_size++] = 'z';
    GOOD(write_text(fd, "z", &n));
    SAME(whole_file(), true);
    GOOD(__wasi_fd_tell(fd, &at));
    CHECK_LINE(at == model_size, true, "an appended byte is at the end");
    GOOD(__wasi_fd_fdstat_set_flags(fd, 0));
    GOOD(__wasi_fd_fdstat_get(fd, &stat));
    GOOD(__wasi_fd_fdstat_set_rights(fd, stat.fs_rights_base & ~__WASI_RIGHTS_FD_WRITE, 0));
    REFUSED(NOTCAPABLE, write_text(fd, "z", &n));
    GOOD(__wasi_fd_read(fd, &v, 1, &n));
    GOOD(__wasi_fd_fdstat_set_rights(
        fd, stat.fs_rights_base & ~(__WASI_RIGHTS_FD_WRITE | __WASI_RIGHTS_FD_READ), 0));
    BAD(NOTCAPABLE, __wasi_fd_read(fd, &v, 1, &n));
    GOOD(__wasi_fd_fdstat_set_rights(fd, 0, 0));
    BAD(NOTCAPABLE, __wasi_fd_tell(fd, &at));
    BAD(NOTCAPABLE, __wasi_fd_fdstat_set_flags(fd, 0));
    BAD(ISDIR, __wasi_fd_read(tmp, &v, 1, &n));
    BAD(BADF, __wasi_fd_read(99, &v, 1, &n));
    BAD(BADF, write_text(99, "z", &n));
}

int main(void) {
    tmp = preopened("/tmp");
    GOOD(open_at(tmp, "quick", __WASI_OFLAGS_CREAT, WRITE_RIGHTS | READ_RIGHTS, &fd));
    random_calls();
    odd_calls();
    last_bytes();
    overlaps();
    flags_and_rights();
    GOOD(__wasi_fd_close(fd));
    GOOD(__wasi_path_unlink_file(tmp, "quick"));
    return check_sum();
}
