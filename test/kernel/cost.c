/*
 * What the kernel's primitives cost, in instructions retired, exact under -icount. Prints a table,
 * and fails where a figure is far beyond what it was when this was written.
 *
 * QEMU: -icount shift=0
 * MODE: release
 */
#include "abi/boot.h"
#include "init/machine.h"
#include "kernel/harts.h"
#include "kernel/limits.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/space.h"
#include "kernel/sched.h"
#include "kernel/thread.h"
#include "kernel/time.h"
#include "test/support/payload.h"

enum { ROUNDS = 64, RA = 1, A0 = 10, A1 = 11, T3 = 28 };

static struct space *space;
static struct user_regs main_regs;
static vaddr_t code, data;
static const int program[] = {
    0x00000073,                  /* ecall */
    (int)0xffdff06f,             /* j -4 */
    0x00b5b023,                  /* sd a1, 0(a1), at code + 8 */
    0x00000073,                  /* ecall */
    0x06000293,                  /* li t0, 96, at code + 16: entry 3 */
    0x00000073,                  /* ecall */
    0x00000013,                  /* passed over: the call returns to ra */
    0x00000013,      0x7e000293, /* li t0, 2016, at code + 32: entry 63 */
    0x00000073,                  /* ecall */
};

/* What was to be reached, by the first compiler; the other takes a few instructions more. */
#ifdef __clang__
#define QUICK_CALL_MOST 64
#define MAP_MOST        3300
#define FAULT_MOST      1600
#else
#define QUICK_CALL_MOST 60
#define MAP_MOST        3000
#define FAULT_MOST      1500
#endif

static void report(const char *what, uint64_t cost, uint64_t bound) {
    payload_print("# %-44s %6llu\n", what, (unsigned long long)cost);
    payload_check(cost <= bound, what, __FILE__, __LINE__);
}

static void prepare(void) {
    PAYLOAD_CHECK_EQ(space_new(10000, &space), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_reserve(space, PAGE_SIZE, 0, &code), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_reserve(space, 1ul << 32, 0, &data), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_protect(space, data, 1ul << 30, PROT_READ | PROT_WRITE), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_publish_code(space, code, program, sizeof(program)), STATUS_OK);
    thread_set_space(space);
    user_regs_init(&main_regs, code, 0);
}

static void measure_user_enter(void) {
    struct user_regs *regs = &main_regs;
    irq_state_t irq = arch_irq_save();
    (void)user_enter(regs);
    uint64_t guest = regs->instret;
    uint64_t start = time_instret();
    for (int i = 0; i < ROUNDS; i++) {
        (void)user_enter(regs);
    }
    uint64_t cost = (time_instret() - start) / ROUNDS;
    guest = regs->instret - guest;
    arch_irq_restore(irq);
    report("user_enter() to ecall and back", cost, 200);
    /* j and ecall each time; an ecall counts on some machines and not on others. */
    payload_print("# guest instructions counted: %llu in %d rounds\n", (unsigned long long)guest,
                  ROUNDS);
    PAYLOAD_CHECK(guest == ROUNDS || guest == 2 * ROUNDS);
}

static void measure_host_call(void) {
    uint64_t start = time_instret();
    for (int i = 0; i < ROUNDS; i++) {
        (void)thread_run_user(&main_regs);
    }
    uint64_t cost = (time_instret() - start) / ROUNDS, interrupted = 0;
    report("host call that does nothing", cost, 300);
    for (int i = 0; i < ROUNDS; i++) {
        irq_state_t irq = arch_irq_save();
        arch_timer_set(
            arch_ticks()); /* taken when the guest runs, which then goes on to its call */
        start = time_instret();
        (void)thread_run_user(&main_regs);
        interrupted += time_instret() - start;
        arch_irq_restore(irq);
    }
    report("timer interrupt of a guest", interrupted / ROUNDS - cost, 400);
}

