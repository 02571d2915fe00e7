/*
 * Between the files of the RAM file system.
 *
 *     struct ramfs ── all nodes (list)
 *     node of a directory: entries ──> node     an entry holds one reference on its node
 *     node of a file:      radix tree of pages
 *
 * Locks: fs->lock guards everything but the reference counts. Functions named here are called with
 * it held.
 */
#ifndef FS_RAMFS_INTERNAL_H
#define FS_RAMFS_INTERNAL_H

#include "base/list.h"
#include "fs/node.h"
#include "fs/platform.h"

#define RAMFS_PAGE_SHIFT 12
#define RAMFS_PAGE_SIZE  ((size_t)1 << RAMFS_PAGE_SHIFT)

struct ramfs {
    struct fs_lock *lock;
    struct ramfs_node *root;
    struct list nodes;
    uint64_t device, next_inode;
    uint64_t used, max_size; /* bytes */
    uint64_t seed;           /* of the hash of names */
    bool read_only;
};

/* Pages of a file by their index; see ramfs_pages.c. */
struct ramfs_pages {
    void *root;
    uint32_t height; /* 0: root is page 0 itself */
};

struct ramfs_entry {
    struct ramfs_entry *next; /* in its hash bucket */
    struct ramfs_node *node;
    uint32_t hash;
    uint32_t place; /* in dir->order */
    uint8_t len;
    char name[];
};

struct ramfs_place {
    uint64_t cookie;           /* grows with each new entry of the directory */
    struct ramfs_entry *entry; /* NULL: removed */
};

struct ramfs_dir {
    struct ramfs_node *parent; /* the root's is itself; NULL: removed */
    struct ramfs_entry **buckets;
    struct ramfs_place *order; /* by cookie */
    uint32_t bucket_count;     /* 0 or a power of two */
    uint32_t order_first;      /* nothing but removed ones before it */
    uint32_t order_len, order_cap;
    uint32_t live; /* entries */
    uint32_t subdirs;
    uint64_t next_cookie;
};

struct ramfs_node {
    struct node node;
    struct ramfs *fs;
    struct list all; /* in fs->nodes */
    uint64_t inode, size;
    uint64_t atime_ns, mtime_ns, ctime_ns;
    uint32_t links;       /* names; of directories see get_attr */
    const uint8_t *fixed; /* the bytes of a file that are somebody else's, or NULL */
    union {
        struct ramfs_pages pages;
        struct ramfs_dir dir;
        char *target;
    };
};

/* Memory charged to the quota. FULL, NO_MEMORY. */
MUST_CHECK status_t ramfs_alloc(struct ramfs *fs, size_t size, void **out);
MUST_CHECK status_t ramfs_alloc_raw(struct ramfs *fs, size_t size, void **out); /* not zeroed */
void ramfs_release(struct ramfs *fs, void *p, size_t size);

/* ---- ramfs_pages.c ---- */

/* A table has so many slots, by bits of the index. */
#define RAMFS_TABLE_BITS 9

static inline unsigned ramfs_pages_slot(uint64_t index, uint32_t level) {
    return (unsigned)(index >> (RAMFS_TABLE_BITS * (level - 1))) & ((1u << RAMFS_TABLE_BITS) - 1);
}

/* Page `index`, or NULL where there is a hole. */
static inline void *ramfs_pages_find(const struct ramfs_pages *pages, uint64_t index) {
    void *at = index >> (RAMFS_TABLE_BITS * pages->height) == 0 ? pages->root : NULL;
    for (uint32_t level = pages->height; at && level > 0; level--) {
        at = ((void **)at)[ramfs_pages_slot(index, level)];
    }
    return at;
}
/* The same, made where there is none: of zeros, or raw, to be filled whole. index < RAMFS_FILE_MAX /
 * RAMFS_PAGE_SIZE. */
MUST_CHECK status_t ramfs_pages_make(struct ramfs *fs, struct ramfs_pages *pages, uint64_t index,
                                     bool raw, void **page_out);
/* Frees the pages from `first` on. */
void ramfs_pages_cut(struct ramfs *fs, struct ramfs_pages *pages, uint64_t first);

/* ---- ramfs_dir.c ---- */

struct ramfs_entry *ramfs_dir_find(const struct ramfs *fs, const struct ramfs_dir *dir,
                                   struct fs_name name);
/* A new entry, which takes over a reference to `node`; the name must be free. LIMIT, FULL, NO_MEMORY. */
MUST_CHECK status_t ramfs_dir_add(struct ramfs *fs, struct ramfs_dir *dir, struct fs_name name,
                                  struct ramfs_node *node);
/* Frees the entry; its reference is the caller's now. */
struct ramfs_node *ramfs_dir_remove(struct ramfs *fs, struct ramfs_dir *dir,
                                    struct ramfs_entry *entry);
/* The first entry with a cookie above this one, or NULL. */
const struct ramfs_place *ramfs_dir_after(const struct ramfs_dir *dir, uint64_t cookie);
/* Frees the tables, and the entries without their nodes. */
void ramfs_dir_fini(struct ramfs *fs, struct ramfs_dir *dir);

#endif
