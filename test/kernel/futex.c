/*
 * Futexes: no wake-up is lost, whoever waits can be woken, moved, killed and timed out, and nothing is
 * left behind. Under -icount, what a switch between two threads of one program costs.
 *
 * QEMU: -smp 1
 * QEMU: -smp 2
 * QEMU: -smp 4
 * QEMU: -smp 1 -icount shift=0 -append cost
 * TIMEOUT: 60
 */
#include "kernel/futex.h"
#include "abi/boot.h"
#include "init/machine.h"
#include "kernel/counters.h"
#include "kernel/harts.h"
#include "kernel/limits.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/object.h"
#include "kernel/mm/space.h"
#include "kernel/mm/stack.h"
#include "kernel/sched.h"
#include "kernel/thread.h"
#include "kernel/time.h"
#include "test/support/payload.h"

#include <string.h>

enum { CROWD = 16, ROUNDS = 400, COUNTS = 300, SWITCH_MOST = 480, SWAPS = 256 };

static struct space *space;
static vaddr_t code, data;
static volatile uint32_t *words; /* the page at `data`, as the kernel sees it */
static struct thread *threads[CROWD];

/* ---- a guest that takes turns with its twin ---- */

static const uint32_t turns[] = {
    0x0099a023, /*      sw s1, 0(s3): the other's turn */
    0x00098513, /*      mv a0, s3 */
    0x030000ef, /*      jal ra, wake */
    0x00092303, /* 0xc: lw t1, 0(s2) */
    0x00031863, /*      bnez t1, 0x20 */
    0x00090513, /*      mv a0, s2 */
    0x028000ef, /*      jal ra, wait */
    0xff1ff06f, /*      j 0xc */
    0x00092023, /* 0x20: sw zero, 0(s2) */
    0x001a0a13, /*      addi s4, s4, 1 */
    0x02b57553, /*      fadd.d fa0, fa0, fa1 */
    0xfd5a1ae3, /*      bne s4, s5, 0 */
    0x06000293, /*      li t0, 96: the end */
    0x00000073, /*      ecall */
    0x02000293, /* 0x38: wake: li t0, 32 */
    0x00000073, /*      ecall */
    0x04000293, /* 0x40: wait: li t0, 64 */
    0x00000073, /*      ecall */
};
/* The same by futex_swap(). */
static const uint32_t swaps[] = {
    0x0099a023, /*      sw s1, 0(s3) */
    0x00098513, /* 0x4: mv a0, s3 */
    0x00090593, /*      mv a1, s2 */
    0x020000ef, /*      jal ra, swap */
    0x00092303, /* 0x10: lw t1, 0(s2) */
    0xfe0308e3, /*      beqz t1, 4 */
    0x00092023, /*      sw zero, 0(s2) */
    0x001a0a13, /*      addi s4, s4, 1 */
    0xff5a10e3, /*      bne s4, s5, 0 */
    0x06000293, /*      li t0, 96: the end */
    0x00000073, /*      ecall */
    0x08000293, /* 0x2c: swap: li t0, 128 */
    0x00000073, /*      ecall */
};
enum { RA = 1, T0 = 5, S1 = 9, A0 = 10, FA0 = 10, FA1 = 11, S2 = 18, S3, S4, S5 };

struct player {
    struct user_regs regs;
    bool quick;
    status_t status;
    enum user_exit exit;
};
static struct player players[2];
enum way { CALLS, QUICK, SWAP, QUICK_SWAP };
static bool swapping(enum way way) {
    return way == SWAP || way == QUICK_SWAP;
}

static void call(struct player *player) {
    struct user_regs *regs = &player->regs;
    status_t status = STATUS_OK;
    if (regs->x[T0] == 32) {
        futex_wake(space, regs->x[A0], 1);
    } else if (regs->x[T0] == 64) {
        status = futex_wait(regs->x[A0], 0, 4, WAIT_FOREVER);
    } else {
        status = futex_swap(regs->x[A0], regs->x[A0 + 1], 0, 4, WAIT_FOREVER);
    }
    player->status = status == STATUS_WOULD_BLOCK ? STATUS_OK : status;
    regs->pc = regs->x[RA];
}