static bool do_nothing(void *ctx, uint64_t *x) {
    (void)ctx;
    (void)x;
    return true;
}

/* A fault of its own, in a copy, must not show in the call's trap. */
static bool refuse(void *ctx, uint64_t *x) {
    uint64_t word;
    (void)x;
    (*(uint64_t *)ctx)++;
    return space_copy_try_in(space, &word, ARCH_USER_START, sizeof(word));
}

/* From the first quick call to the second, which refuses and so leaves. */
static void measure_quick_call(void) {
    static struct user_quick table[USER_QUICK_LEN];
    struct user_regs *regs = &main_regs;
    uint64_t refused = 0, first, second;
    table[3] = (struct user_quick){.pc = code + 20, .fn = do_nothing};
    table[63] = (struct user_quick){.pc = code + 36, .fn = refuse, .ctx = &refused};
    regs->pc = code + 16;
    regs->quick = table;
    regs->x[A0] = 7;
    regs->x[RA] = code + 32;
    regs->x[T3] = 1;
    for (int i = 0; i < 2; i++) {
        regs->pc = code + 32;
        uint64_t start = time_instret();
        PAYLOAD_CHECK_EQ(thread_run_user(regs), USER_EXIT_CALL);
        second = time_instret() - start;
        PAYLOAD_CHECK_EQ(regs->pc, code + 40);
        regs->pc = code + 16;
        start = time_instret();
        PAYLOAD_CHECK_EQ(thread_run_user(regs), USER_EXIT_CALL);
        first = time_instret() - start;
        PAYLOAD_CHECK_EQ(regs->pc, code + 40);
    }
    PAYLOAD_CHECK_EQ(refused, 4);
    PAYLOAD_CHECK_EQ(regs->x[A0], 7);
    PAYLOAD_CHECK_EQ(regs->x[RA], code + 32);
    PAYLOAD_CHECK_EQ(regs->x[T3], 0);
    report("host call by the quick way, in all", first - second, QUICK_CALL_MOST);
}

/* What an idle hart does. */
static void fill_pool(void) {
    irq_state_t irq = arch_irq_save();
    while (frame_prezero()) {
    }
    arch_irq_restore(irq);
}

/* What programs do that take more than idle harts make ready: none is left when one has to be zeroed. */
static void empty_pool(void) {
    static paddr_t taken[8192];
    size_t len = 0, got;
    uint64_t zeroed = counters_sum(COUNTER_FRAMES_ZEROED);
    while (len < sizeof(taken) / sizeof(taken[0]) &&
           counters_sum(COUNTER_FRAMES_ZEROED) == zeroed &&
           frame_alloc_some(1, NULL, &taken[len], &got) == STATUS_OK) {
        len++;
    }
    PAYLOAD_CHECK(counters_sum(COUNTER_FRAMES_ZEROED) > zeroed);
    while (len > 0) {
        frame_free(taken[--len], 0);
    }
}

/* One after the other. */
static uint64_t store_to(vaddr_t from, size_t stride, uint64_t len) {
    struct user_regs *regs = &main_regs;
    uint64_t start = time_instret();
    for (uint64_t i = 0; i < len; i++) {
        regs->pc = code + 8;
        regs->x[A1] = from + i * stride;
        (void)thread_run_user(regs);
    }
    return time_instret() - start;
}

/* What the first stores cost beyond others, each. */
static uint64_t first_stores(vaddr_t from, size_t stride, uint64_t len) {
    uint64_t first = store_to(from, stride, len);
    return (first - store_to(from, stride, len)) / len;
}

/* Every other page, so that none is made beforehand, of 512 KiB whose page tables are there. */
static void measure_fault(void) {
    vaddr_t at = (data + (2ul << 21)) & ~((1ul << 21) - 1);
    (void)store_to(at, 2ul << 20, 2);
    fill_pool();
    report("minor fault, zero-fill", first_stores(at + (1ul << 20), 2 * PAGE_SIZE, ROUNDS),
           FAULT_MOST);
    empty_pool();
    report("minor fault, page not zeroed before",
           first_stores(at + (3ul << 20), 2 * PAGE_SIZE, ROUNDS), FAULT_MOST);
}

