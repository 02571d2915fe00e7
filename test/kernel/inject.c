/*
 * Every allocation fails in turn: mappings, memory objects, handles, interrupts, native domains, threads, programs, a
 * WebAssembly module from its bytes to its call, and a program as a user starts it, from its directories to its end. The
 * answer is an error, never a panic, and everything comes back.
 *
 * QEMU: -smp 1 -append log=error
 * TIMEOUT: 120
 */
#include "kernel/mm/inject.h"
#include "abi/boot.h"
#include "abi/run.h"
#include "abi/syscall.h"
#include "gen/domain/ipc.h"
#include "gen/domain/trade.h"
#include "gen/wat/calls.h"
#include "gen/wat/files.h"
#include "gen/wat/spin.h"
#include "init/machine.h"
#include "init/mounts.h"
#include "init/run.h"
#include "init/timeouts.h"
#include "kernel/ipc/endpoint.h"
#include "kernel/ipc/handle.h"
#include "kernel/ipc/interrupt.h"
#include "kernel/ipc/memory.h"
#include "kernel/ipc/notification.h"
#include "kernel/limits.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/object.h"
#include "kernel/mm/quota.h"
#include "kernel/mm/space.h"
#include "kernel/mm/stack.h"
#include "kernel/native.h"
#include "kernel/program.h"
#include "kernel/thread.h"
#include "test/kernel/domain/ipc.h"
#include "test/kernel/domain/trade.h"
#include "test/support/clock.h"
#include "test/support/payload.h"
#include "wasm/wasm.h"

#include <string.h>

enum { RW = PROT_READ | PROT_WRITE, MOST = 5000 };

/* ---- what is tried ---- */

static status_t map_in(struct space *space) {
    static char bytes[5 * PAGE_SIZE];
    vaddr_t a, b;
    void *kernel;
    TRY(space_reserve(space, 1ul << 32, 0, &a));
    TRY(space_reserve_at(space, 0x10000, PAGE_SIZE));
    TRY(space_protect(space, a, 1ul << 31, RW));
    TRY(space_copy_out(space, a + (1ul << 30), bytes, sizeof(bytes)));
    TRY(space_copy_in(space, bytes, a + (1ul << 20), sizeof(bytes)));
    TRY(space_publish_code(space, a + (1ul << 31) + 5, bytes, sizeof(bytes)));
    TRY(space_commit(space, a + (3ul << 20), 40 * PAGE_SIZE, PROT_READ));
    TRY(space_decommit(space, a + (3ul << 20) + PAGE_SIZE, 20 * PAGE_SIZE));
    TRY(space_reserve(space, 1ul << 21, 0, &b));
    TRY(space_commit_wired(space, b, 13 * PAGE_SIZE, RW, &kernel));
    TRY(space_unmap(space, a + (1ul << 20), PAGE_SIZE));
    return space_unmap(space, b, 1ul << 21);
}

static status_t try_mapping(void) {
    struct space *space;
    TRY(space_new(UINT64_MAX, &space));
    status_t status = map_in(space);
    space_free(space);
    return status;
}

static status_t share_in(struct space *space, struct object *base, struct object *clone) {
    vaddr_t a, b;
    uint64_t word = 1;
    TRY(space_map(space, clone, 0, 1ul << 31, RW, &a));
    TRY(space_copy_out(space, a + (1ul << 30), &word, sizeof(word)));
    TRY(space_copy_out(space, a + (1ul << 29), &word, sizeof(word)));
    TRY(space_map(space, base, 0, PAGE_SIZE, PROT_READ, &b));
    TRY(space_copy_in(space, &word, b, sizeof(word)));
    return space_unmap(space, a + (1ul << 20), PAGE_SIZE);
}

static status_t try_objects(void) {
    struct space *space = NULL;
    struct object *base = NULL, *clone = NULL, *wired = NULL;
    vaddr_t a;
    uint64_t word = 1;
    status_t status = space_new(UINT64_MAX, &space);
    status = status == STATUS_OK ? object_new(NULL, 1ul << 31, &base) : status;
    status = status == STATUS_OK ? object_write(base, 1ul << 30, &word, sizeof(word)) : status;
    status = status == STATUS_OK ? object_clone(base, NULL, &clone) : status;
    status = status == STATUS_OK ? object_new_wired(NULL, 5 * PAGE_SIZE, &wired) : status;
    status = status == STATUS_OK ? space_map(space, wired, 0, 5 * PAGE_SIZE, RW, &a) : status;
    status = status == STATUS_OK ? share_in(space, base, clone) : status;
    object_put(wired);
    object_put(clone);
    object_put(base);
    space_free(space);
    return status;
}