static void play(void *arg) {
    struct player *player = arg;
    player->status = STATUS_OK;
    do {
        player->exit = thread_run_user(&player->regs);
        if (player->exit != USER_EXIT_CALL || player->regs.x[T0] == 96) {
            break;
        }
        call(player);
    } while (player->status == STATUS_OK);
    thread_sync_user(&player->regs);
    /* The other's last turn. */
    words[(player->regs.x[S3] - data) / 4] = 1;
    futex_wake(space, player->regs.x[S3], 1);
}

static bool wake_quick(void *ctx, uint64_t *x) {
    (void)ctx;
    x[A0] = futex_wake(space, x[A0], 1);
    thread_quick_preempt();
    return true;
}

static bool wait_quick(void *ctx, uint64_t *x) {
    (void)ctx;
    thread_quick_leave();
    status_t status = futex_wait_quick(x[A0], 0, 4, WAIT_FOREVER);
    thread_quick_return();
    x[A0] = status;
    return status != STATUS_UNSUPPORTED;
}

static bool swap_quick(void *ctx, uint64_t *x) {
    (void)ctx;
    thread_quick_leave();
    status_t status = futex_swap_quick(x[A0], x[A0 + 1], 0, 4, WAIT_FOREVER);
    thread_quick_return();
    x[A0] = status;
    return status != STATUS_UNSUPPORTED;
}

static const struct user_quick *quick_table(void) {
    static struct user_quick table[USER_QUICK_LEN];
    table[4] = (struct user_quick){.pc = code + SWAPS + 0x30, .fn = swap_quick};
    table[1] = (struct user_quick){.pc = code + 0x3c, .fn = wake_quick};
    table[2] = (struct user_quick){.pc = code + 0x44, .fn = wait_quick};
    return table;
}

static void ready(unsigned i, enum way way, uint64_t count) {
    struct user_regs *regs = &players[i].regs;
    user_regs_init(regs, code, 0);
    if (way == QUICK || way == QUICK_SWAP) {
        regs->quick = quick_table();
    }
    regs->pc = swapping(way) ? code + SWAPS : code;
    regs->pc += i == 0 ? 0 : swapping(way) ? 0x10 : 0xc; /* the first gives, the second waits */
    regs->x[S1] = 1;
    regs->x[S2] = data + 64ul * i;
    regs->x[S3] = data + 64ul * (1 - i);
    regs->x[S5] = count;
    regs->f[FA1] = 0x3ff0000000000000;
    words[16 * i] = 0;
}

/* Each goes on only when the other has said so, `count` times. Returns instructions retired. */
static uint64_t match(enum way way, uint64_t count) {
    uint64_t start = time_instret();
    ready(0, way, count);
    ready(1, way, count);
    for (unsigned i = 0; i < 2; i++) {
        PAYLOAD_CHECK_EQ(thread_start("play", play, &players[i], space, &threads[i]), STATUS_OK);
    }
    for (unsigned i = 0; i < 2; i++) {
        thread_join(threads[i]);
    }
    double sum = (double)count;
    uint64_t bits;
    memcpy(&bits, &sum, sizeof(bits));
    for (unsigned i = 0; i < 2; i++) {
        PAYLOAD_CHECK_EQ(players[i].exit, USER_EXIT_CALL);
        PAYLOAD_CHECK_EQ(players[i].status, STATUS_OK);
        PAYLOAD_CHECK_EQ(players[i].regs.x[S4], count);
        PAYLOAD_CHECK_EQ(players[i].regs.f[FA0], swapping(way) ? 0 : bits);
    }
    return time_instret() - start;
}

/* What COUNTS more turns cost, a turn being a switch from one to the other and back. */
static void measure(enum way way, const char *what, uint64_t most) {
    match(way, 10);
    uint64_t switches = counters_of(0, COUNTER_SWITCHES);
    uint64_t few = match(way, COUNTS);
    uint64_t mid = counters_of(0, COUNTER_SWITCHES);
    uint64_t many = match(way, 2 * COUNTS);
    uint64_t more = counters_of(0, COUNTER_SWITCHES) - mid - (mid - switches);
    payload_print("# %-44s %6llu (%llu switches in %d turns)\n", what,
                  (unsigned long long)((many - few) / more), (unsigned long long)more, COUNTS);
    payload_check(!PAYLOAD_COSTS_COUNT || (many - few) / more <= most, what, __FILE__, __LINE__);
    /* The guests' own instructions are counted apart: 8 a turn or more, and what quick calls take. */
    PAYLOAD_CHECK(players[0].regs.instret >= 2 * COUNTS * 8);
    PAYLOAD_CHECK(players[0].regs.instret < many / 2 + 1000);
}

