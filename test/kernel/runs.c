/*
 * Many WebAssembly programs at once: what each ends with, that one's memory is not another's, that each
 * can be killed wherever it is (before its start, compiling, in user mode, asleep, waiting for input,
 * taking memory), and that all memory is back afterwards. And a hundred that never yield. Under -icount,
 * how soon a killed one ends that is being validated or compiled.
 *
 * QEMU: -smp 1 -m 512M -icount shift=0 -append soon
 * QEMU: -smp 1 -m 256M
 * QEMU: -smp 4 -m 256M
 * TIMEOUT: 240
 */
#include "abi/boot.h"
#include "abi/run.h"
#include "gen/wat/fill.h"
#include "gen/wat/read.h"
#include "gen/wat/sleep.h"
#include "gen/wat/spin.h"
#include "init/machine.h"
#include "init/run.h"
#include "init/timeouts.h"
#include "kernel/harts.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/stack.h"
#include "kernel/program.h"
#include "kernel/random.h"
#include "kernel/time.h"
#include "test/support/payload.h"
#include "wasm/limits.h"

#include <string.h>

enum { MANY = 100, ROUNDS = 3, FILL_FRAMES = 1024 };

/* ---- streams ---- */

struct input {
    struct file file;
    size_t left; /* bytes, and then: */
    bool ends;   /* or nothing comes any more */
};

static status_t read_input(struct file *file, void *buf, size_t cap, size_t *size_out) {
    struct input *input = (struct input *)file;
    while (input->left == 0 && !input->ends && !thread_killed()) {
        thread_sleep_ns(1000000);
    }
    *size_out = cap < input->left ? cap : input->left;
    memset(buf, 'x', *size_out);
    input->left -= *size_out;
    return STATUS_OK;
}

static status_t write_output(struct file *file, const void *bytes, size_t size) {
    (void)file;
    payload_print("%.*s", (int)size, (const char *)bytes);
    return STATUS_OK;
}

static const struct file_ops input_ops = {.read = read_input};
static const struct file_ops output_ops = {.write = write_output};
static struct file output = {.ops = &output_ops};
static struct input silent = {.file = {.ops = &input_ops}};

/* ---- modules that take long to load ---- */

struct made {
    uint8_t *bytes;
    size_t size;
};

static void make(struct made *m, size_t cap) {
    *m = (struct made){.bytes = heap_alloc(cap)};
    PAYLOAD_CHECK(m->bytes != NULL);
}

static void put(struct made *m, const void *bytes, size_t size) {
    memcpy(m->bytes + m->size, bytes, size);
    m->size += size;
}

static void put_times(struct made *m, const void *bytes, size_t size, uint32_t times) {
    for (uint32_t i = 0; i < times; i++) {
        put(m, bytes, size);
    }
}

enum { U32_SIZE = 5 }; /* a number in five bytes of LEB128 */

static void put_u32(struct made *m, uint32_t value) {
    for (int i = 0; i < U32_SIZE; i++) {
        uint8_t byte = (uint8_t)((value >> (7 * i)) & 0x7f) | (i < U32_SIZE - 1 ? 0x80 : 0);
        put(m, &byte, 1);
    }
}

/* Functions that multiply often, and return when that gives 0: it is compiling that takes long. */
static void make_steps(struct made *m, uint32_t funcs, uint32_t steps) {
    static const uint8_t head[] = {0, 'a', 's', 'm', 1, 0, 0, 0, 1, 5, 1, 0x60, 1, 0x7f, 0};
    /* $0 = $0 * $0, br_if 0 */
    static const uint8_t step[] = {0x20, 0, 0x20, 0, 0x6c, 0x22, 0, 0x0d, 0};
    uint32_t body = 1 + steps * (uint32_t)sizeof(step) + 1;
    make(m, 4096 + funcs * (body + 8));
    put(m, head, sizeof(head));
    put(m, "\3", 1); /* functions, all of type 0 */
    put_u32(m, U32_SIZE + funcs);
    put_u32(m, funcs);
    put_times(m, "\0", 1, funcs);
    put(m, "\12", 1); /* code */
    put_u32(m, U32_SIZE + funcs * (U32_SIZE + body));
    put_u32(m, funcs);
    for (uint32_t i = 0; i < funcs; i++) {
        put_u32(m, body);
        put(m, "\0", 1);
        put_times(m, step, sizeof(step), steps);
        put(m, "\13", 1);
    }
}

