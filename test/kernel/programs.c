/*
 * Programs: numbers, states, statuses, waiting, killing, orphans, the limit of the table; and that
 * nothing is left of them.
 *
 * QEMU: -smp 1
 * QEMU: -smp 4
 * TIMEOUT: 60
 */
#include "abi/boot.h"
#include "init/machine.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/inject.h"
#include "kernel/mm/stack.h"
#include "kernel/program.h"
#include "kernel/sched.h"
#include "kernel/time.h"
#include "test/support/payload.h"

#include <string.h>

static const struct program_options options = {.name = "child", .frame_limit = 100};

static int give_back(void *arg) {
    return (int)(long)arg;
}

static int until_killed(void *arg) {
    (void)arg;
    program_set_running();
    while (!thread_killed()) {
        sched_yield();
    }
    return 1;
}

static bool look(uint32_t pid, struct program_info *info) {
    return program_next(pid - 1, info) && info->pid == pid;
}

static void await_state(uint32_t pid, enum program_state state) {
    struct program_info info;
    while (look(pid, &info) && info.state != state) {
        sched_yield();
    }
    PAYLOAD_CHECK(look(pid, &info) && info.state == state);
}

static void test_statuses(void) {
    struct program_end end;
    uint32_t pids[3];
    for (long i = 0; i < 3; i++) {
        PAYLOAD_CHECK_EQ(program_start(&options, give_back, (void *)(40 + i), &pids[i]), STATUS_OK);
    }
    PAYLOAD_CHECK_EQ(program_wait(pids[1], WAIT_FOREVER, &end), STATUS_OK);
    PAYLOAD_CHECK(end.pid == pids[1] && end.status == 41 && !end.killed);
    PAYLOAD_CHECK(strcmp(end.name, "child") == 0);
    PAYLOAD_CHECK_EQ(program_wait(pids[1], WAIT_FOREVER, &end), STATUS_NOT_FOUND);
    int sum = 0;
    for (int i = 0; i < 2; i++) {
        PAYLOAD_CHECK_EQ(program_wait(0, WAIT_FOREVER, &end), STATUS_OK);
        sum += end.status;
    }
    PAYLOAD_CHECK_EQ(sum, 40 + 42);
    PAYLOAD_CHECK_EQ(program_wait(0, WAIT_FOREVER, &end), STATUS_NOT_FOUND);
}

/* After a while, so that it is waited for in most cases. */
static void stop_wait(void *arg) {
    thread_sleep_ns(1000000);
    __atomic_store_n((bool *)arg, true, __ATOMIC_RELAXED);
    program_wake(1);
    program_wake(PROGRAM_PID_MAX);
}