/* ---- a lock made of a futex, by kernel threads ---- */

static uint64_t counter;

static void lock_word(void) {
    uint32_t state = 0;
    if (__atomic_compare_exchange_n(&words[0], &state, 1, false, __ATOMIC_ACQUIRE,
                                    __ATOMIC_RELAXED)) {
        return;
    }
    while (__atomic_exchange_n(&words[0], 2, __ATOMIC_ACQUIRE) != 0) {
        status_t status = futex_wait(data, 2, 4, WAIT_FOREVER);
        if (status != STATUS_OK && status != STATUS_WOULD_BLOCK) {
            PAYLOAD_CHECK_EQ(status, STATUS_OK);
        }
    }
}

static void unlock_word(void) {
    if (__atomic_exchange_n(&words[0], 0, __ATOMIC_RELEASE) == 2) {
        futex_wake(space, data, 1);
    }
}

static void count(void *arg) {
    for (int i = 0; i < ROUNDS; i++) {
        lock_word();
        uint64_t seen = counter;
        if (i % 8 == (long)arg % 8) {
            sched_yield();
        }
        counter = seen + 1;
        unlock_word();
    }
}

static void test_lock(void) {
    counter = 0;
    words[0] = 0;
    for (long i = 0; i < CROWD; i++) {
        PAYLOAD_CHECK_EQ(thread_start("count", count, (void *)i, space, &threads[i]), STATUS_OK);
    }
    for (int i = 0; i < CROWD; i++) {
        thread_join(threads[i]);
    }
    PAYLOAD_CHECK_EQ(counter, CROWD * ROUNDS);
}

/* ---- every way in and out ---- */

static void test_refusals(void) {
    uint64_t start = time_now_ns();
    words[0] = 7;
    words[1] = 0;
    PAYLOAD_CHECK_EQ(futex_wait(data, 8, 4, WAIT_FOREVER), STATUS_WOULD_BLOCK);
    PAYLOAD_CHECK_EQ(futex_wait(data, UINT64_C(1) << 32 | 7, 8, WAIT_FOREVER), STATUS_WOULD_BLOCK);
    PAYLOAD_CHECK_EQ(futex_wait(data + 2, 0, 4, WAIT_FOREVER), STATUS_BAD_ARGUMENT);
    PAYLOAD_CHECK_EQ(futex_wait(data + 4, 0, 8, WAIT_FOREVER), STATUS_BAD_ARGUMENT);
    PAYLOAD_CHECK_EQ(futex_wait(data, 7, 2, WAIT_FOREVER), STATUS_BAD_ARGUMENT);
    PAYLOAD_CHECK_EQ(futex_wait(0, 0, 4, WAIT_FOREVER), STATUS_FAULT);
    PAYLOAD_CHECK_EQ(futex_wait(UINT64_MAX - 3, 0, 4, WAIT_FOREVER), STATUS_FAULT);
    PAYLOAD_CHECK_EQ(futex_wait((vaddr_t)words, 7, 4, WAIT_FOREVER), STATUS_FAULT);
    PAYLOAD_CHECK_EQ(futex_wait(data, 7, 4, 0), STATUS_TIMED_OUT);
    PAYLOAD_CHECK_EQ(futex_wait(data, 7, 8, start + 3000000), STATUS_TIMED_OUT);
    PAYLOAD_CHECK(time_now_ns() >= start + 3000000);
    /* A page that is not there yet is made. */
    PAYLOAD_CHECK_EQ(futex_wait(data + 2 * PAGE_SIZE, 0, 4, time_now_ns()), STATUS_TIMED_OUT);
    PAYLOAD_CHECK_EQ(futex_wake(space, data, 1), 0);
    PAYLOAD_CHECK_EQ(futex_wake(space, 0, 1), 0);
    PAYLOAD_CHECK_EQ(futex_waiters(), 0);
}

static status_t ends[CROWD];