static status_t use_handles(struct handle_table *table, struct kobject *endpoint) {
    handle_t first, more;
    kobject_get(endpoint);
    status_t status = handle_add(table, endpoint, RIGHT_ALL, 0, &first);
    if (status != STATUS_OK) {
        kobject_put(endpoint);
        return status;
    }
    for (int i = 0; i < 100; i++) { /* the table grows */
        TRY(handle_duplicate(table, first, RIGHT_SEND, 0, &more));
    }
    return handle_revoke(table, first);
}

static status_t try_handles(void) {
    struct handle_table *table = NULL;
    struct kobject *endpoint = NULL, *notification = NULL;
    status_t status = handle_table_new(&table);
    status = status == STATUS_OK ? notification_new(&notification) : status;
    status = status == STATUS_OK ? endpoint_new(&endpoint) : status;
    status = status == STATUS_OK ? use_handles(table, endpoint) : status;
    handle_table_free(table);
    kobject_put(endpoint);
    kobject_put(notification);
    return status;
}

static status_t bind(struct handle_table *table, struct kobject *interrupt,
                     struct kobject *notification) {
    handle_t handle;
    struct kobject *object;
    struct grant *grant;
    kobject_get(interrupt);
    status_t status = handle_add(table, interrupt, RIGHT_ALL, 0, &handle);
    if (status != STATUS_OK) {
        kobject_put(interrupt);
        return status;
    }
    TRY(handle_get_grant(table, handle, &interrupt_kind, RIGHT_RECEIVE, &object, &grant));
    status = interrupt_bind(object, grant, notification, 1);
    handle_put_grant(grant);
    kobject_put(object);
    return status;
}

/* What a driver is given of its device; closing the table unbinds. */
static status_t try_driver(void) {
    struct handle_table *table = NULL;
    struct kobject *registers = NULL, *interrupt = NULL, *notification = NULL;
    status_t status = handle_table_new(&table);
    status = status == STATUS_OK ? memory_new_device(&clock_device, &registers) : status;
    status = status == STATUS_OK ? notification_new(&notification) : status;
    status = status == STATUS_OK ? interrupt_new(clock_device.irq, &interrupt) : status;
    status = status == STATUS_OK ? bind(table, interrupt, notification) : status;
    handle_table_free(table);
    kobject_put(interrupt);
    kobject_put(notification);
    kobject_put(registers);
    return status;
}

/* A native domain that calls an endpoint which nobody serves. */
static status_t try_domain(void) {
    struct kobject *endpoint;
    struct program_end end;
    uint32_t pid;
    TRY(endpoint_new(&endpoint));
    struct native_options options = {
        .name = "domain",
        .code = ipc_domain,
        .code_size = sizeof(ipc_domain),
        .stack_size = 2 * PAGE_SIZE,
        .frame_limit = 200,
        .arg = PART_ABANDONED,
        .handles = {handle_new(endpoint, RIGHT_SEND, 1)},
    };
    TRY(native_start(&options, &pid));
    PAYLOAD_CHECK_EQ(program_wait(pid, WAIT_FOREVER, &end), STATUS_OK);
    return end.status == 0 ? STATUS_OK : STATUS_NO_MEMORY;
}

static status_t start_trader(enum trade_side side, struct handle_passed handle, uint32_t *pid_out) {
    struct native_options options = {
        .name = "trader",
        .code = trade_domain,
        .code_size = sizeof(trade_domain),
        .stack_size = PAGE_SIZE,
        .frame_limit = 400,
        .arg = side,
        .handles = {handle},
    };
    return native_start(&options, pid_out);
}

/* OK, NO_MEMORY, or INVALID: it saw what it should not. */
static status_t outcome(uint32_t pid) {
    struct program_end end;
    PAYLOAD_CHECK_EQ(program_wait(pid, WAIT_FOREVER, &end), STATUS_OK);
    if (end.killed || end.status == TRADE_SHORT ||
        end.status == NATIVE_FAULT + USER_EXIT_NO_MEMORY) {
        return STATUS_NO_MEMORY;
    }
    return end.status == TRADE_DONE ? STATUS_OK : STATUS_INVALID;
}

