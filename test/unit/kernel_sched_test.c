/*
 * kernel/sched.c itself on a machine of four simulated harts with an exact clock: what docs/sched.md says of
 * shares holds in every second, whatever the number of threads, and also when harts are held up.
 *
 * Threads have no code: one that runs does so until the scheduler takes its hart away. A switch only
 * says who runs. Between events nothing happens, so an event is the timer of a hart or a call to it.
 */
#include "kernel/harts.h"
#include "kernel/log.h"
#include "kernel/mm/frame.h"
#include "kernel/sched.h"
#include "kernel/switch.h"
#include "kernel/time.h"
#include "test/support/check.h"

enum { HARTS = 4, THREADS = 101, HZ = 10000000, MS = HZ / 1000 };

/* ---- the machine ---- */

struct hart *machine_hart;
uint64_t machine_ticks;
struct boot_info harts_boot_info = {.timebase_hz = HZ};

static struct hart harts[HARTS];
static struct thread idle[HARTS], threads[THREADS], service;
static uint64_t timer_at[HARTS];
static uint64_t held_until[HARTS]; /* takes no interrupt before */
static uint64_t called;            /* mask */
static jmp_buf turn_over;

struct thread *machine_current(void) {
    return machine_hart->current;
}

uint64_t *machine_counters(void) {
    return machine_hart->counters;
}

void machine_wait(void) {
    longjmp(turn_over, 1);
}

void panic(const char *format, ...) {
    puts(format);
    abort();
}

struct hart *harts_at(uint32_t index) {
    return &harts[index];
}

uint32_t harts_count(void) {
    return HARTS;
}

uint64_t harts_online_mask(void) {
    return (1u << HARTS) - 1;
}

void arch_ipi(uint64_t hart_mask) {
    called |= hart_mask;
}

void arch_timer_set(uint64_t ticks) {
    timer_at[machine_hart->index] = ticks;
}

void arch_rest(uint64_t ticks) {
    (void)ticks;
    abort(); /* no lock is contended */
}

bool log_idle(void) {
    return false;
}

bool frame_prezero(void) {
    return false;
}

void spinlock_wait(struct spinlock *lock, uint32_t ticket) {
    (void)lock, (void)ticket;
    abort();
}

/* The idle thread's loop is left for good, and begun again when it runs again. */
void switch_to(struct thread *from, struct thread *to) {
    struct thread *leaving = machine_hart->leaving;
    machine_hart->leaving = NULL;
    CHECK(machine_hart->current == to); /* since the choice: others look at it */
    from->on_hart = false;
    if (leaving) {
        sched_move(leaving, machine_hart->moving_to);
    }
    if (from == machine_hart->idle) {
        longjmp(turn_over, 1);
    }
}

static void start_machine(void) {
    memset(harts, 0, sizeof(harts));
    memset(idle, 0, sizeof(idle));
    memset(threads, 0, sizeof(threads));
    machine_ticks = HZ;
    called = 0;
    time_init();
    sched_init();
    for (uint32_t i = 0; i < HARTS; i++) {
        struct hart *hart = &harts[i];
        idle[i] = (struct thread){
            .hart = hart, .weight = SCHED_WEIGHT, .state = THREAD_RUNNING, .on_hart = true};
        hart->index = i;
        hart->idle = hart->current = &idle[i];
        hart->slice_end = hart->fair_until = hart->timer_at = timer_at[i] = UINT64_MAX;
        hart->charged_at = machine_ticks;
        held_until[i] = 0;
        list_init(&hart->ready);
        list_init(&hart->strays);
        called |= 1u << i;
    }
}

/* When the hart has something to do next. */
static uint64_t next_of(uint32_t index) {
    uint64_t at = called >> index & 1 ? machine_ticks : timer_at[index];
    at = at > held_until[index] ? at : held_until[index];
    return at > machine_ticks ? at : machine_ticks;
}

