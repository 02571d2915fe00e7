/*
 * A directory: entries in hash buckets for lookups, and in an array in the order in which they were
 * made for reading. An entry's cookie is its number in that order, so a reader goes on at the right place
 * whatever was removed meanwhile: by binary search. Removed entries leave a hole, and the array closes
 * up when half of it is holes.
 */
#include "base/map.h"
#include "fs/ramfs_internal.h"

#include <assert.h>
#include <string.h>

/* 1 and 2 are "." and "..". */
#define FIRST_COOKIE 3u
#define FIRST_CAP    8u

static uint32_t hash_name(const struct ramfs *fs, struct fs_name name) {
    return (uint32_t)hash_bytes(name.at, name.len, fs->seed);
}

static size_t entry_size(size_t name_len) {
    return sizeof(struct ramfs_entry) + name_len;
}

static struct ramfs_entry **bucket_of(const struct ramfs_dir *dir, uint32_t hash) {
    return &dir->buckets[hash & (dir->bucket_count - 1)];
}

struct ramfs_entry *ramfs_dir_find(const struct ramfs *fs, const struct ramfs_dir *dir,
                                   struct fs_name name) {
    if (dir->live == 0) {
        return NULL;
    }
    uint32_t hash = hash_name(fs, name);
    struct ramfs_entry *entry = *bucket_of(dir, hash);
    while (entry && (entry->hash != hash || entry->len != name.len ||
                     memcmp(entry->name, name.at, name.len) != 0)) {
        entry = entry->next;
    }
    return entry;
}

/* ---- growing --------------------------------------------------------------------------------- */

static void close_holes(struct ramfs_dir *dir) {
    uint32_t kept = 0;
    for (uint32_t i = dir->order_first; i < dir->order_len; i++) {
        if (dir->order[i].entry) {
            dir->order[i].entry->place = kept;
            dir->order[kept++] = dir->order[i];
        }
    }
    dir->order_first = 0;
    dir->order_len = kept;
}

/* Room for one more in `order`. */
static status_t grow_order(struct ramfs *fs, struct ramfs_dir *dir) {
    if (dir->order_len < dir->order_cap) {
        return STATUS_OK;
    }
    if (dir->live < dir->order_len / 2) {
        close_holes(dir);
        return STATUS_OK;
    }
    uint32_t cap = dir->order_cap ? 2 * dir->order_cap : FIRST_CAP;
    void *order;
    TRY(ramfs_alloc(fs, cap * sizeof(*dir->order), &order));
    if (dir->order_len > 0) {
        memcpy(order, dir->order, dir->order_len * sizeof(*dir->order));
    }
    ramfs_release(fs, dir->order, dir->order_cap * sizeof(*dir->order));
    dir->order = order;
    dir->order_cap = cap;
    return STATUS_OK;
}

/* As many buckets as entries, at least. */
static status_t grow_buckets(struct ramfs *fs, struct ramfs_dir *dir) {
    if (dir->live < dir->bucket_count) {
        return STATUS_OK;
    }
    uint32_t old_count = dir->bucket_count;
    struct ramfs_entry **old = dir->buckets;
    uint32_t count = old_count ? 2 * old_count : FIRST_CAP;
    void *buckets;
    TRY(ramfs_alloc(fs, count * sizeof(*old), &buckets));
    dir->buckets = buckets;
    dir->bucket_count = count;
    for (uint32_t i = 0; i < old_count; i++) {
        for (struct ramfs_entry *entry = old[i], *next; entry; entry = next) {
            struct ramfs_entry **bucket = bucket_of(dir, entry->hash);
            next = entry->next;
            entry->next = *bucket;
            *bucket = entry;
        }
    }
    ramfs_release(fs, old, old_count * sizeof(*old));
    return STATUS_OK;
}

status_t ramfs_dir_add(struct ramfs *fs, struct ramfs_dir *dir, struct fs_name name,
                       struct ramfs_node *node) {
    void *memory;
    if (dir->live >= RAMFS_ENTRIES_MAX) {
        return STATUS_LIMIT;
    }
    TRY(grow_order(fs, dir));
    TRY(grow_buckets(fs, dir));
    TRY(ramfs_alloc(fs, entry_size(name.len), &memory));
    if (dir->next_cookie == 0) {
        dir->next_cookie = FIRST_COOKIE;
    }
    struct ramfs_entry *entry = memory;
    entry->hash = hash_name(fs, name);
    entry->node = node;
    entry->place = dir->order_len;
    entry->len = (uint8_t)name.len;
    memcpy(entry->name, name.at, name.len);
    struct ramfs_entry **bucket = bucket_of(dir, entry->hash);
    entry->next = *bucket;
    *bucket = entry;
    dir->order[dir->order_len++] = (struct ramfs_place){dir->next_cookie++, entry};
    dir->live++;
    return STATUS_OK;
}

/* ---- order ----------------------------------------------------------------------------------- */

const struct ramfs_place *ramfs_dir_after(const struct ramfs_dir *dir, uint64_t cookie) {
    uint32_t low = dir->order_first, high = dir->order_len;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (dir->order[middle].cookie <= cookie) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    while (low < dir->order_len && !dir->order[low].entry) {
        low++;
    }
    return low < dir->order_len ? &dir->order[low] : NULL;
}

static void leave_hole(struct ramfs_dir *dir, uint32_t place) {
    dir->order[place].entry = NULL;
    dir->live--;
    if (place + 1 == dir->order_len) {
        dir->order_len = place;
    }
    while (dir->order_first < dir->order_len && !dir->order[dir->order_first].entry) {
        dir->order_first++;
    }
    if (dir->order_len > FIRST_CAP && dir->live < dir->order_len / 2) {
        close_holes(dir);
    }
}

struct ramfs_node *ramfs_dir_remove(struct ramfs *fs, struct ramfs_dir *dir,
                                    struct ramfs_entry *entry) {
    struct ramfs_entry **link = bucket_of(dir, entry->hash);
    while (*link != entry) {
        link = &(*link)->next;
    }
    *link = entry->next;
    assert(dir->order[entry->place].entry == entry);
    leave_hole(dir, entry->place);
    struct ramfs_node *node = entry->node;
    ramfs_release(fs, entry, entry_size(entry->len));
    return node;
}

void ramfs_dir_fini(struct ramfs *fs, struct ramfs_dir *dir) {
    for (uint32_t i = 0; i < dir->order_len; i++) {
        struct ramfs_entry *entry = dir->order[i].entry;
        ramfs_release(fs, entry, entry ? entry_size(entry->len) : 0);
    }
    ramfs_release(fs, dir->order, dir->order_cap * sizeof(*dir->order));
    ramfs_release(fs, dir->buckets, dir->bucket_count * sizeof(*dir->buckets));
    *dir = (struct ramfs_dir){0};
}
