/*
 * The 9P client against a server in this process: like the host's own file system when the server is right, and
 * unharmed when it is not: answers cut off, too long, of another type or tag, with lying lengths and bad names, and a
 * server that dies. After each test no fid, exchange or byte is left.
 */
#include "fs/ninep.h"
#include "fs/ninep_internal.h"
#include "test/support/check.h"
#include "test/support/fs_platform.h"
#include "test/support/ninep_server.h"
#include "test/support/ninep_use.h"
#include "test/support/twin.h"

static struct ninep_server server;
static struct ninep *fs;
static char served[64];

static void make_folder(char *path, const char *name) {
    sprintf(path, "/tmp/k23-%s-XXXXXX", name);
    CHECK(mkdtemp(path) != NULL);
}

static void remove_folder(const char *path) {
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", path);
    CHECK_EQ(system(command), 0);
}

static void open_fs(void) {
    make_folder(served, "served");
    ninep_server_init(&server, served);
    CHECK_EQ(ninep_mount(&server.transport, 022, &fs), STATUS_OK);
    root = ninep_root(fs);
}

/* The server lost what it had when it went wrong, but the client must have given up all that it held. */
static void close_client(void) {
    unsigned used = 0;
    node_put(root);
    for (unsigned i = 0; i < NINEP_FIDS_MAX / 64; i++) {
        used += (unsigned)__builtin_popcountll(fs->fids[i]);
    }
    CHECK_EQ(used, 1 + (ninep_of(fs->root)->open[NINEP_USE_READ] != NINEP_NO_FID));
    CHECK_EQ(fs->live, 1);
    ninep_unmount(fs);
    CHECK_EQ(fs_platform_held, 0);
    CHECK_EQ(server.exchanges, 0);
}

static void close_server(void) {
    ninep_server_fini(&server);
    remove_folder(served);
}

static void close_fs(void) {
    close_client();
    CHECK_EQ(server.fid_count, 0);
    close_server();
}

/* ---- a server that is right ------------------------------------------------------------------ */

TEST(like_the_host) {
    for (unsigned round = 0; round < 20; round++) {
        make_folder(host, "twin");
        open_fs();
        server.data_max = round % 3 == 1 ? 1000 : 0; /* as when memory is short */
        twin_round();
        close_fs();
        remove_folder(host);
    }
}

TEST(a_small_message_size) {
    static unsigned char out[50000], in[50000];
    struct node *file;
    struct node_bytes to = node_bytes_to(in);
    size_t done;
    make_folder(served, "served");
    ninep_server_init(&server, served);
    server.msize = 8192;
    CHECK_EQ(ninep_mount(&server.transport, 0, &fs), STATUS_OK);
    root = ninep_root(fs);
    for (size_t i = 0; i < sizeof(out); i++) {
        out[i] = (unsigned char)(i * 7 >> 3);
    }
    CHECK_EQ(node_create(root, name_of("f"), &file), STATUS_OK);
    unsigned before = server.requests;
    CHECK_EQ(write_file(file, 3, out, sizeof(out)), STATUS_OK);
    CHECK_EQ(server.requests - before, (sizeof(out) + 8167) / 8168);
    CHECK_EQ(node_read(file, 3, sizeof(in), &to.io, &done), STATUS_OK);
    CHECK_EQ(done, sizeof(in));
    CHECK_BYTES(in, out, sizeof(in));
    node_put(file);
    close_fs();
}

TEST(too_small_a_message_size_is_refused) {
    make_folder(served, "served");
    ninep_server_init(&server, served);
    server.msize = 8191;
    CHECK_EQ(ninep_mount(&server.transport, 0, &fs), STATUS_IO);
    CHECK_EQ(fs_platform_held, 0);
    close_server();
}

