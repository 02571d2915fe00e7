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
uint64_t watchdog_limit = HZ;
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
    if (leaving && leaving->state == THREAD_EXITED) {
        leaving->state = THREAD_DEAD;
    } else if (leaving) {
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
        idle[i] = (struct thread){.hart = hart,
                                  .weight = SCHED_WEIGHT,
                                  .pace = SCHED_WEIGHT,
                                  .state = THREAD_RUNNING,
                                  .on_hart = true};
        idle[i].alone = SCHED_NO_SHARERS;
        idle[i].sharers = &idle[i].alone;
        hart->index = i;
        hart->idle = hart->current = &idle[i];
        hart->slice_end = hart->fair_until = hart->timer_at = timer_at[i] = UINT64_MAX;
        hart->charged_at = machine_ticks;
        hart->pace = SCHED_WEIGHT;
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
    *thread = (struct thread){.harts = UINT64_MAX, .alone = SCHED_NO_SHARERS};
    thread->sharers = &thread->alone;
    list_init(&thread->run_node);
    sched_set_class(thread, class);
    sched_add(thread);
}

static void start_in(uint64_t *sharers, struct thread *thread, uint64_t hart_mask) {
    *thread = (struct thread){.harts = hart_mask};
    list_init(&thread->run_node);
    sched_set_class(thread, THREAD_ORDINARY);
    sched_join(thread, sharers);
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
        CHECK(second.least >= 80);
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

/* One of a program of four hands its hart to a program of one, which pays a quarter as much; who comes then does not
 * pay more. */
TEST(who_comes_after_an_exchange_pays_as_who_runs) {
    static struct spinlock held;
    static uint64_t group;
    struct thread *server = &threads[4];
    group = SCHED_NO_SHARERS;
    start_machine();
    run_until(machine_ticks);
    machine_hart = &harts[0];
    for (unsigned i = 0; i < 4; i++) {
        start_in(&group, &threads[i], UINT64_C(1) << i);
    }
    start_thread(server, THREAD_ORDINARY);
    sched_set_harts(server, 1);
    do {
        run_until(machine_ticks + MS);
    } while (harts[0].current != server);
    machine_hart = &harts[0];
    CHECK(sched_prepare_sleep(WAIT_FOREVER, true));
    sched_switch();
    run_until(machine_ticks + 5 * MS);
    machine_hart = &harts[0];
    spinlock_enter(&held);
    sched_exchange(server, WAIT_FOREVER, &held);
    run_until(machine_ticks + 200 * MS);
    CHECK(harts[0].current == server);
    machine_hart = &harts[0];
    start_thread(&service, THREAD_ORDINARY);
    sched_set_harts(&service, 1);
    run_until(machine_ticks + 30 * MS);
    CHECK(sched_ran(&service) > 0);
}

/* Two of three may go to another hart: neither is left beside the third for good. */
TEST(who_comes_beside_one_that_stays_goes_again) {
    uint64_t had[3];
    start_machine();
    run_until(machine_ticks);
    machine_hart = &harts[0];
    for (unsigned i = 0; i < 3; i++) {
        start_thread(&threads[i], THREAD_ORDINARY);
        sched_set_harts(&threads[i], i == 0 ? 1 : 3);
    }
    run_until(machine_ticks + HZ);
    for (int second = 0; second < SECONDS; second++) {
        for (unsigned i = 0; i < 3; i++) {
            had[i] = sched_ran(&threads[i]);
        }
        run_until(machine_ticks + HZ);
        for (unsigned i = 0; i < 3; i++) {
            CHECK((sched_ran(&threads[i]) - had[i]) * 100 / HZ >= (i == 0 ? 45 : 65));
        }
    }
}

/* ---- programs ---- */

enum { PROGRAMS = 32 };

static struct program {
    uint64_t sharers;
    unsigned first, len; /* in threads[] */
} programs[PROGRAMS];

static void start_programs(const unsigned *lens, unsigned count, uint64_t hart_mask) {
    unsigned used = 0;
    start_machine();
    run_until(machine_ticks);
    machine_hart = &harts[0];
    for (unsigned i = 0; i < count; i++) {
        programs[i] = (struct program){SCHED_NO_SHARERS, used, lens[i]};
        for (unsigned k = 0; k < lens[i]; k++) {
            start_in(&programs[i].sharers, &threads[used++], hart_mask);
        }
    }
    run_until(machine_ticks + HZ / 2);
}

static uint64_t had_by(const struct program *program) {
    uint64_t had = 0;
    for (unsigned i = 0; i < program->len; i++) {
        had += sched_ran(&threads[program->first + i]);
    }
    return had;
}

/* The first of `count` programs has `len` threads and the others one each, and none ever sleeps: what any had of
 * its fair share, in percent, at least, in the worst of SECONDS. */
static uint64_t least_beside(unsigned len, unsigned count, unsigned harts_len) {
    unsigned lens[PROGRAMS] = {len};
    uint64_t had[PROGRAMS], least[2] = {UINT64_MAX, UINT64_MAX}; /* of the first, of others */
    uint64_t all = (uint64_t)HZ * harts_len;
    uint64_t of_other = count > harts_len ? all / count : HZ; /* it can use one hart */
    uint64_t rest = all - of_other * (count - 1), most = (uint64_t)HZ * len;
    uint64_t fair[2] = {rest < most ? rest : most, of_other};
    for (unsigned i = 1; i < count; i++) {
        lens[i] = 1;
    }
    start_programs(lens, count, (UINT64_C(1) << harts_len) - 1);
    for (int second = 0; second < SECONDS; second++) {
        for (unsigned i = 0; i < count; i++) {
            had[i] = had_by(&programs[i]);
        }
        run_until(machine_ticks + HZ);
        for (unsigned i = 0; i < count; i++) {
            uint64_t percent = (had_by(&programs[i]) - had[i]) * 100 / fair[i > 0];
            least[i > 0] = percent < least[i > 0] ? percent : least[i > 0];
        }
    }
    printf(
        "# %u harts, one program of %u threads and %u of one: the first had %u %%, others %u %%\n",
        harts_len, len, count - 1, (unsigned)least[0], (unsigned)least[1]);
    return least[0] < least[1] ? least[0] : least[1];
}

/* On one hart a program has its share but for 30 ms, of which it has at least 1 s / count. */
TEST(who_has_more_threads_has_no_more) {
    CHECK(least_beside(8, 4, 1) >= 88);
    CHECK(least_beside(2, 2, 1) >= 94);
    CHECK(least_beside(20, 3, 1) >= 91);
}

TEST(who_has_more_threads_has_what_is_left_of_four_harts) {
    static const unsigned lens[] = {2, 4, 8, 20, 64};
    static const unsigned counts[] = {2, 4, 6, 9, 20};
    for (unsigned i = 0; i < 5; i++) {
        for (unsigned k = 0; k < 5; k++) {
            CHECK(least_beside(lens[i], counts[k], HARTS) >= 80);
        }
    }
}

/* ---- any order of events ---- */

enum { MEMBERS = 40, GROUPS = 4, EVENTS = 200000 };

static uint64_t groups[GROUPS];

static unsigned draw(unsigned below) {
    static uint64_t state = 7;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(state >> 33) % below;
}

static bool wants_to_run(const struct thread *thread) {
    return thread->state == THREAD_READY || thread->state == THREAD_RUNNING;
}

static bool sleeps(const struct thread *thread) {
    return thread->state == THREAD_SLEEPING || thread->state == THREAD_WAITING;
}

/* Each number of sharers is that of those that want to run. */
static void check_sharers(void) {
    uint64_t want[GROUPS] = {0};
    for (unsigned i = 0; i < MEMBERS; i++) {
        want[i % GROUPS] += wants_to_run(&threads[i]);
    }
    for (unsigned i = 0; i < GROUPS; i++) {
        CHECK_EQ(groups[i] - SCHED_NO_SHARERS, want[i]);
    }
}

/* And no thread has two harts; what waits weighs what is written down. */
static void check_machine(void) {
    check_sharers();
    for (unsigned i = 0; i < HARTS; i++) {
        uint32_t load = 0, len = 0;
        list_each(node, &harts[i].ready) {
            struct thread *thread = list_entry(node, struct thread, run_node);
            CHECK(thread->state == THREAD_READY && thread->hart == &harts[i]);
            load += thread->share;
            len++;
        }
        CHECK_EQ(harts[i].load, load);
        CHECK_EQ(harts[i].ready_len, len);
        CHECK_EQ(harts[i].current->state, THREAD_RUNNING);
        CHECK(harts[i].current->on_hart && harts[i].current->hart == &harts[i]);
    }
}

static struct thread *any_thread(void) {
    return &threads[draw(MEMBERS)];
}

/* One that runs does something that takes its hart away, or not. */
static void go_away(struct hart *hart) {
    struct thread *self = hart->current, *other = any_thread();
    static struct spinlock held;
    bool killable = draw(4) > 0;
    uint64_t deadline = draw(2) ? WAIT_FOREVER : time_now_ns() + draw(30) * 1000000;
    switch (draw(6)) {
    case 0:
        self->state = THREAD_EXITED;
        hart->leaving = self;
        sched_switch();
        break;
    case 1:
        sched_yield();
        break;
    case 2:
    case 3:
        if (sleeps(other)) {
            spinlock_enter(&held);
            sched_exchange(other, deadline, &held);
        }
        break;
    default:
        if (sched_prepare_sleep(deadline, killable)) {
            check_sharers();
            if (draw(4) == 0) {
                sched_wake(self); /* before the switch */
                check_sharers();
            }
            sched_switch();
        }
    }
}

/* What any hart does to any thread. */
static void disturb(unsigned index) {
    struct thread *other = any_thread();
    machine_hart = &harts[index];
    switch (draw(6)) {
    case 0:
        if (other->state == THREAD_DEAD) {
            start_in(&groups[(other - threads) % GROUPS], other, 1 + draw(15));
        }
        break;
    case 1:
        if (other->state != THREAD_DEAD) {
            sched_set_harts(other, 1 + draw(15));
        }
        break;
    case 2:
        if (other->state != THREAD_DEAD) {
            other->kill = true;
            sched_interrupt(other);
        }
        break;
    default:
        sched_wake(other);
    }
}

TEST(the_number_of_sharers_is_exact_whatever_they_do) {
    start_machine();
    run_until(machine_ticks);
    machine_hart = &harts[0];
    for (unsigned i = 0; i < GROUPS; i++) {
        groups[i] = SCHED_NO_SHARERS;
    }
    for (unsigned i = 0; i < MEMBERS; i++) {
        start_in(&groups[i % GROUPS], &threads[i], UINT64_MAX);
    }
    for (unsigned i = 0; i < EVENTS; i++) {
        unsigned index = draw(HARTS);
        machine_hart = &harts[index];
        if (draw(2) && machine_hart->current != machine_hart->idle) {
            go_away(machine_hart);
        } else {
            disturb(index);
        }
        called |= 1u << index; /* it is in the kernel and looks at its end */
        check_machine();
        run_until(machine_ticks + draw(3 * MS));
        check_machine();
    }
}

CHECK_MAIN
