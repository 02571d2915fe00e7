/*
 * The 9P client's operations on directories. A change of a directory is one request, and the host does it
 * as a whole or not at all.
 *
 * A directory is read in pieces of NINEP_LISTING_SIZE bytes, kept with the node: a program that reads a
 * hundred thousand entries through a small buffer costs a request a thousand entries, not one a call. The
 * cookie of an entry is the server's own.
 */
#include "fs/ninep_internal.h"

#include <string.h>

enum {
    UNLINK_DIRECTORY = 0x200,
    ENTRY_HEAD = 13 + 8 + 1 + 2, /* qid, cookie, type, length of the name */
    FILE_MODE = 0666,
    DIRECTORY_MODE = 0777,
};

static const struct fs_name nothing = {"", 0};

status_t ninep_lookup(struct node *dir, struct fs_name name, struct node **out) {
    struct ninep *fs = ninep_of(dir)->fs;
    struct ninep_qid qid;
    uint32_t fid;
    if (dir->type != NODE_DIRECTORY) {
        return STATUS_NOT_DIR;
    }
    TRY(ninep_walk(fs, ninep_of(dir)->fid, name, &fid, &qid));
    return ninep_node_new(fs, fid, &qid, NODE_UNKNOWN, out);
}

/* ---- reading --------------------------------------------------------------------------------- */

static enum node_type type_of_entry(uint8_t type) {
    switch (type) {
    case 4:
        return NODE_DIRECTORY;
    case 8:
        return NODE_REGULAR;
    case 10:
        return NODE_SYMLINK;
    case 2:
        return NODE_CHARACTER;
    case 6:
        return NODE_BLOCK;
    case 1:
    case 12:
        return NODE_STREAM;
    default:
        return NODE_UNKNOWN;
    }
}

/* The piece after `cookie`; nothing in it is the directory's end. */
static status_t fetch(struct ninep_node *dir, struct ninep_listing *listing, uint64_t cookie) {
    struct ninep_call call;
    size_t asked;
    listing->size = 0;
    size_t size = ninep_read(&call, dir->fs, NINEP_TREADDIR, ninep_opened(dir, NINEP_USE_READ),
                             cookie, sizeof(listing->bytes), &asked);
    if (size > 0) {
        memcpy(listing->bytes, call.exchange->data, size);
    }
    TRY(ninep_end(&call));
    listing->cookie = cookie;
    listing->size = (uint32_t)size;
    return STATUS_OK;
}

static bool is_name(struct fs_name name) {
    return name.len > 0 && name.len <= FS_NAME_MAX && !memchr(name.at, '\0', name.len) &&
           !memchr(name.at, '/', name.len);
}

/* The next entry of a piece. IO if it is cut off, or its name none. */
static status_t take_entry(struct reader *r, struct node_entry *out) {
    (void)reader_u8(r), (void)reader_le32(r);
    out->inode = reader_le64(r);
    out->cookie = reader_le64(r);
    out->type = type_of_entry(reader_u8(r));
    out->name.len = reader_le16(r);
    out->name.at = (const char *)reader_bytes(r, out->name.len);
    return reader_ok(r) && is_name(out->name) && out->cookie != 0 ? STATUS_OK : STATUS_IO;
}

/* Goes on in the piece that is there, if `cookie` is one of it and no end lies behind; else at its start
 * or in a new piece. Leaves the reader behind that entry. */
static status_t find(struct ninep_node *dir, struct ninep_listing *listing, uint64_t cookie,
                     struct reader *r) {
    struct node_entry entry;
    reader_init(r, listing->bytes, listing->size);
    while (cookie != 0 && reader_left(r) > 0) {
        if (listing->cookie == cookie) {
            return STATUS_OK;
        }
        TRY(take_entry(r, &entry));
        if (entry.cookie == cookie && reader_left(r) > 0) {
            return STATUS_OK;
        }
    }
    TRY(fetch(dir, listing, cookie));
    reader_init(r, listing->bytes, listing->size);
    return STATUS_OK;
}

static status_t read_entries(struct ninep_node *dir, struct ninep_listing *listing, uint64_t cookie,
                             struct node_emit *emit) {
    struct reader r;
    TRY(find(dir, listing, cookie, &r));
    while (reader_left(&r) > 0) {
        struct node_entry entry = {0};
        TRY(take_entry(&r, &entry));
        if (entry.cookie == cookie) {
            return STATUS_IO; /* a server that goes round in a circle */
        }
        cookie = entry.cookie;
        if (!emit->entry(emit, &entry)) {
            return STATUS_OK;
        }
        if (reader_left(&r) == 0) {
            TRY(fetch(dir, listing, cookie));
            reader_init(&r, listing->bytes, listing->size);
        }
    }
    return STATUS_OK;
}

status_t ninep_readdir(struct node *dir, uint64_t cookie, struct node_emit *emit) {
    struct ninep_node *d = ninep_of(dir);
    if (dir->type != NODE_DIRECTORY) {
        return STATUS_NOT_DIR;
    }
    TRY(ninep_node_open(d, NINEP_USE_READ));
    struct ninep_listing *listing = __atomic_exchange_n(&d->listing, NULL, __ATOMIC_ACQ_REL);
    listing = listing ? listing : fs_alloc(sizeof(*listing));
    if (!listing) {
        return STATUS_NO_MEMORY;
    }
    status_t status = read_entries(d, listing, cookie, emit);
    fs_free(__atomic_exchange_n(&d->listing, listing, __ATOMIC_ACQ_REL));
    return status;
}

