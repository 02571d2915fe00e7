/*
 * The option --dir: a directory of this machine for the program, packed into the initrd as it is at the start, or
 * live, through a virtio-9p device of QEMU's.
 */
#ifndef TOOLS_K23_DIRS_H
#define TOOLS_K23_DIRS_H

#include "tools/k23/cpio.h"

#include <limits.h>
#include <stdbool.h>

/* virtio-mmio has places for eight devices, and the machine needs two. */
#define DIRS_MAX_LIVE 6

/* A live directory, for the machine. */
struct dirs_share {
    char path[PATH_MAX];
    char tag[16];
    bool read_only;
};

struct dirs {
    struct dirs_share shares[DIRS_MAX_LIVE];
    int count;
};

/* Directory number `i` as --dir has it, HOST[::GUEST][:rw|:ro]: packed into `cpio`, or added to `dirs`. Fills in
 * the value of its record in RUN_FILE (abi/run.h). False: *why_out is what is wrong with it. */
bool dirs_add(struct dirs *dirs, struct cpio *cpio, const char *text, int i,
              char record[PATH_MAX + 64], const char **why_out);

#endif
