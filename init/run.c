/*
 * One run of a module, on the first thread of its program: load -> instantiate -> call. See run.h.
 *
 * A program that is killed unwinds from wherever it is: guest code and waits end, compiling finds no more
 * memory (plat_arena_source), and what is on the way here gives everything back as at any other end.
 */
#include "init/run.h"

#include "abi/run.h"
#include "drivers/rtc.h"
#include "fs/stream.h"
#include "init/invoke.h"
#include "init/progress.h"
#include "init/timeouts.h"
#include "kernel/harts.h"
#include "kernel/log.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/heap.h"
#include "kernel/program.h"
#include "kernel/random.h"
#include "kernel/sched.h"
#include "kernel/thread.h"
#include "kernel/time.h"
#include "wasi/wasi.h"
#include "wasm/platform.h"
#include "wasm/wasm.h"

#include <string.h>

/* sched_yield() when nobody else wants the hart. */
static bool yield_to_nobody(void *ctx, uint64_t *regs) {
    (void)ctx;
    if (!sched_alone()) {
        return false;
    }
    wasm_quick_values(regs)[0] = 0;
    return true;
}

static uint64_t resolution_ns(void) {
    uint64_t hz = harts_boot_info.timebase_hz;
    return hz != 0 && hz < 1000000000 ? 1000000000 / hz : 1;
}

static uint64_t cpu_ns(void) {
    return thread_cpu_ns(thread_current());
}

static const struct wasi_system system_services = {
    .monotonic_ns = time_now_ns,
    .realtime_ns = rtc_now_ns,
    .cpu_ns = cpu_ns,
    .resolution_ns = resolution_ns,
    .random = random_bytes,
    .yield = sched_yield,
};

/* Linear memories may have all memory that is free but one part in this many: asking for more is
 * refused at once, and what was granted can be touched. */
#define MEMORY_PART 8u

/* Frames that programs leave to the kernel: this many, and a part of all that are free. */
#define RESERVE_FRAMES 1024u
#define RESERVE_PART   16u

struct run {
    struct run_options options; /* with our copies and references */
    char *strings;              /* which they are in */
    const char *name;           /* argv[0] */
    void *loaded;               /* the module, if it was read from a file */
    struct wasm_store *store;
    struct wasm_instance *instance;
    struct wasi wasi;
    struct stream_node streams[STREAM_COUNT];
    struct streams_sink out, err;
    struct progress progress;
    uint64_t load_ns; /* to decode and validate modules, what was compiled with them taken off */
    struct wasm_error error;
    struct wasm_trap trap;
};

uint64_t run_frames_available(void) {
    uint64_t frames = frame_free_count(), reserve = RESERVE_FRAMES + frames / RESERVE_PART;
    return frames > reserve ? frames - reserve : 0;
}

/* ---- saying what went wrong ------------------------------------------------------------------- */

/* Says why the program cannot go on; but of one that is killed no failure is its own any more, and who did
 * that knows. */
static int refuse(struct run *p, const char *name, const char *what) {
    const struct wasm_error *e = &p->error;
    if (thread_killed()) {
        return RUN_EXIT_KILLED;
    }
    fmt_print(&p->err.sink, "k23: %s: %s: %s\n", name, what,
              e->text[0] ? e->text : status_text(e->status));
    return RUN_EXIT_REFUSED;
}

static int fail(struct run *p, status_t status, const char *what) {
    if (thread_killed()) {
        return RUN_EXIT_KILLED;
    }
    fmt_print(&p->err.sink, "k23: %s: %s: %s\n", p->name, what, status_text(status));
    return RUN_EXIT_ERROR;
}

/* How a call into the program ended, as an exit status. */
static int end_status(struct run *p, status_t status) {
    switch (status) {
    case STATUS_OK:
        return 0;
    case STATUS_EXITED:
        return (int)(p->wasi.exit_code & 0xff);
    case STATUS_TRAPPED:
        if (thread_killed()) {
            return RUN_EXIT_KILLED;
        }
        fmt_print(&p->err.sink, "k23: %s: ", p->name);
        wasm_trap_print(&p->trap, &p->err.sink);
        return RUN_EXIT_TRAP;
    default:
        return fail(p, status, "cannot be run");
    }
}

/* ---- calling an export by name ------------------------------------------------------------------ */

