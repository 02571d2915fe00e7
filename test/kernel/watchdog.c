/*
 * The watchdog: harts that hold interrupts off for too long are told of, with the place in the code, by
 * themselves afterwards and by others meanwhile; all others are not.
 *
 * QEMU: -smp 1 -icount shift=7
 * QEMU: -smp 4 -icount shift=7
 * EXPECT: watchdog] hart 0 held up for 1
 * EXPECT: until keep_irq_off 
 * EXPECT: , thread "boot"
 * TIMEOUT: 120
 */
#include "kernel/watchdog.h"
#include "abi/boot.h"
#include "init/machine.h"
#include "kernel/counters.h"
#include "kernel/harts.h"
#include "kernel/limits.h"
#include "kernel/log.h"
#include "kernel/sync.h"
#include "kernel/thread.h"
#include "kernel/time.h"
#include "test/support/payload.h"

#include <string.h>

static struct spinlock lock = SPINLOCK_INIT(LOCK_DEVICE);
static volatile int stop;
static uint64_t cursor;

static void nap(void *arg) {
    (void)arg;
    thread_sleep_ns(WATCHDOG_NS / 10);
}

static void spin(void *arg) {
    (void)arg;
    while (!stop) {
        arch_relax();
    }
}

static struct thread *start_on(uint32_t hart, void (*fn)(void *arg)) {
    struct thread *thread = NULL;
    PAYLOAD_CHECK_EQ(thread_create(NULL, "helper", fn, NULL, NULL, &thread), STATUS_OK);
    thread->harts = UINT64_C(1) << hart; /* from its first turn on: its deadline is that hart's */
    thread_run(thread);
    return thread;
}

/* Whether a line that holds both has come since the last one that was asked for. */
static bool told(const char *what, const char *where) {
    struct log_line line;
    while (log_read(&cursor, &line)) {
        line.text[line.len < LOG_LINE_SIZE ? line.len : LOG_LINE_SIZE - 1] = 0;
        if (strstr(line.text, what) && strstr(line.text, where)) {
            return true;
        }
    }
    return false;
}

static __attribute__((noinline)) void keep_irq_off(uint64_t ns) {
    uint64_t start = time_now_ns();
    irq_state_t irq = arch_irq_save();
    while (time_now_ns() - start < ns) {
    }
    arch_irq_restore(irq);
    start = 0;
    __asm__ volatile("" : : "r"(start)); /* here the interrupt comes */
}

/* A deadline passes meanwhile, so the timer is late. */
static void test_self(void) {
    struct thread *sleeper = start_on(0, nap);
    thread_sleep_ns(1000000);
    uint64_t stalls = counters_sum(COUNTER_STALLS);
    keep_irq_off(WATCHDOG_NS * 9 / 10);
    thread_join(sleeper);
    PAYLOAD_CHECK_EQ(counters_sum(COUNTER_STALLS), stalls);
    sleeper = start_on(0, nap);
    thread_sleep_ns(1000000);
    keep_irq_off(WATCHDOG_NS * 3 / 2);
    thread_join(sleeper);
    PAYLOAD_CHECK_EQ(counters_sum(COUNTER_STALLS), stalls + 1);
    PAYLOAD_CHECK(told("hart 0 held up for 1", "keep_irq_off"));
}

/* Nobody waits for anything, and no other hart is awake. */
static void test_alone(void) {
    uint64_t stalls = counters_sum(COUNTER_STALLS);
    keep_irq_off(WATCHDOG_NS * 7 / 10);
    PAYLOAD_CHECK_EQ(counters_sum(COUNTER_STALLS), stalls);
    keep_irq_off(WATCHDOG_NS * 3 / 2);
    PAYLOAD_CHECK_EQ(counters_sum(COUNTER_STALLS), stalls + 1);
    PAYLOAD_CHECK(told("hart 0 held up for 1", "keep_irq_off"));
}

static uint64_t held_at; /* from then on the lock is not free */

static void __attribute__((noinline)) take_lock(void *arg) {
    (void)arg;
    thread_sleep_ns(held_at + WATCHDOG_NS / 20 - time_now_ns());
    spinlock_lock(&lock);
    spinlock_unlock(&lock);
}

/* Nothing is due on the harts 0 and 1 but calls, which they do not take; hart 2 tells of both. */
static void test_others(void) {
    struct thread *busy[2] = {start_on(2, spin), start_on(2, spin)};
    uint64_t stalls = counters_sum(COUNTER_STALLS);
    held_at = time_now_ns() + WATCHDOG_NS / 10;
    struct thread *waiter = start_on(1, take_lock);
    thread_sleep_ns(held_at - time_now_ns());
    spinlock_lock(&lock);
    while (time_now_ns() - held_at < WATCHDOG_NS / 5) {
        arch_relax();
    }
    arch_ipi(3);
    while (time_now_ns() - held_at < 2 * WATCHDOG_NS) {
        arch_relax();
    }
    spinlock_unlock(&lock);
    PAYLOAD_CHECK_EQ(counters_sum(COUNTER_STALLS), stalls + 2);
    cursor = 0;
    PAYLOAD_CHECK(told("hart 0 takes no interrupt", "for 1"));
    cursor = 0;
    PAYLOAD_CHECK(told("hart 1 takes no interrupt", "waits for a lock in take_lock"));
    stop = 1;
    thread_join(waiter);
    thread_join(busy[0]);
    thread_join(busy[1]);
}

/* Harts that are idle, and one that runs a thread alone, are never called late. (Of several harts one
 * alone that has no deadline would keep QEMU from running the others.) */
static void test_quiet(void) {
    uint64_t stalls = counters_sum(COUNTER_STALLS);
    thread_set_harts(thread_current(), UINT64_MAX);
    if (harts_count() == 1) {
        stop = 0;
        struct thread *alone = start_on(0, spin);
        thread_sleep_ns(3 * WATCHDOG_NS / 2);
        stop = 1;
        thread_join(alone);
    }
    thread_sleep_ns(3 * WATCHDOG_NS / 2);
    PAYLOAD_CHECK_EQ(counters_sum(COUNTER_STALLS), stalls);
}

static _Noreturn void test(size_t hart, const struct boot_info *info) {
    payload_begin(info);
    machine_init(hart, info);
    thread_set_harts(thread_current(), 1);
    thread_sleep_ns(1000);
    test_self();
    test_alone();
    if (harts_count() > 2) {
        test_others();
    }
    test_quiet();
    payload_end();
}

LOADER_ENTRY(test, .stack_pages = 16);
