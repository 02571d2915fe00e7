/*
 * A program from its bytes to its exit status: load -> instantiate -> call, with WASI under it.
 */
#include "init/program.h"

#include "abi/run.h"
#include "drivers/rtc.h"
#include "fs/stream.h"
#include "init/invoke.h"
#include "init/mounts.h"
#include "init/streams.h"
#include "kernel/harts.h"
#include "kernel/log.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/heap.h"
#include "kernel/random.h"
#include "kernel/sched.h"
#include "kernel/thread.h"
#include "kernel/time.h"
#include "wasi/wasi.h"
#include "wasm/platform.h"
#include "wasm/wasm.h"

#include <string.h>

/* sched_yield() when nobody else wants the hart. */
static bool yield_to_nobody(void *ctx, uint64_t *args) {
    (void)ctx;
    if (!sched_alone()) {
        return false;
    }
    args[0] = 0;
    return true;
}

static uint64_t resolution_ns(void) {
    uint64_t hz = harts_boot_info.timebase_hz;
    return hz != 0 && hz < 1000000000 ? 1000000000 / hz : 1;
}

static void sleep_until(uint64_t deadline_ns) {
    uint64_t now = time_now_ns();
    if (deadline_ns > now) {
        thread_sleep_ns(deadline_ns - now);
    }
}

static const struct wasi_system system_services = {
    .monotonic_ns = time_now_ns,
    .realtime_ns = rtc_now_ns,
    .cpu_ns = time_now_ns,
    .resolution_ns = resolution_ns,
    .random = random_bytes,
    .yield = sched_yield,
    .sleep_until = sleep_until,
};

/* Linear memories may have all memory that is free but one part in this many: asking for more is
 * refused at once, and what was granted can be touched. */
#define MEMORY_PART 8u

struct program {
    const struct request *request;
    const char *name; /* argv[0] */
    struct wasm_store *store;
    struct wasm_instance *instance;
    struct wasi wasi;
    struct stream_node streams[STREAM_COUNT];
    struct mounts mounts;
    struct wasm_error error;
    struct wasm_trap trap;
};

/* ---- saying what went wrong ------------------------------------------------------------------- */

static int refuse(const struct program *p, const char *what) {
    const struct wasm_error *e = &p->error;
    fmt_print(&streams_err, "k23: %s: %s: %s\n", p->name, what,
              e->text[0] ? e->text : status_text(e->status));
    return RUN_EXIT_REFUSED;
}

static int fail(const struct program *p, status_t status, const char *what) {
    fmt_print(&streams_err, "k23: %s: %s: %s\n", p->name, what, status_text(status));
    return RUN_EXIT_ERROR;
}

/* How a call into the program ended, as an exit status. */
static int end_status(const struct program *p, status_t status) {
    switch (status) {
    case STATUS_OK:
        return 0;
    case STATUS_EXITED:
        return (int)(p->wasi.exit_code & 0xff);
    case STATUS_TRAPPED:
        fmt_print(&streams_err, "k23: %s: ", p->name);
        wasm_trap_print(&p->trap, &streams_err);
        return RUN_EXIT_TRAP;
    default:
        return fail(p, status, "cannot be run");
    }
}

/* ---- calling an export by name ------------------------------------------------------------------ */

static int invoke(struct program *p, const char *name) {
    struct wasm_extern func;
    struct wasm_value args[INVOKE_MAX_VALUES], results[INVOKE_MAX_VALUES];
    if (wasm_export(p->instance, name, strlen(name), &func) != STATUS_OK ||
        func.kind != EXTERN_FUNC) {
        fmt_print(&streams_err, "k23: %s: exports no function \"%s\"\n", p->name, name);
        return RUN_EXIT_REFUSED;
    }
    const struct type_def *type = wasm_func_type(&func);
    uint32_t given = p->request->args.count - 1;
    if (type->param_count != given || given > INVOKE_MAX_VALUES ||
        type->result_count > INVOKE_MAX_VALUES) {
        fmt_print(&streams_err, "k23: %s: \"%s\" takes %u arguments, %u were given\n", p->name,
                  name, (unsigned)type->param_count, (unsigned)given);
        return RUN_EXIT_USAGE;
    }
    const char *text = p->request->args.bytes;
    for (uint32_t i = 0; i < given; i++) {
        text = request_next(text);
        if (invoke_parse(text, type->params[i], &args[i]) != STATUS_OK) {
            char buf[32];
            fmt_print(&streams_err, "k23: %s: argument \"%s\" is no %s\n", p->name, text,
                      types_name(type->params[i], buf, sizeof(buf)));
            return RUN_EXIT_USAGE;
        }
    }
    status_t status = wasm_call(p->store, &func, args, results, &p->trap);
    for (uint32_t i = 0; status == STATUS_OK && i < type->result_count; i++) {
        invoke_print(&results[i], &streams_out);
        fmt_print(&streams_out, "\n");
    }
    return end_status(p, status);
}

/* ---- the program's life ------------------------------------------------------------------------ */

/* The exported function of that name, if it can be called with nothing and gives nothing. */
static bool find_entry(const struct program *p, const char *name, struct wasm_extern *func_out) {
    if (wasm_export(p->instance, name, strlen(name), func_out) != STATUS_OK ||
        func_out->kind != EXTERN_FUNC) {
        return false;
    }
    const struct type_def *type = wasm_func_type(func_out);
    return type->param_count == 0 && type->result_count == 0;
}