TEST(appending_is_the_hosts) {
    struct node *file;
    uint64_t at = NODE_APPEND;
    size_t done;
    char path[128], back[16];
    open_fs();
    CHECK_EQ(node_create(root, name_of("log"), &file), STATUS_OK);
    CHECK_EQ(write_file(file, 0, "ours", 4), STATUS_OK);
    snprintf(path, sizeof(path), "%s/log", served);
    int fd = open(path, O_WRONLY | O_APPEND);
    CHECK_EQ(write(fd, "theirs", 6), 6);
    close(fd);
    struct node_bytes from = node_bytes_from("more"), to = node_bytes_to(back);
    CHECK_EQ(node_write(file, &at, 4, &from.io, &done), STATUS_OK);
    CHECK_EQ(at, 10);
    CHECK_EQ(node_read(file, 0, 16, &to.io, &done), STATUS_OK);
    CHECK_EQ(done, 14);
    CHECK_BYTES(back, "ourstheirsmore", 14);
    CHECK_EQ(node_sync(file, true), STATUS_OK);
    CHECK_EQ(node_sync(root, false), STATUS_OK);
    node_put(file);
    close_fs();
}

TEST(times_and_far_offsets) {
    struct node *file;
    struct node_attr attr;
    struct node_times times = {.set_mtime = true, .mtime_ns = UINT64_C(1234567890123456789)};
    uint64_t at = (UINT64_C(5) << 30) + 1;
    size_t done;
    char byte = 'x';
    open_fs();
    CHECK_EQ(node_create(root, name_of("f"), &file), STATUS_OK);
    struct node_bytes from = node_bytes_from("end"), to = node_bytes_to(&byte);
    CHECK_EQ(node_write(file, &at, 3, &from.io, &done), STATUS_OK);
    CHECK_EQ(node_set_times(file, &times), STATUS_OK);
    CHECK_EQ(node_get_attr(file, &attr), STATUS_OK);
    CHECK_EQ(attr.size, (UINT64_C(5) << 30) + 4);
    CHECK_EQ(attr.mtime_ns, UINT64_C(1234567890123456789));
    CHECK_EQ(node_read(file, UINT64_C(5) << 30, 1, &to.io, &done), STATUS_OK);
    CHECK_EQ(done, 1);
    CHECK_EQ(byte, 0);
    at = (uint64_t)INT64_MAX + 1;
    CHECK_EQ(node_write(file, &at, 3, &from.io, &done), STATUS_TOO_BIG);
    CHECK_EQ(node_set_size(file, (uint64_t)INT64_MAX + 1), STATUS_TOO_BIG);
    CHECK_EQ(node_read(file, (uint64_t)INT64_MAX + 1, 1, &to.io, &done), STATUS_OK);
    CHECK_EQ(done, 0);
    node_put(file);
    close_fs();
}

static unsigned writes_left;

/* A server whose disk is full after so many writes. */
static size_t fill_up(struct ninep_server *s, const uint8_t *request, uint8_t *out, size_t size,
                      size_t cap) {
    static const uint8_t full[] = {11, 0, 0, 0, NINEP_RLERROR, 0, 0, 28, 0, 0, 0};
    (void)s, (void)cap;
    if (request[4] != NINEP_TWRITE || writes_left > 0) {
        writes_left -= request[4] == NINEP_TWRITE;
        return size;
    }
    memcpy(out, full, 5);
    memcpy(out + 7, full + 7, 4);
    return sizeof(full);
}

