/*
 * The pages of a file: a radix tree of FANOUT slots a node, as high as its last page needs; holes are
 * NULL. Height 0 is a single page, so that a small file costs no node.
 */
#include "fs/ramfs_internal.h"

#include <assert.h>

enum { BITS = RAMFS_TABLE_BITS, FANOUT = 1 << BITS, MAX_HEIGHT = 4 };
_Static_assert(RAMFS_FILE_MAX >> RAMFS_PAGE_SHIFT <= (uint64_t)1 << (BITS * MAX_HEIGHT),
               "the tree holds the largest file");

struct table {
    void *slots[FANOUT];
};

static unsigned slot_of(uint64_t index, uint32_t level) {
    return ramfs_pages_slot(index, level);
}

static bool in_reach(const struct ramfs_pages *pages, uint64_t index) {
    return index >> (BITS * pages->height) == 0;
}

/* Puts tables above the root until the index is in reach. */
static status_t raise(struct ramfs *fs, struct ramfs_pages *pages, uint64_t index) {
    while (!in_reach(pages, index)) {
        void *table = NULL;
        if (pages->root) {
            TRY(ramfs_alloc(fs, sizeof(struct table), &table));
            ((struct table *)table)->slots[0] = pages->root;
        }
        pages->root = table;
        pages->height++;
    }
    return STATUS_OK;
}

status_t ramfs_pages_make(struct ramfs *fs, struct ramfs_pages *pages, uint64_t index, bool raw,
                          void **page_out) {
    TRY(raise(fs, pages, index));
    void **at = &pages->root;
    for (uint32_t level = pages->height; level > 0; level--) {
        if (!*at) {
            TRY(ramfs_alloc(fs, sizeof(struct table), at));
        }
        at = &((struct table *)*at)->slots[slot_of(index, level)];
    }
    if (!*at) {
        TRY(raw ? ramfs_alloc_raw(fs, RAMFS_PAGE_SIZE, at) : ramfs_alloc(fs, RAMFS_PAGE_SIZE, at));
    }
    *page_out = *at;
    return STATUS_OK;
}

/* Frees a tree of that height, by going down to its first leaf again and again. */
static void free_tree(struct ramfs *fs, void *root, uint32_t height) {
    struct table *path[MAX_HEIGHT + 1];
    unsigned next[MAX_HEIGHT + 1];
    if (!root || height == 0) {
        ramfs_release(fs, root, RAMFS_PAGE_SIZE);
        return;
    }
    uint32_t level = height;
    path[level] = root;
    next[level] = 0;
    while (level <= height) {
        if (next[level] == FANOUT) {
            ramfs_release(fs, path[level], sizeof(struct table));
            level++;
            continue;
        }
        void *child = path[level]->slots[next[level]++];
        if (child && level == 1) {
            ramfs_release(fs, child, RAMFS_PAGE_SIZE);
        } else if (child) {
            level--;
            path[level] = child;
            next[level] = 0;
        }
    }
}

void ramfs_pages_cut(struct ramfs *fs, struct ramfs_pages *pages, uint64_t first) {
    if (first == 0) {
        free_tree(fs, pages->root, pages->height);
        *pages = (struct ramfs_pages){0};
        return;
    }
    uint64_t last = first - 1; /* the last page that stays */
    if (!in_reach(pages, last)) {
        return;
    }
    struct table *table = pages->root;
    for (uint32_t level = pages->height; table && level > 0; level--) {
        unsigned slot = slot_of(last, level);
        for (unsigned i = slot + 1; i < FANOUT; i++) {
            free_tree(fs, table->slots[i], level - 1);
            table->slots[i] = NULL;
        }
        table = table->slots[slot];
    }
}
