/*
 * See progress.h. Redrawn in place: carriage return, then the whole line.
 */
#include "init/progress.h"

#include "base/fmt.h"
#include "kernel/time.h"

#include <string.h>

#define PATIENCE_NS 500000000u /* before the first one */
#define STEP_NS     100000000u
#define WIDTH       40u

static void put(struct progress *progress, const char *text) {
    if (file_write(progress->terminal, text, strlen(text)) != STATUS_OK) {
        progress->terminal = NULL;
    }
}

void progress_init(struct progress *progress, struct file *file) {
    *progress =
        (struct progress){.terminal = file->is_terminal ? file : NULL, .started_ns = time_now_ns()};
}

void progress_show(void *ctx, uint64_t done, uint64_t total) {
    struct progress *progress = ctx;
    uint64_t now = time_now_ns();
    if (!progress->terminal || total == 0 || now - progress->started_ns < PATIENCE_NS ||
        now - progress->shown_ns < STEP_NS) {
        return;
    }
    char bar[WIDTH + 1], line[WIDTH + 40];
    memset(bar, '.', WIDTH);
    memset(bar, '#', done * WIDTH / total);
    bar[WIDTH] = '\0';
    fmt_text(line, sizeof(line), "\rk23: compiling [%s] %u %%", bar,
             (unsigned)(done * 100 / total));
    progress->shown_ns = now;
    put(progress, line);
}

void progress_clear(struct progress *progress) {
    if (progress->terminal && progress->shown_ns != 0) {
        put(progress, "\r\033[K");
        progress->shown_ns = 0;
    }
}
