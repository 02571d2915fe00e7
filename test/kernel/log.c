/*
 * The log from several threads at once, with interrupts on and off, more than the ring holds; filters by
 * module, at boot and later; readers of the ring, also one that is too slow; and what it writes before
 * the machine goes off.
 *
 * QEMU: -append log=debug,quiet=warn,gone=off,bad=loud,,worse
 * QEMU: -smp 4 -append "xlog=off log=debug,quiet=warn,gone=off,bad=loud,,worse"
 * EXPECT: log] "bad=loud" in log=debug,quiet=warn,gone=off,bad=loud,,worse is no filter
 * EXPECT: test] thread 0 line 399 of 400
 * EXPECT: test] thread 3 line 399 of 400
 * EXPECT: test] a debug line
 * EXPECT: a text with no line about it
 * EXPECT: test] the last word
 */
#include "kernel/log.h"
#include "abi/boot.h"
#include "init/machine.h"
#include "kernel/counters.h"
#include "kernel/harts.h"
#include "kernel/power.h"
#include "kernel/sched.h"
#include "kernel/thread.h"
#include "test/support/payload.h"

#include <string.h>

enum { THREADS = 4, LINES = 400 };

static void flood(void *arg) {
    long number = (long)arg;
    for (int i = 0; i < LINES; i++) {
        if (i % 16 == 3) {
            irq_state_t irq = arch_irq_save();
            log_info("test", "thread %ld line %d of %d, with interrupts off", number, i, LINES);
            arch_irq_restore(irq);
        } else {
            log_info("test", "thread %ld line %d of %d, %0200d", number, i, LINES, i);
        }
        if (i % 7 == number) {
            sched_yield();
        }
    }
}

/* ---- what a console is shown ---- */

static char screen[16384];
static size_t screen_len;
static unsigned screen_calls;

/* Takes nothing every third time, and never more than five bytes. */
static size_t show(const char *text, size_t len) {
    size_t n = len < 5 ? len : 5;
    if (++screen_calls % 3 == 0) {
        return 0;
    }
    n = n < sizeof(screen) - 1 - screen_len ? n : sizeof(screen) - 1 - screen_len;
    memcpy(screen + screen_len, text, n);
    screen_len += n;
    screen[screen_len] = 0;
    return n;
}

static void do_nothing(void) {
}

static bool always(void) {
    return true;
}

static bool is_shown(const char *text) {
    return strstr(screen, text) != NULL;
}

static bool is_kept(const char *text) {
    uint64_t cursor = log_tail(30);
    struct log_line line;
    bool found = false;
    while (log_read(&cursor, &line)) {
        line.text[line.len < sizeof(line.text) ? line.len : sizeof(line.text) - 1] = 0;
        found = found || strstr(line.text, text);
    }
    return found;
}

