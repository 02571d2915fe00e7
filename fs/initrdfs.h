/*
 * A folder of the initrd as a read-only file system: its directories and files, the files' bytes in
 * place. `k23 run --dir HOST` packs a host directory that way.
 */
#ifndef FS_INITRDFS_H
#define FS_INITRDFS_H

#include "fs/initrd.h"
#include "fs/ramfs.h"

/* All entries below `folder` ("dir/0"; no slash at the end). Names that could lead out or stand twice
 * are BAD_FORMAT. Entries that are no file, directory or symbolic link are left out. The initrd must
 * outlive the file system. BAD_FORMAT, FULL, NO_MEMORY. */
MUST_CHECK status_t initrdfs_new(const struct initrd *initrd, const char *folder,
                                 struct ramfs **out);

#endif
