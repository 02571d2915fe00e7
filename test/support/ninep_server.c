/*
 * The server: a request is read by a sticky reader, done by one function, and answered into a buffer. A client's
 * mistake aborts, since there is one client and it is ours.
 */
#include "test/support/ninep_server.h"

#include "fs/ninep_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define MESSAGE_SIZE (NINEP_DATA_MAX + NINEP_HEAD_SIZE)

struct session {
    struct ninep_server *server;
    struct reader in;
    uint8_t *out;
    size_t size;
};

static void must(bool good, const char *what) {
    if (!good) {
        fprintf(stderr, "9P server: %s\n", what);
        abort();
    }
}

/* What depends on the server's state: where answers are twisted the client cannot know it. */
static bool fits(const struct session *s, bool good, const char *what) {
    must(good || s->server->lenient, what);
    return good;
}

/* ---- messages -------------------------------------------------------------------------------- */

static void put(struct session *s, uint64_t value, unsigned size) {
    for (unsigned i = 0; i < size; i++) {
        s->out[s->size++] = (uint8_t)(value >> (8 * i));
    }
}

static void put_bytes(struct session *s, const void *bytes, size_t size) {
    memcpy(s->out + s->size, bytes, size);
    s->size += size;
}

static void put_qid(struct session *s, const struct stat *st) {
    put(s, S_ISDIR(st->st_mode) ? 0x80 : S_ISLNK(st->st_mode) ? 0x02 : 0, 1);
    put(s, 0, 4);
    put(s, st->st_ino, 8);
}

/* Terminated, in a buffer that the next but three overwrites. */
static const char *get_name(struct session *s) {
    static char names[4][FS_PATH_MAX + 1];
    static unsigned next;
    char *name = names[next++ % 4];
    uint16_t len = reader_le16(&s->in);
    must(len <= FS_PATH_MAX, "a string is too long");
    const uint8_t *at = reader_bytes(&s->in, len);
    must(at != NULL, "a string is cut off");
    memcpy(name, at, len);
    name[len] = '\0';
    must(strlen(name) == len, "a string with NUL");
    return name;
}

static struct ninep_server_fid *get_fid(struct session *s) {
    static struct ninep_server_fid none;
    uint32_t fid = reader_le32(&s->in);
    none = (struct ninep_server_fid){.at = -1, .open = -1};
    must(fid < NINEP_FIDS_MAX, "a fid is out of range");
    return fits(s, s->server->fids[fid].at >= 0, "a fid is not known") ? &s->server->fids[fid]
                                                                       : &none;
}

/* Takes over `at`, or closes it. */
static int new_fid(struct session *s, int at) {
    uint32_t fid = reader_le32(&s->in);
    must(fid < NINEP_FIDS_MAX, "a fid is out of range");
    if (!fits(s, s->server->fids[fid].at < 0, "a fid is in use")) {
        close(at);
        return EBADF;
    }
    s->server->fids[fid] = (struct ninep_server_fid){.at = at, .open = -1};
    s->server->fid_count++;
    return 0;
}

static void close_fid(struct ninep_server *server, struct ninep_server_fid *fid) {
    if (fid->dir) {
        closedir(fid->dir);
    } else if (fid->open >= 0) {
        close(fid->open);
    }
    close(fid->at);
    *fid = (struct ninep_server_fid){.at = -1, .open = -1};
    server->fid_count--;
}

/* ---- requests: each gives an errno ----------------------------------------------------------- */

static int do_version(struct session *s) {
    uint32_t msize = reader_le32(&s->in), most = s->server->msize;
    const char *version = get_name(s);
    bool known = strcmp(version, "9P2000.L") == 0;
    put(s, most && most < msize ? most : msize, 4);
    put(s, known ? 8 : 7, 2);
    put_bytes(s, known ? version : "unknown", known ? 8 : 7);
    return 0;
}

