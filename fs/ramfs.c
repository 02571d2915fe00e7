/*
 * The RAM file system's operations. Those that change a directory check everything and take what memory
 * they need first, and then act without failure.
 */
#include "fs/ramfs.h"

#include "base/map.h"
#include "fs/ramfs_internal.h"

#include <assert.h>
#include <string.h>

static const struct node_ops ops;

static struct ramfs_node *of(struct node *node) {
    return (struct ramfs_node *)node;
}

static void lock(const struct ramfs_node *node) {
    fs_lock_lock(node->fs->lock);
}

/* Hands the status through, so that an operation may end with it. */
static status_t unlock(const struct ramfs_node *node, status_t status) {
    fs_lock_unlock(node->fs->lock);
    return status;
}

static bool is_dir(const struct ramfs_node *node) {
    return node->node.type == NODE_DIRECTORY;
}

/* ---- memory ---------------------------------------------------------------------------------- */

static status_t charge(struct ramfs *fs, size_t size, void *(*alloc)(size_t size), void **out) {
    if (size > fs->max_size - fs->used) {
        return STATUS_FULL;
    }
    void *p = alloc(size);
    if (!p) {
        return STATUS_NO_MEMORY;
    }
    fs->used += size;
    *out = p;
    return STATUS_OK;
}

status_t ramfs_alloc(struct ramfs *fs, size_t size, void **out) {
    return charge(fs, size, fs_alloc, out);
}

status_t ramfs_alloc_raw(struct ramfs *fs, size_t size, void **out) {
    return charge(fs, size, fs_alloc_raw, out);
}

void ramfs_release(struct ramfs *fs, void *p, size_t size) {
    if (p) {
        fs->used -= size;
        fs_free(p);
    }
}

/* One reference, the caller's; no name yet. */
static status_t new_node(struct ramfs *fs, enum node_type type, struct ramfs_node **out) {
    void *memory;
    TRY(ramfs_alloc(fs, sizeof(struct ramfs_node), &memory));
    struct ramfs_node *node = memory;
    node_init(&node->node, &ops, type);
    node->fs = fs;
    node->inode = ++fs->next_inode;
    node->atime_ns = node->mtime_ns = node->ctime_ns = fs_now_ns();
    list_push_back(&fs->nodes, &node->all);
    *out = node;
    return STATUS_OK;
}

static void free_node(struct ramfs_node *node) {
    struct ramfs *fs = node->fs;
    if (is_dir(node)) {
        ramfs_dir_fini(fs, &node->dir);
    } else if (node->node.type == NODE_SYMLINK) {
        ramfs_release(fs, node->target, node->size);
    } else if (!node->fixed) {
        ramfs_pages_cut(fs, &node->pages, 0);
    }
    list_remove(&node->all);
    ramfs_release(fs, node, sizeof(*node));
}

static void node_free(struct node *node) {
    struct ramfs *fs = of(node)->fs;
    fs_lock_lock(fs->lock);
    free_node(of(node));
    fs_lock_unlock(fs->lock);
}

/* ---- files ----------------------------------------------------------------------------------- */

static status_t node_open_for(struct node *node, unsigned access) {
    return (access & NODE_WRITE) && of(node)->fs->read_only ? STATUS_READ_ONLY : STATUS_OK;
}

static void touch(struct ramfs_node *node) {
    node->mtime_ns = node->ctime_ns = fs_now_ns();
}

static size_t min_size(uint64_t a, uint64_t b) {
    return (size_t)(a < b ? a : b);
}

/* What is at `offset` up to the end of its page. The caller only reads. */
static void *bytes_at(const struct ramfs_node *file, uint64_t offset) {
    static const uint8_t zeros[RAMFS_PAGE_SIZE];
    union {
        const uint8_t *in;
        void *out;
    } bytes;
    size_t within = (size_t)(offset % RAMFS_PAGE_SIZE);
    const uint8_t *page = ramfs_pages_find(&file->pages, offset / RAMFS_PAGE_SIZE);
    bytes.in = file->fixed ? file->fixed + offset : (page ? page : zeros) + within;
    return bytes.out;
}