TEST(space_is_allocated) {
    struct node *file;
    struct node_attr attr;
    char path[128], back[8] = "........";
    struct stat st;
    struct node_bytes to = node_bytes_to(back);
    size_t done;
    open_fs();
    server.data_max = 65536;
    CHECK_EQ(node_create(root, name_of("f"), &file), STATUS_OK);
    CHECK_EQ(write_file(file, 0, "text", 4), STATUS_OK);
    CHECK_EQ(node_allocate(file, 2, 1000000), STATUS_OK);
    CHECK_EQ(node_get_attr(file, &attr), STATUS_OK);
    CHECK_EQ(attr.size, 1000002);
    snprintf(path, sizeof(path), "%s/f", served);
    CHECK_EQ(stat(path, &st), 0);
    CHECK(st.st_blocks * 512 >= 1000000);
    CHECK_EQ(node_allocate(file, 0, 1000002), STATUS_OK); /* it is there */
    CHECK_EQ(node_read(file, 0, 8, &to.io, &done), STATUS_OK);
    CHECK_BYTES(back, "text\0\0\0\0", 8);
    /* More than any disk has, at once; and more than this one turns out to have. */
    unsigned before = server.requests;
    CHECK_EQ(node_allocate(file, 0, (uint64_t)1 << 62), STATUS_FULL);
    CHECK(server.requests - before < 5);
    writes_left = 3;
    server.twist = fill_up;
    CHECK_EQ(node_allocate(file, 1000000, 1000000), STATUS_FULL);
    server.twist = NULL;
    CHECK_EQ(node_get_attr(file, &attr), STATUS_OK);
    CHECK_EQ(attr.size, 1000002);
    CHECK_EQ(node_allocate(root, 0, 1), STATUS_IS_DIR);
    node_put(file);
    close_fs();
}

struct taker {
    struct node_emit emit;
    unsigned left, seen;
    uint64_t cookie;
};

static bool take(struct node_emit *emit, const struct node_entry *entry) {
    struct taker *t = (struct taker *)emit;
    t->seen++;
    t->cookie = entry->cookie;
    return --t->left > 0;
}

TEST(a_large_directory_in_small_steps) {
    enum { FILES = 3000 };
    char path[128];
    unsigned seen = 0;
    struct taker t = {.emit = {take}};
    open_fs();
    for (unsigned i = 0; i < FILES; i++) {
        snprintf(path, sizeof(path), "%s/a file of some length, number %u", served, i);
        close(open(path, O_CREAT | O_WRONLY, 0600));
    }
    unsigned before = server.requests;
    do {
        t.left = 1 + roll(40);
        t.seen = 0;
        CHECK_EQ(node_readdir(root, t.cookie, &t.emit), STATUS_OK);
        seen += t.seen;
    } while (t.left == 0);
    CHECK_EQ(seen, FILES + 2);
    CHECK(server.requests - before < 20);
    close_fs();
}

TEST(what_is_no_file_is_not_opened) {
    char path[128];
    struct node *pipe;
    open_fs();
    snprintf(path, sizeof(path), "%s/pipe", served);
    CHECK_EQ(mkfifo(path, 0600), 0);
    CHECK_EQ(node_lookup(root, name_of("pipe"), &pipe), STATUS_OK);
    CHECK_EQ(pipe->type, NODE_STREAM);
    CHECK_EQ(node_open(pipe, NODE_READ), STATUS_DENIED);
    CHECK_EQ(node_open(root, NODE_WRITE), STATUS_IS_DIR);
    node_put(pipe);
    close_fs();
}

TEST(fids_run_out) {
    struct node *nodes[63], *one_more;
    open_fs();
    memset(fs->fids + 1, 0xff, sizeof(fs->fids) - sizeof(fs->fids[0])); /* so many are in use */
    CHECK_EQ(node_mkdir(root, name_of("d")), STATUS_OK);
    for (unsigned i = 0; i < 63; i++) {
        CHECK_EQ(node_lookup(root, name_of("d"), &nodes[i]), STATUS_OK);
    }
    CHECK_EQ(node_lookup(root, name_of("d"), &one_more), STATUS_LIMIT);
    CHECK_EQ(node_create(root, name_of("f"), &one_more), STATUS_LIMIT);
    for (unsigned i = 0; i < 63; i++) {
        node_put(nodes[i]);
    }
    CHECK_EQ(node_lookup(root, name_of("d"), &one_more), STATUS_OK);
    node_put(one_more);
    memset(fs->fids + 1, 0, sizeof(fs->fids) - sizeof(fs->fids[0]));
    close_fs();
}

/* ---- a server that is not -------------------------------------------------------------------- */

/* How many requests ninep_use() makes. */
static unsigned count_requests(void) {
    open_fs();
    unsigned before = server.requests;
    ninep_use(root);
    unsigned count = server.requests - before;
    close_fs();
    return count;
}