/* A command is called at _start; a reactor is made ready by _initialize (WASI preview 1, "application
 * ABI"), and then it is for --invoke to say what to call. */
static int call_start(struct program *p) {
    struct wasm_extern func;
    if (find_entry(p, "_initialize", &func)) {
        status_t status = wasm_call(p->store, &func, NULL, NULL, &p->trap);
        if (status != STATUS_OK) {
            return end_status(p, status);
        }
    }
    if (p->request->invoke) {
        return invoke(p, p->request->invoke);
    }
    if (!find_entry(p, "_start", &func)) {
        fmt_print(&streams_err,
                  "k23: %s: exports no function \"_start\" without parameters and results to run "
                  "(see --invoke)\n",
                  p->name);
        return RUN_EXIT_REFUSED;
    }
    return end_status(p, wasm_call(p->store, &func, NULL, NULL, &p->trap));
}

static int run_in_store(struct program *p) {
    struct wasm_module *module;
    status_t status = wasi_define(&p->wasi, p->store);
    if (status == STATUS_OK) {
        status = wasm_define_quick(p->store, "wasi_snapshot_preview1", "sched_yield",
                                   yield_to_nobody, NULL);
    }
    if (status != STATUS_OK) {
        return fail(p, status, "cannot set up WASI");
    }
    if (wasm_module_load(p->store, p->request->module.bytes, p->request->module.size, &module,
                         &p->error) != STATUS_OK) {
        return refuse(p, "not a module that can be run");
    }
    status = wasm_instantiate(p->store, module, &p->instance, &p->error, &p->trap);
    if (status == STATUS_TRAPPED || status == STATUS_EXITED) {
        return end_status(p, status);
    }
    if (status != STATUS_OK) {
        return refuse(p, "cannot be instantiated");
    }
    return call_start(p);
}

static void log_stats(const struct program *p, uint64_t started_ns, uint64_t started_instret,
                      uint64_t started_guest) {
    struct wasm_stats s;
    wasm_store_stats(p->store, &s);
    log_info("run", "compiled %llu of %llu functions, %llu of %llu bytes of code section",
             (unsigned long long)s.compiled_functions, (unsigned long long)s.functions,
             (unsigned long long)s.compiled_bytes, (unsigned long long)s.code_section_bytes);
    log_info("run", "%llu bytes of machine code, %llu instructions to compile",
             (unsigned long long)s.machine_bytes, (unsigned long long)s.compile_instret);
    log_info("run", "%llu instructions in all, %llu in user mode, %llu us",
             (unsigned long long)(time_instret() - started_instret),
             (unsigned long long)(plat_guest_instret() - started_guest),
             (unsigned long long)((time_now_ns() - started_ns) / 1000));
}

/* Standard streams, then directories. */
static status_t open_files(struct program *p, const char **which_out) {
    const struct request *request = p->request;
    for (int i = 0; i < STREAM_COUNT; i++) {
        struct file *file = streams_file((enum stream)i);
        file->is_terminal = request->is_terminal[i];
        stream_init(&p->streams[i], file);
        wasi_open_stream(&p->wasi, (uint32_t)i, &p->streams[i].node,
                         i == STREAM_IN ? NODE_READ : NODE_WRITE);
    }
    return mounts_open(&p->mounts, request, &p->wasi, which_out);
}

static int run_with_files(struct program *p) {
    struct wasm_config config = {
        .eager = p->request->eager,
        .max_memory = (uint64_t)frame_free_count() * PAGE_SIZE / MEMORY_PART * (MEMORY_PART - 1),
    };
    uint64_t asked = p->request->max_memory;
    if (asked != 0 && asked < config.max_memory) {
        config.max_memory = asked;
    }
    uint64_t ns = time_now_ns(), instret = time_instret(), guest = plat_guest_instret();
    status_t status = wasm_store_new(&config, &p->store);
    int exit_status = status == STATUS_OK ? run_in_store(p) : fail(p, status, "cannot be run");
    if (p->store) {
        log_stats(p, ns, instret, guest);
        wasm_store_free(p->store);
    }
    return exit_status;
}

/* The first extension of RV64GC that the processor does not have, or NULL. */
static const char *missing_extension(const char *isa) {
    static const char *const needed[] = {"m", "a", "f", "d", "c"};
    bool has[256] = {false};
    for (const char *at = isa; *at && *at != '_'; at++) {
        has[(uint8_t)*at] = true;
    }
    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
        bool is_general = has['g'] && needed[i][0] != 'c';
        if (!has[(uint8_t)needed[i][0]] && !is_general) {
            return needed[i];
        }
    }
    return NULL;
}

int program_run(const struct request *request) {
    const char *missing = missing_extension(plat_isa());
    if (missing) {
        fmt_print(&streams_err, "k23: the processor has no extension \"%s\", which programs need\n",
                  missing);
        return RUN_EXIT_ERROR;
    }
    struct program *p = heap_new(struct program);
    if (!p) {
        fmt_print(&streams_err, "k23: out of memory\n");
        return RUN_EXIT_ERROR;
    }
    p->request = request;
    p->name = request->args.count ? request->args.bytes : "program";
    wasi_init(&p->wasi, &system_services);
    p->wasi.args = request->args;
    p->wasi.environ = request->environ;
    const char *which;
    status_t status = open_files(p, &which);
    int exit_status = status == STATUS_OK ? run_with_files(p) : fail(p, status, which);
    wasi_fini(&p->wasi);
    mounts_close(&p->mounts);
    heap_free(p);
    return exit_status;
}