/* One function that calls itself often, with as many parameters and results as there may be: it is
 * validating that takes long. */
static void make_wide(struct made *m, uint32_t calls) {
    static const uint8_t head[] = {0, 'a', 's', 'm', 1, 0, 0, 0};
    uint32_t types = U32_SIZE + LIMIT_PARAMS, gets = (1 + U32_SIZE) * LIMIT_PARAMS;
    uint32_t body = 1 + gets + 2 * calls + 1;
    make(m, 8192 + 2 * types + body);
    put(m, head, sizeof(head));
    put(m, "\1", 1); /* types */
    put_u32(m, 2 + 2 * types);
    put(m, "\1\x60", 2);
    for (int list = 0; list < 2; list++) {
        put_u32(m, LIMIT_PARAMS);
        put_times(m, "\x7f", 1, LIMIT_PARAMS);
    }
    put(m, "\3\2\1\0\12", 5); /* functions, code */
    put_u32(m, 1 + U32_SIZE + body);
    put(m, "\1", 1);
    put_u32(m, body);
    put(m, "\0", 1);
    for (uint32_t i = 0; i < LIMIT_PARAMS; i++) {
        put(m, "\x20", 1);
        put_u32(m, i);
    }
    put_times(m, "\x10\0", 2, calls);
    put(m, "\13", 1);
}

static struct made big; /* takes minutes to compile */

/* ---- the tests ---- */

static struct run_options options_of(const void *module, size_t size) {
    return (struct run_options){.module = module,
                                .module_size = size,
                                .args = {"test", 5, 1},
                                .streams = {&silent.file, &output, &output}};
}

static uint32_t start(const struct run_options *options) {
    uint32_t pid = 0;
    status_t status = run_start(options, &pid);
    if (status != STATUS_OK) { /* counted only when it fails: how often it is called varies */
        PAYLOAD_CHECK_EQ(status, STATUS_OK);
    }
    return pid;
}

static int await(uint32_t pid) {
    struct program_end end = {.status = -1};
    status_t status = program_wait(pid, WAIT_FOREVER, &end);
    if (status != STATUS_OK) {
        PAYLOAD_CHECK_EQ(status, STATUS_OK);
    }
    return end.status;
}

