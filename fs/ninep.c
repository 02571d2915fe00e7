/*
 * The 9P client's mount and what its nodes do, but for directories (ninep_dir.c).
 */
#include "fs/ninep.h"

#include "fs/ninep_internal.h"

#include <assert.h>
#include <string.h>

static const struct node_ops ops;

enum {
    MODE_TYPE = 0170000,
    MODE_STREAM = 0010000,
    MODE_CHARACTER = 0020000,
    MODE_DIRECTORY = 0040000,
    MODE_BLOCK = 0060000,
    MODE_REGULAR = 0100000,
    MODE_SYMLINK = 0120000,
    MODE_SOCKET = 0140000,
};

/* Bits of Tgetattr's mask and of Tsetattr's. */
enum {
    GET_WANTED = 0x7ff,                                         /* all that stat(2) has */
    GET_NEEDED = 0x001 | 0x002 | 0x020 | 0x040 | 0x080 | 0x200, /* mode links times size */
    SET_SIZE = 0x008,
    SET_ATIME = 0x010 | 0x080,
    SET_MTIME = 0x020 | 0x100,
};

#define NS_PER_S UINT64_C(1000000000)

/* ---- attributes ------------------------------------------------------------------------------ */

static enum node_type type_of_mode(uint32_t mode) {
    switch (mode & MODE_TYPE) {
    case MODE_REGULAR:
        return NODE_REGULAR;
    case MODE_DIRECTORY:
        return NODE_DIRECTORY;
    case MODE_SYMLINK:
        return NODE_SYMLINK;
    case MODE_CHARACTER:
        return NODE_CHARACTER;
    case MODE_BLOCK:
        return NODE_BLOCK;
    case MODE_STREAM:
    case MODE_SOCKET:
        return NODE_STREAM;
    default:
        return NODE_UNKNOWN;
    }
}

/* Seconds and nanoseconds; times before 1970 and after 2554 are those years. */
static uint64_t get_time(struct ninep_call *call) {
    uint64_t s = ninep_get_u64(call), ns = ninep_get_u64(call);
    if (ns >= NS_PER_S) {
        ninep_fail(call, STATUS_IO);
    }
    if (s > INT64_MAX) {
        return 0;
    }
    return s >= UINT64_MAX / NS_PER_S ? UINT64_MAX : s * NS_PER_S + ns;
}

static status_t get_attr(struct ninep *fs, uint32_t fid, struct node_attr *out) {
    struct ninep_call call;
    ninep_begin(&call, fs, NINEP_TGETATTR, 0);
    ninep_put_u32(&call, fid);
    ninep_put_u64(&call, GET_WANTED);
    ninep_run(&call);
    uint64_t valid = ninep_get_u64(&call);
    struct ninep_qid qid = ninep_get_qid(&call);
    out->device = fs->device;
    out->inode = qid.path;
    out->type = type_of_mode(ninep_get_u32(&call));
    (void)ninep_get_u64(&call); /* user and group */
    out->links = ninep_get_u64(&call);
    (void)ninep_get_u64(&call); /* device */
    out->size = ninep_get_u64(&call);
    (void)ninep_get_u64(&call), (void)ninep_get_u64(&call); /* blocks */
    out->atime_ns = get_time(&call);
    out->mtime_ns = get_time(&call);
    out->ctime_ns = get_time(&call);
    for (int i = 0; i < 4; i++) {
        (void)ninep_get_u64(&call); /* birth, generation, version: not asked for */
    }
    bool is_dir = out->type == NODE_DIRECTORY, says_dir = qid.type & NINEP_QID_DIRECTORY;
    if ((valid & GET_NEEDED) != GET_NEEDED || is_dir != says_dir || out->size > INT64_MAX) {
        ninep_fail(&call, STATUS_IO);
    }
    return ninep_end(&call);
}

/* A server that knows files by their names, as QEMU's does, may find another file where this one was removed
 * or replaced: then this one has no name left that it could be reached by. */
static status_t node_attributes(struct node *node, struct node_attr *out) {
    struct ninep_node *n = ninep_of(node);
    TRY(get_attr(n->fs, n->fid, out));
    return out->type == node->type && out->inode == n->inode ? STATUS_OK : STATUS_NOT_FOUND;
}

struct change {
    uint32_t what; /* SET_* */
    uint64_t size, atime_ns, mtime_ns;
};

