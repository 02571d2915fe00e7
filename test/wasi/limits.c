/*
 * Where the RAM file system ends: a full disk, files too large, too many links, a hundred thousand
 * entries of a directory, holes; and that all is well afterwards.
 */
#include "test/wasi/check.h"

enum { LINKS_MAX = 65535, ENTRIES = 100000, BLOCK = 1 << 20 };

static __wasi_fd_t tmp, fd, dir;
static uint8_t block[BLOCK];
static bool seen[ENTRIES];

/* ---- sizes --------------------------------------------------------------------------------- */

static void holes(void) {
    const uint64_t largest = (uint64_t)1 << 39;
    __wasi_filesize_t at;
    __wasi_filestat_t stat;
    __wasi_size_t n;
    uint8_t got[3] = {1, 1, 1};
    GOOD(open_at(tmp, "holes", __WASI_OFLAGS_CREAT, WRITE_RIGHTS, &fd));
    GOOD(__wasi_fd_seek(fd, (int64_t)(largest - 1), __WASI_WHENCE_SET, &at));
    GOOD(write_text(fd, "x", &n));
    BAD(FBIG, write_text(fd, "y", &n));
    GOOD(__wasi_fd_filestat_get(fd, &stat));
    CHECK_LINE(stat.size == largest, true, "the file is 512 GiB long");
    GOOD(__wasi_fd_seek(fd, -2, __WASI_WHENCE_END, &at));
    GOOD(read_some(fd, got, 3, &n));
    SAME(n, 2);
    SAME(got[0], 0);
    SAME(got[1], 'x');
    GOOD(__wasi_fd_seek(fd, 12345678901, __WASI_WHENCE_SET, &at));
    GOOD(read_some(fd, got, 3, &n));
    SAME(n, 3);
    SAME(got[1], 0);
    BAD(FBIG, __wasi_fd_filestat_set_size(fd, largest + 1));
    BAD(FBIG, __wasi_fd_allocate(fd, largest, 1));
    BAD(FBIG, __wasi_fd_allocate(fd, INT64_MAX, 1));
    BAD(INVAL, __wasi_fd_allocate(fd, 0, UINT64_MAX));
    BAD(NOSPC, __wasi_fd_allocate(fd, 0, largest));
    GOOD(__wasi_fd_close(fd));
    GOOD(__wasi_path_unlink_file(tmp, "holes"));
}

/* Writes blocks until there is no room. Returns how many bytes went in. */
static uint64_t fill(__wasi_errno_t *error) {
    __wasi_ciovec_t v = {block, BLOCK};
    __wasi_size_t n;
    uint64_t total = 0;
    memset(block, 0x5a, BLOCK);
    while ((*error = __wasi_fd_write(fd, &v, 1, &n)) == 0) {
        total += n;
    }
    return total;
}

static void full_disk(void) {
    __wasi_errno_t error;
    __wasi_filestat_t stat;
    __wasi_fd_t fd2;
    __wasi_size_t n;
    uint8_t text[8];
    make_file(tmp, "before", "whole");
    uint64_t first = 0, second = 0;
    for (unsigned round = 0; round < 2; round++) {
        GOOD(open_at(tmp, "full", __WASI_OFLAGS_CREAT, WRITE_RIGHTS | READ_RIGHTS, &fd));
        second = first;
        first = fill(&error);
        SAME(error, __WASI_ERRNO_NOSPC);
        GOOD(__wasi_fd_filestat_get(fd, &stat));
        CHECK_LINE(stat.size == first, true, "the file holds what was written");
        BAD(NOSPC, __wasi_fd_allocate(fd, first, BLOCK));
        BAD(NOSPC, write_text(fd, "more", &n));
        GOOD(__wasi_fd_close(fd));
        GOOD(__wasi_path_unlink_file(tmp, "full"));
    }
    CHECK_LINE(first == second && first >= 8 * BLOCK, true, "what was freed can be had again");
    GOOD(open_at(tmp, "before", 0, READ_RIGHTS, &fd2));
    GOOD(read_some(fd2, text, sizeof(text), &n));
    SAME(n, 5);
    SAME(memcmp(text, "whole", 5), 0);
    GOOD(__wasi_fd_close(fd2));
    GOOD(__wasi_path_unlink_file(tmp, "before"));
}