static void test_filters(void) {
    static const struct console fake = {.write = show, .flush = do_nothing, .poll = always};
    const struct console *real = log_console();
    const char *bad = NULL;
    size_t bad_len = 0;
    char text[128];
    log_set_console(&fake);
    PAYLOAD_CHECK_EQ(log_get_filter(text, sizeof(text)), strlen("debug,quiet=warn,gone=off"));
    PAYLOAD_CHECK(!strcmp(text, "debug,quiet=warn,gone=off"));
    uint64_t dropped = counters_sum(COUNTER_LOG_DROPPED);
    log_warn("quiet", "alpha");
    log_info("quiet", "beta");
    log_debug("quiet", "gamma");
    log_error("gone", "delta");
    log_debug("other", "epsilon");
    log_text("\x10 raw \x17\n", 8);
    log_flush();
    PAYLOAD_CHECK(is_shown("quiet] alpha\n") && !is_shown("beta") && !is_shown("gamma"));
    PAYLOAD_CHECK(!is_shown("delta") && is_shown("other] epsilon\n? raw ?\n"));
    PAYLOAD_CHECK(is_kept("alpha") && is_kept("beta") && !is_kept("gamma") && !is_kept("delta"));
    PAYLOAD_CHECK(is_kept("epsilon") && !is_kept("raw"));
    PAYLOAD_CHECK_EQ(counters_sum(COUNTER_LOG_DROPPED) - dropped, 2);
    static const char set[] = "quiet=debug,off";
    PAYLOAD_CHECK_EQ(log_set_filter(set, strlen(set), &bad, &bad_len), STATUS_OK);
    log_debug("quiet", "zeta");
    log_error("other", "eta");
    static const char wrong[] = "other=debug,quiet=,info";
    PAYLOAD_CHECK_EQ(log_set_filter(wrong, strlen(wrong), &bad, &bad_len), STATUS_BAD_ARGUMENT);
    PAYLOAD_CHECK(bad == wrong + 12 && bad_len == 6);
    log_error("other", "theta");
    PAYLOAD_CHECK_EQ(log_set_filter("", 0, &bad, &bad_len), STATUS_BAD_ARGUMENT);
    PAYLOAD_CHECK_EQ(log_set_filter("sixteen-letters-=off", 20, &bad, &bad_len),
                     STATUS_BAD_ARGUMENT);
    char many[] = "m00=off";
    status_t status = STATUS_OK;
    for (int i = 0; i < 2 * LOG_MAX_FILTERS && status == STATUS_OK; i++) {
        many[1] = (char)('0' + i / 10);
        many[2] = (char)('0' + i % 10);
        status = log_set_filter(many, strlen(many), &bad, &bad_len);
    }
    PAYLOAD_CHECK_EQ(status, STATUS_LIMIT);
    PAYLOAD_CHECK_EQ(log_set_filter("debug", 5, &bad, &bad_len), STATUS_OK);
    log_flush();
    PAYLOAD_CHECK(is_shown("zeta") && !is_shown("eta\n[") && !is_shown("theta"));
    log_set_console(real);
}

/* ---- readers of the ring ---- */

static int number_in(const struct log_line *line, const char *before) {
    char text[LOG_LINE_SIZE + 1];
    memcpy(text, line->text, line->len);
    text[line->len] = 0;
    const char *found = strstr(text, before);
    int number = 0;
    for (found = found ? found + strlen(before) : "x"; *found >= '0' && *found <= '9'; found++) {
        number = number * 10 + *found - '0';
    }
    return *found == ';' ? number : -1;
}

static void test_reading(void) {
    struct log_line line;
    uint64_t cursor = 0, lost = 0;
    int lines = 0, last = -1, in_order = 1;
    while (log_read(&cursor, &line)) {
        lines++;
    }
    PAYLOAD_CHECK(lines > 100 && line.lost == 0);
    PAYLOAD_CHECK(!log_read(&cursor, &line));
    /* Twice what the ring holds, read after every 1000: each time the newest lines, whole. */
    for (int i = 0; i < 3000; i++) {
        log_debug("test", "counted %d; %050d", i, 0);
        if (i % 1000 == 999) {
            for (lines = 0; log_read(&cursor, &line);) {
                int number = number_in(&line, "counted ");
                lost += line.lost;
                if (number < 0) {
                    continue; /* the kernel's own */
                }
                in_order = in_order && number > last && line.level == LOG_DEBUG;
                in_order = in_order && (lines == 0 || number == last + 1) && line.len > 80;
                last = number;
                lines++;
            }
            PAYLOAD_CHECK(lines > LOG_RING_SIZE / 100 && last == i);
        }
    }
    PAYLOAD_CHECK(in_order && lost > LOG_RING_SIZE / 4);
    cursor = log_tail(3);
    for (lines = 0; log_read(&cursor, &line); lines++) {
        int number = number_in(&line, "counted ");
        last = number < 0 ? last : number;
    }
    PAYLOAD_CHECK(lines == 3 && last == 2999);
    cursor = log_tail(SIZE_MAX);
    PAYLOAD_CHECK(log_read(&cursor, &line) && line.lost == 0);
}

