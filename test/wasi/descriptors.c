/*
 * Descriptors as such, and reading directories.
 */
#include "test/wasi/check.h"

static __wasi_fd_t tmp, fd, fd2;
static __wasi_size_t n;
static __wasi_prestat_t prestat;

static void preopens(void) {
    uint8_t name[16];
    GOOD(__wasi_fd_prestat_get(tmp, &prestat));
    SAME(prestat.tag, 0);
    SAME(prestat.u.dir.pr_name_len, 4);
    GOOD(__wasi_fd_prestat_dir_name(tmp, name, 4));
    SAME(memcmp(name, "/tmp", 4), 0);
    BAD(NAMETOOLONG, __wasi_fd_prestat_dir_name(tmp, name, 3));
    BAD(BADF, __wasi_fd_prestat_get(99, &prestat));
    BAD(BADF, __wasi_fd_prestat_dir_name(99, name, 4));
    BAD(BADF, __wasi_fd_prestat_get(1, &prestat));
    BAD(BADF, __wasi_fd_prestat_dir_name(1, name, 4));
}

static void renumber(void) {
    make_file(tmp, "one", "1");
    make_file(tmp, "two", "22");
    __wasi_filestat_t stat;
    GOOD(open_at(tmp, "one", 0, READ_RIGHTS, &fd));
    GOOD(open_at(tmp, "two", 0, READ_RIGHTS, &fd2));
    GOOD(__wasi_fd_renumber(fd2, fd));
    GOOD(__wasi_fd_filestat_get(fd, &stat));
    SAME(stat.size, 2);
    BAD(BADF, __wasi_fd_filestat_get(fd2, &stat));
    BAD(BADF, __wasi_fd_renumber(fd2, fd));
    BAD(BADF, __wasi_fd_renumber(fd, 9999));
    GOOD(__wasi_fd_renumber(fd, fd));
    GOOD(__wasi_fd_filestat_get(fd, &stat));
    GOOD(__wasi_fd_close(fd));
}

static void exhaust(void) {
    static __wasi_fd_t fds[20000];
    unsigned count = 0;
    __wasi_errno_t error = 0;
    while (count < 20000 && (error = open_at(tmp, "one", 0, READ_RIGHTS, &fds[count])) == 0) {
        count++;
    }
    SAME(error, __WASI_ERRNO_MFILE);
    BAD(MFILE, open_at(tmp, "new", __WASI_OFLAGS_CREAT, WRITE_RIGHTS, &fd));
    bool closed = true;
    for (unsigned i = 0; i < count; i++) {
        closed = closed && __wasi_fd_close(fds[i]) == 0;
    }
    SAME(closed, 1);
    __wasi_filestat_t stat;
    BAD(NOENT, __wasi_path_filestat_get(tmp, 0, "new", &stat));
    GOOD(open_at(tmp, "one", 0, READ_RIGHTS, &fd));
    GOOD(__wasi_fd_close(fd));
}

/* ---- directories ------------------------------------------------------------------------------- */

#define MANY 500

static unsigned char seen[MANY];
static unsigned total;

/* All entries of one buffer that are whole; the cookie after them. */
static __wasi_dircookie_t take_entries(const uint8_t *buf, size_t size, __wasi_dircookie_t cookie) {
    while (size >= sizeof(__wasi_dirent_t)) {
        __wasi_dirent_t entry;
        memcpy(&entry, buf, sizeof(entry));
        if (size < sizeof(entry) + entry.d_namlen) {
            break;
        }
        const char *name = (const char *)buf + sizeof(entry);
        if (*name == 'n') {
            unsigned i = 0;
            for (unsigned d = 1; d < entry.d_namlen; d++) {
                i = 10 * i + (unsigned)(name[d] - '0');
            }
            seen[i < MANY ? i : 0]++;
        }
        total++;
        cookie = entry.d_next;
        buf += sizeof(entry) + entry.d_namlen;
        size -= sizeof(entry) + entry.d_namlen;
    }
    return cookie;
}

static void read_by(__wasi_fd_t dir, uint8_t *buf, size_t size) {
    __wasi_dircookie_t cookie = 0;
    memset(seen, 0, sizeof(seen));
    total = 0;
    do {
        if (__wasi_fd_readdir(dir, buf, size, cookie, &n) != 0) {
            break;
        }
        cookie = take_entries(buf, n, cookie);
    } while (n == size);
    bool once = true;
    for (unsigned i = 0; i < MANY; i++) {
        once = once && seen[i] == 1;
    }
    SAME(once, 1);
    SAME(total >= MANY, 1);
}

static void directories(void) {
    static uint8_t buf[8192];
    char name[32];
    __wasi_fd_t dir;
    GOOD(__wasi_path_create_directory(tmp, "many"));
    GOOD(open_at(tmp, "many", __WASI_OFLAGS_DIRECTORY,
                 __WASI_RIGHTS_FD_READDIR | __WASI_RIGHTS_PATH_UNLINK_FILE, &dir));
    for (unsigned i = 0; i < MANY; i++) {
        sprintf(name, "many/n%u", i);
        make_file(tmp, name, "");
    }
    read_by(dir, buf, sizeof(buf));
    read_by(dir, buf, 100);
    read_by(dir, buf, 37);
    GOOD(__wasi_fd_readdir(dir, buf, 0, 0, &n));
    SAME(n, 0);
    GOOD(__wasi_fd_readdir(dir, buf, 10, 0, &n));
    SAME(n, 10);
    BAD(BADF, __wasi_fd_readdir(99, buf, 10, 0, &n));
    BAD(NOTDIR, __wasi_fd_readdir(1, buf, 10, 0, &n));
    bool removed = true;
    for (unsigned i = 0; i < MANY; i++) {
        sprintf(name, "n%u", i);
        removed = removed && __wasi_path_unlink_file(dir, name) == 0;
    }
    SAME(removed, 1);
    GOOD(__wasi_fd_readdir(dir, buf, sizeof(buf), 2, &n));
    GOOD(__wasi_path_remove_directory(tmp, "many"));
    GOOD(__wasi_fd_close(dir));
}

static void sockets(void) {
    uint8_t buf[4];
    __wasi_iovec_t v = {buf, 4};
    __wasi_ciovec_t w = {buf, 4};
    __wasi_roflags_t flags;
    BAD(NOTSOCK, __wasi_sock_recv(1, &v, 1, 0, &n, &flags));
    BAD(NOTSOCK, __wasi_sock_send(1, &w, 1, 0, &n));
    BAD(NOTSOCK, __wasi_sock_shutdown(1, __WASI_SDFLAGS_RD));
    BAD(NOTSOCK, __wasi_sock_accept(1, 0, &fd));
    BAD(BADF, __wasi_sock_recv(99, &v, 1, 0, &n, &flags));
    BAD(BADF, __wasi_sock_send(99, &w, 1, 0, &n));
    BAD(BADF, __wasi_sock_shutdown(99, __WASI_SDFLAGS_RD));
    BAD(BADF, __wasi_sock_accept(99, 0, &fd));
}

int main(int argc, char **argv) {
    tmp = preopened("/tmp");
    preopens();
    renumber();
    if (argc < 2 || strcmp(argv[1], "host") != 0) { /* it takes long there */
        exhaust();
    }
    directories();
    if (!left_out(tmp, "sockets")) {
        sockets();
    }
    GOOD(__wasi_path_unlink_file(tmp, "one"));
    GOOD(__wasi_path_unlink_file(tmp, "two"));
    return check_sum();
}
