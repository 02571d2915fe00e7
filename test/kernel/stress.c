/*
 * Everything at once, at random: native domains that call, pass, share, wait, fault and take memory
 * (test/kernel/domain/stress.c), WebAssembly programs that spin, sleep, read and fill their memory, families
 * of the kernel's own threads and programs; started, killed at any moment, robbed of their handles; while
 * quotas are small, all memory is gone for a moment, single allocations fail, and address-space numbers
 * are few. After each round all are ended, and every frame, heap object, stack, handle, kernel object,
 * memory object, quota, waiter and program slot is back.
 *
 * "seconds=N seed=S" in the boot arguments (`make stress STRESS_SECONDS=n SEED=s`): the seed is printed, and gives the same
 * choices again, though not the same interleaving.
 *
 * QEMU: -smp 1 -append log=warn,wasm=off
 * QEMU: -smp 2 -append log=warn,wasm=off
 * QEMU: -smp 4 -append log=warn,wasm=off
 * TIMEOUT: 300
 */
#include "test/kernel/domain/stress.h"
#include "abi/boot.h"
#include "abi/run.h"
#include "gen/domain/stress.h"
#include "gen/wat/fill.h"
#include "gen/wat/read.h"
#include "gen/wat/sleep.h"
#include "gen/wat/spin.h"
#include "init/machine.h"
#include "init/run.h"
#include "init/timeouts.h"
#include "kernel/arch.h"
#include "kernel/counters.h"
#include "kernel/futex.h"
#include "kernel/harts.h"
#include "kernel/ipc/endpoint.h"
#include "kernel/ipc/memory.h"
#include "kernel/ipc/notification.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/inject.h"
#include "kernel/mm/object.h"
#include "kernel/mm/quota.h"
#include "kernel/mm/stack.h"
#include "kernel/native.h"
#include "kernel/program.h"
#include "kernel/riscv64/asm.h"
#include "kernel/sched.h"
#include "kernel/time.h"
#include "test/support/dice.h"
#include "test/support/payload.h"

#include <string.h>

#define MS     UINT64_C(1000000)
#define SECOND (1000 * MS)

enum {
    SECONDS = 3,       /* when nobody says how many */
    LIVING_MAX = 20,   /* children at once, their children besides */
    ROUND_MS = 1500,   /* at most, before all are ended */
    GRACE_S = 20,      /* after which those that have not ended are shown */
    KILLED_STATUS = 77 /* none of them exits with that by itself */
};

/* ---- sums ---- */

static struct {
    uint64_t rounds, natives, modules, families, refused, members; /* programs started, and not */
    uint64_t kills, killed, exited, faulted, starved;              /* by how they ended */
    uint64_t revocations, droughts, injected;
} sums;

static void add_to(uint64_t *sum) {
    __atomic_fetch_add(sum, 1, __ATOMIC_RELAXED);
}

/* ---- what all share in a round ---- */

static unsigned failures;
static struct handle_table *handles;
static handle_t roots[3]; /* two endpoints, a notification: all derive from them */
static struct stress_counts *counts;
static struct kobject *counts_page;

/* A check that is made too often to be counted. */
static void expect(bool good, const char *what) {
    if (!good) {
        failures++;
        payload_check(good, what, __FILE__, __LINE__);
    }
}

/* Programs besides the first one, ended ones that nobody waited for too. */
static uint32_t living(void) {
    struct program_info info = {.pid = 1};
    uint32_t len = 0;
    while (program_next(info.pid, &info)) {
        len++;
    }
    return len;
}

static struct kobject *made(status_t (*make)(struct kobject **out)) {
    struct kobject *object = NULL;
    expect(make(&object) == STATUS_OK, "a new object");
    return object;
}

static void make_shared(void) {
    expect(handle_table_new(&handles) == STATUS_OK, "a new table");
    for (int i = 0; i < 3; i++) {
        struct kobject *object = made(i < 2 ? endpoint_new : notification_new);
        expect(handle_add(handles, object, RIGHT_ALL, 0, &roots[i]) == STATUS_OK, "a new handle");
    }
}

static void make_counts(void) {
    struct object *memory = NULL;
    PAYLOAD_CHECK_EQ(object_new_wired(NULL, PAGE_SIZE, &memory), STATUS_OK);
    counts = object_pointer(memory);
    PAYLOAD_CHECK_EQ(memory_new(memory, &counts_page), STATUS_OK);
}

/* Derived from a root: dead as soon as that is revoked. Nothing if there is no memory. */
static struct handle_passed derived(handle_t root) {
    struct handle_passed passed = {0};
    handle_t handle;
    if (handle_duplicate(handles, root, RIGHT_ALL, 0, &handle) == STATUS_OK) {
        (void)!handle_take(handles, handle, &passed);
    }
    return passed;
}

