/*
 * Device interrupts with every controller there is, by the alarm of the clock: on each hart in turn;
 * while the source moves about; from a line that nobody quiets. And calls from hart to hart.
 *
 * QEMU: -smp 4
 * QEMU: -smp 4 -machine aia=aplic
 * QEMU: -smp 4 -machine aia=aplic-imsic
 * QEMU: -smp 1 -machine aia=aplic-imsic -icount shift=0
 * QEMU: -smp 1 -icount shift=0
 * TIMEOUT: 60
 */
#include "kernel/irq.h"
#include "abi/boot.h"
#include "init/machine.h"
#include "kernel/counters.h"
#include "kernel/devices.h"
#include "kernel/harts.h"
#include "kernel/limits.h"
#include "kernel/log.h"
#include "kernel/random.h"
#include "kernel/thread.h"
#include "kernel/time.h"
#include "test/support/payload.h"

#include <string.h>

enum {
    ALARM_LOW = 2,
    ALARM_HIGH = 3,
    IRQ_ENABLED = 4,
    CLEAR_INTERRUPT = 7,
    ALARMS = 200, /* a test */
    CALLS = 64,
};

#define PATIENCE_NS 20000000000ul

static volatile uint32_t *clock;
static struct irq_line line;

static uint32_t rung;                             /* an alarm was set and not taken */
static volatile bool quiet;                       /* the handler quiets the line */
static volatile uint64_t taken[KERNEL_MAX_HARTS]; /* by hart */

static uint64_t taken_in_all(void) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < harts_count(); i++) {
        sum += taken[i];
    }
    return sum;
}

/* Some controllers call once more when the line is quiet already. */
static bool alarm(void *ctx) {
    (void)ctx;
    if (!quiet) {
        return false;
    }
    clock[CLEAR_INTERRUPT] = 1;
    if (!__atomic_exchange_n(&rung, 0, __ATOMIC_SEQ_CST)) {
        return false;
    }
    taken[hart_self()->index]++;
    return true;
}

static void ring(void) {
    __atomic_store_n(&rung, 1, __ATOMIC_SEQ_CST);
    clock[ALARM_HIGH] = 0;
    clock[ALARM_LOW] = 0; /* long ago: it rings at once */
}

static uint64_t longest_ns; /* from alarm to handler, where the host may hold up any hart */

/* Rings and waits for the handler. */
static bool ring_once(void) {
    uint64_t before = taken_in_all(), start = time_now_ns();
    ring();
    while (taken_in_all() == before && time_now_ns() - start < PATIENCE_NS) {
        arch_relax();
    }
    uint64_t took_ns = time_now_ns() - start;
    longest_ns = took_ns > longest_ns ? took_ns : longest_ns;
    return taken_in_all() == before + 1;
}

static bool moved(uint32_t hart) {
    struct irq_stat stat;
    uint64_t end = time_now_ns() + PATIENCE_NS;
    while (irq_stat(line.source, &stat) && stat.hart_index != hart && time_now_ns() < end) {
        arch_relax();
    }
    return stat.hart_index == hart;
}

static status_t take_clock(const struct device *device) {
    clock = device->registers;
    line = device->irq;
    return STATUS_OK;
}

static void find_clock(void) {
    static const struct driver row = {0, "google,goldfish-rtc", 32, 4, 4, take_clock};
    devices_start(&row, 1, 0);
    PAYLOAD_CHECK(clock != NULL);
    PAYLOAD_CHECK(line.source != 0);
    quiet = true;
    struct irq_line none = {0}, far = {.source = IRQ_MAX_SOURCES - 1, .trigger = IRQ_HIGH};
    PAYLOAD_CHECK_EQ(irq_register(none, alarm, NULL), STATUS_NOT_FOUND);
    PAYLOAD_CHECK_EQ(irq_register(far, alarm, NULL), STATUS_LIMIT);
    PAYLOAD_CHECK_EQ(irq_register(line, alarm, NULL), STATUS_OK);
    PAYLOAD_CHECK_EQ(irq_register(line, alarm, NULL), STATUS_EXISTS);
    PAYLOAD_CHECK_EQ(irq_set_hart(line.source + 1000, 0), STATUS_NOT_FOUND);
    PAYLOAD_CHECK_EQ(irq_set_hart(line.source, harts_count()), STATUS_BAD_ARGUMENT);
    clock[IRQ_ENABLED] = 1;
}

static void test_each_hart(void) {
    for (uint32_t hart = 0; hart < harts_count(); hart++) {
        PAYLOAD_CHECK_EQ(irq_set_hart(line.source, hart), STATUS_OK);
        PAYLOAD_CHECK(moved(hart));
        uint64_t before = taken[hart], good = 0;
        for (int i = 0; i < ALARMS; i++) {
            good += ring_once();
        }
        PAYLOAD_CHECK_EQ(good, ALARMS);
        PAYLOAD_CHECK_EQ(taken[hart] - before, ALARMS);
    }
}