static void test_side_by_side(void) {
    struct run_options fill = options_of(fill_wasm, sizeof(fill_wasm));
    struct run_options reads = options_of(read_wasm, sizeof(read_wasm));
    struct input inputs[4];
    uint32_t pids[4], fillers[3];
    for (size_t i = 0; i < 4; i++) {
        inputs[i] = (struct input){{.ops = &input_ops}, .left = 50 * i, .ends = true};
        reads.streams[STREAM_IN] = &inputs[i].file;
        pids[i] = start(&reads);
    }
    fill.frame_limit = FILL_FRAMES; /* each gets that, at the same time */
    for (int i = 0; i < 3; i++) {
        fillers[i] = start(&fill);
    }
    for (int i = 0; i < 3; i++) {
        PAYLOAD_CHECK_EQ(await(fillers[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        PAYLOAD_CHECK_EQ(await(pids[i]), 50 * i);
    }
}

static void test_timeout(void) {
    struct run_options spin = options_of(spin_wasm, sizeof(spin_wasm));
    spin.timeout_ns = 20000000;
    uint32_t spinner = start(&spin);
    spin.timeout_ns = 3600 * UINT64_C(1000000000);
    uint32_t other = start(&spin);
    PAYLOAD_CHECK_EQ(await(spinner), RUN_EXIT_TIMEOUT);
    PAYLOAD_CHECK_EQ(program_kill(other, 1), STATUS_OK);
    PAYLOAD_CHECK_EQ(await(other), 1);
}

/* Started, and killed after a time between nothing and some milliseconds. */
static bool kill_at_random(const struct run_options *options) {
    uint32_t delay;
    struct program_end end;
    uint32_t pid = start(options);
    random_bytes(&delay, sizeof(delay));
    if (delay % 4 != 0) {
        thread_sleep_ns(delay % 20000000);
    }
    return program_kill(pid, 99) == STATUS_OK &&
           program_wait(pid, WAIT_FOREVER, &end) == STATUS_OK && end.killed && end.status == 99;
}

static void test_kill(int rounds) {
    struct run_options kinds[] = {
        options_of(spin_wasm, sizeof(spin_wasm)),
        options_of(sleep_wasm, sizeof(sleep_wasm)),
        options_of(read_wasm, sizeof(read_wasm)),
        options_of(big.bytes, big.size),
    };
    kinds[3].eager = true;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        bool good = true;
        for (int round = 0; round < rounds; round++) {
            good = good && kill_at_random(&kinds[i]);
        }
        payload_print("# kind %u\n", (unsigned)i);
        PAYLOAD_CHECK(good);
    }
}

/* Under -icount, a nanosecond an instruction: so many may pass from the kill to the end. */
#if K23_SANITIZE
#define MOST_AFTER_KILL 1000000000u
#else
#define MOST_AFTER_KILL 50000000u
#endif

/* Who is killed while it loads ends soon, not when it has loaded: tried every `step` instructions, up to
 * `last`, when it is not through by far. */
static void test_ends_soon(const struct made *m, uint64_t step, uint64_t last) {
    struct run_options options = options_of(m->bytes, m->size);
    uint64_t longest = 0;
    options.eager = true;
    for (uint64_t delay = step; delay <= last; delay += step) {
        struct program_end end = {.status = -1};
        uint32_t pid = start(&options);
        thread_sleep_ns(delay);
        uint64_t killed = time_now_ns();
        PAYLOAD_CHECK_EQ(program_kill(pid, 99), STATUS_OK);
        PAYLOAD_CHECK_EQ(program_wait(pid, WAIT_FOREVER, &end), STATUS_OK);
        uint64_t took = time_now_ns() - killed;
        PAYLOAD_CHECK(end.killed && end.status == 99);
        longest = took > longest ? took : longest;
    }
    payload_print("# at most %llu instructions after the kill\n", (unsigned long long)longest);
    PAYLOAD_CHECK(longest < MOST_AFTER_KILL);
    heap_free(m->bytes);
}

/* In one large function, among very many small ones, in an instruction of two bytes. */
static void test_all_end_soon(void) {
    struct made m;
    make_steps(&m, 1, 60000);
    test_ends_soon(&m, 80000000, 400000000);
    make_steps(&m, 20000, 3);
    test_ends_soon(&m, 80000000, 400000000);
    make_wide(&m, 60000);
    test_ends_soon(&m, 100000000, 400000000);
}

/* All run at once, each gets on (if we wait for that), and all end. */
static void test_many(bool wait) {
    static uint32_t pids[MANY];
    struct run_options spin = options_of(spin_wasm, sizeof(spin_wasm));
    struct program_info info;
    unsigned ran = 0, ended = 0;
    for (int i = 0; i < MANY; i++) {
        pids[i] = start(&spin);
    }
    for (int tries = 0; tries < 1000 && wait && ran < MANY; tries++) {
        thread_sleep_ns(10000000);
        ran = 0;
        for (int i = 0; i < MANY; i++) {
            ran += program_next(pids[i] - 1, &info) && info.pid == pids[i] &&
                   info.state == PROGRAM_RUNNING && time_ns_from_ticks(info.ran) > 2000000;
        }
    }
    PAYLOAD_CHECK(!wait || ran == MANY);
    for (int i = 0; i < MANY; i++) {
        ended += program_kill(pids[i], 9) == STATUS_OK;
    }
    PAYLOAD_CHECK_EQ(ended, MANY);
    for (int i = 0; i < MANY; i++) {
        ended -= await(pids[i]) == 9;
    }
    PAYLOAD_CHECK_EQ(ended, 0);
}

static size_t memory(void) {
    stack_trim();
    return frame_free_count() + heap_frames();
}

static _Noreturn void test(size_t hart, const struct boot_info *info) {
    machine_init(hart, info);
    payload_begin(info);
    PAYLOAD_CHECK_EQ(timeouts_init(), STATUS_OK);
    if (strstr((const char *)harts_boot_info.bootargs, "soon") != NULL) {
        test_all_end_soon();
        payload_end();
    }
    make_steps(&big, 200, 4000);
    size_t before = 0;
    for (int round = 0; round < 2; round++) {
        test_side_by_side();
        test_timeout();
        test_kill(round == 0 ? 1 : ROUNDS);
        test_many(round > 0); /* once before, for what is kept from its first use on */
        PAYLOAD_CHECK(round == 0 || memory() == before);
        before = memory();
    }
    payload_end();
}

LOADER_ENTRY(test, .stack_pages = 16);
