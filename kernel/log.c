/*
 * The log. Writers format a line on their stack and append it to the ring under a spinlock; whoever
 * finds the console free then carries bytes from the ring to it, a few at a time, with interrupts
 * as they were. With interrupts off only what the console takes at once is written, and the rest
 * waits for the next writer, log_flush(), the idle loop, or the interrupt of a console that is full.
 *
 * In the ring each line is preceded by a mark, a control character that no text may hold:
 *
 *     | mark | text ... \n | mark | text ...        MARK + level [+ MARK_HIDDEN], or MARK_RAW
 *
 * Locks: ring_lock, innermost of all. `draining` is a state, not a lock: who does not get it leaves
 * the work to who has it, and who has it passes it on after a while. Filters are read without a lock:
 * there are two, and the one that is not in force is changed; who was still reading that one reads again.
 */
#include "kernel/log.h"

#include "kernel/arch.h"
#include "kernel/counters.h"
#include "kernel/harts.h"
#include "kernel/limits.h"
#include "kernel/sync.h"
#include "kernel/time.h"

#include <string.h>

enum {
    MARK = 0x10,
    MARK_HIDDEN = 4, /* not for the console */
    MARK_RAW = MARK + 8,
    SCAN_SIZE = 1024, /* bytes looked through with interrupts off */
    CARRY_CHUNKS = 16,
};

/* Who carries: nobody; one; one who would rather not; one, and another waits to go on instead. */
enum { DRAIN_IDLE, DRAIN_BUSY, DRAIN_OFFERED, DRAIN_TAKEN };

static struct spinlock ring_lock = SPINLOCK_INIT(LOCK_LOG);
static char ring[LOG_RING_SIZE];
static uint64_t written, shown; /* bytes ever appended, and carried to the console or skipped */
static bool skipping;           /* inside a line that the console does not show */
static const struct console *console;
static uint32_t draining;       /* DRAIN_*; a word: the machine has no atomic bytes */
static struct hart *panic_hart; /* the log is its own */

static void write_sink(struct sink *sink, const char *text, size_t len) {
    (void)sink;
    log_text(text, len);
}

struct sink log_sink = {write_sink};

/* ---- filters ---- */

enum { OFF = -1 };

struct filter {
    int level; /* of modules without an entry */
    uint32_t len;
    struct {
        char name[LOG_MODULE_SIZE];
        int level; /* enum log_level, or OFF */
    } modules[LOG_MAX_FILTERS];
};

static struct filter filters[2] = {{.level = LOG_INFO}, {.level = LOG_INFO}};
static uint32_t changes; /* filters[changes % 2] is in force */

static const char *const level_names[] = {"error", "warn", "info", "debug"};

/* begin, read filters[begun % 2], and all over again unless it was in force all the time. Torn names end and
 * torn counts are within bounds. */
static uint32_t begin_reading(void) {
    return __atomic_load_n(&changes, __ATOMIC_ACQUIRE);
}

static bool has_changed_since(uint32_t begun) {
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return __atomic_load_n(&changes, __ATOMIC_RELAXED) != begun;
}

static bool parse_level(const char *text, size_t len, int *level_out) {
    for (int i = 0; i <= LOG_DEBUG; i++) {
        if (strlen(level_names[i]) == len && !memcmp(text, level_names[i], len)) {
            *level_out = i;
            return true;
        }
    }
    *level_out = OFF;
    return len == 3 && !memcmp(text, "off", 3);
}

static status_t set_module(struct filter *filter, const char *name, size_t len, int level) {
    uint32_t i = 0;
    if (len == 0 || len >= LOG_MODULE_SIZE) {
        return STATUS_BAD_ARGUMENT;
    }
    while (i < filter->len &&
           (strlen(filter->modules[i].name) != len || memcmp(filter->modules[i].name, name, len))) {
        i++;
    }
    if (i == LOG_MAX_FILTERS) {
        return STATUS_LIMIT;
    }
    if (i == filter->len) {
        memset(filter->modules[i].name, 0, LOG_MODULE_SIZE);
        memcpy(filter->modules[i].name, name, len);
        filter->len++;
    }
    filter->modules[i].level = level;
    return STATUS_OK;
}