/* ---- making ---------------------------------------------------------------------------------- */

/* Makes the copy of a directory's fid that it is given an open file of that name. */
static status_t create_fid(struct ninep *fs, uint32_t fid, struct fs_name name,
                           struct ninep_qid *qid_out) {
    struct ninep_call call;
    ninep_begin(&call, fs, NINEP_TLCREATE, 0);
    ninep_put_u32(&call, fid);
    ninep_put_name(&call, name);
    ninep_put_u32(&call, NINEP_OPEN_BOTH | NINEP_OPEN_EXCL | NINEP_OPEN_NOFOLLOW);
    ninep_put_u32(&call, FILE_MODE & ~fs->umask);
    ninep_put_u32(&call, UINT32_MAX); /* the group: the host's choice */
    ninep_run(&call);
    *qid_out = ninep_get_qid(&call);
    (void)ninep_get_u32(&call);
    return ninep_end(&call);
}

/* The file that was just made, by its name. IO if it is another one by now. */
static status_t find_created(struct ninep_node *dir, struct fs_name name,
                             const struct ninep_qid *made, struct node **out) {
    struct ninep_qid qid;
    uint32_t fid;
    TRY(ninep_walk(dir->fs, dir->fid, name, &fid, &qid));
    if (qid.path != made->path || qid.type != made->type) {
        ninep_fid_drop(dir->fs, fid);
        return STATUS_IO;
    }
    return ninep_node_new(dir->fs, fid, &qid, NODE_REGULAR, out);
}

status_t ninep_create(struct node *dir, struct fs_name name, struct node **out) {
    struct ninep_node *d = ninep_of(dir);
    uint32_t open = NINEP_NO_FID;
    struct ninep_qid made;
    TRY(ninep_walk(d->fs, d->fid, nothing, &open, NULL));
    status_t status = create_fid(d->fs, open, name, &made);
    if (status == STATUS_OK) {
        status = find_created(d, name, &made, out);
    }
    if (status != STATUS_OK) {
        ninep_fid_drop(d->fs, open);
        return status;
    }
    struct ninep_node *node = ninep_of(*out);
    node->open[NINEP_USE_READ] = node->open[NINEP_USE_WRITE] = open;
    return STATUS_OK;
}

status_t ninep_mkdir(struct node *dir, struct fs_name name) {
    struct ninep_node *d = ninep_of(dir);
    struct ninep_call call;
    ninep_begin(&call, d->fs, NINEP_TMKDIR, 0);
    ninep_put_u32(&call, d->fid);
    ninep_put_name(&call, name);
    ninep_put_u32(&call, DIRECTORY_MODE & ~d->fs->umask);
    ninep_put_u32(&call, UINT32_MAX);
    ninep_run(&call);
    (void)ninep_get_qid(&call);
    return ninep_end(&call);
}

status_t ninep_symlink(struct node *dir, struct fs_name name, struct fs_name target) {
    struct ninep_node *d = ninep_of(dir);
    struct ninep_call call;
    ninep_begin(&call, d->fs, NINEP_TSYMLINK, 0);
    ninep_put_u32(&call, d->fid);
    ninep_put_name(&call, name);
    ninep_put_name(&call, target);
    ninep_put_u32(&call, UINT32_MAX);
    ninep_run(&call);
    (void)ninep_get_qid(&call);
    return ninep_end(&call);
}

status_t ninep_link(struct node *dir, struct fs_name name, struct node *node) {
    struct ninep_node *d = ninep_of(dir), *n = ninep_of(node);
    struct ninep_call call;
    if (d->fs != n->fs) {
        return STATUS_CROSS_DEVICE;
    }
    ninep_begin(&call, d->fs, NINEP_TLINK, 0);
    ninep_put_u32(&call, d->fid);
    ninep_put_u32(&call, n->fid);
    ninep_put_name(&call, name);
    ninep_run(&call);
    return ninep_end(&call);
}

/* ---- removing and renaming ------------------------------------------------------------------- */

static status_t remove_name(struct node *dir, struct fs_name name, uint32_t flags) {
    struct ninep_node *d = ninep_of(dir);
    struct ninep_call call;
    ninep_begin(&call, d->fs, NINEP_TUNLINKAT, 0);
    ninep_put_u32(&call, d->fid);
    ninep_put_name(&call, name);
    ninep_put_u32(&call, flags);
    ninep_run(&call);
    return ninep_end(&call);
}

status_t ninep_unlink(struct node *dir, struct fs_name name) {
    return remove_name(dir, name, 0);
}

status_t ninep_rmdir(struct node *dir, struct fs_name name) {
    return remove_name(dir, name, UNLINK_DIRECTORY);
}

status_t ninep_rename(struct node *from_dir, struct fs_name from, struct node *to_dir,
                      struct fs_name to) {
    struct ninep_node *f = ninep_of(from_dir), *t = ninep_of(to_dir);
    struct ninep_call call;
    if (f->fs != t->fs) {
        return STATUS_CROSS_DEVICE;
    }
    ninep_begin(&call, f->fs, NINEP_TRENAMEAT, 0);
    ninep_put_u32(&call, f->fid);
    ninep_put_name(&call, from);
    ninep_put_u32(&call, t->fid);
    ninep_put_name(&call, to);
    ninep_run(&call);
    return ninep_end(&call);
}
