/*
 * Threads killed at random moments, thousands of them, whatever they are doing: before their first
 * run, in user mode, in a page fault, in every kind of wait, once and twice, on any hart. All end, in good
 * time, and nothing is left of them.
 *
 * QEMU: -smp 1
 * QEMU: -smp 2
 * QEMU: -smp 4
 * TIMEOUT: 100
 */
#include "abi/boot.h"
#include "init/machine.h"
#include "kernel/futex.h"
#include "kernel/harts.h"
#include "kernel/limits.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/space.h"
#include "kernel/mm/stack.h"
#include "kernel/sched.h"
#include "kernel/thread.h"
#include "kernel/time.h"
#include "test/support/dice.h"
#include "test/support/payload.h"

#include <string.h>

enum { VICTIMS = 16, KILLS = 500, DATA_PAGES = 64, A1 = 11 };

static struct space *space;
static vaddr_t code, data;
static struct mutex mutex;
static struct spinlock lock = SPINLOCK_INIT(LOCK_DEVICE);
static struct waitqueue queue = WAITQUEUE_INIT(queue);

/* Writes to one page after the other, for ever. */
static const uint32_t touching[] = {
    0x00b5b023, /* sd a1, 0(a1) */
    0x00c585b3, /* add a1, a1, a2 */
    0x00d5c463, /* blt a1, a3, 8 */
    0x00070593, /* mv a1, a4 */
    0xff1ff06f, /* j -16 */
};

struct victim {
    struct thread *thread;
    const struct work *work;
    bool wrong; /* ended otherwise than by being killed */
    struct user_regs regs;
};
struct work {
    const char *name;
    void (*fn)(struct victim *victim);
};
static struct victim victims[VICTIMS];
static bool longer; /* three minutes, for `-append long` */
static unsigned all_kills;

static void in_user_mode(struct victim *victim) {
    user_regs_init(&victim->regs, code, 0);
    victim->regs.x[A1] = data;
    victim->regs.x[A1 + 1] = PAGE_SIZE;
    victim->regs.x[A1 + 2] = data + DATA_PAGES * PAGE_SIZE;
    victim->regs.x[A1 + 3] = data;
    enum user_exit exit;
    do {
        exit = thread_run_user(&victim->regs);
    } while (exit == USER_EXIT_WRITE_FAULT); /* the page was away for a moment: refresh_data() */
    victim->wrong = exit != USER_EXIT_KILLED;
    thread_sync_user(&victim->regs);
}

/* Once killed, it is told so whatever it calls. */
static void in_and_out(struct victim *victim) {
    while (!thread_killed()) {
        sched_yield();
    }
    in_user_mode(victim);
}

static void in_queue(struct victim *victim) {
    status_t status;
    spinlock_lock(&lock);
    do {
        status = waitqueue_sleep_killable(&queue, &lock, WAIT_FOREVER);
    } while (status == STATUS_OK);
    spinlock_unlock(&lock);
    victim->wrong = status != STATUS_KILLED;
}

static void in_short_waits(struct victim *victim) {
    status_t status;
    spinlock_lock(&lock);
    do {
        waitqueue_wake_one(&queue);
        status = waitqueue_sleep_killable(&queue, &lock, time_now_ns() + 30000);
    } while (status != STATUS_KILLED);
    spinlock_unlock(&lock);
    victim->wrong = !thread_killed();
}

static void in_sleep(struct victim *victim) {
    while (!thread_killed()) {
        thread_sleep_ns(dice_roll() % 4 == 0 ? 3600000000000 : 20000);
    }
    victim->wrong = false;
}

static void in_mutex(struct victim *victim) {
    while (!thread_killed()) {
        mutex_lock(&mutex);
        sched_yield();
        mutex_unlock(&mutex);
    }
    victim->wrong = false;
}

static void in_futex(struct victim *victim) {
    status_t status;
    do {
        status = futex_wait(data + DATA_PAGES * PAGE_SIZE + 512, 0, 4,
                            dice_roll() % 2 ? WAIT_FOREVER : time_now_ns() + 50000);
    } while (status == STATUS_OK || status == STATUS_TIMED_OUT);
    victim->wrong = status != STATUS_KILLED;
}

static void in_swap(struct victim *victim) {
    status_t status;
    uint64_t i = 0;
    do {
        vaddr_t word = data + PAGE_SIZE * DATA_PAGES + 64 * (i++ % 2);
        status = futex_swap(word, word + 128, 0, 4, time_now_ns() + 40000);
    } while (status == STATUS_OK || status == STATUS_TIMED_OUT);
    victim->wrong = status != STATUS_KILLED;
}

