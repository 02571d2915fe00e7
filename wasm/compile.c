/*
 * The compiler, as a table of contents. See compile.h.
 *
 * Everything between the module and the code lives in one scratch arena, which is freed before this
 * returns; the code goes to the caller's. When either runs out of memory the one non-local exit of
 * the compiler is taken: out of arena_alloc() and into guarded(). It is taken too, out of arena_poll(),
 * when the source of their memory says that the program is to end. Nothing else jumps.
 */
#include "wasm/compile.h"

#include "wasm/codegen/riscv64/stubs.h"
#include "wasm/ir/analysis.h"
#include "wasm/ir/builder.h"
#include "wasm/ir/print.h"
#include "wasm/ir/verify.h"
#include "wasm/limits.h"
#include "wasm/opt/opt.h"

#include <assert.h>
#include <setjmp.h>
#include <string.h>

struct compiler {
    const struct module *module;
    uint32_t index;
    const struct layout *layout;
    const struct compile_options *options;
    struct arena scratch;
    struct arena *out;
    struct func *f;
    struct mfunc *m;
    struct code *code;
    uint32_t exit_instruction; /* for the stubs */
    struct stubs *stubs;
    void (*work)(struct compiler *c); /* what is done under guard */
    status_t status;                  /* the first failure; later passes are skipped */
    jmp_buf exhausted;
};

const char *const compile_passes[] = {
    "build", "fold", "cfg",   "gvn",    "fold2",    "address", "licm",
    "dce",   "cfg2", "split", "select", "regalloc", NULL,
};

/* ---- between passes */

static bool wants_dump(const struct compiler *c, const char *pass) {
    const char *after = c->options->dump_after;
    return after && c->options->dump && (strcmp(after, pass) == 0 || strcmp(after, "all") == 0);
}

static void refuse(struct compiler *c, status_t status, const char *pass, const char *fault) {
    c->status = status;
    if (c->options->dump) {
        fmt_print(c->options->dump, "function %u after %s: %s\n", c->index, pass, fault);
    }
}

/* After a pass over the IR. */
static void after_ir(struct compiler *c, const char *pass) {
    const char *fault = c->options->verify ? verify_run(c->f) : NULL;
    if (wants_dump(c, pass)) {
        analysis_run(c->f);
        fmt_print(c->options->dump, "; after %s\n", pass);
        print_func(c->options->dump, c->f);
    }
    if (fault) {
        refuse(c, STATUS_INVALID, pass, fault);
    }
}

/* After a pass over the machine IR. */
static void after_machine(struct compiler *c, const char *pass, const char *fault) {
    if (wants_dump(c, pass)) {
        fmt_print(c->options->dump, "; after %s\n", pass);
        c->options->target->print(c->options->dump, c->m);
    }
    if (fault) {
        refuse(c, STATUS_FAULT, pass, fault);
    }
}

static void run(struct compiler *c, const char *pass, void (*fn)(struct func *f)) {
    arena_poll(&c->scratch);
    if (c->status == STATUS_OK) {
        fn(c->f);
        after_ir(c, pass);
    }
}

/* ---- the list */

static void build(struct compiler *c) {
    c->f = builder_run(&c->scratch, c->module, c->index);
    after_ir(c, "build");
}

static void split(struct func *f) {
    func_split_critical_edges(f);
    func_resolve_copies(f);
    analysis_run(f);
}

static void select_code(struct compiler *c) {
    const struct target *target = c->options->target;
    arena_poll(&c->scratch);
    if (c->status == STATUS_OK) {
        c->m = target->select(&c->scratch, c->f, c->layout, &c->options->target_options);
        arena_poll(&c->scratch);
        after_machine(c, "select", target->check_sandbox(c->m));
    }
}

static void allocate_registers(struct compiler *c) {
    const struct target *target = c->options->target;
    arena_poll(&c->scratch);
    if (c->status == STATUS_OK) {
        regalloc_run(c->m, target);
        after_machine(c, "regalloc", c->options->verify ? regalloc_check(c->m, target) : NULL);
    }
}

static void emit(struct compiler *c) {
    arena_poll(&c->scratch);
    if (c->status == STATUS_OK) {
        c->status = c->options->target->emit(c->out, c->m, &c->options->target_options, &c->code);
    }
}

static void run_all(struct compiler *c) {
    build(c);
    run(c, "fold", fold_run);
    run(c, "cfg", cfg_run);
    run(c, "gvn", gvn_run);
    run(c, "fold2", fold_run);
    run(c, "address", address_run);
    run(c, "licm", licm_run);
    run(c, "dce", dce_run);
    run(c, "cfg2", cfg_run);
    run(c, "split", split);
    select_code(c);
    allocate_registers(c);
    emit(c);
}

/* ---- the way in and out */

static void give_up(void *ctx) {
    struct compiler *c = ctx;
    longjmp(c->exhausted, 1);
}

/* Where running out of memory lands, and being killed. */
static status_t guarded(struct compiler *c) {
    if (setjmp(c->exhausted) != 0) {
        return arena_is_killed(&c->scratch) ? STATUS_KILLED : STATUS_NO_MEMORY;
    }
    c->work(c);
    return c->status;
}

/* Does c->work with both arenas leading to the exit. */
static status_t work(struct compiler *c) {
    struct arena *arena = c->out;
    arena_init(&c->scratch, arena->source);
    c->scratch.limit = LIMIT_COMPILE_SCRATCH;
    c->scratch.exhausted = give_up;
    c->scratch.exhausted_ctx = c;
    void (*outer)(void *ctx) = arena->exhausted;
    void *outer_ctx = arena->exhausted_ctx;
    struct arena_mark mark = arena_mark(arena);
    arena->exhausted = give_up;
    arena->exhausted_ctx = c;
    status_t status = guarded(c);
    arena->exhausted = outer;
    arena->exhausted_ctx = outer_ctx;
    arena_fini(&c->scratch);
    if (status != STATUS_OK) {
        arena_reset(arena, mark);
    }
    return status;
}

status_t compile_func(const struct module *module, uint32_t index, const struct layout *layout,
                      const struct compile_options *options, struct arena *arena,
                      struct code **code_out) {
    assert(index >= module->func_imports && index < module->func_count);
    struct compiler c = {
        .module = module,
        .index = index,
        .layout = layout,
        .options = options,
        .out = arena,
        .work = run_all,
    };
    TRY(work(&c));
    *code_out = c.code;
    return STATUS_OK;
}

static void make_stubs(struct compiler *c) {
    c->stubs = stubs_new(c->out, c->exit_instruction);
}

status_t compile_stubs(uint32_t exit_instruction, struct arena *arena, struct stubs **stubs_out) {
    struct compiler c = {.out = arena, .exit_instruction = exit_instruction, .work = make_stubs};
    TRY(work(&c));
    *stubs_out = c.stubs;
    return STATUS_OK;
}
