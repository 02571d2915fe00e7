/*
 * The whole report: a host function, called by a guest that a host function called, panics under a
 * spinlock, while other harts log and one keeps its interrupts off; test/kernel/panic_report.py reads
 * what the console got. With "again" in the boot arguments a part of the report panics in its turn.
 */
#include "abi/boot.h"
#include "gen/wat/panic.h"
#include "init/machine.h"
#include "kernel/assert.h"
#include "kernel/harts.h"
#include "kernel/log.h"
#include "kernel/sched.h"
#include "kernel/thread.h"
#include "test/support/payload.h"
#include "wasm/wasm.h"

#include <string.h>

static struct spinlock lock = SPINLOCK_INIT(LOCK_DEVICE);
static struct wasm_extern outer;
static struct wasm_store *store;
static volatile int deaf;
static bool again;

static void spin_deaf(void *arg) {
    (void)arg;
    arch_irq_off();
    deaf = 1;
    for (;;) {
        arch_relax();
    }
}

static void chatter(void *arg) {
    (void)arg;
    for (unsigned i = 0;; i++) {
        log_info("chatter", "line %u", i);
        sched_yield();
    }
}

static volatile int *volatile nowhere = (volatile int *)8;

/* In the place of the guest's printer. */
static void print_nonsense(const void *guest, uint64_t from, uint64_t below, struct sink *sink) {
    (void)guest, (void)from, (void)below, (void)sink;
    *nowhere = 1;
}

static __attribute__((noinline)) void burn_down(int32_t depth) {
    spinlock_lock(&lock);
    for (int i = 0; i < 30; i++) {
        log_info("test", "last words %d", i);
    }
    if (again) {
        panic_set_guest_printer(print_nonsense);
    }
    panic("the %s burns, depth %d", "roof", depth); /* HERE */
}

static __attribute__((noinline)) status_t call_outer(int32_t depth) {
    struct wasm_value arg = {.type = VALTYPE_I32, .i32 = (uint32_t)depth};
    struct wasm_trap trap;
    status_t status = wasm_call(store, &outer, &arg, NULL, &trap); /* THERE */
    payload_print("# not reached: %s\n", status_text(status));
    return status;
}

static status_t fail(void *ctx, struct wasm_caller *caller, uint64_t *values) {
    int32_t depth = (int32_t)values[0];
    (void)ctx, (void)caller;
    if (depth < 3) {
        return call_outer(depth + 1);
    }
    burn_down(depth);
    return STATUS_TRAPPED;
}

static void prepare(void) {
    static const valtype_t param = VALTYPE_I32;
    struct wasm_config config = {0};
    struct wasm_module *module;
    struct wasm_instance *instance;
    struct wasm_error error;
    struct wasm_trap trap;
    PAYLOAD_CHECK_EQ(wasm_store_new(&config, &store), STATUS_OK);
    PAYLOAD_CHECK_EQ(wasm_define_func(store, "host", "fail", &param, 1, NULL, 0, fail, NULL),
                     STATUS_OK);
    PAYLOAD_CHECK_EQ(wasm_module_load(store, panic_wasm, sizeof(panic_wasm), &module, &error),
                     STATUS_OK);
    PAYLOAD_CHECK_EQ(wasm_instantiate(store, module, &instance, &error, &trap), STATUS_OK);
    PAYLOAD_CHECK_EQ(wasm_export(instance, "outer", 5, &outer), STATUS_OK);
}

static void start(const char *name, void (*fn)(void *arg), uint32_t hart) {
    struct thread *thread;
    PAYLOAD_CHECK_EQ(thread_create(NULL, name, fn, NULL, NULL, &thread), STATUS_OK);
    thread_set_harts(thread, UINT64_C(1) << hart);
    thread_run(thread);
}

static _Noreturn void test(size_t hart, const struct boot_info *info) {
    machine_init(hart, info);
    payload_begin(info);
    again = strstr((const char *)harts_boot_info.bootargs, "again");
    prepare();
    /* Each where it hinders nobody else. */
    uint32_t last = harts_count() - 1;
    thread_set_harts(thread_current(), 1);
    while (hart_self()->index != 0) {
        sched_yield();
    }
    start("chatter", chatter, last / 2);
    if (last > 1) {
        start("deaf", spin_deaf, last);
        while (!deaf) {
            sched_yield();
        }
    }
    (void)call_outer(0);
    payload_exit(0);
}

LOADER_ENTRY(test, .stack_pages = 16);