static status_t set_attr(struct ninep_node *node, const struct change *change) {
    struct ninep_call call;
    struct node_attr before;
    TRY(node_attributes(&node->node, &before)); /* no other file shall be changed */
    ninep_begin(&call, node->fs, NINEP_TSETATTR, 0);
    ninep_put_u32(&call, node->fid);
    ninep_put_u32(&call, change->what);
    ninep_put_u32(&call, 0); /* mode, user, group: not changed */
    ninep_put_u32(&call, 0);
    ninep_put_u32(&call, 0);
    ninep_put_u64(&call, change->size);
    ninep_put_u64(&call, change->atime_ns / NS_PER_S);
    ninep_put_u64(&call, change->atime_ns % NS_PER_S);
    ninep_put_u64(&call, change->mtime_ns / NS_PER_S);
    ninep_put_u64(&call, change->mtime_ns % NS_PER_S);
    ninep_run(&call);
    return ninep_end(&call);
}

static status_t node_resize(struct node *node, uint64_t size) {
    if (node->type != NODE_REGULAR) {
        return node->type == NODE_DIRECTORY ? STATUS_IS_DIR : STATUS_BAD_ARGUMENT;
    }
    if (size > INT64_MAX) {
        return STATUS_TOO_BIG;
    }
    return set_attr(ninep_of(node), &(struct change){.what = SET_SIZE, .size = size});
}

static status_t node_retime(struct node *node, const struct node_times *times) {
    struct change change = {.what = (times->set_atime ? SET_ATIME : 0u) |
                                    (times->set_mtime ? SET_MTIME : 0u),
                            .atime_ns = times->atime_ns,
                            .mtime_ns = times->mtime_ns};
    return change.what ? set_attr(ninep_of(node), &change) : STATUS_OK;
}

static status_t node_link_target(struct node *node, char *buf, size_t cap, size_t *len_out) {
    struct ninep_call call;
    if (node->type != NODE_SYMLINK) {
        return STATUS_BAD_ARGUMENT;
    }
    ninep_begin(&call, ninep_of(node)->fs, NINEP_TREADLINK, 0);
    ninep_put_u32(&call, ninep_of(node)->fid);
    ninep_run(&call);
    struct fs_name target = ninep_get_name(&call);
    if (target.len > FS_PATH_MAX) {
        ninep_fail(&call, STATUS_NAME_TOO_LONG);
    } else {
        *len_out = target.len < cap ? target.len : cap;
        memcpy(buf, target.at, *len_out);
    }
    return ninep_end(&call);
}

/* ---- nodes ----------------------------------------------------------------------------------- */

status_t ninep_walk(struct ninep *fs, uint32_t fid, struct fs_name name, uint32_t *out,
                    struct ninep_qid *qid_out) {
    struct ninep_call call;
    uint32_t made;
    bool named = name.len > 0;
    TRY(ninep_fid_new(fs, &made));
    ninep_begin(&call, fs, NINEP_TWALK, 0);
    ninep_put_u32(&call, fid);
    ninep_put_u32(&call, made);
    if (named) {
        ninep_put_u16(&call, 1);
        ninep_put_name(&call, name);
    } else {
        ninep_put_u16(&call, 0);
    }
    ninep_run(&call);
    if (ninep_get_u16(&call) != named) {
        ninep_fail(&call, STATUS_IO);
    }
    if (named) {
        *qid_out = ninep_get_qid(&call);
    }
    status_t status = ninep_end(&call);
    if (call.refused) {
        ninep_fid_free(fs, made);
        return status;
    }
    if (status != STATUS_OK) {
        ninep_fid_drop(fs, made); /* the answer was nonsense: it may be there */
        return status;
    }
    *out = made;
    return STATUS_OK;
}

/* A qid tells directories and symbolic links apart from the rest, of which most are files, but not all. */
static status_t find_type(struct ninep *fs, uint32_t fid, const struct ninep_qid *qid,
                          enum node_type *out) {
    struct node_attr attr;
    if (qid->type & (NINEP_QID_DIRECTORY | NINEP_QID_SYMLINK)) {
        *out = qid->type & NINEP_QID_DIRECTORY ? NODE_DIRECTORY : NODE_SYMLINK;
        return STATUS_OK;
    }
    TRY(get_attr(fs, fid, &attr));
    *out = attr.type;
    return attr.inode == qid->path && attr.type != NODE_SYMLINK ? STATUS_OK : STATUS_IO;
}