/* What the hart does at this moment: as the traps of the real one do. */
static void take_turn(uint32_t index) {
    machine_hart = &harts[index];
    if (setjmp(turn_over) == 0) {
        if (timer_at[index] <= machine_ticks) {
            timer_at[index] = UINT64_MAX;
            sched_tick();
        }
        if (called >> index & 1) {
            called &= ~(UINT64_C(1) << index);
            machine_hart->need_switch = true;
        }
        sched_preempt();
    }
    if (machine_hart->current == machine_hart->idle && setjmp(turn_over) == 0) {
        sched_idle();
    }
}

/* Until that time, all that is due is done. */
static void run_until(uint64_t end) {
    for (;;) {
        uint32_t first = 0;
        for (uint32_t i = 1; i < HARTS; i++) {
            first = next_of(i) < next_of(first) ? i : first;
        }
        if (next_of(first) > end) {
            machine_ticks = end;
            return;
        }
        machine_ticks = next_of(first);
        take_turn(first);
    }
}

/* ---- what is measured ---- */

static void start_thread(struct thread *thread, enum thread_class class) {
    *thread = (struct thread){.harts = UINT64_MAX};
    list_init(&thread->run_node);
    sched_set_class(thread, class);
    sched_add(thread);
}

static void start_threads(unsigned len) {
    start_machine();
    run_until(machine_ticks);
    machine_hart = &harts[0];
    for (unsigned i = 0; i < len; i++) {
        start_thread(&threads[i], THREAD_ORDINARY);
    }
    run_until(machine_ticks + HZ / 2);
}

struct shares {
    uint64_t least, most, all; /* percent of a fair share, and of what all harts had */
};

static struct shares of_period(unsigned len, uint64_t ticks, void (*disturb)(void)) {
    uint64_t had[THREADS], end = machine_ticks + ticks;
    struct shares shares = {UINT64_MAX, 0, 0};
    for (unsigned i = 0; i < len; i++) {
        had[i] = sched_ran(&threads[i]);
    }
    while (machine_ticks < end) {
        if (disturb) {
            disturb();
        }
        uint64_t step = machine_ticks + 10 * MS;
        run_until(step < end ? step : end);
    }
    for (unsigned i = 0; i < len; i++) {
        uint64_t ran = sched_ran(&threads[i]) - had[i];
        uint64_t percent = ran * len * 100 / (ticks * HARTS);
        shares.least = percent < shares.least ? percent : shares.least;
        shares.most = percent > shares.most ? percent : shares.most;
        shares.all += ran;
    }
    shares.all = shares.all * 100 / (ticks * HARTS);
    return shares;
}

enum { SECONDS = 20 };

static struct shares worst_second(unsigned len, void (*disturb)(void)) {
    struct shares worst = {UINT64_MAX, 0, UINT64_MAX};
    start_threads(len);
    for (int i = 0; i < SECONDS; i++) {
        struct shares second = of_period(len, HZ, disturb);
        worst.least = second.least < worst.least ? second.least : worst.least;
        worst.most = second.most > worst.most ? second.most : worst.most;
        worst.all = second.all < worst.all ? second.all : worst.all;
    }
    printf("# %u threads: in the worst of %d seconds least %u %%, most %u %%, all %u %%\n", len,
           SECONDS, (unsigned)worst.least, (unsigned)worst.most, (unsigned)worst.all);
    return worst;
}

TEST(every_second_is_shared_evenly) {
    for (unsigned len = HARTS; len <= THREADS; len++) {
        struct shares worst = worst_second(len, NULL);
        CHECK(worst.least >= 80);
        CHECK(worst.all >= 99);
    }
}

/* A hart takes no interrupts for up to 50 ms, a tenth of all the time. */
static void hold_up(void) {
    static uint64_t state = 1;
    state = state * 6364136223846793005u + 1442695040888963407u;
    if ((state >> 33) % 16 == 0) {
        held_until[(state >> 40) % HARTS] = machine_ticks + (state >> 45) % (50 * MS);
    }
}

