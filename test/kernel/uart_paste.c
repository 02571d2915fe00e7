/*
 * The serial port both ways at once: what is pasted comes back unchanged, however slow the reader and
 * whatever else runs, even what was typed before the kernel came; waiting ends at the deadline.
 * test/kernel/uart_paste.py is at the other end.
 *
 * It sends a line "BYTES PAUSE_US\n" and then that many bytes; the reader sleeps PAUSE_US after every
 * 64 KiB.
 */
#include "abi/boot.h"
#include "base/fmt.h"
#include "drivers/uart.h"
#include "init/machine.h"
#include "kernel/counters.h"
#include "kernel/log.h"
#include "kernel/thread.h"
#include "kernel/time.h"
#include "test/support/payload.h"

#include <string.h>

static char buf[5000];

static void test_deadline(void) {
    size_t size = 1;
    uint64_t deadline = time_now_ns() + 3000000;
    PAYLOAD_CHECK_EQ(uart_read(buf, sizeof(buf), deadline, &size), STATUS_TIMED_OUT);
    PAYLOAD_CHECK_EQ(size, 0);
    PAYLOAD_CHECK(time_now_ns() >= deadline);
    PAYLOAD_CHECK(!uart_readable());
    PAYLOAD_CHECK_EQ(uart_wait_readable(time_now_ns() + 1000000), STATUS_TIMED_OUT);
}

static void wait_for_ever(void *arg) {
    char c;
    size_t size;
    *(status_t *)arg = uart_read(&c, 1, WAIT_FOREVER, &size);
}

/* Who waits for input can be killed. */
static void test_kill(void) {
    struct thread *thread;
    status_t status = STATUS_OK;
    PAYLOAD_CHECK_EQ(thread_start("waits", wait_for_ever, &status, NULL, &thread), STATUS_OK);
    thread_sleep_ns(3000000);
    thread_kill(thread);
    thread_join(thread);
    PAYLOAD_CHECK_EQ(status, STATUS_KILLED);
}

static uint64_t read_number(void) {
    uint64_t n = 0;
    char c = 0;
    size_t size;
    while (uart_read(&c, 1, WAIT_FOREVER, &size) == STATUS_OK && c >= '0' && c <= '9') {
        n = 10 * n + (uint64_t)(c - '0');
    }
    return n;
}

/* Reads of changing size. Returns how many bytes came and went. */
static uint64_t echo(uint64_t total, uint64_t pause_us) {
    uint64_t done = 0, round = 0, next_pause = 65536;
    size_t size;
    while (done < total) {
        size_t cap = 1 + (round++ * 977) % sizeof(buf);
        cap = cap < total - done ? cap : total - done;
        if (uart_read(buf, cap, WAIT_FOREVER, &size) != STATUS_OK ||
            uart_write(buf, size) != STATUS_OK) {
            break;
        }
        done += size;
        if (pause_us && done >= next_pause) {
            next_pause += 65536;
            thread_sleep_ns(pause_us * 1000);
        }
    }
    return done;
}

/* More of the log than the port takes at once, from who cannot wait. The other end answers when it has all of
 * it: meanwhile nobody here runs or writes, so the port's interrupt must carry it on. */
static void test_log(void) {
    char line[64], answer;
    size_t size = 0;
    irq_state_t irq = arch_irq_save();
    log_text("log follows\n", 12);
    for (int i = 0; i < 1000; i++) {
        log_text(line, fmt_text(line, sizeof(line), "held back, line %04d of 1000\n", i));
    }
    arch_irq_restore(irq);
    PAYLOAD_CHECK_EQ(uart_read(&answer, 1, WAIT_FOREVER, &size), STATUS_OK);
}

static volatile bool stop;
static volatile uint64_t turns;

/* Somebody who has nothing to do with it. */
static void work(void *arg) {
    (void)arg;
    while (!stop) {
        turns++;
        thread_sleep_ns(500000);
    }
}

static _Noreturn void test(size_t hart, const struct boot_info *info) {
    static const char ready[] = "uart ready\n";
    struct thread *other;
    machine_init(hart, info);
    payload_begin(info);
    PAYLOAD_CHECK_EQ(thread_start("other", work, NULL, NULL, &other), STATUS_OK);
    status_t status = uart_write(ready, strlen(ready));
    log_flush();
    uint64_t total = read_number(), pause_us = read_number();
    uint64_t irqs = counters_sum(COUNTER_DEVICE_IRQS), done = echo(total, pause_us);
    log_flush();
    irqs = counters_sum(COUNTER_DEVICE_IRQS) - irqs;
    stop = true;
    thread_join(other);
    payload_print("\n");
    log_flush();
    test_deadline();
    test_kill();
    test_log();
    payload_print("# %llu bytes, %llu interrupts\n", (unsigned long long)done,
                  (unsigned long long)irqs);
    PAYLOAD_CHECK_EQ(status, STATUS_OK);
    PAYLOAD_CHECK_EQ(done, total);
    PAYLOAD_CHECK_EQ(uart_overruns(), 0);
    PAYLOAD_CHECK(turns > 0);
    PAYLOAD_CHECK(irqs > 0);
    payload_end();
}

LOADER_ENTRY(test, .stack_pages = 16);