status_t ninep_node_new(struct ninep *fs, uint32_t fid, const struct ninep_qid *qid,
                        enum node_type type, struct node **out) {
    status_t status = type == NODE_UNKNOWN ? find_type(fs, fid, qid, &type) : STATUS_OK;
    struct ninep_node *node = status == STATUS_OK ? fs_alloc(sizeof(*node)) : NULL;
    if (!node) {
        ninep_fid_drop(fs, fid);
        return status == STATUS_OK ? STATUS_NO_MEMORY : status;
    }
    node_init(&node->node, &ops, type);
    node->fs = fs;
    node->fid = fid;
    node->inode = qid->path;
    for (int use = 0; use < NINEP_USES; use++) {
        node->open[use] = NINEP_NO_FID;
    }
    __atomic_fetch_add(&fs->live, 1, __ATOMIC_RELAXED);
    *out = &node->node;
    return STATUS_OK;
}

static void close_all(struct ninep_node *node) {
    if (node->open[NINEP_USE_WRITE] == node->open[NINEP_USE_READ]) {
        node->open[NINEP_USE_WRITE] = NINEP_NO_FID;
    }
    for (int use = 0; use < NINEP_USES; use++) {
        ninep_fid_drop(node->fs, node->open[use]);
    }
}

static void node_free(struct node *node) {
    struct ninep_node *n = ninep_of(node);
    close_all(n);
    ninep_fid_drop(n->fs, n->fid);
    __atomic_fetch_sub(&n->fs->live, 1, __ATOMIC_RELAXED);
    fs_free(n->listing);
    fs_free(n);
}

/* ---- opening --------------------------------------------------------------------------------- */

static status_t open_fid(struct ninep *fs, uint32_t fid, uint32_t flags) {
    struct ninep_call call;
    ninep_begin(&call, fs, NINEP_TLOPEN, 0);
    ninep_put_u32(&call, fid);
    ninep_put_u32(&call, flags | NINEP_OPEN_NOFOLLOW);
    ninep_run(&call);
    (void)ninep_get_qid(&call);
    (void)ninep_get_u32(&call); /* the size of reads that it likes */
    return ninep_end(&call);
}

/* A new fid, opened so. */
static status_t open_copy(struct ninep_node *node, uint32_t flags, uint32_t *out) {
    uint32_t fid;
    TRY(ninep_walk(node->fs, node->fid, (struct fs_name){"", 0}, &fid, NULL));
    status_t status = open_fid(node->fs, fid, flags);
    if (status != STATUS_OK) {
        ninep_fid_drop(node->fs, fid);
        return status;
    }
    *out = fid;
    return STATUS_OK;
}

/* False: there is one already. */
static bool install(struct ninep_node *node, enum ninep_use use, uint32_t fid) {
    uint32_t none = NINEP_NO_FID;
    return __atomic_compare_exchange_n(&node->open[use], &none, fid, false, __ATOMIC_RELEASE,
                                       __ATOMIC_RELAXED);
}

status_t ninep_node_open(struct ninep_node *node, enum ninep_use use) {
    static const uint32_t flags[NINEP_USES] = {
        [NINEP_USE_READ] = NINEP_OPEN_READ,
        [NINEP_USE_WRITE] = NINEP_OPEN_WRITE,
        [NINEP_USE_APPEND] = NINEP_OPEN_WRITE | NINEP_OPEN_APPEND,
    };
    bool is_dir = node->node.type == NODE_DIRECTORY;
    uint32_t fid;
    if (ninep_opened(node, use) != NINEP_NO_FID) {
        return STATUS_OK;
    }
    TRY(open_copy(node, flags[use] | (is_dir ? NINEP_OPEN_DIRECTORY : 0u), &fid));
    if (!install(node, use, fid)) {
        ninep_fid_drop(node->fs, fid); /* somebody was faster */
    }
    return STATUS_OK;
}

/* Reading and writing are one fid when both are asked for at once, as they mostly are. */
static status_t open_both(struct ninep_node *node) {
    uint32_t fid;
    TRY(open_copy(node, NINEP_OPEN_BOTH, &fid));
    bool reads = install(node, NINEP_USE_READ, fid), writes = install(node, NINEP_USE_WRITE, fid);
    if (!reads && !writes) {
        ninep_fid_drop(node->fs, fid);
    }
    return STATUS_OK;
}