static volatile bool stop;

static void move_about(void *arg) {
    uint64_t *moves = arg;
    while (!stop) {
        uint32_t hart = (uint32_t)(random_u64() % harts_count());
        *moves += irq_set_hart(line.source, hart) == STATUS_OK;
        thread_sleep_ns(20000);
    }
}

static void test_moving(void) {
    struct thread *mover;
    uint64_t moves = 0, good = 0;
    PAYLOAD_CHECK_EQ(thread_start("mover", move_about, &moves, NULL, &mover), STATUS_OK);
    /* On one hart the mover has its turns when this one sleeps. */
    for (int i = 0; i < ALARMS; i++) {
        good += ring_once();
        thread_sleep_ns(10000);
    }
    stop = true;
    thread_join(mover);
    payload_print("# %llu moves; at most %llu us to the handler\n", (unsigned long long)moves,
                  (unsigned long long)(longest_ns / 1000));
    PAYLOAD_CHECK_EQ(good, ALARMS);
    PAYLOAD_CHECK(moves > 0);
}

/* Each hart hears of each call. */
static void test_calls(void) {
    uint64_t lost = 0;
    for (uint32_t hart = 0; hart < harts_count(); hart++) {
        for (int i = 0; i < CALLS; i++) {
            uint64_t before = counters_of(hart, COUNTER_IPIS_RECEIVED);
            uint64_t end = time_now_ns() + PATIENCE_NS;
            arch_ipi(UINT64_C(1) << hart);
            while (counters_of(hart, COUNTER_IPIS_RECEIVED) == before && time_now_ns() < end) {
                arch_relax();
            }
            lost += counters_of(hart, COUNTER_IPIS_RECEIVED) == before;
        }
    }
    PAYLOAD_CHECK_EQ(lost, 0);
}

/* Instructions that it takes to call a hart and to be called, right under -icount: the hart calls
 * itself, and takes the call as soon as it lets interrupts through. */
static void measure_calls(void) {
    uint64_t send = UINT64_MAX, take = UINT64_MAX;
    for (int i = 0; i < CALLS; i++) {
        irq_state_t irq = arch_irq_save();
        uint64_t start = arch_instret();
        arch_ipi(UINT64_C(1) << hart_self()->index);
        uint64_t sent = arch_instret();
        arch_irq_restore(irq);
        uint64_t taken_at = arch_instret();
        send = sent - start < send ? sent - start : send;
        take = taken_at - sent < take ? taken_at - sent : take;
    }
    payload_print("# %s: to call a hart %llu instructions, to be called %llu\n",
                  irq_controller_name(), (unsigned long long)send, (unsigned long long)take);
}

static bool is_logged(const char *text) {
    uint64_t cursor = log_tail(10);
    struct log_line entry;
    bool found = false;
    while (log_read(&cursor, &entry)) {
        entry.text[entry.len < sizeof(entry.text) ? entry.len : sizeof(entry.text) - 1] = 0;
        found = found || strstr(entry.text, text);
    }
    return found;
}

/* A line that asks for ever is masked, and the machine goes on. The alarm is set over and over, because
 * QEMU's PLIC sees a line when it changes. */
static void test_stuck(void) {
    struct irq_stat stat;
    uint64_t end = time_now_ns() + 20000000000, spurious = counters_sum(COUNTER_SPURIOUS_IRQS);
    irq_stat(line.source, &stat);
    uint64_t vain = stat.vain;
    quiet = false;
    while (irq_stat(line.source, &stat) && !stat.masked && time_now_ns() < end) {
        ring();
    }
    while (!is_logged("it asks, and its device does not") && time_now_ns() < end) {
        thread_sleep_ns(1000000);
    }
    log_flush();
    PAYLOAD_CHECK(is_logged("it asks, and its device does not"));
    irq_stat(line.source, &stat);
    PAYLOAD_CHECK(stat.masked);
    PAYLOAD_CHECK(stat.vain - vain == IRQ_MAX_VAIN || stat.vain - vain == IRQ_MAX_VAIN - 1);
    PAYLOAD_CHECK(counters_sum(COUNTER_SPURIOUS_IRQS) - spurious >= IRQ_MAX_VAIN - 1);
    uint64_t before = stat.taken;
    ring();
    thread_sleep_ns(1000000);
    irq_stat(line.source, &stat);
    PAYLOAD_CHECK_EQ(stat.taken, before);
}

static _Noreturn void test(size_t hart, const struct boot_info *info) {
    machine_init(hart, info);
    payload_begin(info);
    find_clock();
    test_each_hart();
    test_moving();
    test_calls();
    measure_calls();
    test_stuck();
    payload_print("# %llu device interrupts, %llu spurious\n",
                  (unsigned long long)counters_sum(COUNTER_DEVICE_IRQS),
                  (unsigned long long)counters_sum(COUNTER_SPURIOUS_IRQS));
    payload_end();
}

LOADER_ENTRY(test, .stack_pages = 16);
