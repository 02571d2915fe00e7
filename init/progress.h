/*
 * A bar on a terminal while a program is compiled as a whole, if that takes long. It is gone when the
 * program starts.
 */
#ifndef INIT_PROGRESS_H
#define INIT_PROGRESS_H

#include "fs/file.h"

#include <stdint.h>

struct progress {
    struct file *terminal;
    uint64_t started_ns, shown_ns; /* shown_ns 0: never */
};

/* Begins now. A `file` that is no terminal gets no bar. */
void progress_init(struct progress *progress, struct file *file);

/* So many of `total` bytes are done; `ctx` is the struct. For wasm_config.progress. */
void progress_show(void *ctx, uint64_t done, uint64_t total);

/* Takes the bar away. */
void progress_clear(struct progress *progress);

#endif
