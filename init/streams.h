/*
 * The host's standard streams as files.
 */
#ifndef INIT_STREAMS_H
#define INIT_STREAMS_H

#include "base/fmt.h"
#include "fs/file.h"

#include <stdbool.h>

enum stream { STREAM_IN, STREAM_OUT, STREAM_ERR, STREAM_COUNT };

/* Finds the ports "stdin", "stdout" and "stderr". On a machine without them stdout and stderr go to
 * the log's console, and stdin is at its end. */
void streams_init(void);

struct file *streams_file(enum stream stream);

/* Text for the host's stderr (messages of k23 itself) and stdout. */
extern struct sink streams_err, streams_out;

#endif