static status_t open_for(struct ninep_node *node, unsigned access) {
    if (access == (NODE_READ | NODE_WRITE) && ninep_opened(node, NINEP_USE_READ) == NINEP_NO_FID &&
        ninep_opened(node, NINEP_USE_WRITE) == NINEP_NO_FID) {
        return open_both(node);
    }
    if (access & NODE_READ) {
        TRY(ninep_node_open(node, NINEP_USE_READ));
    }
    return access & NODE_WRITE ? ninep_node_open(node, NINEP_USE_WRITE) : STATUS_OK;
}

/* Directories are opened when they are read. What is neither file nor directory would open a device or
 * wait for a pipe of the host: it can be looked at, renamed and removed. */
static status_t node_open_for(struct node *node, unsigned access) {
    struct ninep_node *n = ninep_of(node);
    if (node->type == NODE_DIRECTORY) {
        return access & NODE_WRITE ? STATUS_IS_DIR : STATUS_OK;
    }
    if (node->type != NODE_REGULAR) {
        return STATUS_DENIED;
    }
    return open_for(n, access);
}

/* ---- reading and writing --------------------------------------------------------------------- */

static status_t check_file(const struct node *node) {
    if (node->type == NODE_REGULAR) {
        return STATUS_OK;
    }
    return node->type == NODE_DIRECTORY ? STATUS_IS_DIR : STATUS_DENIED;
}

static size_t min_size(size_t a, size_t b) {
    return a < b ? a : b;
}

/* One request; *got_out may be less than asked for at the file's end. */
static status_t read_part(struct ninep_node *node, uint64_t offset, size_t size, struct node_io *to,
                          size_t *asked_out, size_t *got_out) {
    struct ninep_call call;
    size_t got = ninep_read(&call, node->fs, NINEP_TREAD, ninep_opened(node, NINEP_USE_READ),
                            offset, size, asked_out);
    if (got > 0) {
        ninep_fail(&call, to->move(to, call.exchange->data, got));
    }
    *got_out = got;
    return ninep_end(&call);
}

static status_t node_read_at(struct node *node, uint64_t offset, size_t size, struct node_io *to,
                             size_t *done_out) {
    struct ninep_node *n = ninep_of(node);
    size_t done = 0, asked = 0, got = 0;
    TRY(check_file(node));
    if (ninep_opened(n, NINEP_USE_READ) == NINEP_NO_FID) {
        return STATUS_DENIED;
    }
    if (offset > INT64_MAX) {
        return STATUS_OK; /* no file is that long */
    }
    while (done < size && got == asked) {
        status_t status = read_part(n, offset + done, size - done, to, &asked, &got);
        if (status != STATUS_OK) {
            *done_out = done;
            return done ? STATUS_OK : status;
        }
        done += got;
    }
    *done_out = done;
    return STATUS_OK;
}

static status_t write_part(struct ninep_node *node, enum ninep_use use, uint64_t offset,
                           size_t size, struct node_io *from, size_t *sent_out, size_t *done_out) {
    struct ninep_call call;
    size_t want = min_size(size, node->fs->data_max);
    ninep_begin(&call, node->fs, NINEP_TWRITE, want);
    if (call.exchange) {
        want = min_size(want, call.exchange->data_cap);
        ninep_fail(&call, from->move(from, call.exchange->data, want));
    }
    call.sizes.data_out = want;
    ninep_put_u32(&call, ninep_opened(node, use));
    ninep_put_u64(&call, offset);
    ninep_put_u32(&call, (uint32_t)want);
    ninep_run(&call);
    uint32_t done = ninep_get_u32(&call);
    if (done == 0 || done > want) {
        ninep_fail(&call, STATUS_IO);
    }
    *sent_out = want;
    *done_out = done;
    return ninep_end(&call);
}

/* A server that takes less than it was given has had the bytes moved already: what it left is lost to the
 * next part, so the write ends there. */
static status_t write_parts(struct ninep_node *node, enum ninep_use use, uint64_t offset,
                            size_t size, struct node_io *from, size_t *done_out) {
    size_t sent = 0, done = 0;
    while (*done_out < size && done == sent) {
        status_t status =
            write_part(node, use, offset + *done_out, size - *done_out, from, &sent, &done);
        if (status != STATUS_OK) {
            return *done_out ? STATUS_OK : status;
        }
        *done_out += done;
    }
    return STATUS_OK;
}