static struct spinlock some_lock;

/* With a lock held, which is as in an interrupt. */
static void test_locked(void) {
    spinlock_init(&some_lock, LOCK_DEVICE);
    spinlock_lock(&some_lock);
    for (int i = 0; i < 2000; i++) {
        log_info("test", "under a lock %d; %0100d", i, 0);
    }
    spinlock_unlock(&some_lock);
    log_flush();
    uint64_t cursor = log_tail(5);
    struct log_line line;
    int last = -1;
    while (log_read(&cursor, &line)) {
        int number = number_in(&line, "under a lock ");
        last = number < 0 ? last : number; /* the watchdog may have had something to say */
    }
    PAYLOAD_CHECK_EQ(last, 1999);
}

static volatile bool stop;
static volatile unsigned chatted;

static void chatter(void *arg) {
    (void)arg;
    while (!stop) {
        log_info("chatter", "line %u", chatted++);
    }
}

/* Who writes with interrupts off does not stay to write what another hart goes on writing. */
static void test_chatter(void) {
    struct thread *thread;
    uint32_t other = harts_count() - 1;
    thread_set_harts(thread_current(), 1);
    PAYLOAD_CHECK_EQ(thread_start("chatter", chatter, NULL, NULL, &thread), STATUS_OK);
    thread_set_harts(thread, UINT64_C(1) << other);
    while (chatted < 10) {
        thread_sleep_ns(1000000);
    }
    for (int i = 0; i < 100; i++) {
        irq_state_t irq = arch_irq_save();
        log_info("test", "in between %d", i);
        arch_irq_restore(irq);
    }
    stop = true;
    thread_join(thread);
    thread_set_harts(thread_current(), UINT64_MAX);
    PAYLOAD_CHECK(chatted >= 10);
}

/* A console with an interrupt, that takes nothing for a while. */
static volatile bool is_full;

static size_t show_unless_full(const char *text, size_t len) {
    return is_full ? 0 : show(text, len);
}

static bool never(void) {
    return false;
}

/* Idle harts rest while the console is full, and its interrupt goes on from there. */
static void test_full(void) {
    static const struct console fake = {
        .write = show_unless_full, .flush = do_nothing, .poll = never};
    const struct console *real = log_console();
    log_flush();
    screen_len = 0;
    is_full = true;
    irq_state_t irq = arch_irq_save(); /* who may wait waits for the console */
    log_set_console(&fake);
    for (int i = 0; i < 40; i++) {
        log_info("test", "held back %d", i);
    }
    bool rests = true;
    for (int i = 0; i < 100; i++) {
        rests = rests && !log_idle() && !log_carry();
    }
    PAYLOAD_CHECK(rests);
    PAYLOAD_CHECK_EQ(screen_len, 0);
    is_full = false;
    while (!is_shown("held back 39\n")) {
        (void)log_carry();
    }
    arch_irq_restore(irq);
    log_flush();
    PAYLOAD_CHECK(!log_idle());
    log_set_console(real);
    PAYLOAD_CHECK(is_shown("held back 0\n"));
}

static _Noreturn void test(size_t hart, const struct boot_info *info) {
    static const char text[] = "a text with no line about it\n";
    struct thread *threads[THREADS];
    machine_init(hart, info);
    payload_begin(info);
    for (long i = 0; i < THREADS; i++) {
        PAYLOAD_CHECK_EQ(thread_start("flood", flood, (void *)i, NULL, &threads[i]), STATUS_OK);
    }
    for (int i = 0; i < THREADS; i++) {
        thread_join(threads[i]);
    }
    test_reading();
    test_locked();
    test_chatter();
    test_filters();
    test_full();
    log_debug("test", "a debug line");
    log_text(text, strlen(text));
    log_flush();
    unsigned failed = payload_sum();
    arch_irq_off();
    log_info("test", "the last word");
    power_off(failed ? 1 : 0);
}

LOADER_ENTRY(test, .stack_pages = 16);
