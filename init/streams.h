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

/* Text for a file. Messages of k23 (`message`) carry names from modules, which may be anything: control
 * characters other than the end of a line are shown as '?', so that they cannot reach a terminal. What the
 * file does not take goes to the log. */
struct streams_sink {
    struct sink sink;
    struct file *file;
    bool message;
};
void streams_sink_init(struct streams_sink *sink, struct file *file, bool message);

/* For the host's stderr (messages) and stdout. */
extern struct sink streams_err, streams_out;

#endif