static status_t parse_part(struct filter *filter, const char *part, size_t len) {
    const char *equals = memchr(part, '=', len);
    const char *level_text = equals ? equals + 1 : part;
    int level;
    if (!parse_level(level_text, (size_t)(part + len - level_text), &level)) {
        return STATUS_BAD_ARGUMENT;
    }
    if (equals) {
        return set_module(filter, part, (size_t)(equals - part), level);
    }
    filter->level = level;
    return STATUS_OK;
}

/* Every part; the first one that is wrong goes to *bad_out. */
static status_t parse_filter(struct filter *filter, const char *text, size_t len,
                             const char **bad_out, size_t *bad_len_out) {
    status_t first = STATUS_OK;
    const char *end = text + len;
    for (const char *part = text; part <= end;) {
        const char *comma = memchr(part, ',', (size_t)(end - part));
        const char *part_end = comma ? comma : end;
        status_t status = parse_part(filter, part, (size_t)(part_end - part));
        if (status != STATUS_OK && first == STATUS_OK) {
            first = status;
            *bad_out = part;
            *bad_len_out = (size_t)(part_end - part);
        }
        part = part_end + 1;
    }
    return first;
}

/* With `strict`, a filter with a wrong part changes nothing; else its good parts hold. */
static status_t set_filter(const char *text, size_t len, bool strict, const char **bad_out,
                           size_t *bad_len_out) {
    spinlock_lock(&ring_lock);
    struct filter *other = &filters[(changes + 1) % 2];
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* who reads what is written here finds it changed */
    *other = filters[changes % 2];
    status_t status = parse_filter(other, text, len, bad_out, bad_len_out);
    if (status == STATUS_OK || !strict) {
        __atomic_store_n(&changes, changes + 1, __ATOMIC_RELEASE);
    }
    spinlock_unlock(&ring_lock);
    return status;
}

status_t log_set_filter(const char *filter, size_t len, const char **bad_out, size_t *bad_len_out) {
    return set_filter(filter, len, true, bad_out, bad_len_out);
}

/* Whatever the number: it may be torn. */
static const char *level_name(int level) {
    return level < 0 || level > LOG_DEBUG ? "off" : level_names[level];
}

static size_t print_filter(const struct filter *filter, char *buf, size_t cap) {
    size_t len = fmt_text(buf, cap, "%s", level_name(filter->level));
    for (uint32_t i = 0; i < filter->len && len < cap - 1; i++) {
        len += fmt_text(buf + len, cap - len, ",%s=%s", filter->modules[i].name,
                        level_name(filter->modules[i].level));
    }
    return len;
}

size_t log_get_filter(char *buf, size_t cap) {
    uint32_t begun;
    size_t len;
    do {
        begun = begin_reading();
        len = print_filter(&filters[begun % 2], buf, cap);
    } while (has_changed_since(begun));
    return len;
}

static int find_level(const struct filter *filter, const char *module) {
    for (uint32_t i = 0; i < filter->len; i++) {
        if (!strcmp(filter->modules[i].name, module)) {
            return filter->modules[i].level;
        }
    }
    return filter->level;
}

static int level_of(const char *module) {
    uint32_t begun;
    int level;
    do {
        begun = begin_reading();
        level = find_level(&filters[begun % 2], module);
    } while (has_changed_since(begun));
    return level;
}

void log_init(const char *bootargs) {
    for (const char *option = strstr(bootargs, "log="); option; option = strstr(option, "log=")) {
        const char *text = option + strlen("log="), *bad;
        size_t len = strcspn(text, " "), bad_len;
        bool is_word = option == bootargs || option[-1] == ' ';
        if (is_word && set_filter(text, len, false, &bad, &bad_len) != STATUS_OK) {
            log_warn("log",
                     "\"%.*s\" in log=%.*s is no filter: LEVEL or MODULE=LEVEL, with off, "
                     "error, warn, info, debug",
                     (int)bad_len, bad, (int)len, text);
        }
        option = text + len;
    }
}

/* ---- the ring and the console ---- */

const struct console *log_console(void) {
    return console;
}

static void append(char c) {
    ring[written % LOG_RING_SIZE] = c;
    written++;
    if (written - shown > LOG_RING_SIZE) {
        shown = written - LOG_RING_SIZE;
        skipping = true; /* what is left of this line */
    }
}

static bool is_mark(char c) {
    return c >= MARK && c <= MARK_RAW;
}