static void measure_sweep(void) {
    enum { PAGES = 256 };
    empty_pool();
    report("sweep of 1 MiB, pages not zeroed before",
           first_stores(data + (64ul << 20), PAGE_SIZE, PAGES), 900);
    fill_pool();
    report("sweep of 1 MiB, a page", first_stores(data + (66ul << 20), PAGE_SIZE, PAGES), 250);
}

/* 64 KiB, of which the first `touched` pages are written; what the stores alone cost is taken off. */
static uint64_t map_and_unmap(uint64_t touched, void (*prepare_pool)(void)) {
    uint64_t cost = 0;
    for (int i = 0; i < ROUNDS; i++) {
        vaddr_t at;
        prepare_pool();
        uint64_t start = time_instret();
        if (space_reserve(space, 65536, 0, &at) != STATUS_OK ||
            space_protect(space, at, 65536, PROT_READ | PROT_WRITE) != STATUS_OK) {
            PAYLOAD_CHECK(false);
        }
        (void)store_to(at, PAGE_SIZE, touched);
        cost += time_instret() - start - store_to(at, PAGE_SIZE, touched);
        start = time_instret();
        if (space_unmap(space, at, 65536) != STATUS_OK) {
            PAYLOAD_CHECK(false);
        }
        cost += time_instret() - start;
    }
    return cost / ROUNDS;
}

static void no_pool(void) {
}

static void measure_mapping(void) {
    report("map and unmap 64 KiB", map_and_unmap(0, no_pool), MAP_MOST);
    report("map, touch and unmap 64 KiB", map_and_unmap(16, fill_pool), 30000);
    report("map, touch and unmap 64 KiB, not zeroed", map_and_unmap(16, empty_pool), 45000);
}

static volatile int stop;

static void yield_on(void *arg) {
    (void)arg;
    while (!stop) {
        sched_yield();
    }
}

static void nothing(void *arg) {
    (void)arg;
}

static void measure_threads(void) {
    struct thread *thread;
    thread_set_space(NULL);
    PAYLOAD_CHECK_EQ(thread_start("yield", yield_on, NULL, NULL, &thread), STATUS_OK);
    sched_yield();
    uint64_t start = time_instret();
    for (int i = 0; i < ROUNDS; i++) {
        sched_yield();
    }
    uint64_t cost = (time_instret() - start) / ROUNDS / 2;
    stop = 1;
    thread_join(thread);
    report("switch between two threads", cost, 1000);
    start = time_instret();
    for (int i = 0; i < ROUNDS; i++) {
        if (thread_start("nothing", nothing, NULL, NULL, &thread) == STATUS_OK) {
            thread_join(thread);
        }
    }
    report("thread start and join", (time_instret() - start) / ROUNDS, 6000);
}

static void sleep_long(void *arg) {
    (void)arg;
    thread_sleep_ns(UINT64_C(1) << 42);
}

/* From before all the others, to a time that has come, beside one who keeps the hart from idling. */
static uint64_t sleep_short(void) {
    struct thread *thread;
    stop = 0;
    PAYLOAD_CHECK_EQ(thread_start("yield", yield_on, NULL, NULL, &thread), STATUS_OK);
    thread_sleep_ns(1000000);
    uint64_t start = time_instret();
    for (int i = 0; i < ROUNDS; i++) {
        thread_sleep_ns(0);
    }
    uint64_t cost = (time_instret() - start) / ROUNDS;
    stop = 1;
    thread_join(thread);
    return cost;
}