static int invoke(struct run *p, const char *name) {
    struct wasm_extern func;
    struct wasm_value args[INVOKE_MAX_VALUES], results[INVOKE_MAX_VALUES];
    if (wasm_export(p->instance, name, strlen(name), &func) != STATUS_OK ||
        func.kind != EXTERN_FUNC) {
        fmt_print(&p->err.sink, "k23: %s: exports no function \"%s\"\n", p->name, name);
        return RUN_EXIT_REFUSED;
    }
    const struct type_def *type = wasm_func_type(&func);
    uint32_t given = p->options.args.count - 1;
    if (type->param_count != given || given > INVOKE_MAX_VALUES ||
        type->result_count > INVOKE_MAX_VALUES) {
        fmt_print(&p->err.sink, "k23: %s: \"%s\" takes %u arguments, %u were given\n", p->name,
                  name, (unsigned)type->param_count, (unsigned)given);
        return RUN_EXIT_USAGE;
    }
    const char *text = p->options.args.bytes;
    for (uint32_t i = 0; i < given; i++) {
        text += strlen(text) + 1;
        if (invoke_parse(text, type->params[i], &args[i]) != STATUS_OK) {
            char buf[32];
            fmt_print(&p->err.sink, "k23: %s: argument \"%s\" is no %s\n", p->name, text,
                      types_name(type->params[i], buf, sizeof(buf)));
            return RUN_EXIT_USAGE;
        }
    }
    status_t status = wasm_call(p->store, &func, args, results, &p->trap);
    for (uint32_t i = 0; status == STATUS_OK && i < type->result_count; i++) {
        invoke_print(&results[i], &p->out.sink);
        fmt_print(&p->out.sink, "\n");
    }
    return end_status(p, status);
}

/* ---- the program's life ------------------------------------------------------------------------ */

/* The exported function of that name, if it can be called with nothing and gives nothing. */
static bool find_entry(const struct wasm_instance *instance, const char *name,
                       struct wasm_extern *func_out) {
    if (wasm_export(instance, name, strlen(name), func_out) != STATUS_OK ||
        func_out->kind != EXTERN_FUNC) {
        return false;
    }
    const struct type_def *type = wasm_func_type(func_out);
    return type->param_count == 0 && type->result_count == 0;
}

/* A command is called at _start; of a reactor it is for --invoke to say what to call. */
static int call_start(struct run *p) {
    struct wasm_extern func;
    if (p->options.invoke) {
        return invoke(p, p->options.invoke);
    }
    if (!find_entry(p->instance, "_start", &func)) {
        fmt_print(&p->err.sink,
                  "k23: %s: exports no function \"_start\" without parameters and results to run "
                  "(see --invoke)\n",
                  p->name);
        return RUN_EXIT_REFUSED;
    }
    return end_status(p, wasm_call(p->store, &func, NULL, NULL, &p->trap));
}

/* The module's bytes, from the file if need be. */
static status_t read_module(struct run *p) {
    struct node_attr attr;
    if (p->options.module) {
        return STATUS_OK;
    }
    TRY(node_open(p->options.module_file, NODE_READ));
    TRY(node_get_attr(p->options.module_file, &attr));
    if (attr.size > LIMIT_MODULE_SIZE) {
        return STATUS_TOO_BIG;
    }
    unsigned char *bytes = heap_alloc_for(program_quota(), attr.size ? attr.size : 1);
    if (!bytes) {
        return STATUS_NO_MEMORY;
    }
    p->options.module = p->loaded = bytes;
    size_t got = 1;
    while (got > 0 && p->options.module_size < attr.size) {
        struct node_bytes to = node_bytes_to(bytes + p->options.module_size);
        got = 0;
        TRY(node_read(p->options.module_file, p->options.module_size,
                      attr.size - p->options.module_size, &to.io, &got));
        p->options.module_size += got;
    }
    return STATUS_OK;
}

static uint64_t compile_ns(const struct run *p) {
    struct wasm_stats s;
    wasm_store_stats(p->store, &s);
    return s.compile_ns;
}

static status_t load(struct run *p, const void *bytes, size_t size, struct wasm_module **out) {
    uint64_t ns = time_now_ns() - compile_ns(p);
    status_t status = wasm_module_load(p->store, bytes, size, out, &p->error);
    p->load_ns += time_now_ns() - compile_ns(p) - ns;
    return status;
}

/* From a module's bytes to an instance that is ready; a reactor's _initialize is called (WASI preview 1,
 * "application ABI"). True, or the exit status. */
