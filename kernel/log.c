/*
 * The log. Writers format a line on their stack and append it to the ring under a spinlock; whoever
 * finds the console free then carries bytes from the ring to it, a few at a time, with interrupts
 * as they were. With interrupts off only what the console takes at once is written, and the rest
 * waits for the next writer, log_flush(), or the idle loop.
 *
 * In the ring each line is preceded by one byte, its level + 1, which is not shown.
 *
 * Locks: ring_lock, innermost of all. `draining` is a flag, not a lock: who does not get it leaves
 * the work to who has it.
 */
#include "kernel/log.h"

#include "kernel/arch.h"
#include "kernel/harts.h"
#include "kernel/limits.h"
#include "kernel/sync.h"
#include "kernel/time.h"

#include <string.h>

enum { MARK_MAX = LOG_DEBUG + 1 };

static struct spinlock ring_lock = SPINLOCK_INIT(LOCK_LOG);
static char ring[LOG_RING_SIZE];
static uint64_t written, shown; /* bytes ever appended, and carried to the console or skipped */
static bool skipping;           /* inside a line above the console's level */
static enum log_level console_level = LOG_INFO;
static const struct console *console;
static uint32_t draining; /* a word: the machine has no atomic bytes */
static bool in_panic;

static void write_sink(struct sink *sink, const char *text, size_t len) {
    (void)sink;
    log_text(text, len);
}

struct sink log_sink = {write_sink};

void log_init(const char *bootargs) {
    static const char *const names[] = {"error", "warn", "info", "debug"};
    const char *option = strstr(bootargs, "log=");
    for (unsigned i = 0; option && i < sizeof(names) / sizeof(names[0]); i++) {
        if (!strncmp(option + 4, names[i], strlen(names[i]))) {
            console_level = (enum log_level)i;
        }
    }
}

static void append(char c) {
    ring[written % LOG_RING_SIZE] = c;
    written++;
    if (written - shown > LOG_RING_SIZE) {
        shown = written - LOG_RING_SIZE;
    }
}

/* Up to `cap` bytes for the console from shown on, and in *next_out what shown becomes if they are
 * all written: marks and hidden lines are passed over. Under ring_lock. */
static size_t gather(char *chunk, size_t cap, uint64_t *next_out) {
    size_t len = 0;
    uint64_t at = shown;
    while (at < written && len < cap) {
        char c = ring[at % LOG_RING_SIZE];
        if (c >= 1 && c <= MARK_MAX) {
            if (len > 0) {
                break;
            }
            skipping = c - 1 > (char)console_level;
        } else if (!skipping) {
            chunk[len++] = c;
        }
        at++;
    }
    *next_out = at;
    return len;
}

/* One chunk to the console; false when there was none. *stuck_out: it took nothing. */
static bool carry(bool *stuck_out) {
    char chunk[16];
    uint64_t from, next;
    spinlock_lock(&ring_lock);
    size_t len = gather(chunk, sizeof(chunk), &next);
    from = shown;
    if (len == 0) {
        shown = next;
    }
    spinlock_unlock(&ring_lock);
    if (len == 0) {
        return next != from;
    }
    size_t done = console->write(chunk, len);
    spinlock_lock(&ring_lock);
    /* A chunk has no marks but before its first byte, so a part of it ends `len - done` early. */
    if (shown == from && done > 0) {
        shown = next - (len - done);
    }
    spinlock_unlock(&ring_lock);
    *stuck_out = done == 0;
    return true;
}

static bool pending(void) {
    return __atomic_load_n(&shown, __ATOMIC_RELAXED) != __atomic_load_n(&written, __ATOMIC_RELAXED);
}

/* Another hart drains and this one writes faster than that: lines would be lost. */
static bool crowded(void) {
    return __atomic_load_n(&written, __ATOMIC_RELAXED) - __atomic_load_n(&shown, __ATOMIC_RELAXED) >
           LOG_RING_SIZE / 2;
}

static void drain(bool wait) {
    while (console && pending() && !__atomic_exchange_n(&draining, 1, __ATOMIC_ACQUIRE)) {
        bool stuck = false;
        while (carry(&stuck) && (wait || !stuck)) {
            if (stuck) {
                stuck = false;
                arch_relax();
            }
        }
        __atomic_store_n(&draining, 0, __ATOMIC_RELEASE);
        if (stuck) {
            return;
        }
    }
    while (wait && console && crowded() && __atomic_load_n(&draining, __ATOMIC_RELAXED)) {
        arch_relax();
    }
}

void log_set_console(const struct console *device) {
    console = device;
    drain(arch_irq_enabled());
}

static void put(enum log_level level, const char *text, size_t len) {
    spinlock_lock(&ring_lock);
    append((char)(level + 1));
    for (size_t i = 0; i < len; i++) {
        append((unsigned char)text[i] <= MARK_MAX ? '?' : text[i]);
    }
    spinlock_unlock(&ring_lock);
}

/* Straight to the console, for a kernel that trusts nothing any more. */
static void put_now(const char *text, size_t len) {
    if (console) {
        console->write_now(text, len);
    }
}

void log_text(const char *text, size_t len) {
    if (in_panic) {
        put_now(text, len);
        return;
    }
    put(LOG_ERROR, text, len);
    drain(arch_irq_enabled());
}

void log_write(enum log_level level, const char *module, const char *format, ...) {
    char line[LOG_LINE_SIZE];
    uint64_t us = time_now_ns() / 1000;
    size_t len =
        fmt_text(line, sizeof(line) - 1, "[%5lu.%06lu %u %s] ", (unsigned long)(us / 1000000),
                 (unsigned long)(us % 1000000), hart_self()->index, module);
    va_list args;
    va_start(args, format);
    len += fmt_vtext(line + len, sizeof(line) - 1 - len, format, args);
    va_end(args);
    line[len++] = '\n';
    if (in_panic) {
        put_now(line, len);
        return;
    }
    put(level, line, len);
    drain(arch_irq_enabled());
}

void log_flush(void) {
    drain(true);
    if (console) {
        console->flush();
    }
}

void log_enter_panic(void) {
    char chunk[16];
    uint64_t next;
    in_panic = true;
    while (pending()) {
        size_t len = gather(chunk, sizeof(chunk), &next);
        put_now(chunk, len);
        shown = next;
    }
}