static void wait_at(void *arg) {
    long i = (long)arg;
    ends[i] = futex_wait(data + 4 * (vaddr_t)(i % 2), 0, 4, WAIT_FOREVER);
}

static void start_waiters(void) {
    words[0] = words[1] = 0;
    memset(ends, 0xff, sizeof(ends));
    for (long i = 0; i < CROWD; i++) {
        PAYLOAD_CHECK_EQ(thread_start("wait", wait_at, (void *)i, space, &threads[i]), STATUS_OK);
    }
    while (futex_waiters() < CROWD) {
        thread_sleep_ns(100000);
    }
}

static unsigned joined(status_t status) {
    unsigned len = 0;
    for (int i = 0; i < CROWD; i++) {
        thread_join(threads[i]);
        len += ends[i] == status;
    }
    PAYLOAD_CHECK_EQ(futex_waiters(), 0);
    return len;
}

/* Half wait at one word and half at the next. */
static void test_waking(void) {
    start_waiters();
    PAYLOAD_CHECK_EQ(futex_wake(space, data + 8, CROWD), 0);
    PAYLOAD_CHECK_EQ(futex_wake(space, data, 3), 3);
    PAYLOAD_CHECK_EQ(futex_wake(space, data, CROWD), CROWD / 2 - 3);
    PAYLOAD_CHECK_EQ(futex_waiters(), CROWD / 2);
    PAYLOAD_CHECK_EQ(futex_wake(space, data + 4, UINT32_MAX), CROWD / 2);
    PAYLOAD_CHECK_EQ(joined(STATUS_OK), CROWD);
}

static void test_requeue(void) {
    start_waiters();
    PAYLOAD_CHECK_EQ(futex_requeue(space, data, data + 4, 1, 4), 5);
    PAYLOAD_CHECK_EQ(futex_requeue(space, data + 4, data + 4, 0, 2), 2);
    PAYLOAD_CHECK_EQ(futex_waiters(), CROWD - 1);
    PAYLOAD_CHECK_EQ(futex_wake(space, data, CROWD), CROWD / 2 - 5);
    /* Those that moved end by themselves from where they are now; the others have ended. */
    for (int i = 0; i < CROWD; i += 2) {
        thread_kill(threads[i]);
    }
    while (futex_waiters() > CROWD / 2) {
        thread_sleep_ns(100000);
    }
    PAYLOAD_CHECK_EQ(futex_wake(space, data + 4, UINT32_MAX), CROWD / 2);
    PAYLOAD_CHECK_EQ(joined(STATUS_OK), CROWD - 4);
}

static void test_killing(void) {
    start_waiters();
    for (int i = 0; i < CROWD; i++) {
        thread_kill(threads[i]);
    }
    PAYLOAD_CHECK_EQ(joined(STATUS_KILLED), CROWD);
}

/* ---- memory objects ---- */

enum { SHARED_PAGES = 4, AT = 2 * PAGE_SIZE + 64 };

static vaddr_t here, there; /* where this space has the object, and another its upper half */
static struct space *neighbour;

static void wait_there(void *arg) {
    status_t *end = arg;
    *end = futex_wait(there + AT - SHARED_PAGES / 2 * PAGE_SIZE, 0, 4, WAIT_FOREVER);
}

static struct thread *start_there(status_t *end) {
    struct thread *thread = NULL;
    PAYLOAD_CHECK_EQ(thread_start("there", wait_there, end, neighbour, &thread), STATUS_OK);
    while (futex_waiters() == 0) {
        thread_sleep_ns(100000);
    }
    return thread;
}