static const struct work works[] = {
    {"user mode", in_user_mode}, {"yield", in_and_out},  {"wait queue", in_queue},
    {"waits", in_short_waits},   {"sleep", in_sleep},    {"mutex", in_mutex},
    {"futex", in_futex},         {"hand over", in_swap},
};
enum { WORKS = sizeof(works) / sizeof(works[0]) };

static void run(void *arg) {
    struct victim *victim = arg;
    victim->work->fn(victim);
}

static bool start(struct victim *victim) {
    victim->work = &works[dice_roll() % WORKS];
    victim->wrong = true;
    status_t status = thread_start(victim->work->name, run, victim, space, &victim->thread);
    PAYLOAD_CHECK_EQ(status, STATUS_OK);
    return status == STATUS_OK;
}

/* Some of the time others run, so that victims are killed wherever they have come to. */
static void let_run(void) {
    uint64_t dice = dice_roll();
    if (dice % 8 == 0) {
        thread_sleep_ns(dice >> 32 & 0x3ffff);
    } else if (dice % 8 < 4) {
        sched_yield();
    }
}

static void kill_one(struct victim *victim, unsigned *wrong, uint64_t *longest) {
    uint64_t start_ns = time_now_ns();
    thread_kill(victim->thread);
    if (dice_roll() % 4 == 0) {
        let_run();
        thread_kill(victim->thread);
    }
    thread_join(victim->thread);
    uint64_t took = time_now_ns() - start_ns;
    *longest = took > *longest ? took : *longest;
    if (victim->wrong) {
        payload_print("# %s ended otherwise\n", victim->work->name);
        (*wrong)++;
    }
}

/* So that there are pages to be made again. */
static bool refresh_data(void) {
    size_t size = (DATA_PAGES - 1) * PAGE_SIZE;
    return space_decommit(space, data + PAGE_SIZE, size) == STATUS_OK &&
           space_protect(space, data + PAGE_SIZE, size, PROT_READ | PROT_WRITE) == STATUS_OK;
}

static void massacre(void) {
    unsigned wrong = 0, kills = 0;
    uint64_t longest = 0, start_ns = time_now_ns();
    uint64_t limit_ns = longer ? 60000000000 : 3000000000;
    bool good = true;
    for (unsigned i = 0; i < VICTIMS; i++) {
        good = good && start(&victims[i]);
    }
    while (good && (longer || kills < KILLS) && time_now_ns() - start_ns < limit_ns) {
        struct victim *victim = &victims[dice_roll() % VICTIMS];
        let_run();
        kill_one(victim, &wrong, &longest);
        good = start(victim);
        kills++;
        if (kills % 16 == 0) {
            futex_wake(space, data + DATA_PAGES * PAGE_SIZE + 512, 4);
            good = good && refresh_data();
        }
    }
    for (unsigned i = 0; good && i < VICTIMS; i++) {
        kill_one(&victims[i], &wrong, &longest);
    }
    payload_print("# %u killed, the slowest took %llu us\n", kills,
                  (unsigned long long)(longest / 1000));
    PAYLOAD_CHECK(good);
    PAYLOAD_CHECK(kills > 0);
    all_kills += kills;
    PAYLOAD_CHECK_EQ(wrong, 0);
    PAYLOAD_CHECK_EQ(futex_waiters(), 0);
    PAYLOAD_CHECK(list_empty(&queue.waiters));
}

static void prepare(void) {
    PAYLOAD_CHECK_EQ(space_new(1000, &space), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_reserve(space, PAGE_SIZE, 0, &code), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_reserve(space, (DATA_PAGES + 1) * PAGE_SIZE, 0, &data), STATUS_OK);
    PAYLOAD_CHECK_EQ(
        space_protect(space, data, (DATA_PAGES + 1) * PAGE_SIZE, PROT_READ | PROT_WRITE),
        STATUS_OK);
    PAYLOAD_CHECK_EQ(space_publish_code(space, code, touching, sizeof(touching)), STATUS_OK);
    mutex_init(&mutex, LOCK_FILES);
}

static _Noreturn void test(size_t hart, const struct boot_info *info) {
    static size_t before;
    machine_init(hart, info);
    payload_begin(info);
    dice_begin();
    longer = strstr((const char *)harts_boot_info.bootargs, "long") != NULL;
    for (int round = 0; round < 3; round++) {
        prepare();
        massacre();
        space_free(space);
        stack_trim();
        size_t now = frame_free_count() + heap_frames();
        PAYLOAD_CHECK(round < 2 || now == before);
        before = now;
    }
    payload_print("# %u killed in all\n", all_kills);
    payload_end();
}

LOADER_ENTRY(test, .stack_pages = 16);