static void test_kill(void) {
    struct program_info info;
    struct program_end end;
    uint32_t pid;
    PAYLOAD_CHECK_EQ(program_start(&options, until_killed, NULL, &pid), STATUS_OK);
    PAYLOAD_CHECK_EQ(program_wait(pid, 0, &end), STATUS_WOULD_BLOCK);
    PAYLOAD_CHECK_EQ(program_wait(0, time_now_ns() + 1000000, &end), STATUS_WOULD_BLOCK);
    await_state(pid, PROGRAM_RUNNING);
    bool stop = true;
    PAYLOAD_CHECK_EQ(program_wait_unless(pid, &stop, &end), STATUS_WOULD_BLOCK);
    stop = false;
    struct thread *stopper;
    PAYLOAD_CHECK_EQ(thread_start("stopper", stop_wait, &stop, NULL, &stopper), STATUS_OK);
    PAYLOAD_CHECK_EQ(program_wait_unless(pid, &stop, &end), STATUS_WOULD_BLOCK);
    PAYLOAD_CHECK(stop);
    thread_join(stopper);
    PAYLOAD_CHECK(look(pid, &info) && info.threads == 1 && info.parent == 1 &&
                  info.frame_limit == 100);
    PAYLOAD_CHECK_EQ(program_kill(pid, 137), STATUS_OK);
    await_state(pid, PROGRAM_KILLED);
    PAYLOAD_CHECK(look(pid, &info) && info.threads == 0);
    PAYLOAD_CHECK_EQ(program_kill(pid, 1), STATUS_NOT_FOUND);
    PAYLOAD_CHECK_EQ(program_wait(pid, WAIT_FOREVER, &end), STATUS_OK);
    PAYLOAD_CHECK(end.killed && end.status == 137);
    PAYLOAD_CHECK(!look(pid, &info));

    /* Before it runs, and twice: the first counts. */
    PAYLOAD_CHECK_EQ(program_start(&options, until_killed, NULL, &pid), STATUS_OK);
    PAYLOAD_CHECK_EQ(program_kill(pid, 137), STATUS_OK);
    (void)!program_kill(pid, 138);
    PAYLOAD_CHECK_EQ(program_wait(pid, WAIT_FOREVER, &end), STATUS_OK);
    PAYLOAD_CHECK(end.killed && end.status == 137);

    PAYLOAD_CHECK_EQ(program_kill(1, 1), STATUS_DENIED);
    PAYLOAD_CHECK_EQ(program_kill(pid, 1), STATUS_NOT_FOUND);
    PAYLOAD_CHECK_EQ(program_kill(PROGRAM_PID_MAX, 1), STATUS_NOT_FOUND);
}

static uint32_t ended_threads;

static void await_kill(void *arg) {
    (void)arg;
    while (!thread_killed()) {
        sched_yield();
    }
    __atomic_fetch_add(&ended_threads, 1, __ATOMIC_SEQ_CST);
}

static void pass(void *arg) {
    (void)arg;
}

/* Ends while others run: they are ended too, and nobody comes after. */
static int with_threads(void *arg) {
    struct thread *thread;
    for (int i = 0; i < 3; i++) {
        if (program_add_thread("more", await_kill, NULL, NULL, &thread) != STATUS_OK) {
            return 1;
        }
    }
    if (program_add_thread("joined", pass, NULL, NULL, &thread) != STATUS_OK) {
        return 2;
    }
    thread_join(thread);
    if (arg) {
        program_exit(7);
    }
    while (program_add_thread("late", pass, NULL, NULL, &thread) != STATUS_KILLED) {
        thread_join(thread);
    }
    return 3;
}

static void test_threads(void) {
    struct program_end end;
    uint32_t pid;
    ended_threads = 0;
    PAYLOAD_CHECK_EQ(program_start(&options, with_threads, (void *)1, &pid), STATUS_OK);
    PAYLOAD_CHECK_EQ(program_wait(pid, WAIT_FOREVER, &end), STATUS_OK);
    PAYLOAD_CHECK(!end.killed && end.status == 7 && ended_threads == 3);

    PAYLOAD_CHECK_EQ(program_start(&options, with_threads, NULL, &pid), STATUS_OK);
    thread_sleep_ns(2000000);
    PAYLOAD_CHECK_EQ(program_kill(pid, 9), STATUS_OK);
    PAYLOAD_CHECK_EQ(program_wait(pid, WAIT_FOREVER, &end), STATUS_OK);
    PAYLOAD_CHECK(end.killed && end.status == 9);
}

static bool all_tried;
static unsigned overslept;

/* There never is a child that ends, so the deadline only matters to who is not woken. */
static void wait_for_any(void *arg) {
    struct program_end end;
    (void)arg;
    while (!__atomic_load_n(&all_tried, __ATOMIC_SEQ_CST)) {
        uint64_t deadline = time_now_ns() + 20000000000;
        (void)!program_wait(0, deadline, &end);
        overslept += time_now_ns() >= deadline;
    }
}