/* Of two spaces, whose addresses differ, and those of other places do not count. */
static void test_two_spaces(void) {
    status_t end = STATUS_INVALID;
    struct thread *thread = start_there(&end);
    PAYLOAD_CHECK_EQ(futex_wake(space, here + AT + 4, 9), 0);
    PAYLOAD_CHECK_EQ(futex_wake(space, here + AT - SHARED_PAGES / 2 * PAGE_SIZE, 9), 0);
    PAYLOAD_CHECK_EQ(futex_wake(space, there + AT - SHARED_PAGES / 2 * PAGE_SIZE, 9), 0);
    PAYLOAD_CHECK_EQ(futex_wake(space, here + AT, 9), 1);
    thread_join(thread);
    PAYLOAD_CHECK_EQ(end, STATUS_OK);
    /* Between words of one owner and of two. */
    thread = start_there(&end);
    PAYLOAD_CHECK_EQ(futex_swap(here + AT, here, 0, 4, time_now_ns()), STATUS_TIMED_OUT);
    thread_join(thread);
    PAYLOAD_CHECK_EQ(end, STATUS_OK);
    thread = start_there(&end);
    PAYLOAD_CHECK_EQ(futex_swap(here + AT, data, words[0], 4, time_now_ns()), STATUS_TIMED_OUT);
    thread_join(thread);
    PAYLOAD_CHECK_EQ(end, STATUS_OK);
    thread = start_there(&end);
    PAYLOAD_CHECK_EQ(futex_requeue(space, here + AT, data, 0, UINT32_MAX), 1);
    thread_join(thread);
    PAYLOAD_CHECK_EQ(end, STATUS_OK);
    thread = start_there(&end);
    PAYLOAD_CHECK_EQ(futex_requeue(space, here + AT, here, 0, 1), 1);
    PAYLOAD_CHECK_EQ(futex_wake(space, here + AT, 1), 0);
    PAYLOAD_CHECK_EQ(futex_wake(space, here, 1), 1);
    thread_join(thread);
    PAYLOAD_CHECK_EQ(end, STATUS_OK);
}

/* Who waits at what is gone waits on, and is not woken by what comes in its place. */
static void test_unmapped(struct object *object) {
    struct object *next = NULL;
    status_t end = STATUS_INVALID;
    vaddr_t at;
    struct thread *thread = start_there(&end);
    PAYLOAD_CHECK_EQ(space_unmap(neighbour, there, SHARED_PAGES / 2 * PAGE_SIZE), STATUS_OK);
    PAYLOAD_CHECK_EQ(futex_wake(neighbour, there + AT - SHARED_PAGES / 2 * PAGE_SIZE, 1), 0);
    PAYLOAD_CHECK_EQ(futex_wake(space, here + AT, 1), 1);
    thread_join(thread);
    PAYLOAD_CHECK_EQ(end, STATUS_OK);
    PAYLOAD_CHECK_EQ(space_map(neighbour, object, SHARED_PAGES / 2 * PAGE_SIZE,
                               SHARED_PAGES / 2 * PAGE_SIZE, PROT_READ, &there),
                     STATUS_OK);
    thread = start_there(&end);
    PAYLOAD_CHECK_EQ(space_unmap(neighbour, there, SHARED_PAGES / 2 * PAGE_SIZE), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_unmap(space, here, SHARED_PAGES * PAGE_SIZE), STATUS_OK);
    object_put(object);
    PAYLOAD_CHECK_EQ(object_count(), 0);
    PAYLOAD_CHECK_EQ(object_new(NULL, SHARED_PAGES * PAGE_SIZE, &next), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_map(space, next, 0, SHARED_PAGES * PAGE_SIZE, PROT_READ, &at),
                     STATUS_OK);
    PAYLOAD_CHECK_EQ(futex_wake(space, at + AT, 9), 0);
    PAYLOAD_CHECK_EQ(futex_waiters(), 1);
    thread_kill(thread);
    thread_join(thread);
    PAYLOAD_CHECK_EQ(end, STATUS_KILLED);
    PAYLOAD_CHECK_EQ(space_unmap(space, at, SHARED_PAGES * PAGE_SIZE), STATUS_OK);
    object_put(next);
}

static void test_objects(void) {
    struct object *object = NULL;
    uint64_t half = SHARED_PAGES / 2 * PAGE_SIZE;
    PAYLOAD_CHECK_EQ(space_new(1000, &neighbour), STATUS_OK);
    PAYLOAD_CHECK_EQ(object_new(NULL, 2 * half, &object), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_map(space, object, 0, 2 * half, PROT_READ | PROT_WRITE, &here),
                     STATUS_OK);
    PAYLOAD_CHECK_EQ(space_map(neighbour, object, half, half, PROT_READ, &there), STATUS_OK);
    test_two_spaces();
    /* With an object mapped the other tests look their places up. */
    test_waking();
    test_requeue();
    test_lock();
    match(SWAP, COUNTS);
    match(QUICK_SWAP, COUNTS);
    test_unmapped(object);
    space_free(neighbour);
}