TEST(a_hart_that_is_held_up_leaves_no_debts) {
    static const unsigned lens[] = {5, 6, 7, 22, 50, 99, 100, 101};
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        struct shares worst = worst_second(lens[i], hold_up);
        CHECK(worst.least >= 70);
        CHECK(worst.all >= 99);
    }
}

/* What the service does when it has worked enough. */
static void sleep_service(void) {
    machine_hart = service.hart;
    CHECK(sched_prepare_sleep(WAIT_FOREVER, false));
    sched_switch();
}

/* Works for `work` ticks in each of `times` periods, woken at their beginnings: by how much the work was done
 * later than it might have been, at worst. */
static uint64_t serve(unsigned times, uint64_t work, uint64_t period) {
    uint64_t worst = 0;
    for (unsigned i = 0; i < times; i++) {
        uint64_t woken = machine_ticks, had = sched_ran(&service);
        machine_hart = &harts[i % HARTS]; /* in an interrupt of that hart, at whose end it looks */
        sched_wake(&service);
        called |= 1u << i % HARTS;
        while (sched_ran(&service) - had < work || service.state != THREAD_RUNNING) {
            run_until(machine_ticks + MS / 100);
        }
        uint64_t late = machine_ticks - woken - work;
        worst = late > worst ? late : worst;
        sleep_service();
        run_until(woken + period > machine_ticks ? woken + period : machine_ticks);
    }
    return worst;
}

static uint64_t longest_delay(enum thread_class class, uint64_t work, uint64_t period) {
    start_threads(100);
    start_thread(&service, class);
    do {
        run_until(machine_ticks + MS / 100);
    } while (service.state != THREAD_RUNNING);
    sleep_service();
    run_until(machine_ticks + HZ / 2);
    return serve(1000, work, period);
}

TEST(a_service_that_works_little_never_waits) {
    CHECK_EQ(longest_delay(THREAD_SERVICE, MS / 10, 5 * MS), 0);
    CHECK_EQ(longest_delay(THREAD_SERVICE, 10 * MS, 100 * MS), 0);
    CHECK(longest_delay(THREAD_ORDINARY, 10 * MS, 100 * MS) > MS);
}

/* It has its weight, and those who share its hart the rest. */
TEST(a_service_that_never_sleeps_leaves_others_theirs) {
    start_threads(100);
    start_thread(&service, THREAD_SERVICE);
    run_until(machine_ticks + HZ);
    for (int i = 0; i < SECONDS; i++) {
        struct shares second = of_period(100, HZ, NULL);
        printf("# beside it the least had %u %%\n", (unsigned)second.least);
        CHECK(second.least >= 60);
        CHECK(second.all >= 90);
    }
}

/* Two that hand the hart to and fro for ten seconds owe nothing to one who comes afterwards. */
TEST(who_exchanges_leaves_no_debts) {
    static struct spinlock held;
    start_machine();
    run_until(machine_ticks);
    machine_hart = &harts[0];
    for (int i = 0; i < 2; i++) {
        start_thread(&threads[i], THREAD_ORDINARY);
        sched_set_harts(&threads[i], 1);
    }
    run_until(machine_ticks + 20 * MS);
    machine_hart = &harts[0];
    struct thread *out = harts[0].current;
    CHECK(sched_prepare_sleep(WAIT_FOREVER, true));
    sched_switch();
    for (int i = 0; i < 10000; i++) {
        run_until(machine_ticks + MS);
        machine_hart = &harts[0];
        struct thread *in = harts[0].current;
        spinlock_enter(&held);
        sched_exchange(out, WAIT_FOREVER, &held);
        out = in;
    }
    struct thread *left = harts[0].current;
    uint64_t had = sched_ran(left);
    start_thread(&service, THREAD_ORDINARY);
    sched_set_harts(&service, 1);
    run_until(machine_ticks + HZ);
    uint64_t percent = (sched_ran(left) - had) * 100 / HZ;
    printf("# one of the two had %u %% of the next second\n", (unsigned)percent);
    CHECK(percent >= 45 && percent <= 55);
}

CHECK_MAIN