/* Two domains that send each other bytes and handles. Who sells waits for who buys, and is killed when that one
 * has not come so far. */
static status_t try_messages(void) {
    struct kobject *market;
    uint32_t seller, buyer;
    TRY(endpoint_new(&market));
    kobject_get(market);
    struct handle_passed to_serve = handle_new(market, RIGHT_ALL, 0);
    struct handle_passed to_call = handle_new(market, RIGHT_SEND, 1);
    status_t status = start_trader(TRADE_SELLER, to_serve, &seller);
    if (status != STATUS_OK) {
        handle_drop(&to_call);
        return status;
    }
    status = start_trader(TRADE_BUYER, to_call, &buyer);
    if (status == STATUS_OK) {
        status = outcome(buyer);
    }
    if (status != STATUS_OK) {
        (void)!program_kill(seller, 1);
    }
    status_t other = outcome(seller);
    return status == STATUS_OK || other == STATUS_INVALID ? other : status;
}

static void nothing(void *arg) {
    (void)arg;
}

static status_t try_threads(void) {
    struct thread *threads[3];
    status_t status = STATUS_OK;
    int started = 0;
    while (started < 3 && status == STATUS_OK) {
        status = thread_start("nothing", nothing, NULL, NULL, &threads[started]);
        started += status == STATUS_OK;
    }
    while (started > 0) {
        thread_join(threads[--started]);
    }
    return status;
}

/* Runs fn as a program of its own; its exit status is a status_t. */
static status_t run_program(int (*fn)(void *arg), uint64_t frames) {
    struct program_options options = {.name = "test", .frame_limit = frames};
    struct program_end end;
    uint32_t pid;
    TRY(program_start(&options, fn, NULL, &pid));
    PAYLOAD_CHECK_EQ(program_wait(pid, WAIT_FOREVER, &end), STATUS_OK);
    return (status_t)end.status;
}

static int fork_threads(void *arg) {
    struct thread *thread;
    (void)arg;
    status_t status = program_add_thread("more", nothing, NULL, NULL, &thread);
    return (int)(status == STATUS_OK ? try_mapping() : status);
}

static status_t try_program(void) {
    return run_program(fork_threads, 4096);
}

static status_t add(void *ctx, struct wasm_caller *caller, uint64_t *values) {
    (void)ctx, (void)caller;
    values[0] = (uint32_t)values[0] + values[1];
    return STATUS_OK;
}

static status_t none(void *ctx, struct wasm_caller *caller, uint64_t *values) {
    (void)ctx, (void)caller, (void)values;
    return STATUS_OK;
}

static status_t run_module(struct wasm_store *store) {
    static const valtype_t params[2] = {VALTYPE_I32, VALTYPE_I64};
    struct wasm_module *module;
    struct wasm_instance *instance;
    struct wasm_error error;
    struct wasm_trap trap;
    struct wasm_extern func;
    struct wasm_value args[2] = {{.type = VALTYPE_I32, .i32 = 5}, {.type = VALTYPE_I64, .i64 = 6}};
    struct wasm_value sum = {0};
    TRY(wasm_define_func(store, "host", "nothing", NULL, 0, NULL, 0, none, NULL));
    TRY(wasm_define_func(store, "host", "add", params, 2, &params[1], 1, add, NULL));
    TRY(wasm_module_load(store, calls_wasm, sizeof(calls_wasm), &module, &error));
    TRY(wasm_instantiate(store, module, &instance, &error, &trap));
    TRY(wasm_export(instance, "add", 3, &func));
    TRY(wasm_call(store, &func, args, &sum, &trap));
    return sum.i64 == 11 ? STATUS_OK : STATUS_INVALID;
}

static int load_and_call(void *arg) {
    struct wasm_store *store;
    struct wasm_config config = {0};
    (void)arg;
    status_t status = wasm_store_new(&config, &store);
    if (status == STATUS_OK) {
        status = run_module(store);
        wasm_store_free(store);
    }
    return (int)status;
}

static status_t try_wasm(void) {
    return run_program(load_and_call, 8192);
}

/* ---- a program as a user starts it ---- */

static uint8_t archive[16384] __attribute__((aligned(4)));
static size_t archive_size;
static char said[4096]; /* on its standard error */
static size_t said_len;