static unsigned twist_at; /* the request whose answer is twisted, all from there on if twist_on */
static bool twist_on;
static unsigned twist_kind, twist_parameter;

static bool is_twisted(const struct ninep_server *s) {
    return s->requests == twist_at || (twist_on && s->requests > twist_at);
}

enum { CUT, GROWN, SIZE_LIE, TYPE, TAG, NOISE, BIT, HUGE, KINDS };

static size_t twist(struct ninep_server *s, const uint8_t *request, uint8_t *out, size_t size,
                    size_t cap) {
    (void)request;
    if (!is_twisted(s)) {
        return size;
    }
    switch (twist_kind) {
    case CUT:
        return size - 1 - twist_parameter % size;
    case GROWN:
        memset(out + size, 0, twist_parameter + 1);
        size += twist_parameter + 1;
        memcpy(out, &(uint32_t){(uint32_t)size}, 4);
        return size;
    case SIZE_LIE:
        memcpy(out, &(uint32_t){(uint32_t)size + 1 + twist_parameter}, 4);
        return size;
    case TYPE:
        out[4] = (uint8_t)(out[4] + 1 + twist_parameter % 255);
        return size;
    case TAG:
        out[5] ^= (uint8_t)(1 + twist_parameter % 255);
        return size;
    case NOISE:
        for (size_t i = 7; i < size; i++) {
            out[i] = (uint8_t)roll(256);
        }
        return size;
    case BIT:
        out[roll((unsigned)size)] ^= (uint8_t)(1u << roll(8));
        return size;
    default:
        memset(out, 0xff, cap);
        return cap;
    }
}

TEST(twisted_answers) {
    unsigned count = count_requests();
    CHECK(count > 30);
    for (twist_kind = 0; twist_kind < KINDS; twist_kind++) {
        for (unsigned i = 1; i <= count; i++) {
            open_fs();
            twist_parameter = roll(twist_kind == CUT ? 20 : 300);
            twist_at = server.requests + i;
            twist_on = roll(2);
            server.twist = twist;
            server.lenient = true;
            ninep_use(root);
            ninep_use(root);
            close_client();
            close_server();
        }
    }
}

TEST(a_wrong_head_is_an_error) {
    static const unsigned kinds[] = {CUT, GROWN, SIZE_LIE, TAG, HUGE};
    open_fs();
    for (unsigned i = 0; i < 5; i++) {
        twist_kind = kinds[i];
        twist_parameter = 0;
        twist_on = false;
        twist_at = server.requests + 1;
        server.twist = twist;
        server.lenient = true;
        CHECK_EQ(node_mkdir(root, name_of("d")), STATUS_IO);
        server.twist = NULL;
        CHECK_EQ(node_rmdir(root, name_of("d")), STATUS_OK);
    }
    close_fs();
}

static unsigned death;
static size_t die(struct ninep_server *s, const uint8_t *request, uint8_t *out, size_t size,
                  size_t cap) {
    (void)request, (void)out, (void)cap;
    s->dead = s->requests >= death;
    return size;
}

TEST(a_server_that_dies) {
    unsigned count = count_requests();
    for (unsigned i = 1; i <= count; i++) {
        open_fs();
        death = server.requests + i;
        server.twist = die;
        ninep_use(root);
        CHECK(server.dead);
        CHECK_EQ(node_mkdir(root, name_of("d")), STATUS_IO);
        close_client();
        close_server();
    }
}

/* ---- one field at a time --------------------------------------------------------------------- */

static uint8_t edit_type;
static size_t edit_at;
static uint64_t edit_value;
static unsigned edit_size;

static size_t edit(struct ninep_server *s, const uint8_t *request, uint8_t *out, size_t size,
                   size_t cap) {
    (void)s, (void)cap;
    if (request[4] == edit_type && out[4] != NINEP_RLERROR) {
        memcpy(out + edit_at, &edit_value, edit_size);
    }
    return size;
}