/* A child that could not be started is nobody whom another thread waits for, though it may have seen it. */
static int start_in_vain(void *arg) {
    struct thread *thread;
    uint32_t pid;
    unsigned started = 0;
    (void)arg;
    all_tried = false;
    if (program_add_thread("waits", wait_for_any, NULL, NULL, &thread) != STATUS_OK) {
        return 1;
    }
    for (int i = 0; i < 2000; i++) {
        (void)inject_after(2); /* its thread */
        started += program_start(&options, give_back, NULL, &pid) == STATUS_OK;
    }
    (void)inject_after(0);
    __atomic_store_n(&all_tried, true, __ATOMIC_SEQ_CST);
    thread_join(thread);
    return started > 0 ? 2 : overslept > 0 ? 3 : 0;
}

static void test_failed_start(void) {
    struct program_end end;
    uint32_t pid;
    PAYLOAD_CHECK_EQ(program_start(&options, start_in_vain, NULL, &pid), STATUS_OK);
    PAYLOAD_CHECK_EQ(program_wait(pid, WAIT_FOREVER, &end), STATUS_OK);
    PAYLOAD_CHECK_EQ(end.status, 0);
}

static int leave_orphans(void *arg) {
    uint32_t pid;
    (void)arg;
    return program_start(&options, give_back, (void *)50, &pid) == STATUS_OK &&
                   program_start(&options, until_killed, NULL, &pid) == STATUS_OK
               ? (int)pid
               : 0;
}

static void test_orphans(void) {
    struct program_end end;
    struct program_info info;
    uint32_t pid;
    PAYLOAD_CHECK_EQ(program_start(&options, leave_orphans, NULL, &pid), STATUS_OK);
    PAYLOAD_CHECK_EQ(program_wait(pid, WAIT_FOREVER, &end), STATUS_OK);
    uint32_t orphan = (uint32_t)end.status;
    PAYLOAD_CHECK(orphan > pid && look(orphan, &info) && info.parent == 1);
    PAYLOAD_CHECK_EQ(program_wait(orphan - 1, WAIT_FOREVER, &end), STATUS_OK);
    PAYLOAD_CHECK_EQ(end.status, 50);
    PAYLOAD_CHECK_EQ(program_kill(orphan, 2), STATUS_OK);
    PAYLOAD_CHECK_EQ(program_wait(0, WAIT_FOREVER, &end), STATUS_OK);
    PAYLOAD_CHECK(end.pid == orphan && end.killed);
}

/* All slots are taken, none is lost, and numbers do not come back soon. */
static void test_limit(void) {
    struct program_end end;
    uint32_t pid, highest = 0;
    unsigned count = 0;
    bool rises = true;
    status_t status;
    while ((status = program_start(&options, give_back, NULL, &pid)) == STATUS_OK) {
        rises = rises && pid > highest;
        highest = pid;
        if (++count > PROGRAM_MAX) {
            break;
        }
    }
    PAYLOAD_CHECK(rises);
    PAYLOAD_CHECK_EQ(status, STATUS_LIMIT);
    PAYLOAD_CHECK_EQ(count, PROGRAM_MAX - 1);
    while (count > 0 && program_wait(0, WAIT_FOREVER, &end) == STATUS_OK) {
        count--;
    }
    PAYLOAD_CHECK_EQ(count, 0);
    PAYLOAD_CHECK_EQ(program_start(&options, give_back, NULL, &pid), STATUS_OK);
    PAYLOAD_CHECK(pid > highest);
    PAYLOAD_CHECK_EQ(program_wait(pid, WAIT_FOREVER, &end), STATUS_OK);
}

static _Noreturn void test(size_t hart, const struct boot_info *info) {
    machine_init(hart, info);
    payload_begin(info);
    size_t before = 0;
    for (int round = 0; round < 2; round++) {
        test_statuses();
        test_kill();
        test_threads();
        test_orphans();
        test_failed_start();
        test_limit();
        stack_trim();
        size_t now = frame_free_count() + heap_frames();
        PAYLOAD_CHECK(round == 0 || now == before);
        before = now;
    }
    payload_end();
}

LOADER_ENTRY(test, .stack_pages = 16);