static status_t file_read(struct ramfs_node *file, uint64_t offset, size_t size, struct node_io *to,
                          size_t *done_out) {
    if (offset >= file->size) {
        return STATUS_OK;
    }
    size_t done = 0, left = min_size(size, file->size - offset);
    while (left > 0) {
        uint64_t at = offset + done;
        size_t n = min_size(left, RAMFS_PAGE_SIZE - at % RAMFS_PAGE_SIZE);
        TRY(to->move(to, bytes_at(file, at), n));
        done += n;
        left -= n;
    }
    *done_out = done;
    if (!file->fs->read_only && file->atime_ns <= file->mtime_ns) { /* as "relatime" does */
        file->atime_ns = fs_now_ns();
    }
    return STATUS_OK;
}

static status_t node_read_at(struct node *node, uint64_t offset, size_t size, struct node_io *to,
                             size_t *done_out) {
    if (node->type != NODE_REGULAR) {
        return node->type == NODE_DIRECTORY ? STATUS_IS_DIR : STATUS_DENIED;
    }
    lock(of(node));
    return unlock(of(node), file_read(of(node), offset, size, to, done_out));
}

/* Bytes into one page. A page that cannot be filled is left as zeros beyond the file's end. */
static status_t write_page(struct ramfs_node *file, uint64_t at, size_t size,
                           struct node_io *from) {
    void *page = ramfs_pages_find(&file->pages, at / RAMFS_PAGE_SIZE);
    bool is_new = !page, whole = size == RAMFS_PAGE_SIZE;
    if (is_new) {
        TRY(ramfs_pages_make(file->fs, &file->pages, at / RAMFS_PAGE_SIZE, whole, &page));
    }
    uint8_t *to = (uint8_t *)page + at % RAMFS_PAGE_SIZE;
    status_t status = from->move(from, to, size);
    if (status != STATUS_OK && (is_new || at >= file->size)) {
        memset(to, 0, size);
    }
    return status;
}

static status_t file_write(struct ramfs_node *file, uint64_t offset, size_t size,
                           struct node_io *from, size_t *done_out) {
    if (offset >= RAMFS_FILE_MAX) {
        return STATUS_TOO_BIG;
    }
    size_t done = 0, want = min_size(size, RAMFS_FILE_MAX - offset);
    status_t status = STATUS_OK;
    while (done < want) {
        uint64_t at = offset + done;
        size_t n = min_size(want - done, RAMFS_PAGE_SIZE - at % RAMFS_PAGE_SIZE);
        status = write_page(file, at, n, from);
        if (status != STATUS_OK) {
            break;
        }
        done += n;
    }
    if (done == 0) {
        return status;
    }
    if (offset + done > file->size) {
        file->size = offset + done;
    }
    touch(file);
    *done_out = done;
    return STATUS_OK;
}

static status_t node_write_at(struct node *node, uint64_t *offset, size_t size,
                              struct node_io *from, size_t *done_out) {
    struct ramfs_node *file = of(node);
    if (node->type != NODE_REGULAR) {
        return node->type == NODE_DIRECTORY ? STATUS_IS_DIR : STATUS_DENIED;
    }
    if (file->fs->read_only) {
        return STATUS_READ_ONLY;
    }
    lock(file);
    if (*offset == NODE_APPEND) {
        *offset = file->size;
    }
    return unlock(file, file_write(file, *offset, size, from, done_out));
}

/* The page of a transfer that can be done at once, or NULL; then the file system is locked. */
static inline uint8_t *page_now(const struct ramfs_node *file, uint64_t offset, size_t size) {
    bool in_page = offset % RAMFS_PAGE_SIZE + size <= RAMFS_PAGE_SIZE;
    if (file->node.type != NODE_REGULAR || file->fs->read_only || !in_page ||
        offset >= RAMFS_FILE_MAX || !fs_lock_try(file->fs->lock)) {
        return NULL;
    }
    uint8_t *page = ramfs_pages_find(&file->pages, offset / RAMFS_PAGE_SIZE);
    if (!page) {
        fs_lock_unlock(file->fs->lock);
    }
    return page;
}

/* memcpy() of a few bytes, which are often one. */
static inline void copy_few(uint8_t *to, const uint8_t *from, size_t size) {
    if (size == 1) {
        *to = *from;
    } else {
        memcpy(to, from, size);
    }
}

static status_t node_read_now(struct node *node, uint64_t offset, void *to, size_t size,
                              size_t *done_out) {
    struct ramfs_node *file = of(node);
    const uint8_t *page = page_now(file, offset, size);
    if (!page) {
        return STATUS_WOULD_BLOCK;
    }
    *done_out = offset < file->size ? min_size(size, file->size - offset) : 0;
    copy_few(to, page + offset % RAMFS_PAGE_SIZE, *done_out);
    if (file->atime_ns <= file->mtime_ns) {
        file->atime_ns = fs_now_ns();
    }
    return unlock(file, STATUS_OK);
}

