/*
 * A file system in memory: sparse files by pages, directories by hash and by order, symbolic and hard
 * links. Everything it holds is charged to its quota; beyond it operations give FULL, and NO_MEMORY
 * when the machine has no more.
 *
 * Files may also lie in memory of somebody else, as those of the initrd do (fs/initrdfs.h); such a file
 * system is read-only.
 */
#ifndef FS_RAMFS_H
#define FS_RAMFS_H

#include "fs/node.h"

struct ramfs;

/* An empty file system that may hold max_size bytes, its own tables included. NO_MEMORY. */
MUST_CHECK status_t ramfs_new(uint64_t max_size, struct ramfs **out);

/* All references to its nodes must have been put. */
void ramfs_free(struct ramfs *fs);

/* Its root directory; the caller gets a reference. */
struct node *ramfs_root(struct ramfs *fs);

/* Bytes held now. */
uint64_t ramfs_used(const struct ramfs *fs);

/* A regular file whose bytes are not copied: they must outlive the file system, which must become
 * read-only before anybody else sees it. EXISTS, FULL, NO_MEMORY. */
MUST_CHECK status_t ramfs_add_file(struct node *dir, struct fs_name name, const void *bytes,
                                   size_t size);

/* From now on every change is refused with READ_ONLY. */
void ramfs_set_read_only(struct ramfs *fs);

#endif
