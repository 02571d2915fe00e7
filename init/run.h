/*
 * A module as a program: from its bytes to its exit status, with WASI under it. Each run is a program of
 * the kernel (kernel/program.h) with a store, descriptors and streams of its own; any number of them
 * go on at once. What they share are the directories and files that they are given.
 */
#ifndef INIT_RUN_H
#define INIT_RUN_H

#include "fs/file.h"
#include "fs/node.h"
#include "init/streams.h"
#include "wasi/wasi.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A directory that the program gets as a descriptor. */
struct run_dir {
    const char *name; /* which it knows it by */
    struct node *node;
};

/* A module that is instantiated before the program; its exports can be imported under the name. All
 * outlives the program. */
struct run_preload {
    const char *name;
    const void *module;
    size_t size;
};

struct run_options {
    /* The module: bytes in place, which outlive the program, or, if they are NULL, a file to read. */
    const void *module;
    size_t module_size;
    struct node *module_file;
    const struct run_preload *preloads; /* in the order of instantiation; outlive the program */
    uint32_t preload_count;
    const char *invoke; /* export to call with the arguments after the first; NULL: as a command */
    struct wasi_strings args, environ;
    struct file *streams[STREAM_COUNT];    /* outlive the program */
    struct node *redirected[STREAM_COUNT]; /* a file in the stream's place, or NULL */
    const struct run_dir *dirs;
    uint32_t dir_count;
    uint64_t
        max_memory; /* bytes that linear memories may have together; 0: what the quota allows */
    uint64_t frame_limit; /* of its quota; 0: what is free less a reserve for the kernel */
    uint64_t timeout_ns;  /* it is killed after so long; 0: never */
    bool eager;           /* compile all before the start */
    bool counted;         /* the machine counts instructions: the log tells how many it took */
};

/* Starts the program as a child of the caller's. What goes wrong from here on it says on its own stderr,
 * and its exit status tells (abi/run.h); program_wait() waits for it. Strings are copied, nodes
 * are referenced until it ends. NO_MEMORY, LIMIT. */
MUST_CHECK status_t run_start(const struct run_options *options, uint32_t *pid_out);

/* Frames that programs leave to the kernel taken off: what one may have that has the machine alone. */
uint64_t run_frames_available(void);

#endif