static void edit_answers(enum ninep_type type, size_t at, uint64_t value, unsigned size) {
    edit_type = (uint8_t)type;
    edit_at = at;
    edit_value = value;
    edit_size = size;
    server.twist = edit;
    server.lenient = true;
}

TEST(fields_that_cannot_be) {
    struct node *file, *other;
    struct node_attr attr;
    struct taker all = {.emit = {take}, .left = 1000};
    char buf[8];
    struct node_bytes from = node_bytes_from("12345678"), to = node_bytes_to(buf);
    uint64_t at = 0;
    size_t n;
    open_fs();
    CHECK_EQ(node_create(root, name_of("f"), &file), STATUS_OK);
    CHECK_EQ(write_file(file, 0, "12345678", 8), STATUS_OK);
    edit_answers(NINEP_TWRITE, 7, 9, 4); /* more was written than was given */
    CHECK_EQ(node_write(file, &at, 8, &from.io, &n), STATUS_IO);
    edit_answers(NINEP_TWRITE, 7, 0, 4);
    from = node_bytes_from("12345678");
    CHECK_EQ(node_write(file, &at, 8, &from.io, &n), STATUS_IO);
    edit_answers(NINEP_TREAD, 7, 9, 4);
    CHECK_EQ(node_read(file, 0, 8, &to.io, &n), STATUS_IO);
    edit_answers(NINEP_TGETATTR, 7, 0, 8); /* nothing is valid */
    CHECK_EQ(node_get_attr(file, &attr), STATUS_IO);
    edit_answers(NINEP_TGETATTR, 28, 0040755, 4); /* a directory whose qid says otherwise */
    CHECK_EQ(node_get_attr(file, &attr), STATUS_IO);
    edit_answers(NINEP_TGETATTR, 19, 12345, 8); /* another file */
    CHECK_EQ(node_get_attr(file, &attr), STATUS_NOT_FOUND);
    CHECK_EQ(node_set_size(file, 0), STATUS_NOT_FOUND);
    edit_answers(NINEP_TGETATTR, 56, UINT64_MAX, 8); /* the size */
    CHECK_EQ(node_get_attr(file, &attr), STATUS_IO);
    edit_answers(NINEP_TGETATTR, 88, 1000000000, 8); /* nanoseconds */
    CHECK_EQ(node_get_attr(file, &attr), STATUS_IO);
    edit_answers(NINEP_TGETATTR, 80, (uint64_t)-5, 8); /* before 1970 */
    CHECK_EQ(node_get_attr(file, &attr), STATUS_OK);
    CHECK_EQ(attr.atime_ns, 0);
    edit_answers(NINEP_TWALK, 7, 2, 2); /* more names than were asked for */
    CHECK_EQ(node_lookup(root, name_of("f"), &other), STATUS_IO);
    edit_answers(NINEP_TREADDIR, 11 + 13, 0, 8); /* a cookie of 0 */
    CHECK_EQ(node_readdir(root, 0, &all.emit), STATUS_IO);
    edit_answers(NINEP_TREADDIR, 11 + 22, 0, 2); /* no name */
    CHECK_EQ(node_readdir(root, 0, &all.emit), STATUS_IO);
    edit_answers(NINEP_TREADDIR, 11 + 22, 60000, 2);
    CHECK_EQ(node_readdir(root, 0, &all.emit), STATUS_IO);
    edit_answers(NINEP_TREADDIR, 11 + 24, '/', 1);
    CHECK_EQ(node_readdir(root, 0, &all.emit), STATUS_IO);
    edit_answers(NINEP_TREADDIR, 11 + 24, 0, 1);
    CHECK_EQ(node_readdir(root, 0, &all.emit), STATUS_IO);
    edit_answers(NINEP_TLCREATE, 12, 99, 8); /* another file than the one by that name */
    CHECK_EQ(node_create(root, name_of("g"), &other), STATUS_IO);
    server.twist = NULL;
    node_put(file);
    close_fs();
}