static void measure_sleepers(void) {
    enum { SLEEPERS = 500 };
    static struct thread *threads[SLEEPERS];
    uint64_t alone = sleep_short();
    unsigned len = 0;
    while (len < SLEEPERS &&
           thread_start("sleeper", sleep_long, NULL, NULL, &threads[len]) == STATUS_OK) {
        len++;
    }
    PAYLOAD_CHECK_EQ(len, SLEEPERS);
    uint64_t crowded = sleep_short();
    report("sleep until now", alone, 3000);
    report("the same among five hundred sleepers", crowded, alone + 500);
    uint64_t start = time_instret();
    for (unsigned i = 0; i < len; i++) {
        thread_kill(threads[i]);
    }
    report("end one of five hundred sleeps", (time_instret() - start) / SLEEPERS, 1000);
    for (unsigned i = 0; i < len; i++) {
        thread_join(threads[i]);
    }
}

/* To and from pages of the active space that are there. */
static void measure_copies(void) {
    static const struct {
        size_t size, offset;
        uint64_t bound;
        const char *what;
    } copies[] = {
        {8, 0, 60, "copy 8 bytes from or to the guest"},
        {64, 0, 80, "copy 64 bytes"},
        {64, 3, 250, "copy 64 bytes, not aligned"},
        {4096, 0, 1300, "copy a page"},
    };
    static uint64_t buf[PAGE_SIZE / 8];
    thread_set_space(space);
    for (size_t i = 0; i < sizeof(copies) / sizeof(copies[0]); i++) {
        vaddr_t at = data + copies[i].offset;
        PAYLOAD_CHECK_EQ(space_copy_out(space, at, buf, copies[i].size), STATUS_OK);
        bool good = true;
        uint64_t start = time_instret();
        for (int round = 0; round < ROUNDS; round++) {
            good = space_copy_in(space, buf, at, copies[i].size) == STATUS_OK &&
                   space_copy_out(space, at, buf, copies[i].size) == STATUS_OK && good;
        }
        report(copies[i].what, (time_instret() - start) / ROUNDS / 2, copies[i].bound);
        PAYLOAD_CHECK(good);
    }
    thread_set_space(NULL);
}

static void measure_memory(void) {
    paddr_t frame;
    uint64_t start = time_instret();
    for (int i = 0; i < ROUNDS; i++) {
        if (frame_alloc(0, NULL, &frame) == STATUS_OK) {
            frame_free(frame, 0);
        }
    }
    report("frame alloc and free", (time_instret() - start) / ROUNDS, 1500);
    start = time_instret();
    for (int i = 0; i < ROUNDS; i++) {
        heap_free(heap_alloc(100));
    }
    report("heap alloc and free, 100 bytes", (time_instret() - start) / ROUNDS, 600);
    frame = 0;
    if (frame_alloc(0, NULL, &frame) == STATUS_OK) {
        start = time_instret();
        arch_page_zero(frame_pointer(frame));
        report("zero a page", time_instret() - start, 800);
        frame_free(frame, 0);
    }
}

static void measure_timer(void) {
    uint64_t irqs = counters_sum(COUNTER_TIMER_IRQS);
    irq_state_t irq = arch_irq_save();
    arch_timer_set(arch_ticks());
    uint64_t start = time_instret();
    arch_irq_restore(irq);
    while (counters_sum(COUNTER_TIMER_IRQS) == irqs) {
    }
    report("timer interrupt", time_instret() - start, 400);
}

static _Noreturn void test(size_t hart, const struct boot_info *info) {
    machine_init(hart, info);
    payload_begin(info);
    payload_print("# loader to kernel: %llu instructions; kernel start: %llu\n",
                  (unsigned long long)(info->instret_at_entry - info->instret_at_reset),
                  (unsigned long long)(time_instret() - info->instret_at_entry));
    measure_timer();
    prepare();
    measure_user_enter();
    measure_host_call();
    measure_quick_call();
    measure_fault();
    measure_sweep();
    measure_mapping();
    measure_threads();
    measure_sleepers();
    measure_copies();
    measure_memory();
    space_free(space);
    payload_end();
}

LOADER_ENTRY(test, .stack_pages = 16);