static status_t node_write_now(struct node *node, uint64_t offset, const void *from, size_t size) {
    struct ramfs_node *file = of(node);
    uint8_t *page = page_now(file, offset, size);
    if (!page) {
        return STATUS_WOULD_BLOCK;
    }
    copy_few(page + offset % RAMFS_PAGE_SIZE, from, size);
    if (offset + size > file->size) {
        file->size = offset + size;
    }
    touch(file);
    return unlock(file, STATUS_OK);
}

static void cut(struct ramfs_node *file, uint64_t size) {
    uint64_t pages = (size + RAMFS_PAGE_SIZE - 1) / RAMFS_PAGE_SIZE;
    size_t within = (size_t)(size % RAMFS_PAGE_SIZE);
    ramfs_pages_cut(file->fs, &file->pages, pages);
    uint8_t *last = within ? ramfs_pages_find(&file->pages, size / RAMFS_PAGE_SIZE) : NULL;
    if (last) {
        memset(last + within, 0, RAMFS_PAGE_SIZE - within);
    }
}

static status_t check_file(const struct ramfs_node *file, uint64_t size) {
    if (file->node.type != NODE_REGULAR) {
        return is_dir(file) ? STATUS_IS_DIR : STATUS_BAD_ARGUMENT;
    }
    if (file->fs->read_only) {
        return STATUS_READ_ONLY;
    }
    return size <= RAMFS_FILE_MAX ? STATUS_OK : STATUS_TOO_BIG;
}

static status_t node_resize(struct node *node, uint64_t size) {
    struct ramfs_node *file = of(node);
    TRY(check_file(file, size));
    lock(file);
    if (size < file->size) {
        cut(file, size);
    }
    file->size = size;
    touch(file);
    return unlock(file, STATUS_OK);
}

static status_t fill_holes(struct ramfs_node *file, uint64_t offset, uint64_t end) {
    for (uint64_t page = offset / RAMFS_PAGE_SIZE; page * RAMFS_PAGE_SIZE < end; page++) {
        void *unused;
        TRY(ramfs_pages_make(file->fs, &file->pages, page, false, &unused));
    }
    return STATUS_OK;
}

static status_t node_allocate_range(struct node *node, uint64_t offset, uint64_t size) {
    struct ramfs_node *file = of(node);
    TRY(check_file(file, offset));
    TRY(check_file(file, size));
    TRY(check_file(file, offset + size));
    if (offset + size > file->fs->max_size) {
        return STATUS_FULL; /* without trying: it would take long */
    }
    lock(file);
    status_t status = fill_holes(file, offset, offset + size);
    if (status != STATUS_OK) {
        cut(file, file->size);
    } else if (offset + size > file->size) {
        file->size = offset + size;
        touch(file);
    }
    return unlock(file, status);
}

/* ---- attributes ------------------------------------------------------------------------------ */

static status_t node_attributes(struct node *node, struct node_attr *out) {
    const struct ramfs_node *n = of(node);
    lock(n);
    *out = (struct node_attr){
        .type = node->type,
        .device = n->fs->device,
        .inode = n->inode,
        .links = is_dir(n) ? (n->dir.parent ? 2 + (uint64_t)n->dir.subdirs : 0) : n->links,
        .size = is_dir(n) ? n->dir.live : n->size,
        .atime_ns = n->atime_ns,
        .mtime_ns = n->mtime_ns,
        .ctime_ns = n->ctime_ns,
    };
    return unlock(n, STATUS_OK);
}

static status_t node_retime(struct node *node, const struct node_times *times) {
    struct ramfs_node *n = of(node);
    if (n->fs->read_only) {
        return STATUS_READ_ONLY;
    }
    lock(n);
    n->atime_ns = times->set_atime ? times->atime_ns : n->atime_ns;
    n->mtime_ns = times->set_mtime ? times->mtime_ns : n->mtime_ns;
    n->ctime_ns = fs_now_ns();
    return unlock(n, STATUS_OK);
}

static status_t node_link_target(struct node *node, char *buf, size_t cap, size_t *len_out) {
    const struct ramfs_node *n = of(node);
    if (node->type != NODE_SYMLINK) {
        return STATUS_BAD_ARGUMENT;
    }
    *len_out = min_size(cap, n->size); /* never changes */
    memcpy(buf, n->target, *len_out);
    return STATUS_OK;
}