/* A regular file of the initrd, in the newc format. */
static void pack(const char *name, const void *bytes, size_t size) {
    size_t name_size = strlen(name) + 1;
    archive_size += fmt_text((char *)archive + archive_size, 111,
                             "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x", 1u,
                             0100644u, 0u, 0u, 1u, 0u, size, 0u, 0u, 0u, 0u, name_size, 0u);
    memcpy(archive + archive_size, name, name_size);
    archive_size = (archive_size + name_size + 3) & ~(size_t)3;
    memcpy(archive + archive_size, bytes, size);
    archive_size = (archive_size + size + 3) & ~(size_t)3;
}

static void make_initrd(void) {
    pack("dir/0/files.wasm", files_wasm, sizeof(files_wasm));
    pack("dir/0/text", "k23", 3);
    pack("TRAILER!!!", "", 0);
    PAYLOAD_CHECK_EQ(initrd_open(&machine_initrd, archive, archive_size), STATUS_OK);
}

static struct readiness never(struct file *file, bool to_write) {
    (void)file, (void)to_write;
    return (struct readiness){0};
}

static void ignore_watch(struct file *file, struct watch *watch) {
    (void)file, (void)watch;
}

static status_t read_end(struct file *file, void *buf, size_t cap, size_t *size_out) {
    (void)file, (void)buf, (void)cap;
    *size_out = 0;
    return STATUS_OK;
}

static status_t hear(struct file *file, const void *bytes, size_t size) {
    (void)file;
    size_t room = sizeof(said) - 1 - said_len;
    size = size < room ? size : room;
    memcpy(said + said_len, bytes, size);
    said_len += size;
    return STATUS_OK;
}

/* What a program's end says of why: all that may go wrong here is memory. */
static status_t status_of_run(const struct program_end *end) {
    enum { ERRNO_NO_MEMORY = 48, ERRNO_NO_SPACE = 51 };
    said[said_len] = 0;
    bool is_told = end->status == RUN_EXIT_ERROR || end->status == RUN_EXIT_REFUSED ||
                   end->status == RUN_EXIT_TRAP;
    if (end->status == 0 && said_len == 0) {
        return STATUS_OK;
    }
    if (end->status == ERRNO_NO_MEMORY || end->status == ERRNO_NO_SPACE) {
        return STATUS_NO_MEMORY;
    }
    if (is_told && strstr(said, status_text(STATUS_NO_MEMORY))) {
        return STATUS_NO_MEMORY;
    }
    payload_print("# it ended with %d and said: %s\n", end->status, said);
    return STATUS_INVALID;
}

/* The module is a file of the first directory; its standard output goes to a file of /tmp, the second one. */
static status_t run_in(const struct mounts *mounts, struct node *module, struct node *output,
                       uint64_t frames) {
    static const struct file_ops in_ops = {
        .read = read_end, .ready = never, .watch = ignore_watch, .unwatch = ignore_watch};
    static const struct file_ops err_ops = {.write = hear};
    static struct file in = {.ops = &in_ops}, err = {.ops = &err_ops};
    static const struct run_preload preload = {"before", spin_wasm, sizeof(spin_wasm)};
    struct run_options options = {
        .module_file = module,
        .preloads = &preload,
        .preload_count = 1,
        .args = {"files.wasm\0one", sizeof("files.wasm\0one"), 2},
        .environ = {"A=B", sizeof("A=B"), 1},
        .streams = {&in, &err, &err},
        .redirected = {[STREAM_OUT] = output},
        .dirs = mounts->dirs,
        .dir_count = mounts->count,
        .frame_limit = frames,
        .timeout_ns = UINT64_C(3600000000000),
    };
    struct program_end end;
    uint32_t pid;
    said_len = 0;
    TRY(run_start(&options, &pid));
    PAYLOAD_CHECK_EQ(program_wait(pid, WAIT_FOREVER, &end), STATUS_OK);
    return status_of_run(&end);
}

/* 0 frames: as many as there are. */
static status_t run_with(uint64_t frames) {
    static const struct request request = {.dirs = {{"initrd", "dir/0", "/d"}}, .dir_count = 1};
    static struct mounts mounts;
    struct node *module = NULL, *output = NULL;
    struct node_attr attr = {.size = 4};
    const char *which;
    status_t status = mounts_open(&mounts, &request, &which);
    status = status == STATUS_OK
                 ? node_lookup(mounts.dirs[0].node, (struct fs_name){"files.wasm", 10}, &module)
                 : status;
    status = status == STATUS_OK
                 ? node_create(mounts.dirs[1].node, (struct fs_name){"out", 3}, &output)
                 : status;
    status = status == STATUS_OK ? run_in(&mounts, module, output, frames) : status;
    if (status == STATUS_OK) {
        status = node_get_attr(output, &attr);
    }
    node_put(output);
    node_put(module);
    mounts_close(&mounts);
    return status == STATUS_OK && attr.size != 4 ? STATUS_INVALID : status;
}