/* A server that names the same piece of a directory for ever. */
static size_t circle(struct ninep_server *s, const uint8_t *request, uint8_t *out, size_t size,
                     size_t cap) {
    static const uint8_t entry[11 + 25] = {36,
                                           0,
                                           0,
                                           0,
                                           NINEP_TREADDIR + 1,
                                           0,
                                           0,
                                           25,
                                           0,
                                           0,
                                           0,
                                           [11 + 13] = 5,
                                           [11 + 22] = 1,
                                           [11 + 24] = 'x'};
    (void)s, (void)cap;
    if (request[4] == NINEP_TREADDIR) {
        memcpy(out + 7, entry + 7, sizeof(entry) - 7);
        memcpy(out, entry, 5);
        return sizeof(entry);
    }
    return size;
}

TEST(a_directory_without_end) {
    struct taker all = {.emit = {take}, .left = UINT32_MAX};
    open_fs();
    server.twist = circle;
    CHECK_EQ(node_readdir(root, 0, &all.emit), STATUS_IO);
    CHECK_EQ(all.seen, 1);
    server.twist = NULL;
    close_fs();
}

static uint32_t error_number;
static size_t error(struct ninep_server *s, const uint8_t *request, uint8_t *out, size_t size,
                    size_t cap) {
    (void)s, (void)cap;
    if (request[4] != NINEP_TMKDIR) {
        return size;
    }
    memcpy(out, &(uint32_t){11}, 4);
    out[4] = NINEP_RLERROR;
    memcpy(out + 7, &error_number, 4);
    return 11;
}

TEST(errors_of_the_server) {
    static const struct {
        int number;
        status_t status;
    } rows[] = {
        {EPERM, STATUS_NOT_PERMITTED},
        {ENOENT, STATUS_NOT_FOUND},
        {EACCES, STATUS_DENIED},
        {EEXIST, STATUS_EXISTS},
        {EXDEV, STATUS_CROSS_DEVICE},
        {ENOTDIR, STATUS_NOT_DIR},
        {EISDIR, STATUS_IS_DIR},
        {EINVAL, STATUS_BAD_ARGUMENT},
        {EFBIG, STATUS_TOO_BIG},
        {ENOSPC, STATUS_FULL},
        {EROFS, STATUS_READ_ONLY},
        {EMLINK, STATUS_TOO_MANY_LINKS},
        {ENAMETOOLONG, STATUS_NAME_TOO_LONG},
        {ENOTEMPTY, STATUS_NOT_EMPTY},
        {ELOOP, STATUS_LOOP},
        {EBUSY, STATUS_BUSY},
        {ETXTBSY, STATUS_BUSY},
        {EDQUOT, STATUS_FULL},
        {EOPNOTSUPP, STATUS_UNSUPPORTED},
        {ENOSYS, STATUS_UNSUPPORTED},
        {ENOMEM, STATUS_NO_MEMORY},
        {EMFILE, STATUS_LIMIT},
        {EIO, STATUS_IO},
        {0, STATUS_IO},
        {-1, STATUS_IO},
        {256 + EPERM, STATUS_IO},
    };
    open_fs();
    server.twist = error;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        error_number = (uint32_t)rows[i].number;
        CHECK_EQ(node_mkdir(root, name_of("d")), rows[i].status);
        server.twist = NULL;
        CHECK_EQ(node_rmdir(root, name_of("d")), STATUS_OK);
        server.twist = error;
    }
    server.twist = NULL;
    close_fs();
}

TEST(memory_runs_out) {
    for (int64_t left = 0; left < 12; left++) {
        make_folder(served, "served");
        ninep_server_init(&server, served);
        fs_platform_allocs_left = left;
        status_t status = ninep_mount(&server.transport, 0, &fs);
        if (status == STATUS_OK) {
            root = ninep_root(fs);
            ninep_use(root);
            fs_platform_allocs_left = INT64_MAX;
            close_client();
        }
        CHECK(status == STATUS_OK || status == STATUS_NO_MEMORY);
        fs_platform_allocs_left = INT64_MAX;
        CHECK_EQ(fs_platform_held, 0);
        CHECK_EQ(server.fid_count, 0);
        close_server();
    }
}

CHECK_MAIN
