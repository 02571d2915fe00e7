/*
 * The kernel's log: lines with level, time, hart and module, kept in a ring and written to the
 * console when there is one. The console is written with interrupts on, a few bytes at a time.
 *
 *     log_info("mm", "%zu frames free", n);
 *     [    0.012345 0 mm] 12345 frames free
 */
#ifndef KERNEL_LOG_H
#define KERNEL_LOG_H

#include "base/fmt.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* A device that shows text. Nothing here sleeps. */
struct console {
    /* Takes what fits right now, at least one byte when ready; returns how many. */
    size_t (*write)(const char *text, size_t len);
    /* Waits until all that write() took has left. */
    void (*flush)(void);
    /* For a panic: all of it leaves, after what write() took, without locks and interrupts. */
    void (*write_now)(const char *text, size_t len);
};

/* "log=debug" or "log=warn" in the boot arguments chooses the level shown on the console. */
void log_init(const char *bootargs);

/* What the ring holds so far is written to it at once. */
void log_set_console(const struct console *console);

void log_write(enum log_level level, const char *module, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_write(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)

/* Raw text to ring and console, for whoever prints on the console itself (tests, the shell). */
void log_text(const char *text, size_t len);
extern struct sink log_sink; /* log_text() as a sink of base/fmt.h */

/* Writes what is pending to the console; waits until it is all out. */
void log_flush(void);

/* From now on every line goes straight to the console with no lock taken. For panic alone. */
void log_enter_panic(void);

#endif