/* The host appends, so that what other programs append meanwhile is not overwritten. */
static status_t append(struct ninep_node *node, uint64_t *offset, size_t size, struct node_io *from,
                       size_t *done_out) {
    struct node_attr attr;
    TRY(ninep_node_open(node, NINEP_USE_APPEND));
    TRY(write_parts(node, NINEP_USE_APPEND, 0, size, from, done_out));
    TRY(get_attr(node->fs, node->fid, &attr));
    *offset = attr.size > *done_out ? attr.size - *done_out : 0;
    return STATUS_OK;
}

static status_t node_write_at(struct node *node, uint64_t *offset, size_t size,
                              struct node_io *from, size_t *done_out) {
    struct ninep_node *n = ninep_of(node);
    TRY(check_file(node));
    if (ninep_opened(n, NINEP_USE_WRITE) == NINEP_NO_FID) {
        return STATUS_DENIED;
    }
    if (*offset == NODE_APPEND) {
        return append(n, offset, size, from, done_out);
    }
    if (*offset > INT64_MAX) {
        return STATUS_TOO_BIG;
    }
    return write_parts(n, NINEP_USE_WRITE, *offset, size, from, done_out);
}

/* ---- space ----------------------------------------------------------------------------------- */

/* Bytes that the server's file system has for files of ours. */
static status_t get_space(struct ninep_node *node, uint64_t *out) {
    struct ninep_call call;
    ninep_begin(&call, node->fs, NINEP_TSTATFS, 0);
    ninep_put_u32(&call, node->fid);
    ninep_run(&call);
    (void)ninep_get_u32(&call); /* the type */
    uint64_t block = ninep_get_u32(&call);
    (void)ninep_get_u64(&call), (void)ninep_get_u64(&call); /* blocks, those free for its root */
    uint64_t blocks = ninep_get_u64(&call);
    (void)ninep_get_u64(&call), (void)ninep_get_u64(&call); /* files, those free */
    (void)ninep_get_u64(&call), (void)ninep_get_u32(&call); /* its id, length of names */
    if (__builtin_mul_overflow(block, blocks, out)) {
        *out = UINT64_MAX;
    }
    return ninep_end(&call);
}

static status_t move_zeros(struct node_io *io, void *bytes, size_t size) {
    (void)io;
    memset(bytes, 0, size);
    return STATUS_OK;
}

/* *from says how far it came. */
static status_t write_zeros(struct ninep_node *node, uint64_t *from, uint64_t end) {
    struct node_io zeros = {.move = move_zeros};
    while (*from < end) {
        size_t done = 0, left = end - *from < NINEP_DATA_MAX ? end - *from : NINEP_DATA_MAX;
        if (fs_killed()) {
            return STATUS_KILLED;
        }
        status_t status = write_parts(node, NINEP_USE_WRITE, *from, left, &zeros, &done);
        *from += done;
        TRY(status);
    }
    return STATUS_OK;
}

/* 9P has no request for it, so it is done as C libraries do it where a file system cannot: zeros are written
 * behind the file's end. Holes before it stay, since to fill them would undo what others write meanwhile; what
 * they append meanwhile is not safe. */
static status_t node_allocate_range(struct node *node, uint64_t offset, uint64_t size) {
    struct ninep_node *n = ninep_of(node);
    struct node_attr attr;
    uint64_t space = 0, end = offset + size;
    TRY(check_file(node));
    TRY(ninep_node_open(n, NINEP_USE_WRITE));
    TRY(node_attributes(node, &attr));
    if (end <= attr.size) {
        return STATUS_OK;
    }
    offset = offset > attr.size ? offset : attr.size;
    TRY(get_space(n, &space));
    if (end - offset > space) {
        return STATUS_FULL; /* without trying: the host would have nothing left */
    }
    uint64_t before = attr.size;
    status_t status = write_zeros(n, &offset, end);
    /* As it was, if that can still be done, and if it is not longer than by what a failed write may have left. */
    if (status != STATUS_OK && node_attributes(node, &attr) == STATUS_OK && attr.size <= end &&
        attr.size <= offset + NINEP_DATA_MAX) {
        (void)!node_resize(node, before);
    }
    return status;
}

/* ---- the host's disk ------------------------------------------------------------------------- */