/* ---- reading directories --------------------------------------------------------------------- */

static status_t dir_lookup(struct node *dir, struct fs_name name, struct node **out) {
    struct ramfs_node *d = of(dir);
    if (!is_dir(d)) {
        return STATUS_NOT_DIR;
    }
    lock(d);
    struct ramfs_entry *entry = ramfs_dir_find(d->fs, &d->dir, name);
    if (entry) {
        *out = node_get(&entry->node->node);
    }
    return unlock(d, entry ? STATUS_OK : STATUS_NOT_FOUND);
}

static bool emit_dot(struct node_emit *emit, const struct ramfs_node *node, const char *name,
                     uint64_t cookie) {
    struct node_entry entry = {.name = {name, (size_t)cookie},
                               .cookie = cookie,
                               .inode = node->inode,
                               .type = NODE_DIRECTORY};
    return emit->entry(emit, &entry);
}

static void emit_entries(const struct ramfs_node *dir, uint64_t cookie, struct node_emit *emit) {
    const struct ramfs_node *parent = dir->dir.parent ? dir->dir.parent : dir;
    if (cookie < 1 && !emit_dot(emit, dir, ".", 1)) {
        return;
    }
    if (cookie < 2 && !emit_dot(emit, parent, "..", 2)) {
        return;
    }
    const struct ramfs_place *place;
    while ((place = ramfs_dir_after(&dir->dir, cookie))) {
        const struct ramfs_entry *e = place->entry;
        struct node_entry entry = {.name = {e->name, e->len},
                                   .cookie = place->cookie,
                                   .inode = e->node->inode,
                                   .type = e->node->node.type};
        if (!emit->entry(emit, &entry)) {
            return;
        }
        cookie = place->cookie;
    }
}

static status_t dir_read(struct node *dir, uint64_t cookie, struct node_emit *emit) {
    if (dir->type != NODE_DIRECTORY) {
        return STATUS_NOT_DIR;
    }
    lock(of(dir));
    emit_entries(of(dir), cookie, emit);
    return unlock(of(dir), STATUS_OK);
}

/* ---- changing directories -------------------------------------------------------------------- */

/* Whether entries can be made in it. */
static status_t check_dir(const struct ramfs_node *dir) {
    if (!is_dir(dir)) {
        return STATUS_NOT_DIR;
    }
    if (dir->fs->read_only) {
        return STATUS_READ_ONLY;
    }
    return dir->dir.parent ? STATUS_OK : STATUS_NOT_FOUND;
}

/* `node` gets its first name or another one; takes over the caller's reference, on failure too. */
static status_t add_name(struct ramfs_node *dir, struct fs_name name, struct ramfs_node *node) {
    status_t status = ramfs_dir_add(dir->fs, &dir->dir, name, node);
    if (status != STATUS_OK) {
        return status;
    }
    node->links++;
    node->ctime_ns = fs_now_ns();
    if (is_dir(node)) {
        node->dir.parent = dir;
        dir->dir.subdirs++;
    }
    touch(dir);
    return STATUS_OK;
}

static status_t check_free(struct ramfs_node *dir, struct fs_name name) {
    TRY(check_dir(dir));
    return ramfs_dir_find(dir->fs, &dir->dir, name) ? STATUS_EXISTS : STATUS_OK;
}

/* A new node under that name, borrowed from its entry. */
static status_t make(struct ramfs_node *dir, struct fs_name name, enum node_type type,
                     struct ramfs_node **out) {
    TRY(check_free(dir, name));
    TRY(new_node(dir->fs, type, out));
    status_t status = add_name(dir, name, *out);
    if (status != STATUS_OK) {
        free_node(*out);
    }
    return status;
}

static status_t dir_create(struct node *dir, struct fs_name name, struct node **out) {
    struct ramfs_node *file;
    lock(of(dir));
    status_t status = make(of(dir), name, NODE_REGULAR, &file);
    if (status == STATUS_OK) {
        *out = node_get(&file->node);
    }
    return unlock(of(dir), status);
}

static status_t dir_mkdir(struct node *dir, struct fs_name name) {
    struct ramfs_node *made;
    lock(of(dir));
    return unlock(of(dir), make(of(dir), name, NODE_DIRECTORY, &made));
}