static int do_attach(struct session *s) {
    struct stat st;
    int error = new_fid(s, dup(s->server->root));
    must(reader_le32(&s->in) == NINEP_NO_FID, "an authentication fid");
    (void)get_name(s), (void)get_name(s), (void)reader_le32(&s->in);
    fstat(s->server->root, &st);
    put_qid(s, &st);
    return error;
}

static int do_walk(struct session *s) {
    struct ninep_server_fid *fid = get_fid(s);
    struct reader made = reader_sub(&s->in, 4);
    struct stat st;
    uint16_t count = reader_le16(&s->in);
    const char *name = count ? get_name(s) : "";
    must(count <= 1, "a walk of more than a name");
    must(!strchr(name, '/') && strcmp(name, "..") != 0 && strcmp(name, ".") != 0,
         "a name that leads elsewhere");
    if (!fits(s, fid->open < 0, "a walk from an open fid")) {
        return EINVAL;
    }
    int fd = count ? openat(fid->at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC) : dup(fid->at);
    if (fd < 0) {
        return errno;
    }
    fstat(fd, &st);
    struct reader rest = s->in;
    s->in = made;
    int error = new_fid(s, fd);
    s->in = rest;
    put(s, count, 2);
    if (count) {
        put_qid(s, &st);
    }
    return error;
}

static const char *proc_path(int fd) {
    static char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return path;
}

static void put_opened(struct session *s, int fd) {
    struct stat st;
    fstat(fd, &st);
    put_qid(s, &st);
    put(s, 0, 4);
}

static int do_lopen(struct session *s) {
    struct ninep_server_fid *fid = get_fid(s);
    int flags = (int)reader_le32(&s->in) & ~NINEP_OPEN_NOFOLLOW;
    if (!fits(s, fid->open < 0, "it is open")) {
        return EINVAL;
    }
    fid->open = open(proc_path(fid->at), flags | O_CLOEXEC);
    if (fid->open < 0) {
        return errno;
    }
    put_opened(s, fid->open);
    return 0;
}

