/*
 * Many WebAssembly programs at once: what each ends with, that one's memory is not another's, that each
 * can be killed wherever it is (before its start, compiling, in user mode, asleep, waiting for input,
 * taking memory), and that all memory is back afterwards. And a hundred that never yield.
 *
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
#include "kernel/mm/frame.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/stack.h"
#include "kernel/program.h"
#include "kernel/random.h"
#include "kernel/time.h"
#include "test/support/payload.h"

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

/* ---- a module that takes minutes to compile ---- */

enum {
    BIG_FUNCS = 200,
    BIG_STEPS = 4000,
    BIG_STEP = 7,
    BIG_SIZE = BIG_FUNCS * (BIG_STEPS * 8 + 16)
};

static uint8_t *big;
static size_t big_size;

static void put(const void *bytes, size_t size) {
    memcpy(big + big_size, bytes, size);
    big_size += size;
}

/* A number in five bytes of LEB128. */
static void put_u32(uint32_t value) {
    for (int i = 0; i < 5; i++) {
        uint8_t byte = (uint8_t)((value >> (7 * i)) & 0x7f) | (i < 4 ? 0x80 : 0);
        put(&byte, 1);
    }
}

static void make_big(void) {
    static const uint8_t head[] = {0, 'a', 's', 'm', 1, 0, 0, 0, 1, 5, 1, 0x60, 1, 0x7f, 0};
    static const uint8_t step[BIG_STEP] = {0x20, 0, 0x20, 0, 0x6c, 0x21, 0}; /* $0 = $0 * $0 */
    uint32_t body = 1 + BIG_STEPS * BIG_STEP + 1;
    big = heap_alloc(BIG_SIZE + 4096);
    PAYLOAD_CHECK(big != NULL);
    put(head, sizeof(head));
    put("\3", 1); /* functions, all of type 0 */
    put_u32(5 + BIG_FUNCS);
    put_u32(BIG_FUNCS);
    big_size += BIG_FUNCS;
    put("\12", 1); /* code */
    put_u32(5 + BIG_FUNCS * (5 + body));
    put_u32(BIG_FUNCS);
    for (int i = 0; i < BIG_FUNCS; i++) {
        put_u32(body);
        put("\0", 1);
        for (int n = 0; n < BIG_STEPS; n++) {
            put(step, sizeof(step));
        }
        put("\13", 1);
    }
}

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
        options_of(big, big_size),
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
    make_big();
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