/* ---- programs ---- */

static status_t note(status_t status, uint64_t *sum) {
    if (status == STATUS_OK) {
        (*sum)++;
    } else {
        sums.refused++;
        expect(status == STATUS_NO_MEMORY || status == STATUS_LIMIT, "the error of a start");
    }
    return status;
}

static void start_native(uint64_t frames) {
    uint32_t pid;
    kobject_get(counts_page);
    struct native_options options = {
        .name = "native",
        .code = stress_domain,
        .code_size = sizeof(stress_domain),
        .stack_size = 2 * PAGE_SIZE,
        .frame_limit = frames,
        .arg = dice_roll(),
        .handles = {derived(roots[0]), derived(roots[1]), derived(roots[2]),
                    handle_new(counts_page, RIGHT_READ | RIGHT_WRITE, 0)},
    };
    (void)note(native_start(&options, &pid), &sums.natives);
}

/* Input that never comes, and an output that nobody reads. */
static status_t read_nothing(struct file *file, void *buf, size_t cap, size_t *size_out) {
    (void)file, (void)buf, (void)cap;
    while (!thread_killed()) {
        thread_sleep_ns(5 * MS);
    }
    *size_out = 0;
    return STATUS_OK;
}

static status_t write_nowhere(struct file *file, const void *bytes, size_t size) {
    (void)file, (void)bytes, (void)size;
    return STATUS_OK;
}

static void start_module(uint64_t frames) {
    static const struct file_ops ops = {.read = read_nothing, .write = write_nowhere};
    static struct file stream = {.ops = &ops};
    static const struct {
        const void *bytes;
        size_t size;
    } modules[] = {{fill_wasm, sizeof(fill_wasm)},
                   {read_wasm, sizeof(read_wasm)},
                   {sleep_wasm, sizeof(sleep_wasm)},
                   {spin_wasm, sizeof(spin_wasm)}};
    uint64_t d = dice_roll(), which = d % 4;
    uint32_t pid;
    struct run_options options = {.module = modules[which].bytes,
                                  .module_size = modules[which].size,
                                  .args = {"module", 7, 1},
                                  .streams = {&stream, &stream, &stream},
                                  .frame_limit = frames,
                                  .timeout_ns = (d >> 8) % 4 == 0 ? (d >> 16) % (50 * MS) : 0,
                                  .eager = d >> 60 & 1};
    (void)note(run_start(&options, &pid), &sums.modules);
}

/* ---- families: programs with threads and children that are the kernel's own code ---- */

static struct mutex meeting;

static void be_busy(void *arg) {
    uint64_t x = (uint64_t)arg;
    while (!thread_killed() && x % 64 != 0) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        if (x >> 62 == 0) {
            thread_sleep_ns((x >> 32) % MS);
        } else if (x >> 62 == 1) {
            mutex_lock(&meeting);
            sched_yield();
            mutex_unlock(&meeting);
        } else {
            heap_free(heap_alloc_for(program_quota(), (x >> 32) % 10000));
        }
    }
}

/* Has threads and children, waits for some of them, leaves the others behind. */
static int raise_family(void *arg) {
    uint64_t x = (uint64_t)arg;
    struct program_options options = {.name = "child", .frame_limit = 100};
    struct program_end end;
    struct thread *thread;
    uint32_t pid;
    add_to(&sums.members);
    for (unsigned i = 0; i < (x >> 8) % 4; i++) {
        (void)!program_add_thread("member", be_busy, (void *)(x >> 16 << i | 1), NULL, &thread);
    }
    for (unsigned i = 0; i < (x >> 10) % 3 && (x & 3) != 0; i++) {
        (void)!program_start(&options, raise_family, (void *)((x >> 3 << 2) + (x & 3) - 1), &pid);
    }
    be_busy(arg);
    if (x >> 20 & 1) {
        while (program_wait(0, x >> 21 & 1 ? WAIT_FOREVER : 0, &end) == STATUS_OK) {
        }
    }
    return (int)(x & 1);
}

static void start_family(void) {
    const struct program_options options = {.name = "family", .frame_limit = 400};
    uint32_t pid;
    (void)note(program_start(&options, raise_family, (void *)dice_roll(), &pid), &sums.families);
}

/* Rounds differ: of eight programs so many are native, so many modules, and things happen so fast. */
static struct {
    uint64_t natives, modules, pause_ns;
} mood;