static int do_lcreate(struct session *s) {
    struct ninep_server_fid *fid = get_fid(s);
    const char *name = get_name(s);
    uint32_t flags = reader_le32(&s->in), mode = reader_le32(&s->in);
    (void)reader_le32(&s->in);
    must((flags & 3) == 2 && (flags & NINEP_OPEN_EXCL), "other flags");
    if (!fits(s, fid->open < 0, "it is open")) {
        return EINVAL;
    }
    int fd = openat(fid->at, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0) {
        return errno;
    }
    int at = openat(fid->at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    close(fid->at);
    fid->at = at;
    fid->open = fd;
    put_opened(s, fd);
    return 0;
}

static int do_read(struct session *s) {
    struct ninep_server_fid *fid = get_fid(s);
    uint64_t offset = reader_le64(&s->in);
    uint32_t count = reader_le32(&s->in);
    must(count <= NINEP_DATA_MAX, "a read is too large");
    fits(s, fid->open >= 0, "a file that is not open is read");
    ssize_t n = pread(fid->open, s->out + s->size + 4, count, (off_t)offset);
    if (n < 0) {
        return errno;
    }
    put(s, (uint64_t)n, 4);
    s->size += (size_t)n;
    return 0;
}

static int do_write(struct session *s) {
    struct ninep_server_fid *fid = get_fid(s);
    uint64_t offset = reader_le64(&s->in);
    uint32_t count = reader_le32(&s->in);
    const uint8_t *bytes = reader_bytes(&s->in, count);
    must(bytes != NULL, "a write is cut off");
    fits(s, fid->open >= 0, "a file that is not open is written");
    ssize_t n = pwrite(fid->open, bytes, count, (off_t)offset);
    if (n < 0) {
        return errno;
    }
    put(s, (uint64_t)n, 4);
    return 0;
}

static int do_readdir(struct session *s) {
    struct ninep_server_fid *fid = get_fid(s);
    uint64_t cookie = reader_le64(&s->in);
    uint32_t count = reader_le32(&s->in);
    size_t start = s->size, left = count;
    fid->dir = fid->dir ? fid->dir : fdopendir(fid->open);
    if (!fits(s, fid->dir != NULL, "no directory is read")) {
        return EBADF;
    }
    if (cookie == 0) {
        rewinddir(fid->dir);
    } else {
        seekdir(fid->dir, (long)cookie);
    }
    put(s, 0, 4);
    for (struct dirent *e; (e = readdir(fid->dir)) && strlen(e->d_name) + 24 <= left;) {
        struct stat st = {.st_ino = e->d_ino, .st_mode = (mode_t)DTTOIF(e->d_type)};
        left -= strlen(e->d_name) + 24;
        put_qid(s, &st);
        put(s, (uint64_t)e->d_off, 8);
        put(s, e->d_type, 1);
        put(s, strlen(e->d_name), 2);
        put_bytes(s, e->d_name, strlen(e->d_name));
    }
    size_t end = s->size;
    s->size = start;
    put(s, end - start - 4, 4);
    s->size = end;
    return 0;
}

static int do_getattr(struct session *s) {
    struct ninep_server_fid *fid = get_fid(s);
    struct stat st;
    uint64_t mask = reader_le64(&s->in);
    if (fstat(fid->at, &st) < 0) {
        return errno;
    }
    put(s, mask & 0x7ff, 8);
    put_qid(s, &st);
    put(s, st.st_mode, 4);
    put(s, st.st_uid, 4);
    put(s, st.st_gid, 4);
    const struct timespec *times[] = {&st.st_atim, &st.st_mtim, &st.st_ctim};
    uint64_t numbers[] = {st.st_nlink, st.st_rdev, (uint64_t)st.st_size, (uint64_t)st.st_blksize,
                          (uint64_t)st.st_blocks};
    for (unsigned i = 0; i < 5; i++) {
        put(s, numbers[i], 8);
    }
    for (unsigned i = 0; i < 3; i++) {
        put(s, (uint64_t)times[i]->tv_sec, 8);
        put(s, (uint64_t)times[i]->tv_nsec, 8);
    }
    for (unsigned i = 0; i < 4; i++) {
        put(s, 0, 8);
    }
    return 0;
}

static int do_setattr(struct session *s) {
    struct ninep_server_fid *fid = get_fid(s);
    uint32_t what = reader_le32(&s->in);
    (void)reader_bytes(&s->in, 12);
    uint64_t size = reader_le64(&s->in);
    struct timespec times[2];
    for (unsigned i = 0; i < 2; i++) {
        times[i].tv_sec = (time_t)reader_le64(&s->in);
        times[i].tv_nsec = (long)reader_le64(&s->in);
        times[i].tv_nsec = what & (0x80u << i) ? times[i].tv_nsec : UTIME_OMIT;
    }
    if ((what & 8) && truncate(proc_path(fid->at), (off_t)size) < 0) {
        return errno;
    }
    if ((what & 0x180) && utimensat(fid->at, "", times, AT_EMPTY_PATH) < 0) {
        return errno;
    }
    return 0;
}

/* Those that make a name in a directory, and answer with a qid. */
static int put_made(struct session *s, int dir, const char *name, int result) {
    struct stat st;
    if (result < 0 || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        return errno;
    }
    put_qid(s, &st);
    return 0;
}

static int do_mkdir(struct session *s) {
    int dir = get_fid(s)->at;
    const char *name = get_name(s);
    uint32_t mode = reader_le32(&s->in);
    (void)reader_le32(&s->in);
    return put_made(s, dir, name, mkdirat(dir, name, mode));
}

static int do_symlink(struct session *s) {
    int dir = get_fid(s)->at;
    const char *name = get_name(s), *target = get_name(s);
    (void)reader_le32(&s->in);
    return put_made(s, dir, name, symlinkat(target, dir, name));
}

static int do_readlink(struct session *s) {
    char target[FS_PATH_MAX];
    ssize_t n = readlinkat(get_fid(s)->at, "", target, sizeof(target));
    if (n < 0) {
        return errno;
    }
    put(s, (uint64_t)n, 2);
    put_bytes(s, target, (size_t)n);
    return 0;
}

static int do_link(struct session *s) {
    int dir = get_fid(s)->at, from = get_fid(s)->at;
    struct stat st;
    fstat(from, &st);
    const char *name = get_name(s);
    if (S_ISLNK(st.st_mode)) { /* /proc would follow it */
        return linkat(from, "", dir, name, AT_EMPTY_PATH) < 0 ? errno : 0;
    }
    return linkat(AT_FDCWD, proc_path(from), dir, name, AT_SYMLINK_FOLLOW) < 0 ? errno : 0;
}

static int do_rename(struct session *s) {
    int from = get_fid(s)->at;
    const char *name = get_name(s);
    int to = get_fid(s)->at;
    return renameat(from, name, to, get_name(s)) < 0 ? errno : 0;
}

static int do_unlink(struct session *s) {
    int dir = get_fid(s)->at;
    const char *name = get_name(s);
    return unlinkat(dir, name, reader_le32(&s->in) ? AT_REMOVEDIR : 0) < 0 ? errno : 0;
}

static int do_fsync(struct session *s) {
    struct ninep_server_fid *fid = get_fid(s);
    uint32_t data_only = reader_le32(&s->in);
    fits(s, fid->open >= 0, "a file that is not open is synced");
    return (data_only ? fdatasync(fid->open) : fsync(fid->open)) < 0 ? errno : 0;
}

static int do_statfs(struct session *s) {
    struct statfs st;
    if (fstatfs(get_fid(s)->at, &st) < 0) {
        return errno;
    }
    uint64_t numbers[] = {st.f_blocks, st.f_bfree, st.f_bavail, st.f_files, st.f_ffree, 0};
    put(s, (uint64_t)st.f_type, 4);
    put(s, (uint64_t)st.f_bsize, 4);
    for (unsigned i = 0; i < 6; i++) {
        put(s, numbers[i], 8);
    }
    put(s, FS_NAME_MAX, 4);
    return 0;
}

static int do_clunk(struct session *s) {
    struct ninep_server_fid *fid = get_fid(s);
    if (fid->at < 0) {
        return EBADF;
    }
    close_fid(s->server, fid);
    return 0;
}

static int do_request(struct session *s, uint8_t type) {
    static int (*const functions[256])(struct session *) = {
        [NINEP_TVERSION] = do_version,   [NINEP_TATTACH] = do_attach,
        [NINEP_TWALK] = do_walk,         [NINEP_TLOPEN] = do_lopen,
        [NINEP_TLCREATE] = do_lcreate,   [NINEP_TREAD] = do_read,
        [NINEP_TWRITE] = do_write,       [NINEP_TREADDIR] = do_readdir,
        [NINEP_TGETATTR] = do_getattr,   [NINEP_TSETATTR] = do_setattr,
        [NINEP_TMKDIR] = do_mkdir,       [NINEP_TSYMLINK] = do_symlink,
        [NINEP_TREADLINK] = do_readlink, [NINEP_TLINK] = do_link,
        [NINEP_TRENAMEAT] = do_rename,   [NINEP_TUNLINKAT] = do_unlink,
        [NINEP_TFSYNC] = do_fsync,       [NINEP_TCLUNK] = do_clunk,
        [NINEP_TSTATFS] = do_statfs,
    };
    must(functions[type] != NULL, "a request of no known type");
    return functions[type](s);
}

/* The answer to a request, in `out`; its size. */
static size_t answer(struct ninep_server *server, const uint8_t *request, size_t request_size,
                     uint8_t *out) {
    struct session s = {.server = server, .out = out, .size = 7};
    reader_init(&s.in, request, request_size);
    must(reader_le32(&s.in) == request_size, "a request's size is wrong");
    uint8_t type = reader_u8(&s.in);
    uint16_t tag = reader_le16(&s.in);
    int error = do_request(&s, type);
    if (error == 0) {
        must(reader_ok(&s.in) && reader_left(&s.in) == 0, "a request's parameters are wrong");
    }
    if (error != 0) {
        s.size = 7;
        put(&s, (uint64_t)error, 4);
    }
    size_t size = s.size;
    s.size = 0;
    put(&s, size, 4);
    put(&s, error ? NINEP_RLERROR : type + 1u, 1);
    put(&s, tag, 2);
    return size;
}

/* ---- the transport --------------------------------------------------------------------------- */

struct pair {
    struct ninep_exchange exchange;
    uint8_t out[NINEP_HEAD_SIZE], in[NINEP_HEAD_SIZE];
};

static struct ninep_server *of(struct ninep_transport *transport) {
    return (struct ninep_server *)transport;
}

static status_t begin(struct ninep_transport *transport, size_t data_size,
                      struct ninep_exchange **out) {
    struct ninep_server *server = of(transport);
    struct pair *pair = calloc(1, sizeof(*pair));
    size_t most = server->data_max;
    pair->exchange = (struct ninep_exchange){
        .out = pair->out, .in = pair->in, .tag = (uint16_t)(server->requests % 1000)};
    pair->exchange.data_cap = most && most < data_size ? most : data_size;
    pair->exchange.data = malloc(data_size);
    server->exchanges++;
    *out = &pair->exchange;
    return STATUS_OK;
}

static void end(struct ninep_transport *transport, struct ninep_exchange *exchange) {
    of(transport)->exchanges--;
    free(exchange->data);
    free(exchange);
}

/* As a device does it: the bytes go where they belong, as far as there is room, and the size is what the
 * server says. */
static status_t run(struct ninep_transport *transport, struct ninep_exchange *ex,
                    const struct ninep_sizes *sizes, size_t *size_out) {
    static uint8_t request[MESSAGE_SIZE], out[2 * MESSAGE_SIZE];
    struct ninep_server *server = of(transport);
    server->requests++;
    if (server->dead) {
        return STATUS_IO;
    }
    must(sizes->data_out + sizes->data_in <= ex->data_cap, "data outside its buffer");
    memcpy(request, ex->out, sizes->out);
    if (sizes->data_out > 0) {
        memcpy(request + sizes->out, ex->data, sizes->data_out);
    }
    size_t size = answer(server, request, sizes->out + sizes->data_out, out);
    if (server->twist) {
        size = server->twist(server, request, out, size, sizeof(out));
    }
    if (server->dead) {
        return STATUS_IO;
    }
    size_t head = size < sizes->in ? size : sizes->in;
    size_t data = size - head < sizes->data_in ? size - head : sizes->data_in;
    memcpy(ex->in, out, head);
    if (data > 0) {
        memcpy(ex->data, out + head, data);
    }
    *size_out = size;
    return STATUS_OK;
}

void ninep_server_init(struct ninep_server *server, const char *path) {
    static const struct ninep_transport_ops ops = {.begin = begin, .run = run, .end = end};
    *server = (struct ninep_server){.transport = {&ops}};
    for (unsigned i = 0; i < NINEP_FIDS_MAX; i++) {
        server->fids[i] = (struct ninep_server_fid){.at = -1, .open = -1};
    }
    server->root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    must(server->root >= 0, "no such directory");
}

void ninep_server_fini(struct ninep_server *server) {
    for (unsigned i = 0; i < NINEP_FIDS_MAX; i++) {
        if (server->fids[i].at >= 0) {
            close_fid(server, &server->fids[i]);
        }
    }
    close(server->root);
}
