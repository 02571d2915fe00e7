/*
 * Threads: start, join, sleep, wake, mutual exclusion, preemption in the kernel, and that nothing
 * is left of them.
 *
 * QEMU: -smp 1
 * QEMU: -smp 4
 * QEMU: -cpu rv64,sstc=false
 */
#include "abi/boot.h"
#include "init/machine.h"
#include "kernel/harts.h"
#include "kernel/limits.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/stack.h"
#include "kernel/sched.h"
#include "kernel/sync.h"
#include "kernel/thread.h"
#include "kernel/time.h"
#include "test/support/payload.h"

enum { THREADS = 20 };

static struct thread *threads[THREADS];
static struct mutex mutex;
static uint64_t counter;

static void count(void *arg) {
    for (int i = 0; i < 200; i++) {
        mutex_lock(&mutex);
        uint64_t seen = counter;
        if (i % 8 == (long)arg % 8) {
            sched_yield();
        }
        counter = seen + 1;
        mutex_unlock(&mutex);
    }
}

static void test_mutex(void) {
    mutex_init(&mutex, LOCK_FILES);
    counter = 0;
    for (long i = 0; i < THREADS; i++) {
        PAYLOAD_CHECK_EQ(thread_start("count", count, (void *)i, NULL, &threads[i]), STATUS_OK);
    }
    for (int i = 0; i < THREADS; i++) {
        thread_join(threads[i]);
    }
    PAYLOAD_CHECK_EQ(counter, THREADS * 200);
}

static volatile uint64_t spins[2];
static volatile int stop;

static void spin(void *arg) {
    while (!stop) {
        spins[(long)arg]++;
    }
}

/* Two threads that never yield share the hart evenly, and sleepers are on time. */
static void test_preemption(void) {
    stop = 0;
    for (long i = 0; i < 2; i++) {
        PAYLOAD_CHECK_EQ(thread_start("spin", spin, (void *)i, NULL, &threads[i]), STATUS_OK);
    }
    uint64_t start = time_now_ns();
    thread_sleep_ns(300000000);
    uint64_t slept = time_now_ns() - start;
    stop = 1;
    thread_join(threads[0]);
    thread_join(threads[1]);
    payload_print("# slept %llu us, spins %llu and %llu\n", (unsigned long long)(slept / 1000),
                  (unsigned long long)spins[0], (unsigned long long)spins[1]);
    PAYLOAD_CHECK(slept >= 300000000);
    PAYLOAD_CHECK(spins[0] > spins[1] / 4 && spins[1] > spins[0] / 4);
}

static struct spinlock lock = SPINLOCK_INIT(LOCK_DEVICE);
static struct waitqueue pings, pongs;
static int ball;

static void pong(void *arg) {
    (void)arg;
    spinlock_lock(&lock);
    for (int i = 0; i < 1000; i++) {
        while (ball == 0) {
            waitqueue_sleep(&pings, &lock, WAIT_FOREVER);
        }
        ball = 0;
        waitqueue_wake_one(&pongs);
    }
    spinlock_unlock(&lock);
}

static void test_waiting(void) {
    waitqueue_init(&pings);
    waitqueue_init(&pongs);
    PAYLOAD_CHECK_EQ(thread_start("pong", pong, NULL, NULL, &threads[0]), STATUS_OK);
    spinlock_lock(&lock);
    for (int i = 0; i < 1000; i++) {
        ball = 1;
        waitqueue_wake_one(&pings);
        while (ball == 1) {
            waitqueue_sleep(&pongs, &lock, WAIT_FOREVER);
        }
    }
    uint64_t start = time_now_ns();
    PAYLOAD_CHECK(!waitqueue_sleep(&pongs, &lock, start + 5000000));
    PAYLOAD_CHECK(time_now_ns() - start >= 5000000);
    PAYLOAD_CHECK(!waitqueue_sleep(&pongs, &lock, 0));
    spinlock_unlock(&lock);
    thread_join(threads[0]);
}

/* With all asleep, the timer is quiet. */
static void test_idle(void) {
    uint64_t ticks = counters_of(hart_self()->index, COUNTER_TIMER_IRQS);
    thread_sleep_ns(200000000);
    PAYLOAD_CHECK(counters_of(hart_self()->index, COUNTER_TIMER_IRQS) - ticks <= 2);
}

static void nothing(void *arg) {
    (void)arg;
}

static void test_many(void) {
    bool good = true;
    for (int i = 0; i < 2000; i++) {
        struct thread *thread;
        good = good && thread_start("nothing", nothing, NULL, NULL, &thread) == STATUS_OK;
        if (!good) {
            break;
        }
        thread_join(thread);
    }
    PAYLOAD_CHECK(good);
}

static _Noreturn void test(size_t hart, const struct boot_info *info) {
    payload_begin(info);
    machine_init(hart, info);
    size_t before = 0;
    for (int round = 0; round < 2; round++) {
        test_mutex();
        test_preemption();
        test_waiting();
        test_idle();
        test_many();
        stack_trim();
        size_t now = frame_free_count() + heap_frames();
        PAYLOAD_CHECK(round == 0 || now == before);
        before = now;
    }
    payload_end();
}

LOADER_ENTRY(test, .stack_pages = 16, .memory_mode = LOADER_SV48);