static bool make_instance(struct run *p, const char *name, const void *bytes, size_t size,
                          struct wasm_instance **instance_out, int *exit_status_out) {
    struct wasm_module *module;
    struct wasm_extern func;
    progress_init(&p->progress, p->options.streams[STREAM_ERR]);
    status_t status = load(p, bytes, size, &module);
    progress_clear(&p->progress);
    if (status != STATUS_OK) {
        *exit_status_out = refuse(p, name, "not a module that can be run");
        return false;
    }
    program_set_running();
    status = wasm_instantiate(p->store, module, instance_out, &p->error, &p->trap);
    if (status != STATUS_OK && status != STATUS_TRAPPED && status != STATUS_EXITED) {
        *exit_status_out = refuse(p, name, "cannot be instantiated");
        return false;
    }
    if (status == STATUS_OK && find_entry(*instance_out, "_initialize", &func)) {
        status = wasm_call(p->store, &func, NULL, NULL, &p->trap);
    }
    if (status != STATUS_OK) {
        *exit_status_out = end_status(p, status);
        return false;
    }
    return true;
}

static int run_in_store(struct run *p) {
    int exit_status;
    status_t status = wasi_define(&p->wasi, p->store);
    if (status == STATUS_OK) {
        status = wasm_define_quick(p->store, "wasi_snapshot_preview1", "sched_yield",
                                   yield_to_nobody, NULL);
    }
    if (status != STATUS_OK) {
        return fail(p, status, "cannot set up WASI");
    }
    for (uint32_t i = 0; i < p->options.preload_count; i++) {
        const struct run_preload *preload = &p->options.preloads[i];
        struct wasm_instance *instance;
        if (!make_instance(p, preload->name, preload->module, preload->size, &instance,
                           &exit_status)) {
            return exit_status;
        }
        status = wasm_define_instance(p->store, preload->name, instance);
        if (status != STATUS_OK) {
            return fail(p, status, "cannot define what a preloaded module exports");
        }
    }
    if (!make_instance(p, p->name, p->options.module, p->options.module_size, &p->instance,
                       &exit_status)) {
        return exit_status;
    }
    return call_start(p);
}

static unsigned long long ms(uint64_t ns) {
    return (ns + 500000) / 1000000;
}

/* What the time from the machine's reset to now went to. The clock runs from reset on. */
static void log_times(const struct run *p, uint64_t started_ns) {
    const struct boot_info *boot = &harts_boot_info;
    uint64_t now = time_now_ns(), compile = compile_ns(p),
             entry = time_ns_from_ticks(boot->ticks_at_entry - boot->ticks_at_reset);
    log_info(
        "run",
        "firmware %llu ms, loader %llu ms, kernel %llu ms, validating %llu ms, compiling %llu ms, "
        "running %llu ms",
        ms(time_ns_from_ticks(boot->ticks_at_reset)), ms(entry), ms(started_ns - entry),
        ms(p->load_ns), ms(compile), ms(now - started_ns - compile - p->load_ns));
}

static void log_stats(struct run *p, uint64_t started_ns, uint64_t started_instret,
                      uint64_t started_guest) {
    struct wasm_stats s;
    wasm_store_stats(p->store, &s);
    log_info("run", "compiled %llu of %llu functions, %llu of %llu bytes of code section",
             (unsigned long long)s.compiled_functions, (unsigned long long)s.functions,
             (unsigned long long)s.compiled_bytes, (unsigned long long)s.code_section_bytes);
    if (p->options.counted) {
        log_info("run", "%llu bytes of machine code, %llu instructions to compile",
                 (unsigned long long)s.machine_bytes, (unsigned long long)s.compile_instret);
        log_info("run", "%llu instructions in all, %llu in user mode, %llu us",
                 (unsigned long long)(thread_instret() - started_instret),
                 (unsigned long long)(plat_guest_instret() - started_guest),
                 (unsigned long long)((time_now_ns() - started_ns) / 1000));
    } else {
        log_info("run", "%llu bytes of machine code, %llu us", (unsigned long long)s.machine_bytes,
                 (unsigned long long)((time_now_ns() - started_ns) / 1000));
    }
    log_times(p, started_ns);
}

/* Standard streams, then directories. */
static status_t open_files(struct run *p) {
    for (int i = 0; i < STREAM_COUNT; i++) {
        unsigned access = i == STREAM_IN ? NODE_READ : NODE_WRITE;
        struct node *node = p->options.redirected[i];
        if (node) {
            TRY(node_open(node, access));
        } else {
            stream_init(&p->streams[i], p->options.streams[i]);
            node = &p->streams[i].node;
        }
        wasi_open_stream(&p->wasi, (uint32_t)i, node, access);
    }
    for (uint32_t i = 0; i < p->options.dir_count; i++) {
        TRY(wasi_preopen(&p->wasi, p->options.dirs[i].node, p->options.dirs[i].name));
    }
    return STATUS_OK;
}

