/*
 * The kernel's log: lines with level, time, hart and module, kept in a ring, which `dmesg` reads, and
 * shown on the console when there is one. The console is written with interrupts on, a few bytes at
 * a time.
 *
 *     log_info("mm", "%zu frames free", n);
 *     [    0.012345 0 mm] 12345 frames free
 *
 * A filter says for each module which levels the console shows; lines down to INFO are kept in any
 * case, unless the module is off. All that is below is dropped before it is formatted.
 */
#ifndef KERNEL_LOG_H
#define KERNEL_LOG_H

#include "base/fmt.h"
#include "base/status.h"
#include "kernel/limits.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* A device that shows text. Nothing here sleeps. */
struct console {
    /* Takes what fits right now, at least one byte when ready; returns how many. */
    size_t (*write)(const char *text, size_t len);
    /* Waits until all that write() took has left. */
    void (*flush)(void);
    /* Gets on with it, for a device that has no interrupt yet. True: it must be asked again. One that has calls
     * log_carry() when there is room. */
    bool (*poll)(void);
    /* For a panic: all of it leaves, after what write() took, without locks and interrupts. */
    void (*write_now)(const char *text, size_t len);
};

/* Takes log=FILTER from the boot arguments. What is wrong in it is told by one warning. */
void log_init(const char *bootargs);

/* FILTER is LEVEL and MODULE=LEVEL, separated by commas: "info,mm=debug,virtio=off". A LEVEL alone is
 * for all modules without one of their own. BAD_ARGUMENT, and nothing is changed, if a part is wrong;
 * *bad_out, *bad_len_out is that part. LIMIT when there are too many modules. Any context. */
status_t log_set_filter(const char *filter, size_t len, const char **bad_out,
                        size_t *bad_len_out) MUST_CHECK;

/* The filter in force, as log_set_filter() takes it. Returns its length, at most cap - 1. */
size_t log_get_filter(char *buf, size_t cap);

/* What the ring holds so far is written to it at once. */
void log_set_console(const struct console *console);
const struct console *log_console(void);

/* Any context, with any lock held. */
void log_write(enum log_level level, const char *module, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_write(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)

/* Raw text to the console in its place between the lines, for whoever prints there itself (tests,
 * the shell). It is no line of the log: log_read() passes it over. */
void log_text(const char *text, size_t len);
extern struct sink log_sink; /* log_text() as a sink of base/fmt.h */

/* A line as it was kept, without its newline. */
struct log_line {
    enum log_level level;
    uint64_t lost; /* bytes of the ring that were overwritten before this reader came to them */
    size_t len;
    char text[LOG_LINE_SIZE];
};

/* The next line after *cursor, which starts at 0, the oldest line there is; false when there is none
 * yet. A reader that is too slow goes on at the oldest line that is still whole. Any context. */
bool log_read(uint64_t *cursor, struct log_line *line_out);

/* Where log_read() finds the last `lines` lines, if there are so many. */
uint64_t log_tail(size_t lines);

/* Writes what is pending to the console; waits until it is all out. */
void log_flush(void);

/* A little of what is pending goes to the console, unless another one is at it. True: it would take more.
 * Any context, with no lock held that the console takes. */
bool log_carry(void);

/* For idle threads: the same. True: they must not rest, there is more and no interrupt will say so. An idle thread
 * does not go on while another one is ready, and that one may wait for who carries: so it is not interrupted
 * while it does. */
bool log_idle(void);

/* From now on what this hart writes goes straight to the console with no lock taken, and what others
 * write goes nowhere. What was pending stays in the ring, whose readers take no lock either. For panic
 * alone. */
void log_enter_panic(void);

#endif