static void choose_mood(void) {
    static const uint8_t natives[] = {8, 7, 4, 1}, modules[] = {0, 0, 3, 6};
    uint64_t d = dice_roll();
    mood.natives = natives[d % 4];
    mood.modules = modules[d % 4];
    mood.pause_ns = MS >> (d >> 8) % 8 << 3; /* 60 us to 8 ms */
}

static void start_one(void) {
    uint64_t d = dice_roll();
    uint64_t frames = (d >> 8) % 8 == 0 ? (d >> 16) % 50 : 100 + (d >> 16) % 400;
    if (d % 8 < mood.natives) {
        start_native(frames);
    } else if (d % 8 < mood.natives + mood.modules) {
        start_module(3 * frames);
    } else {
        start_family();
    }
}

/* ---- what happens to them ---- */

/* Any one that there is, grandchildren too. */
static void kill_one(void) {
    uint64_t nth = dice_roll() % (LIVING_MAX + 8);
    struct program_info info = {.pid = 1};
    while (nth-- > 0 && program_next(info.pid, &info)) {
    }
    if (info.pid != 1 && program_kill(info.pid, KILLED_STATUS) == STATUS_OK) {
        sums.kills++;
    }
}

static bool has_ended_well(const struct program_end *end) {
    if (end->killed) {
        sums.killed++;
        return end->status == KILLED_STATUS || end->status == RUN_EXIT_TIMEOUT;
    }
    sums.exited += end->status < NATIVE_FAULT;
    sums.faulted += end->status >= NATIVE_FAULT;
    sums.starved += end->status == NATIVE_FAULT + USER_EXIT_NO_MEMORY;
    return end->status != STRESS_EXIT_WRONG;
}

/* Those that have ended. Children of others that did become ours, so there may be more than were started. */
static void reap(uint64_t deadline_ns) {
    struct program_end end;
    while (program_wait(0, deadline_ns, &end) == STATUS_OK) {
        expect(has_ended_well(&end), "the way a program ended");
    }
}

static void rob(void) {
    expect(handle_revoke(handles, roots[dice_roll() % 3]) == STATUS_OK, "revocation");
    sums.revocations++;
}

/* For a moment nobody gets any memory. What is taken is chained by its first bytes. */
static void be_greedy(void) {
    struct run {
        struct run *next;
        unsigned order;
    } *runs = NULL;
    paddr_t frame;
    for (unsigned order = 10; order <= 10; order--) {
        while (frame_alloc(order, NULL, &frame) == STATUS_OK) {
            struct run *run = frame_pointer(frame);
            *run = (struct run){runs, order};
            runs = run;
        }
    }
    thread_sleep_ns(dice_roll() % (5 * MS));
    while (runs) {
        struct run *run = runs;
        runs = run->next;
        frame_free(frame_address(run), run->order);
    }
    sums.droughts++;
}

static void fail_one(void) {
    sums.injected += !inject_after(1 + dice_roll() % 500);
}

static void happen(void) {
    uint64_t d = dice_roll();
    switch (d % 64) {
    case 0:
        rob();
        break;
    case 1:
        be_greedy();
        break;
    case 2:
    case 3:
    case 4:
        fail_one();
        break;
    default:
        if (d % 64 < 16) {
            kill_one();
        } else if (living() < LIVING_MAX) {
            start_one();
        }
    }
    reap(0);
    thread_sleep_ns((d >> 32) % mood.pause_ns);
}

/*
 * ---- the account ----
 *
 * Tables count as frames that are there: those of the kernel stacks' window are kept once they were made. Those
 * of spaces are charged to a quota, which is there as long as one of them is.
 */

struct holdings {
    size_t frames, objects;
    uint32_t stacks, quotas, memory_objects, kernel_objects, waiters, programs;
};

static struct holdings take_stock(void) {
    (void)stack_trim();
    return (struct holdings){
        .frames = frame_free_count() + heap_frames() + arch_table_count(),
        .objects = heap_objects(),
        .stacks = stack_count(),
        .quotas = quota_count(),
        .memory_objects = object_count(),
        .kernel_objects = kobject_count(),
        .waiters = futex_waiters(),
        .programs = living(),
    };
}

static bool is_same(const struct holdings *a, const struct holdings *b) {
    return a->frames == b->frames && a->objects == b->objects && a->stacks == b->stacks &&
           a->quotas == b->quotas && a->memory_objects == b->memory_objects &&
           a->kernel_objects == b->kernel_objects && a->waiters == b->waiters &&
           a->programs == b->programs;
}

