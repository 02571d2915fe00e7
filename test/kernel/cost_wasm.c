/*
 * What a host call of a WebAssembly program costs, from the call instruction to the next one, in
 * instructions retired, exact under -icount: by the quick way, and by the ordinary one. And that both
 * give the same results.
 *
 * QEMU: -icount shift=0
 */
#include "abi/boot.h"
#include "gen/wat/calls.h"
#include "init/machine.h"
#include "kernel/time.h"
#include "test/support/payload.h"
#include "wasm/wasm.h"

#include <string.h>

enum { CALLS = 1000, LIMIT = 10 };

static unsigned ordinary;

static status_t nothing(void *ctx, struct wasm_caller *caller, uint64_t *values) {
    (void)ctx, (void)caller, (void)values;
    return STATUS_OK;
}

static bool nothing_quick(void *ctx, uint64_t *regs) {
    (void)ctx, (void)regs;
    return true;
}

static status_t add(void *ctx, struct wasm_caller *caller, uint64_t *values) {
    (void)ctx, (void)caller;
    ordinary++;
    values[0] = (uint32_t)values[0] + values[1];
    return STATUS_OK;
}

/* Leaves what is not small to the ordinary function. */
static bool add_quick(void *ctx, uint64_t *regs) {
    uint64_t *values = wasm_quick_values(regs);
    (void)ctx;
    if (values[1] >= LIMIT) {
        return false;
    }
    values[0] = (uint32_t)values[0] + values[1];
    return true;
}

static struct wasm_instance *start(struct wasm_store *store) {
    struct wasm_module *module;
    struct wasm_instance *instance = NULL;
    struct wasm_error error;
    struct wasm_trap trap;
    if (wasm_module_load(store, calls_wasm, sizeof(calls_wasm), &module, &error) == STATUS_OK &&
        wasm_instantiate(store, module, &instance, &error, &trap) == STATUS_OK) {
        return instance;
    }
    return NULL;
}

static status_t call(struct wasm_store *store, struct wasm_instance *instance, const char *name,
                     const struct wasm_value *args, struct wasm_value *result) {
    struct wasm_extern func;
    struct wasm_trap trap;
    TRY(wasm_export(instance, name, strlen(name), &func));
    return wasm_call(store, &func, args, result, &trap);
}

/* Of one round of the loop, in user mode and kernel. */
static uint64_t cost(struct wasm_store *store, struct wasm_instance *instance, const char *name) {
    uint64_t total[2] = {0};
    for (uint32_t i = 0; i < 4; i++) { /* the first two compile */
        struct wasm_value count = {.type = VALTYPE_I32, .i32 = CALLS * (1 + i % 2)};
        uint64_t from = time_instret();
        PAYLOAD_CHECK_EQ(call(store, instance, name, &count, NULL), STATUS_OK);
        total[i % 2] = time_instret() - from;
    }
    return (total[1] - total[0]) / CALLS;
}

static void check_add(struct wasm_store *store, struct wasm_instance *instance) {
    for (uint64_t i = 0; i < 2 * LIMIT; i++) {
        struct wasm_value args[2] = {{.type = VALTYPE_I32, .i32 = 5},
                                     {.type = VALTYPE_I64, .i64 = i}};
        struct wasm_value sum = {0};
        PAYLOAD_CHECK_EQ(call(store, instance, "add", args, &sum), STATUS_OK);
        PAYLOAD_CHECK_EQ(sum.i64, i + 5);
    }
}

static uint64_t measure(bool quick) {
    struct wasm_store *store;
    struct wasm_config config = {.verify = true};
    const valtype_t params[2] = {VALTYPE_I32, VALTYPE_I64};
    PAYLOAD_CHECK_EQ(wasm_store_new(&config, &store), STATUS_OK);
    PAYLOAD_CHECK_EQ(wasm_define_func(store, "host", "nothing", NULL, 0, NULL, 0, nothing, NULL),
                     STATUS_OK);
    PAYLOAD_CHECK_EQ(wasm_define_func(store, "host", "add", params, 2, &params[1], 1, add, NULL),
                     STATUS_OK);
    if (quick) {
        PAYLOAD_CHECK_EQ(wasm_define_quick(store, "host", "nothing", nothing_quick, NULL),
                         STATUS_OK);
        PAYLOAD_CHECK_EQ(wasm_define_quick(store, "host", "add", add_quick, NULL), STATUS_OK);
    }
    struct wasm_instance *instance = start(store);
    PAYLOAD_CHECK(instance != NULL);
    uint64_t calls = cost(store, instance, "calls"), loop = cost(store, instance, "loop");
    ordinary = 0;
    check_add(store, instance);
    PAYLOAD_CHECK_EQ(ordinary, quick ? LIMIT : 2 * LIMIT);
    wasm_store_free(store);
    payload_print("# loop with a call of the host %u, of an empty function %u\n", (unsigned)calls,
                  (unsigned)loop);
    return calls;
}

static _Noreturn void test(size_t hart, const struct boot_info *info) {
    machine_init(hart, info);
    payload_begin(info);
    payload_print("# host call, ordinary way, with its loop: %u\n", (unsigned)measure(false));
    uint64_t quick = measure(true);
    payload_print("# host call, quick way, with its loop: %u\n", (unsigned)quick);
    PAYLOAD_CHECK(quick <= 80);
    payload_end();
}

LOADER_ENTRY(test, .stack_pages = 16);