/* ---- directories --------------------------------------------------------------------------- */

static void name_of(unsigned i, char name[8]) {
    snprintf(name, 8, "%u", i);
}

/* Entries [from, to) as links to `target`; returns how many could be made. */
static unsigned link_some(const char *target, unsigned from, unsigned to, __wasi_errno_t *error) {
    char name[8];
    unsigned i = from;
    *error = 0;
    for (; i < to && *error == 0; i++) {
        name_of(i, name);
        *error = __wasi_path_link(tmp, 0, target, dir, name);
    }
    return i - from - (*error != 0);
}

static bool take_entry(const uint8_t *name, size_t len) {
    unsigned number = 0;
    for (size_t i = 0; i < len; i++) {
        number = number * 10 + name[i] - '0';
    }
    bool fresh = number < ENTRIES && !seen[number];
    seen[number < ENTRIES ? number : 0] = true;
    return fresh;
}

/* How many entries fd_readdir tells, dots left out, each once. */
static unsigned count_entries(void) {
    __wasi_dircookie_t cookie = 0;
    __wasi_size_t used = sizeof(block);
    unsigned count = 0;
    memset(seen, 0, sizeof(seen));
    while (used == sizeof(block)) {
        if (__wasi_fd_readdir(dir, block, sizeof(block), cookie, &used) != 0) {
            return 0;
        }
        __wasi_dirent_t entry;
        for (size_t at = 0; at + sizeof(entry) <= used; at += sizeof(entry) + entry.d_namlen) {
            memcpy(&entry, block + at, sizeof(entry));
            if (at + sizeof(entry) + entry.d_namlen > used) {
                break;
            }
            cookie = entry.d_next;
            if (block[at + sizeof(entry)] != '.') {
                count += take_entry(block + at + sizeof(entry), entry.d_namlen);
            }
        }
    }
    return count;
}

static uint64_t cpu_now(void) {
    __wasi_timestamp_t now = 0;
    (void)!__wasi_clock_time_get(__WASI_CLOCKID_PROCESS_CPUTIME_ID, 1, &now);
    return now;
}

static void many_entries(void) {
    const __wasi_rights_t rights =
        __WASI_RIGHTS_FD_READDIR | __WASI_RIGHTS_PATH_LINK_TARGET | __WASI_RIGHTS_PATH_UNLINK_FILE;
    __wasi_errno_t error;
    __wasi_filestat_t stat;
    char name[8];
    make_file(tmp, "a", "");
    make_file(tmp, "b", "");
    GOOD(__wasi_path_create_directory(tmp, "many"));
    GOOD(open_at(tmp, "many", __WASI_OFLAGS_DIRECTORY, rights, &dir));
    uint64_t start = cpu_now();
    SAME(link_some("a", 0, ENTRIES / 2, &error), ENTRIES / 2);
    uint64_t half = cpu_now() - start;
    SAME(link_some("a", ENTRIES / 2, ENTRIES, &error), LINKS_MAX - 1 - ENTRIES / 2);
    SAME(error, __WASI_ERRNO_MLINK);
    SAME(link_some("b", LINKS_MAX - 1, ENTRIES, &error), ENTRIES - LINKS_MAX + 1);
    uint64_t whole = cpu_now() - start;
    CHECK_LINE(whole < 5 * half, true, "an entry does not cost more among many");
    GOOD(__wasi_path_filestat_get(tmp, 0, "a", &stat));
    SAME(stat.nlink, LINKS_MAX);
    SAME(count_entries(), ENTRIES);
    BAD(NOTEMPTY, __wasi_path_remove_directory(tmp, "many"));
    unsigned removed = 0;
    for (unsigned i = 0; i < ENTRIES; i++) {
        name_of((unsigned)((uint64_t)i * 77777 % ENTRIES), name);
        removed += __wasi_path_unlink_file(dir, name) == 0;
    }
    SAME(removed, ENTRIES);
    SAME(count_entries(), 0);
    GOOD(__wasi_fd_close(dir));
    GOOD(__wasi_path_remove_directory(tmp, "many"));
    GOOD(__wasi_path_unlink_file(tmp, "a"));
    GOOD(__wasi_path_unlink_file(tmp, "b"));
}

int main(void) {
    tmp = preopened("/tmp");
    holes();
    full_disk();
    many_entries();
    return check_sum();
}