static int run_with_files(struct run *p) {
    uint64_t frames = program_quota()->limit / PAGE_SIZE, free = frame_free_count();
    frames = frames < free ? frames : free;
    struct wasm_config config = {
        .eager = p->options.eager,
        .progress = progress_show,
        .progress_ctx = &p->progress,
        .max_memory = frames * PAGE_SIZE / MEMORY_PART * (MEMORY_PART - 1),
    };
    uint64_t asked = p->options.max_memory;
    if (asked != 0 && asked < config.max_memory) {
        config.max_memory = asked;
    }
    uint64_t ns = time_now_ns(), instret = thread_instret(), guest = plat_guest_instret();
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

static int run_whole(struct run *p) {
    const char *missing = missing_extension(plat_isa());
    if (missing) {
        fmt_print(&p->err.sink, "k23: the processor has no extension \"%s\", which programs need\n",
                  missing);
        return RUN_EXIT_ERROR;
    }
    wasi_init(&p->wasi, &system_services);
    p->wasi.args = p->options.args;
    p->wasi.environ = p->options.environ;
    status_t status = open_files(p);
    if (status == STATUS_OK) {
        status = read_module(p);
    }
    int exit_status = status == STATUS_OK ? run_with_files(p) : fail(p, status, "cannot be run");
    wasi_fini(&p->wasi);
    return exit_status;
}

/* ---- making and ending ------------------------------------------------------------------------- */

static void free_run(struct run *p) {
    for (uint32_t i = 0; i < p->options.dir_count; i++) {
        node_put(p->options.dirs[i].node);
    }
    for (int i = 0; i < STREAM_COUNT; i++) {
        node_put(p->options.redirected[i]);
    }
    node_put(p->options.module_file);
    heap_free(p->loaded);
    heap_free(p->strings);
    heap_free(p);
}

/* The first thread of the program. */
static int run_program(void *arg) {
    struct run *p = arg;
    if (p->options.timeout_ns != 0) {
        timeouts_set(program_current()->pid, time_now_ns() + p->options.timeout_ns);
    }
    int exit_status = thread_killed() ? RUN_EXIT_KILLED : run_whole(p);
    timeouts_clear(program_current()->pid);
    free_run(p);
    return exit_status;
}

static size_t size_of(const char *string) {
    return string ? strlen(string) + 1 : 0;
}

static const char *copy_to(char **at, const void *bytes, size_t size) {
    const char *copy = *at;
    if (!bytes) {
        return NULL;
    }
    memcpy(*at, bytes, size);
    *at += size;
    return copy;
}

/* All strings and the array of directories, in one block. */
static status_t copy_options(struct run *p, const struct run_options *from) {
    size_t dirs_size = from->dir_count * sizeof(struct run_dir), size = dirs_size + 1;
    size += from->args.size + from->environ.size + size_of(from->invoke);
    for (uint32_t i = 0; i < from->dir_count; i++) {
        size += size_of(from->dirs[i].name);
    }
    char *at = p->strings = heap_alloc(size);
    if (!at) {
        return STATUS_NO_MEMORY;
    }
    struct run_dir *dirs = (struct run_dir *)(void *)at;
    at += dirs_size;
    p->options = *from;
    p->options.dirs = dirs;
    for (uint32_t i = 0; i < from->dir_count; i++) {
        const char *name = from->dirs[i].name;
        dirs[i] = (struct run_dir){copy_to(&at, name, size_of(name)), node_get(from->dirs[i].node)};
    }
    p->options.invoke = copy_to(&at, from->invoke, size_of(from->invoke));
    p->options.environ.bytes = copy_to(&at, from->environ.bytes, from->environ.size);
    p->options.args.bytes = copy_to(&at, from->args.bytes, from->args.size);
    for (int i = 0; i < STREAM_COUNT; i++) {
        if (from->redirected[i]) {
            node_get(from->redirected[i]);
        }
    }
    if (from->module_file) {
        node_get(from->module_file);
    }
    return STATUS_OK;
}

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

status_t run_start(const struct run_options *options, uint32_t *pid_out) {
    struct run *p = heap_new(struct run);
    if (!p) {
        return STATUS_NO_MEMORY;
    }
    status_t status = copy_options(p, options);
    if (status != STATUS_OK) {
        heap_free(p);
        return status;
    }
    p->name = p->options.args.count ? p->options.args.bytes : "program";
    streams_sink_init(&p->out, p->options.streams[STREAM_OUT], false);
    streams_sink_init(&p->err, p->options.streams[STREAM_ERR], true);
    struct program_options program = {
        .name = base_name(p->name),
        .frame_limit = options->frame_limit ? options->frame_limit : run_frames_available(),
    };
    status = program_start(&program, run_program, p, pid_out);
    if (status != STATUS_OK) {
        free_run(p);
    }
    return status;
}
