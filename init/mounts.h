/*
 * The directories of a program: what `k23 run --dir` named, and its own /tmp.
 */
#ifndef INIT_MOUNTS_H
#define INIT_MOUNTS_H

#include "init/request.h"
#include "wasi/wasi.h"

struct ramfs;

struct mounts {
    struct ramfs *fs[RUN_MAX_DIRS + 1]; /* those that are ours to free */
    uint32_t count;
};

/* Opens every directory of the request and preopens it in `wasi`, then an empty RAM file system as
 * MOUNTS_TMP unless the request has one of that name. On failure *which_out is the directory. What was
 * opened before it stays open: mounts_close() either way. */
MUST_CHECK status_t mounts_open(struct mounts *mounts, const struct request *request,
                                struct wasi *wasi, const char **which_out);

/* After wasi_fini(). */
void mounts_close(struct mounts *mounts);

#define MOUNTS_TMP "/tmp"

#endif