static status_t make_link(struct ramfs_node *dir, struct fs_name name, struct fs_name target) {
    void *copy;
    struct ramfs_node *link;
    if (target.len == 0 || target.len > FS_PATH_MAX) {
        return target.len ? STATUS_NAME_TOO_LONG : STATUS_NOT_FOUND;
    }
    TRY(check_free(dir, name));
    TRY(ramfs_alloc(dir->fs, target.len, &copy));
    status_t status = make(dir, name, NODE_SYMLINK, &link);
    if (status != STATUS_OK) {
        ramfs_release(dir->fs, copy, target.len);
        return status;
    }
    memcpy(copy, target.at, target.len);
    link->target = copy;
    link->size = target.len;
    return STATUS_OK;
}

static status_t dir_symlink(struct node *dir, struct fs_name name, struct fs_name target) {
    lock(of(dir));
    return unlock(of(dir), make_link(of(dir), name, target));
}

static status_t add_link(struct ramfs_node *dir, struct fs_name name, struct ramfs_node *node) {
    if (dir->fs != node->fs) {
        return STATUS_CROSS_DEVICE;
    }
    TRY(check_free(dir, name));
    if (node->links == 0) {
        return STATUS_NOT_FOUND; /* its last name is gone: it stays so */
    }
    if (node->links >= RAMFS_LINKS_MAX) {
        return STATUS_TOO_MANY_LINKS;
    }
    TRY(add_name(dir, name, node));
    node_get(&node->node);
    return STATUS_OK;
}

static status_t dir_link(struct node *dir, struct fs_name name, struct node *node) {
    lock(of(dir));
    return unlock(of(dir), add_link(of(dir), name, of(node)));
}

/* The node has lost a name in `dir`. Nothing can be made in a removed directory. */
static void lose_name(struct ramfs_node *dir, struct ramfs_node *node) {
    node->links--;
    node->ctime_ns = fs_now_ns();
    if (is_dir(node)) {
        node->dir.parent = NULL;
        dir->dir.subdirs--;
    }
    touch(dir);
}

/* Takes the name away; the entry's reference is left to the caller in *out. */
static status_t remove_name(struct ramfs_node *dir, struct fs_name name, bool want_dir,
                            struct ramfs_node **out) {
    TRY(check_dir(dir));
    struct ramfs_entry *entry = ramfs_dir_find(dir->fs, &dir->dir, name);
    if (!entry) {
        return STATUS_NOT_FOUND;
    }
    if (is_dir(entry->node) != want_dir) {
        return want_dir ? STATUS_NOT_DIR : STATUS_IS_DIR;
    }
    if (want_dir && entry->node->dir.live > 0) {
        return STATUS_NOT_EMPTY;
    }
    *out = ramfs_dir_remove(dir->fs, &dir->dir, entry);
    lose_name(dir, *out);
    return STATUS_OK;
}

static status_t remove_and_put(struct node *dir, struct fs_name name, bool want_dir) {
    struct ramfs_node *removed = NULL;
    lock(of(dir));
    status_t status = unlock(of(dir), remove_name(of(dir), name, want_dir, &removed));
    node_put(removed ? &removed->node : NULL);
    return status;
}

static status_t dir_unlink(struct node *dir, struct fs_name name) {
    return remove_and_put(dir, name, false);
}

static status_t dir_rmdir(struct node *dir, struct fs_name name) {
    return remove_and_put(dir, name, true);
}

/* ---- rename ---------------------------------------------------------------------------------- */

static bool is_below(const struct ramfs_node *dir, const struct ramfs_node *above) {
    const struct ramfs_node *root = dir->fs->root;
    while (dir && dir != above && dir != root) {
        dir = dir->dir.parent;
    }
    return dir == above;
}

/* Whether `moved` may take the place of `old`, which is another node. */
static status_t check_replace(const struct ramfs_node *moved, const struct ramfs_node *old) {
    if (is_dir(old) && !is_dir(moved)) {
        return STATUS_IS_DIR;
    }
    if (!is_dir(old) && is_dir(moved)) {
        return STATUS_NOT_DIR;
    }
    return is_dir(old) && old->dir.live > 0 ? STATUS_NOT_EMPTY : STATUS_OK;
}

