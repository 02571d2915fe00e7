/*
 * Directories for a program, by where they come from. One row a source.
 */
#include "init/mounts.h"

#include "fs/initrdfs.h"
#include "init/hostdirs.h"
#include "init/machine.h"
#include "kernel/mm/frame.h"

#include <string.h>

/* /tmp may take this part of the memory that is free at the start. */
#define TMP_PART 2u

static status_t keep(struct mounts *mounts, struct ramfs *fs, struct node **root_out) {
    mounts->fs[mounts->fs_count++] = fs;
    *root_out = ramfs_root(fs);
    return STATUS_OK;
}

static status_t open_initrd(struct mounts *mounts, const struct request *request, const char *name,
                            struct node **root_out) {
    struct ramfs *fs;
    (void)request;
    TRY(initrdfs_new(&machine_initrd, name, &fs));
    return keep(mounts, fs, root_out);
}

static status_t open_host(struct mounts *mounts, const struct request *request, const char *name,
                          struct node **root_out) {
    (void)mounts; /* it is everybody's */
    return hostdirs_open(name, request->umask, root_out);
}

static const struct source {
    const char *name;
    status_t (*open)(struct mounts *mounts, const struct request *request, const char *name,
                     struct node **root_out);
} sources[] = {
    {"initrd", open_initrd},
    {"9p", open_host},
};

static status_t open_dir(struct mounts *mounts, const struct request *request,
                         const struct request_dir *dir, struct node **root_out) {
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        if (strcmp(sources[i].name, dir->source) == 0) {
            return sources[i].open(mounts, request, dir->name, root_out);
        }
    }
    return STATUS_UNSUPPORTED;
}

static void add(struct mounts *mounts, struct node *root, const char *guest) {
    mounts->dirs[mounts->count++] = (struct run_dir){guest, root};
}

static status_t open_tmp(struct mounts *mounts) {
    struct ramfs *fs;
    struct node *root;
    TRY(ramfs_new((uint64_t)frame_free_count() / TMP_PART * PAGE_SIZE, &fs));
    TRY(keep(mounts, fs, &root));
    add(mounts, root, MOUNTS_TMP);
    return STATUS_OK;
}

status_t mounts_open(struct mounts *mounts, const struct request *request, const char **which_out) {
    bool has_tmp = false;
    mounts->count = mounts->fs_count = 0;
    for (uint32_t i = 0; i < request->dir_count; i++) {
        const struct request_dir *dir = &request->dirs[i];
        struct node *root;
        *which_out = dir->guest;
        has_tmp = has_tmp || strcmp(dir->guest, MOUNTS_TMP) == 0;
        TRY(open_dir(mounts, request, dir, &root));
        add(mounts, root, dir->guest);
    }
    *which_out = MOUNTS_TMP;
    return has_tmp ? STATUS_OK : open_tmp(mounts);
}

void mounts_close(struct mounts *mounts) {
    while (mounts->count > 0) {
        node_put(mounts->dirs[--mounts->count].node);
    }
    while (mounts->fs_count > 0) {
        ramfs_free(mounts->fs[--mounts->fs_count]);
    }
}
