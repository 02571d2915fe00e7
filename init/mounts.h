/*
 * The directories of a program: what `k23 run --dir` named, and a /tmp in memory.
 */
#ifndef INIT_MOUNTS_H
#define INIT_MOUNTS_H

#include "init/request.h"
#include "init/run.h"

struct ramfs;

#define MOUNTS_TMP "/tmp"
#define MOUNTS_MAX (RUN_MAX_DIRS + 1)

struct mounts {
    struct run_dir dirs[MOUNTS_MAX]; /* with a reference each */
    uint32_t count;
    struct ramfs *fs[MOUNTS_MAX]; /* those that are ours to free */
    uint32_t fs_count;
};

/* Opens every directory of the request, and then an empty RAM file system as MOUNTS_TMP unless the request
 * has one of that name. The request must outlive it. On failure *which_out is the directory, and what was
 * opened before it stays open: mounts_close() either way. */
MUST_CHECK status_t mounts_open(struct mounts *mounts, const struct request *request,
                                const char **which_out);

/* When no program has any of them any more. */
void mounts_close(struct mounts *mounts);

#endif