/* Up to `cap` bytes for the console from shown on, and in *next_out what shown becomes if they are
 * all written: marks and hidden lines are passed over. Under ring_lock. */
static size_t gather(char *chunk, size_t cap, uint64_t *next_out) {
    size_t len = 0;
    uint64_t at = shown;
    while (at < written && len < cap) {
        char c = ring[at % LOG_RING_SIZE];
        if (is_mark(c)) {
            if (len > 0) {
                break;
            }
            skipping = c != MARK_RAW && (c & MARK_HIDDEN);
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
    if (panic_hart) {
        *stuck_out = true; /* the console is another hart's */
        return false;
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

/* Who is the one that carries: in time, also by taking the work over from one who offers it. Who does not
 * get it leaves text to somebody who looks again after leave_drain(): one of the two sees the other. */
static bool take_drain(bool wait) {
    uint32_t state = DRAIN_IDLE;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (__atomic_compare_exchange_n(&draining, &state, DRAIN_BUSY, false, __ATOMIC_ACQUIRE,
                                    __ATOMIC_RELAXED)) {
        return true;
    }
    if (!wait || state != DRAIN_OFFERED ||
        !__atomic_compare_exchange_n(&draining, &state, DRAIN_TAKEN, false, __ATOMIC_ACQUIRE,
                                     __ATOMIC_RELAXED)) {
        return false;
    }
    while (__atomic_load_n(&draining, __ATOMIC_ACQUIRE) == DRAIN_TAKEN) {
        arch_relax(); /* until it has put down the chunk in its hands */
    }
    return true;
}

/* Puts the work down for the one who has taken it over, if there is one. */
static bool give_drain(void) {
    uint32_t state = DRAIN_TAKEN;
    return __atomic_compare_exchange_n(&draining, &state, DRAIN_BUSY, false, __ATOMIC_RELEASE,
                                       __ATOMIC_RELAXED);
}

static void leave_drain(void) {
    uint32_t state = __atomic_load_n(&draining, __ATOMIC_RELAXED);
    while (!give_drain() && !__atomic_compare_exchange_n(&draining, &state, DRAIN_IDLE, false,
                                                         __ATOMIC_RELEASE, __ATOMIC_RELAXED)) {
    }
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* One hart carries for all, but not for ever: when what there was as it came is out, it offers the work to
 * the next one who writes. */
static void drain(bool wait) {
    do {
        while (console && pending() && take_drain(wait)) {
            uint64_t mine = __atomic_load_n(&written, __ATOMIC_RELAXED);
            bool stuck = false;
            while (carry(&stuck) && (wait || !stuck)) {
                if (stuck) {
                    stuck = false;
                    arch_relax();
                }
                if (give_drain()) {
                    return;
                }
                if (__atomic_load_n(&shown, __ATOMIC_RELAXED) >= mine) {
                    uint32_t state = DRAIN_BUSY;
                    (void)__atomic_compare_exchange_n(&draining, &state, DRAIN_OFFERED, false,
                                                      __ATOMIC_RELAXED, __ATOMIC_RELAXED);
                }
            }
            leave_drain();
            if (stuck) {
                return;
            }
        }
        arch_relax();
    } while (wait && console && crowded());
}

void log_set_console(const struct console *device) {
    console = device;
    drain(arch_irq_enabled());
}

static void put(char mark, const char *text, size_t len) {
    spinlock_lock(&ring_lock);
    append(mark);
    for (size_t i = 0; i < len; i++) {
        append(is_mark(text[i]) ? '?' : text[i]);
    }
    spinlock_unlock(&ring_lock);
}

/* Straight to the console, for a kernel that trusts nothing any more; before it has one, to the firmware's. */
static void put_now(const char *text, size_t len) {
    if (console) {
        console->write_now(text, len);
        return;
    }
    for (size_t i = 0; i < len && harts_boot_info.put; i++) {
        harts_boot_info.put((uint8_t)text[i]);
    }
}

/* Whether the text has been dealt with, since there was a panic. */
static bool panicking(const char *text, size_t len) {
    if (!panic_hart) {
        return false;
    }
    if (panic_hart == hart_self()) {
        put_now(text, len);
    }
    return true;
}

void log_text(const char *text, size_t len) {
    if (!panicking(text, len)) {
        put(MARK_RAW, text, len);
        drain(arch_irq_enabled());
    }
}

void log_write(enum log_level level, const char *module, const char *format, ...) {
    char line[LOG_LINE_SIZE];
    int most = level_of(module);
    bool is_hidden = (int)level > most;
    if (is_hidden && (most == OFF || level > LOG_INFO)) {
        counters_add(COUNTER_LOG_DROPPED, 1);
        return;
    }
    uint64_t us = time_now_ns() / 1000;
    size_t len =
        fmt_text(line, sizeof(line) - 1, "[%5lu.%06lu %u %s] ", (unsigned long)(us / 1000000),
                 (unsigned long)(us % 1000000), hart_self()->index, module);
    va_list args;
    va_start(args, format);
    len += fmt_vtext(line + len, sizeof(line) - 1 - len, format, args);
    va_end(args);
    line[len++] = '\n';
    counters_add(COUNTER_LOG_LINES, 1);
    if (!panicking(line, len)) {
        put((char)(MARK + (int)level + (is_hidden ? MARK_HIDDEN : 0)), line, len);
        drain(arch_irq_enabled());
    }
}

void log_flush(void) {
    if (panic_hart) {
        return;
    }
    /* Another hart may be at it, and have no host's processor to go on with: no reason to leave without. */
    uint64_t end = __atomic_load_n(&written, __ATOMIC_RELAXED);
    while (console && __atomic_load_n(&shown, __ATOMIC_ACQUIRE) < end && !panic_hart) {
        drain(true);
        arch_relax();
    }
    if (console) {
        console->flush();
    }
}

bool log_carry(void) {
    bool stuck = false;
    if (panic_hart || !console || !pending() || !take_drain(false)) {
        return false;
    }
    for (int i = 0; i < CARRY_CHUNKS && carry(&stuck) && !stuck; i++) {
    }
    leave_drain();
    return pending() && !stuck;
}

bool log_idle(void) {
    if (panic_hart || !console) {
        return false;
    }
    irq_state_t irq = arch_irq_save();
    bool more = log_carry();
    arch_irq_restore(irq);
    return more || console->poll();
}

void log_enter_panic(void) {
    panic_hart = hart_self();
}

/* ---- reading ---- */

/* In a panic whoever holds the lock stands still. */
static void lock_ring(void) {
    if (!panic_hart) {
        spinlock_lock(&ring_lock);
    }
}

static void unlock_ring(void) {
    if (!panic_hart) {
        spinlock_unlock(&ring_lock);
    }
}

static uint64_t oldest(void) {
    return written > LOG_RING_SIZE ? written - LOG_RING_SIZE : 0;
}

static char at(uint64_t position) {
    return ring[position % LOG_RING_SIZE];
}

/* Under the lock: the line whose mark is at `from`. Returns the position behind it. */
static uint64_t take_line(uint64_t from, struct log_line *line) {
    uint64_t next = from + 1;
    line->level = (enum log_level)((at(from) - MARK) & ~MARK_HIDDEN);
    line->len = 0;
    for (; next < written && !is_mark(at(next)); next++) {
        if (line->len < sizeof(line->text)) {
            line->text[line->len++] = at(next);
        }
    }
    if (line->len > 0 && line->text[line->len - 1] == '\n') {
        line->len--;
    }
    return next;
}

bool log_read(uint64_t *cursor, struct log_line *line_out) {
    bool found = false, more = true;
    line_out->lost = 0;
    while (!found && more) {
        lock_ring();
        if (*cursor < oldest()) {
            line_out->lost += oldest() - *cursor;
            *cursor = oldest();
        }
        uint64_t stop = *cursor + SCAN_SIZE;
        while (*cursor < written && *cursor < stop &&
               (!is_mark(at(*cursor)) || at(*cursor) == MARK_RAW)) {
            (*cursor)++;
        }
        more = *cursor < written;
        if (more && *cursor < stop) {
            found = true;
            *cursor = take_line(*cursor, line_out);
        }
        unlock_ring();
    }
    return found;
}

uint64_t log_tail(size_t lines) {
    lock_ring();
    uint64_t from = written;
    unlock_ring();
    for (bool more = true; more && lines > 0;) {
        lock_ring();
        for (unsigned i = 0; i < SCAN_SIZE && lines > 0 && from > oldest(); i++) {
            from--;
            lines -= is_mark(at(from)) && at(from) != MARK_RAW;
        }
        more = from > oldest();
        unlock_ring();
    }
    return from;
}