/* *replaced_out: a reference that somebody must put when the lock is free. */
static status_t move_name(struct ramfs_node *from_dir, struct fs_name from,
                          struct ramfs_node *to_dir, struct fs_name to,
                          struct ramfs_node **replaced_out) {
    struct ramfs *fs = from_dir->fs;
    TRY(check_dir(from_dir));
    TRY(check_dir(to_dir));
    struct ramfs_entry *entry = ramfs_dir_find(fs, &from_dir->dir, from);
    struct ramfs_entry *target = ramfs_dir_find(fs, &to_dir->dir, to);
    if (!entry) {
        return STATUS_NOT_FOUND;
    }
    struct ramfs_node *moved = entry->node;
    if (is_dir(moved) && is_below(to_dir, moved)) {
        return STATUS_BAD_ARGUMENT;
    }
    if (target && target->node == moved) {
        return STATUS_OK; /* two names of one file: both stay */
    }
    if (target) {
        TRY(check_replace(moved, target->node));
        *replaced_out = target->node;
        target->node = moved;
        lose_name(to_dir, *replaced_out);
    } else {
        TRY(ramfs_dir_add(fs, &to_dir->dir, to, moved));
    }
    (void)ramfs_dir_remove(fs, &from_dir->dir, entry); /* its reference is the new entry's */
    if (is_dir(moved)) {
        from_dir->dir.subdirs--;
        to_dir->dir.subdirs++;
        moved->dir.parent = to_dir;
    }
    moved->ctime_ns = fs_now_ns();
    touch(from_dir);
    touch(to_dir);
    return STATUS_OK;
}

static status_t dir_rename(struct node *from_dir, struct fs_name from, struct node *to_dir,
                           struct fs_name to) {
    struct ramfs_node *replaced = NULL;
    if (of(from_dir)->fs != of(to_dir)->fs) {
        return STATUS_CROSS_DEVICE;
    }
    lock(of(from_dir));
    status_t status =
        unlock(of(from_dir), move_name(of(from_dir), from, of(to_dir), to, &replaced));
    node_put(replaced ? &replaced->node : NULL);
    return status;
}

static const struct node_ops ops = {
    .free = node_free,
    .open = node_open_for,
    .read = node_read_at,
    .write = node_write_at,
    .read_now = node_read_now,
    .write_now = node_write_now,
    .get_attr = node_attributes,
    .set_size = node_resize,
    .allocate = node_allocate_range,
    .set_times = node_retime,
    .readlink = node_link_target,
    .lookup = dir_lookup,
    .readdir = dir_read,
    .create = dir_create,
    .mkdir = dir_mkdir,
    .symlink = dir_symlink,
    .link = dir_link,
    .unlink = dir_unlink,
    .rmdir = dir_rmdir,
    .rename = dir_rename,
};

/* ---- the file system ------------------------------------------------------------------------- */

status_t ramfs_new(uint64_t max_size, struct ramfs **out) {
    struct ramfs *fs = fs_alloc(sizeof(*fs));
    if (!fs) {
        return STATUS_NO_MEMORY;
    }
    fs->lock = fs_lock_new();
    fs->max_size = max_size;
    fs->device = node_new_device();
    fs->seed = hash_u64((uint64_t)(uintptr_t)fs ^ fs_now_ns());
    list_init(&fs->nodes);
    status_t status = fs->lock ? new_node(fs, NODE_DIRECTORY, &fs->root) : STATUS_NO_MEMORY;
    if (status != STATUS_OK) {
        fs_lock_free(fs->lock);
        fs_free(fs);
        return status;
    }
    fs->root->links = 1;
    fs->root->dir.parent = fs->root;
    *out = fs;
    return STATUS_OK;
}

void ramfs_free(struct ramfs *fs) {
    if (!fs) {
        return;
    }
    assert(fs->root->node.refs == 1);
    while (!list_empty(&fs->nodes)) {
        free_node(list_entry(fs->nodes.next, struct ramfs_node, all));
    }
    assert(fs->used == 0);
    fs_lock_free(fs->lock);
    fs_free(fs);
}

struct node *ramfs_root(struct ramfs *fs) {
    return node_get(&fs->root->node);
}

uint64_t ramfs_used(const struct ramfs *fs) {
    return fs->used;
}

status_t ramfs_add_file(struct node *dir, struct fs_name name, const void *bytes, size_t size) {
    struct ramfs_node *file;
    lock(of(dir));
    status_t status = make(of(dir), name, NODE_REGULAR, &file);
    if (status == STATUS_OK) {
        file->fixed = bytes;
        file->size = size;
    }
    return unlock(of(dir), status);
}

void ramfs_set_read_only(struct ramfs *fs) {
    fs->read_only = true;
}
