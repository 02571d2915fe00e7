/*
 * What the host asks to be run: RUN_FILE of the initrd (abi/run.h), parsed.
 */
#ifndef INIT_REQUEST_H
#define INIT_REQUEST_H

#include "abi/run.h"
#include "fs/initrd.h"
#include "wasi/wasi.h"

#include <stdbool.h>

/* A record "dir". */
struct request_dir {
    const char *source, *name, *guest;
};

/* A record "preload". */
struct request_preload {
    const char *name, *file;
    struct initrd_entry module;
};

struct request {
    struct initrd_entry module;
    struct request_preload preloads[RUN_MAX_PRELOADS];
    uint32_t preload_count;
    const char *invoke; /* or NULL */
    struct wasi_strings args, environ;
    struct request_dir dirs[RUN_MAX_DIRS];
    uint32_t dir_count;
    uint32_t umask;      /* for files made in directories of the host */
    uint64_t max_memory; /* of linear memories; 0: what there is */
    bool is_terminal[3];
    bool eager;
    bool counted;       /* the machine counts instructions */
    bool shell, serial; /* the shell, not `module` */
    uint32_t columns;   /* of its terminal; 0: not known */
};

/* Reads RUN_FILE. Strings are copied to memory that is never freed: there is one request a boot.
 * On failure *why_out says what is wrong. NOT_FOUND, BAD_FORMAT, LIMIT, NO_MEMORY. */
MUST_CHECK status_t request_read(const struct initrd *initrd, struct request *out,
                                 const char **why_out);

#endif