/* By an opened fid: the server syncs what that one stands for. */
static status_t fid_for_sync(struct ninep_node *node, uint32_t *out) {
    for (int use = 0; use < NINEP_USES; use++) {
        *out = ninep_opened(node, (enum ninep_use)use);
        if (*out != NINEP_NO_FID) {
            return STATUS_OK;
        }
    }
    TRY(ninep_node_open(node, NINEP_USE_READ));
    *out = ninep_opened(node, NINEP_USE_READ);
    return STATUS_OK;
}

static status_t node_flush(struct node *node, bool data_only) {
    struct ninep_node *n = ninep_of(node);
    struct ninep_call call;
    uint32_t fid = NINEP_NO_FID;
    TRY(fid_for_sync(n, &fid));
    ninep_begin(&call, n->fs, NINEP_TFSYNC, 0);
    ninep_put_u32(&call, fid);
    ninep_put_u32(&call, data_only);
    ninep_run(&call);
    return ninep_end(&call);
}

static const struct node_ops ops = {
    .free = node_free,
    .open = node_open_for,
    .read = node_read_at,
    .write = node_write_at,
    .get_attr = node_attributes,
    .set_size = node_resize,
    .allocate = node_allocate_range,
    .set_times = node_retime,
    .sync = node_flush,
    .readlink = node_link_target,
    .lookup = ninep_lookup,
    .readdir = ninep_readdir,
    .create = ninep_create,
    .mkdir = ninep_mkdir,
    .symlink = ninep_symlink,
    .link = ninep_link,
    .unlink = ninep_unlink,
    .rmdir = ninep_rmdir,
    .rename = ninep_rename,
};

/* ---- mounting -------------------------------------------------------------------------------- */

static status_t agree(struct ninep *fs) {
    static const char version[] = "9P2000.L";
    struct ninep_call call;
    ninep_begin(&call, fs, NINEP_TVERSION, 0);
    ninep_put_u32(&call, NINEP_DATA_MAX + NINEP_IO_HEAD);
    ninep_put_name(&call, (struct fs_name){version, strlen(version)});
    ninep_run(&call);
    uint32_t msize = ninep_get_u32(&call);
    struct fs_name theirs = ninep_get_name(&call);
    if (theirs.len != strlen(version) || memcmp(theirs.at, version, theirs.len) != 0) {
        ninep_fail(&call, STATUS_UNSUPPORTED);
    } else if (msize < NINEP_HEAD_SIZE || msize > NINEP_DATA_MAX + NINEP_IO_HEAD) {
        ninep_fail(&call, STATUS_IO);
    }
    fs->data_max = msize - NINEP_IO_HEAD;
    return ninep_end(&call);
}

/* As nobody: the server acts with its own process's rights, and new files are that user's. */
static status_t attach(struct ninep *fs, uint32_t fid, struct ninep_qid *qid_out) {
    struct ninep_call call;
    ninep_begin(&call, fs, NINEP_TATTACH, 0);
    ninep_put_u32(&call, fid);
    ninep_put_u32(&call, NINEP_NO_FID);
    ninep_put_name(&call, (struct fs_name){"", 0});
    ninep_put_name(&call, (struct fs_name){"", 0});
    ninep_put_u32(&call, UINT32_MAX);
    ninep_run(&call);
    *qid_out = ninep_get_qid(&call);
    return ninep_end(&call);
}

static status_t open_root(struct ninep *fs) {
    struct ninep_qid qid;
    uint32_t fid;
    TRY(agree(fs));
    TRY(ninep_fid_new(fs, &fid));
    TRY(attach(fs, fid, &qid));
    TRY(ninep_node_new(fs, fid, &qid, NODE_UNKNOWN, &fs->root));
    return fs->root->type == NODE_DIRECTORY ? STATUS_OK : STATUS_NOT_DIR;
}

status_t ninep_mount(struct ninep_transport *transport, uint32_t umask, struct ninep **out) {
    struct ninep *fs = fs_alloc(sizeof(*fs));
    if (!fs) {
        return STATUS_NO_MEMORY;
    }
    fs->transport = transport;
    fs->umask = umask;
    fs->device = node_new_device();
    status_t status = open_root(fs);
    if (status != STATUS_OK) {
        ninep_unmount(fs);
        return status;
    }
    *out = fs;
    return STATUS_OK;
}

void ninep_unmount(struct ninep *fs) {
    if (!fs) {
        return;
    }
    node_put(fs->root);
    assert(fs->live == 0);
    fs_free(fs);
}

struct node *ninep_root(struct ninep *fs) {
    return node_get(fs->root);
}