static status_t try_run(void) {
    return run_with(0);
}

/* ---- the walk ---- */

struct holdings {
    size_t frames, objects;
    uint32_t quotas, memory_objects, kernel_objects;
};

static struct holdings take_stock(void) {
    stack_trim();
    return (struct holdings){
        .frames = frame_free_count() + heap_frames(),
        .objects = heap_objects(),
        .quotas = quota_count(),
        .memory_objects = object_count(),
        .kernel_objects = kobject_count(),
    };
}

static bool is_same(const struct holdings *a, const struct holdings *b) {
    return a->frames == b->frames && a->objects == b->objects && a->quotas == b->quotas &&
           a->memory_objects == b->memory_objects && a->kernel_objects == b->kernel_objects;
}

static bool is_expected(status_t status) {
    return status == STATUS_OK || status == STATUS_NO_MEMORY || status == STATUS_LIMIT ||
           status == STATUS_TRAPPED;
}

static void walk(const char *what, status_t (*scenario)(void)) {
    unsigned lost = 0, odd = 0, survived = 0;
    PAYLOAD_CHECK_EQ(scenario(), STATUS_OK);
    struct holdings before = take_stock();
    uint64_t n = 1;
    for (bool failed = true; failed && n < MOST; n++) {
        (void)inject_after(n);
        status_t status = scenario();
        failed = !inject_after(0);
        struct holdings after = take_stock();
        if (!is_same(&before, &after)) {
            payload_print("# %s, allocation %u: %zu frames, %zu objects not back\n", what,
                          (unsigned)n, before.frames - after.frames,
                          after.objects - before.objects);
            before = after;
            lost++;
        }
        if (!is_expected(status) || (!failed && status != STATUS_OK)) {
            payload_print("# %s, allocation %u: status %u\n", what, (unsigned)n, (unsigned)status);
            odd++;
        }
        survived += failed && status == STATUS_OK;
    }
    payload_print("# %s: %u allocations, %u of them not needed\n", what, (unsigned)n - 2, survived);
    PAYLOAD_CHECK(n > 2 && n < MOST);
    PAYLOAD_CHECK_EQ(lost, 0);
    PAYLOAD_CHECK_EQ(odd, 0);
}

static status_t load_within(uint64_t frames) {
    return run_program(load_and_call, frames);
}

/* The same in programs whose quota ends sooner or later: there every allocation fails from some one on. */
static void walk_quotas(const char *what, status_t (*scenario)(uint64_t frames)) {
    enum { STEP = 5, ENOUGH = 4000 };
    unsigned lost = 0, odd = 0;
    uint64_t frames = 0;
    status_t status = STATUS_NO_MEMORY;
    struct holdings before = take_stock();
    while (status != STATUS_OK && frames < ENOUGH) {
        frames += STEP;
        status = scenario(frames);
        struct holdings after = take_stock();
        lost += !is_same(&before, &after);
        odd += !is_expected(status);
        before = after;
    }
    payload_print("# %s needs %u frames\n", what, (unsigned)frames);
    PAYLOAD_CHECK(frames > 5 * STEP && frames < ENOUGH);
    PAYLOAD_CHECK_EQ(lost, 0);
    PAYLOAD_CHECK_EQ(odd, 0);
}

static _Noreturn void test(size_t hart, const struct boot_info *info) {
    machine_init(hart, info);
    payload_begin(info);
    walk("mapping", try_mapping);
    walk("memory objects", try_objects);
    walk("handles", try_handles);
    clock_find();
    walk("driver", try_driver);
    walk("domain", try_domain);
    walk("messages", try_messages);
    walk("threads", try_threads);
    walk("program", try_program);
    walk("module", try_wasm);
    walk_quotas("module", load_within);
    make_initrd();
    PAYLOAD_CHECK_EQ(timeouts_init(), STATUS_OK);
    walk("run", try_run);
    walk_quotas("run", run_with);
    payload_end();
}

LOADER_ENTRY(test, .stack_pages = 16);
