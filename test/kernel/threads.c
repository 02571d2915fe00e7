/*
 * Threads: start, join, sleep, wake, hand over, kill, mutual exclusion, preemption, and that nothing
 * is left of them.
 *
 * QEMU: -smp 1
 * QEMU: -smp 4
 * QEMU: -cpu rv64,sstc=false
 * TIMEOUT: 60
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

#include <string.h>

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

/* Two threads that never yield both run, on one hart too, and sleepers are not early. (How evenly they share
 * is told where it does not depend on the host: smp, kernel_sched_test.) */
static void test_preemption(void) {
    stop = 0;
    for (long i = 0; i < 2; i++) {
        PAYLOAD_CHECK_EQ(thread_start("spin", spin, (void *)i, NULL, &threads[i]), STATUS_OK);
    }
    thread_set_harts(threads[0], 1);
    thread_set_harts(threads[1], 1);
    uint64_t start = time_now_ns();
    thread_sleep_ns(300000000);
    uint64_t slept = time_now_ns() - start;
    for (int turn = 0; turn < 10; turn++) {
        uint64_t seen[2] = {spins[0], spins[1]};
        while ((spins[0] == seen[0] || spins[1] == seen[1]) &&
               time_now_ns() - start < 30000000000) {
            thread_sleep_ns(10000000);
        }
        PAYLOAD_CHECK(spins[0] != seen[0] && spins[1] != seen[1]);
    }
    stop = 1;
    thread_join(threads[0]);
    thread_join(threads[1]);
    payload_print("# slept %llu us, spins %llu and %llu\n", (unsigned long long)(slept / 1000),
                  (unsigned long long)spins[0], (unsigned long long)spins[1]);
    PAYLOAD_CHECK(slept >= 300000000);
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

/* ---- one gives the hart to the other ---- */

enum { TURNS = 1000 };

static struct thread *players[2];
static int turn;
static volatile unsigned intruder_ran;
static unsigned intrusions;

/* Under the lock: sleeps until it is `me`'s turn, and gives the hart to `other` the first time. */
static void await_turn(int me, struct thread *other) {
    while (turn != me) {
        irq_state_t irq = lock.irq;
        if (other) {
            lock.irq = 0; /* they stay off when it gives the lock back */
            sched_exchange(other, WAIT_FOREVER, &lock);
        } else {
            irq = sched_sleep(&lock, WAIT_FOREVER, false);
        }
        other = NULL;
        spinlock_lock(&lock);
        lock.irq = irq;
    }
}

static void play(void *arg) {
    int me = (int)(long)arg;
    unsigned seen = 0;
    spinlock_lock(&lock);
    await_turn(me, NULL);
    for (int i = 0; i < TURNS; i++) {
        intrusions += i > 0 && intruder_ran != seen;
        seen = intruder_ran;
        turn = !me;
        await_turn(me, players[!me]);
    }
    turn = !me;
    spinlock_unlock(&lock);
    if (me == 0) { /* the other is the last, and nobody waits for it */
        sched_wake(players[1]);
    }
}

static void intrude(void *arg) {
    (void)arg;
    while (!stop) {
        intruder_ran++;
    }
}

/* Two threads hand one hart to and fro, while a third is ready there all the time and has had less: it runs
 * at the ends of slices and not in between. */
static void test_exchange(void) {
    stop = 0;
    intrusions = 0;
    turn = -1;
    for (long i = 0; i < 2; i++) {
        PAYLOAD_CHECK_EQ(thread_start("play", play, (void *)i, NULL, &players[i]), STATUS_OK);
        thread_set_harts(players[i], 1);
    }
    PAYLOAD_CHECK_EQ(thread_start("intrude", intrude, NULL, NULL, &threads[0]), STATUS_OK);
    thread_set_harts(threads[0], 1);
    thread_sleep_ns(1000000);
    spinlock_lock(&lock);
    turn = 0;
    spinlock_unlock(&lock);
    sched_wake(players[0]);
    thread_join(players[0]);
    thread_join(players[1]);
    stop = 1;
    thread_join(threads[0]);
    payload_print("# %u of %u turns interrupted\n", intrusions, 2 * TURNS);
    PAYLOAD_CHECK(intrusions < TURNS / 5);
}

/* Two that share a hart have had it for as long as it took, together. */
static struct spinlock turns_lock = SPINLOCK_INIT(LOCK_DEVICE);
static struct waitqueue turns;
static bool enough;

static void take_turns(void *arg) {
    (void)arg;
    spinlock_lock(&turns_lock);
    while (!__atomic_load_n(&enough, __ATOMIC_RELAXED)) {
        waitqueue_wake_one(&turns);
        (void)waitqueue_sleep(&turns, &turns_lock, time_now_ns() + 1000000000);
    }
    waitqueue_wake_all(&turns);
    spinlock_unlock(&turns_lock);
}

/* Two that wake each other and never look up: who sleeps beside them still wakes in time. */
static void test_turns(void) {
    waitqueue_init(&turns);
    for (unsigned i = 0; i < 2; i++) {
        PAYLOAD_CHECK_EQ(thread_start("turns", take_turns, NULL, NULL, &threads[i]), STATUS_OK);
    }
    for (unsigned i = 0; i < 20; i++) {
        thread_sleep_ns(1000000);
    }
    __atomic_store_n(&enough, true, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < 2; i++) {
        thread_join(threads[i]);
    }
}

static void test_cpu_time(void) {
    stop = 0;
    uint64_t start = time_now_ns();
    for (long i = 0; i < 2; i++) {
        PAYLOAD_CHECK_EQ(thread_start("spin", spin, (void *)i, NULL, &threads[i]), STATUS_OK);
        thread_set_harts(threads[i], 1);
    }
    thread_sleep_ns(100000000);
    uint64_t before = time_now_ns();
    uint64_t had = thread_cpu_ns(threads[0]) + thread_cpu_ns(threads[1]);
    uint64_t after = time_now_ns();
    stop = 1;
    thread_join(threads[0]);
    thread_join(threads[1]);
    payload_print("# had %llu us in %llu us\n", (unsigned long long)(had / 1000),
                  (unsigned long long)((after - start) / 1000));
    PAYLOAD_CHECK(had <= 2 * (after - start));
    PAYLOAD_CHECK(had >= (before - start) / 8); /* the host may hold the hart up */
    /* Who sleeps does not have it. The host may hold the hart up just before. */
    bool slept = false;
    for (int i = 0; i < 100 && !slept; i++) {
        uint64_t own = thread_cpu_ns(thread_current());
        thread_sleep_ns(10000000);
        slept = thread_cpu_ns(thread_current()) - own < 10000000;
    }
    PAYLOAD_CHECK(slept);
}

/* ---- killed ---- */

static status_t ends[4];
static struct mutex held;

static void wait_in_queue(void *arg) {
    (void)arg;
    spinlock_lock(&lock);
    ends[0] = waitqueue_sleep_killable(&pings, &lock, WAIT_FOREVER);
    ends[1] = waitqueue_sleep_killable(&pings, &lock, time_now_ns() + 1000000000);
    bool in_time = waitqueue_sleep(&pings, &lock, time_now_ns() + 1000000);
    ends[2] = in_time ? STATUS_OK : STATUS_TIMED_OUT;
    spinlock_unlock(&lock);
    thread_sleep_ns(60000000000);
}

static void wait_for_mutex(void *arg) {
    (void)arg;
    mutex_lock(&held);
    ends[3] = thread_killed() ? STATUS_KILLED : STATUS_OK;
    mutex_unlock(&held);
}

/* Killable sleeps end at once, others as ever; and once killed, all the later killable ones too. */
static void test_kill(void) {
    waitqueue_init(&pings);
    mutex_init(&held, LOCK_FILES);
    for (int early = 0; early < 2; early++) {
        memset(ends, 0xff, sizeof(ends));
        uint64_t start = time_now_ns();
        mutex_lock(&held);
        PAYLOAD_CHECK_EQ(thread_start("wait", wait_in_queue, NULL, NULL, &threads[0]), STATUS_OK);
        PAYLOAD_CHECK_EQ(thread_start("mutex", wait_for_mutex, NULL, NULL, &threads[1]), STATUS_OK);
        if (!early) {
            thread_sleep_ns(5000000);
        }
        for (int i = 0; i < 4; i++) {
            thread_kill(threads[i % 2]);
        }
        thread_join(threads[0]);
        mutex_unlock(&held);
        thread_join(threads[1]);
        PAYLOAD_CHECK(time_now_ns() - start < 30000000000);
        PAYLOAD_CHECK_EQ(ends[0], STATUS_KILLED);
        PAYLOAD_CHECK_EQ(ends[1], STATUS_KILLED);
        PAYLOAD_CHECK_EQ(ends[2], STATUS_TIMED_OUT);
        PAYLOAD_CHECK_EQ(ends[3], STATUS_KILLED);
        PAYLOAD_CHECK(list_empty(&pings.waiters));
    }
}

/* With all asleep, the timer is quiet. */
static void test_idle(void) {
    uint64_t ticks = counters_of(hart_self()->index, COUNTER_TIMER_IRQS);
    thread_sleep_ns(200000000);
    PAYLOAD_CHECK(counters_of(hart_self()->index, COUNTER_TIMER_IRQS) - ticks <= 2);
}

/* ---- a rest while waiting for a lock ---- */

static void nap(void *arg) {
    (void)arg;
    thread_sleep_ns(2000000);
}

/* It ends although it uses the timer, and what was pending or due meanwhile comes afterwards. */
static void test_rest(void) {
    thread_set_harts(thread_current(), 1);
    thread_sleep_ns(1000);
    PAYLOAD_CHECK_EQ(thread_start("nap", nap, NULL, NULL, &threads[0]), STATUS_OK);
    thread_set_harts(threads[0], 1);
    thread_sleep_ns(1000000);
    irq_state_t irq = arch_irq_save();
    uint64_t calls = counters_of(0, COUNTER_IPIS_RECEIVED), start = time_now_ns();
    arch_ipi(1);
    for (int i = 0; i < 100; i++) {
        arch_rest(time_ticks_from_ns(SPINLOCK_REST_NS));
    }
    uint64_t rested = time_now_ns() - start;
    PAYLOAD_CHECK_EQ(counters_of(0, COUNTER_IPIS_RECEIVED), calls);
    arch_irq_restore(irq);
    PAYLOAD_CHECK(rested >= 99 * SPINLOCK_REST_NS);
    PAYLOAD_CHECK(counters_of(0, COUNTER_IPIS_RECEIVED) > calls);
    thread_join(threads[0]);
    thread_set_harts(thread_current(), UINT64_MAX);
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
    machine_init(hart, info);
    payload_begin(info);
    size_t before = 0;
    for (int round = 0; round < 2; round++) {
        test_mutex();
        test_preemption();
        test_waiting();
        test_exchange();
        test_turns();
        test_cpu_time();
        test_kill();
        test_idle();
        test_rest();
        test_many();
        stack_trim();
        size_t now = frame_free_count() + heap_frames();
        PAYLOAD_CHECK(round == 0 || now == before);
        before = now;
    }
    payload_end();
}

LOADER_ENTRY(test, .stack_pages = 16, .memory_mode = LOADER_SV48);
