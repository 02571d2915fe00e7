/*
 * One thread for the deadlines of all programs, which sleeps until the next one. The table has a place for
 * each program that there may be.
 */
#include "init/timeouts.h"

#include "abi/run.h"
#include "kernel/log.h"
#include "kernel/program.h"
#include "kernel/sync.h"
#include "kernel/thread.h"
#include "kernel/time.h"

static struct spinlock lock = SPINLOCK_INIT(LOCK_WAIT);
static struct waitqueue changed = WAITQUEUE_INIT(changed);
static struct {
    uint32_t pid; /* 0: free */
    uint64_t deadline_ns;
} table[PROGRAM_MAX];

/* Under the lock: takes out a program whose time is over and returns its pid, or 0 and when to look again. */
static uint32_t take_due(uint64_t *next_out) {
    uint64_t now = time_now_ns();
    *next_out = WAIT_FOREVER;
    for (uint32_t i = 0; i < PROGRAM_MAX; i++) {
        if (table[i].pid != 0 && table[i].deadline_ns <= now) {
            uint32_t pid = table[i].pid;
            table[i].pid = 0;
            return pid;
        }
        if (table[i].pid != 0 && table[i].deadline_ns < *next_out) {
            *next_out = table[i].deadline_ns;
        }
    }
    return 0;
}

static void watch(void *arg) {
    (void)arg;
    for (;;) {
        uint64_t next;
        spinlock_lock(&lock);
        uint32_t pid = take_due(&next);
        if (pid == 0) {
            waitqueue_sleep(&changed, &lock, next);
        }
        spinlock_unlock(&lock);
        if (pid != 0 && program_kill(pid, RUN_EXIT_TIMEOUT) == STATUS_OK) {
            log_info("run", "program %u: its time is over", (unsigned)pid);
        }
    }
}

status_t timeouts_init(void) {
    struct thread *thread;
    TRY(thread_create(NULL, "timeouts", watch, NULL, NULL, &thread));
    thread_set_class(thread, THREAD_SERVICE);
    thread_run(thread);
    return STATUS_OK;
}

/* A program has the slot of its number, as in the table of programs. */
void timeouts_set(uint32_t pid, uint64_t deadline_ns) {
    spinlock_lock(&lock);
    table[pid % PROGRAM_MAX].pid = pid;
    table[pid % PROGRAM_MAX].deadline_ns = deadline_ns;
    waitqueue_wake_all(&changed);
    spinlock_unlock(&lock);
}

void timeouts_clear(uint32_t pid) {
    spinlock_lock(&lock);
    if (table[pid % PROGRAM_MAX].pid == pid) {
        table[pid % PROGRAM_MAX].pid = 0;
    }
    spinlock_unlock(&lock);
}