/* ---- all at once ---- */

static volatile bool stop;

/* Waits for short times, where others wake, move and kill. */
static void linger(void *arg) {
    uint64_t seed = (uint64_t)arg + 1;
    while (!stop && !thread_killed()) {
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
        vaddr_t at = data + 4 * (seed >> 60);
        status_t status = futex_wait(at, 0, 4, time_now_ns() + (seed >> 32) % 200000);
        if (status != STATUS_OK && status != STATUS_TIMED_OUT && status != STATUS_KILLED) {
            PAYLOAD_CHECK_EQ(status, STATUS_OK);
        }
    }
}

static void test_all_at_once(void) {
    uint64_t seed = 1, start = time_now_ns();
    unsigned kills = 0;
    stop = false;
    memset((void *)(uintptr_t)words, 0, 64);
    for (long i = 0; i < CROWD; i++) {
        PAYLOAD_CHECK_EQ(thread_start("linger", linger, (void *)i, space, &threads[i]), STATUS_OK);
    }
    for (unsigned i = 0; i < 4000 && (kills == 0 || time_now_ns() - start < 2000000000); i++) {
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
        vaddr_t from = data + 4 * (seed >> 60), to = data + 4 * (seed >> 56 & 15);
        if (seed >> 40 & 1) {
            futex_wake(space, from, 1);
        } else {
            futex_requeue(space, from, to, (uint32_t)(seed >> 41 & 1), 4);
        }
        if (i % 16 == 0) {
            unsigned victim = (unsigned)(seed >> 32) % CROWD;
            thread_kill(threads[victim]);
            thread_join(threads[victim]);
            kills++;
            if (thread_start("linger", linger, (void *)(seed >> 8), space, &threads[victim]) !=
                STATUS_OK) {
                PAYLOAD_CHECK(false);
                break;
            }
        }
    }
    stop = true;
    for (int i = 0; i < CROWD; i++) {
        thread_join(threads[i]);
    }
    payload_print("# %u killed\n", kills);
    PAYLOAD_CHECK(kills > 0);
    PAYLOAD_CHECK_EQ(futex_waiters(), 0);
}

static void prepare(void) {
    void *page;
    PAYLOAD_CHECK_EQ(space_new(1000, &space), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_reserve(space, PAGE_SIZE, 0, &code), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_reserve(space, 4 * PAGE_SIZE, 0, &data), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_commit_wired(space, data, PAGE_SIZE, PROT_READ | PROT_WRITE, &page),
                     STATUS_OK);
    PAYLOAD_CHECK_EQ(space_protect(space, data + 2 * PAGE_SIZE, PAGE_SIZE, PROT_READ | PROT_WRITE),
                     STATUS_OK);
    PAYLOAD_CHECK_EQ(space_publish_code(space, code, turns, sizeof(turns)), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_publish_code(space, code + SWAPS, swaps, sizeof(swaps)), STATUS_OK);
    words = page;
}

static void test_all(void) {
    thread_set_space(space);
    test_refusals();
    test_waking();
    test_requeue();
    test_killing();
    test_lock();
    test_objects();
    test_all_at_once();
    thread_set_space(NULL);
    for (enum way way = CALLS; way <= QUICK_SWAP; way++) {
        match(way, COUNTS);
    }
}

static _Noreturn void test(size_t hart, const struct boot_info *info) {
    size_t before = 0;
    machine_init(hart, info);
    payload_begin(info);
    for (int round = 0; round < 3; round++) {
        prepare();
        if (strstr((const char *)harts_boot_info.bootargs, "cost") != NULL) {
            measure(CALLS, "wake, wait and switch, ordinary calls", 1700);
            measure(QUICK, "wake, wait and switch, quick calls", 1400);
            measure(SWAP, "swap, ordinary call", 1000);
            measure(QUICK_SWAP, "swap, quick call", SWITCH_MOST);
        } else {
            test_all();
        }
        space_free(space);
        stack_trim();
        size_t now = frame_free_count() + heap_frames();
        PAYLOAD_CHECK(round < 2 || now == before);
        before = now;
    }
    payload_end();
}

LOADER_ENTRY(test, .stack_pages = 16);