static void print_holdings(const char *when, const struct holdings *h) {
    payload_print("# %s: %zu frames, %zu objects, %u stacks, %u quotas, %u memory objects, "
                  "%u kernel objects, %u waiters, %u programs\n",
                  when, h->frames, h->objects, (unsigned)h->stacks, (unsigned)h->quotas,
                  (unsigned)h->memory_objects, (unsigned)h->kernel_objects, (unsigned)h->waiters,
                  (unsigned)h->programs);
}

/* Harts that still put things away are given time; what is lost stays so. */
static void account(const struct holdings *before) {
    struct holdings after = take_stock();
    for (int tries = 0; tries < 200 && !is_same(before, &after); tries++) {
        thread_sleep_ns(10 * MS);
        after = take_stock();
    }
    if (!is_same(before, &after)) {
        print_holdings("before", before);
        print_holdings("after", &after);
        expect(false, "all is back");
    }
}

/* ---- rounds ---- */

static void show_living(void) {
    struct program_info info = {.pid = 1};
    while (program_next(info.pid, &info)) {
        payload_print("# %u %s of %u: %s, %u threads, %llu frames\n", (unsigned)info.pid, info.name,
                      (unsigned)info.parent, program_state_text(info.state), (unsigned)info.threads,
                      (unsigned long long)info.frames);
    }
}

static void end_all(void) {
    uint64_t since = time_now_ns();
    while (living() > 0) {
        struct program_info info = {.pid = 1};
        while (program_next(info.pid, &info)) {
            sums.kills += program_kill(info.pid, KILLED_STATUS) == STATUS_OK;
        }
        reap(time_now_ns() + 10 * MS);
        if (time_now_ns() - since > GRACE_S * SECOND) {
            payload_print("# still there:\n");
            show_living();
            since = time_now_ns();
        }
    }
}

static void pass_round(void) {
    make_shared();
    choose_mood();
    uint64_t limit = time_now_ns() + ROUND_MS * MS;
    while (time_now_ns() < limit) {
        happen();
    }
    sums.injected += !inject_after(0);
    end_all();
    handle_table_free(handles);
    sums.rounds++;
}

static uint64_t argument(const char *name, uint64_t otherwise) {
    const char *at = strstr((const char *)harts_boot_info.bootargs, name);
    uint64_t number = 0;
    if (!at) {
        return otherwise;
    }
    for (at += strlen(name); *at >= '0' && *at <= '9'; at++) {
        number = number * 10 + (uint64_t)(*at - '0');
    }
    return number;
}

static void print_sums(void) {
    static const char *const texts[] = {
#define X(name, text) text,
        STRESS_COUNTS(X)
#undef X
    };
    const struct {
        const char *what;
        uint64_t sum;
    } rows[] = {
        {"rounds", sums.rounds},
        {"native domains started", sums.natives},
        {"WebAssembly programs started", sums.modules},
        {"families started", sums.families},
        {"programs in them", sums.members},
        {"starts refused", sums.refused},
        {"programs killed", sums.kills},
        {"ended killed", sums.killed},
        {"ended by themselves", sums.exited},
        {"ended by a fault", sums.faulted},
        {"of these out of memory", sums.starved},
        {"revocations of all handles to an object", sums.revocations},
        {"times that all memory was gone", sums.droughts},
        {"allocations failed on order", sums.injected},
        {"page faults", counters_sum(COUNTER_FAULTS)},
        {"switches of threads", counters_sum(COUNTER_SWITCHES)},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        payload_print("# %10llu %s\n", (unsigned long long)rows[i].sum, rows[i].what);
    }
    for (size_t i = 0; i < STRESS_COUNT_LEN; i++) {
        payload_print("# %10llu %s\n", (unsigned long long)counts->of[i], texts[i]);
    }
}

static bool is_well(void) {
    return failures == 0 && counts->wrong == 0;
}

static _Noreturn void test(size_t hart, const struct boot_info *info) {
    machine_init(hart, info);
    payload_begin(info);
    uint64_t until = time_now_ns() + argument("seconds=", SECONDS) * SECOND;
    dice_begin();
    PAYLOAD_CHECK_EQ(timeouts_init(), STATUS_OK);
    make_counts();
    mutex_init(&meeting, LOCK_FILES);
    thread_set_weight(thread_current(), 32 * SCHED_WEIGHT);
    asid_limit(harts_count() + 8); /* those that there must be, and a few */
    struct holdings before = take_stock();
    do {
        pass_round();
        account(&before);
    } while (time_now_ns() < until && is_well());
    PAYLOAD_CHECK_EQ(failures, 0);
    PAYLOAD_CHECK_EQ(counts->wrong, 0);
    print_sums();
    payload_end();
}

LOADER_ENTRY(test, .stack_pages = 16);
