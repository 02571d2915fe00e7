/*
 * Traps: their kind from the table of sites, and the backtrace from frame sizes, with no unwinding
 * tables and nothing on the guest's stack but return addresses.
 *
 *     caller's frame
 *     cfa ->            <- sp at the function's entry
 *       cfa - 8: ra     <- if the function calls anything
 *       ...
 *     sp  ->            <- cfa - frame_size, behind the prologue
 */
#include "wasm/runtime/trap.h"

#include "base/fmt.h"
#include "wasm/codegen/riscv64/abi.h"
#include "wasm/runtime/memory.h"
#include "wasm/runtime/store.h"

#include <string.h>

/* ---- kinds --------------------------------------------------------------------------------- */

static bool in_stack_guard(const struct wasm_store *store, gaddr_t addr) {
    return addr < store->stack_low && addr >= store->stack_low - LIMIT_STACK_GUARD;
}

/* A load or store may only miss into the reservation of the memory that it is for, or, where a null
 * reference is looked into, into the first page. */
static bool is_plausible(const struct wasm_store *store, enum trap trap,
                         const struct plat_regs *regs, gaddr_t addr) {
    if (trap != TRAP_MEMORY_BOUNDS) {
        return addr < PLAT_PAGE_SIZE;
    }
    const struct wasm_instance *instance = store_find_instance(store, regs->x[ABI_REG_INSTANCE]);
    for (uint32_t i = 0; instance && i < instance->module->decoded->memory_count; i++) {
        if (addr - instance->memories[i]->reservation < MEMORY_RESERVED) {
            return true;
        }
    }
    return false;
}

static enum trap unexplained(const struct plat_regs *regs, const char *what, gaddr_t addr) {
    plat_log("guest: %s at pc 0x%llx, address 0x%llx, ra 0x%llx, sp 0x%llx", what,
             (unsigned long long)regs->pc, (unsigned long long)addr,
             (unsigned long long)regs->x[ABI_REG_RA], (unsigned long long)regs->x[ABI_REG_SP]);
    return TRAP_INTERNAL;
}

enum trap trap_classify(const struct wasm_store *store, enum plat_exit exit,
                        const struct plat_regs *regs, gaddr_t fault_addr) {
    if (exit == PLAT_EXIT_KILLED) {
        return TRAP_KILLED;
    }
    if (exit == PLAT_EXIT_NO_MEMORY) {
        return TRAP_OUT_OF_MEMORY;
    }
    bool is_fault = exit == PLAT_EXIT_FAULT;
    if (is_fault && in_stack_guard(store, fault_addr)) {
        return TRAP_STACK_EXHAUSTED;
    }
    const struct code_range *range = codecache_find(store, regs->pc);
    const struct code_site *site = range ? codecache_site(range, regs->pc, false) : NULL;
    enum trap trap = site ? (enum trap)site->trap : TRAP_NONE;
    if (trap == TRAP_NONE) {
        return unexplained(regs, is_fault ? "unexpected fault" : "illegal instruction", fault_addr);
    }
    if (is_fault && !is_plausible(store, trap, regs, fault_addr)) {
        return unexplained(regs, "fault outside of its memory", fault_addr);
    }
    return trap;
}

/* ---- backtrace ----------------------------------------------------------------------------- */

/* Where the walk is. */
struct walk {
    gaddr_t pc, sp, ra;
    bool is_return; /* pc is a return address, ra not known */
};

/* What a walk is for: a trap to fill, or a sink to print to on a host that is going down. */
struct visitor {
    const struct wasm_store *store;
    struct wasm_trap *trap;
    struct sink *sink; /* if trap is NULL */
    uint32_t seen;     /* frames; those beyond LIMIT_BACKTRACE are only counted */
};

static void print_frame(const struct wasm_frame *frame, struct sink *sink);

static void visit(struct visitor *v, const struct code_range *range, const struct walk *w) {
    if (v->seen++ >= LIMIT_BACKTRACE) {
        return;
    }
    const struct module *m = range->module->decoded;
    const struct code_site *site = codecache_site(range, w->pc, w->is_return);
    uint32_t func = range->code->func;
    struct wasm_frame frame = {
        .module = m->name,
        .func = m->funcs[func].name,
        .func_index = func,
        .offset = site ? site->pos : m->funcs[func].body_offset,
    };
    if (v->trap) {
        v->trap->frames[v->trap->frame_count++] = frame;
    } else {
        fmt_print(v->sink, "  wasm ");
        print_frame(&frame, v->sink);
    }
}

static bool read_stack(const struct visitor *v, gaddr_t from, gaddr_t *to) {
    return v->trap ? plat_copy_in(v->store->space, to, from, sizeof(*to)) == STATUS_OK
                   : plat_try_copy_in(v->store->space, to, from, sizeof(*to));
}

/* To the caller of the function that `range` is; false when the stack does not tell. */
static bool step_out(const struct visitor *v, const struct code_range *range, struct walk *w) {
    const struct code *code = range->code;
    uint64_t offset = w->pc - range->start;
    bool has_frame = w->is_return || offset > code->frame_set;
    gaddr_t cfa = w->sp + (has_frame ? code->frame_size : 0);
    if (w->is_return || (has_frame && offset >= code->ra_saved)) {
        if (!read_stack(v, cfa - 8, &w->ra)) {
            return false;
        }
    }
    *w = (struct walk){.pc = w->ra, .sp = cfa, .is_return = true};
    return true;
}

/* The frames of one activation. The stack is finite and each step goes up in it, or up to a function
 * without a frame, which calls nothing and so is met once. */
static void walk_activation(struct visitor *v, const struct activation *activation) {
    const struct wasm_store *store = v->store;
    struct walk w = {.pc = activation->regs.pc,
                     .sp = activation->regs.x[ABI_REG_SP],
                     .ra = activation->regs.x[ABI_REG_RA]};
    const struct code_range *range = codecache_find(store, w.pc);
    if (range && range->kind != CODE_FUNC) { /* in a stub, which has no frame */
        w.pc = w.ra;
        w.is_return = true;
    }
    while (w.sp <= activation->stack_top) {
        /* A return address may lie just behind the function, after a call that never returns. */
        range = codecache_find(store, w.is_return ? w.pc - 1 : w.pc);
        if (!range || range->kind != CODE_FUNC) {
            return;
        }
        visit(v, range, &w);
        gaddr_t sp = w.sp;
        bool was_return = w.is_return;
        if (!step_out(v, range, &w) || (was_return && w.sp <= sp)) {
            return;
        }
    }
}

void trap_fill(struct wasm_store *store, enum trap kind, struct wasm_trap *trap_out) {
    memset(trap_out, 0, sizeof(*trap_out));
    trap_out->kind = kind;
    struct visitor v = {.store = store, .trap = trap_out};
    for (const struct activation *a = store->activation; a; a = a->outer) {
        walk_activation(&v, a);
    }
    trap_out->more_frames = v.seen - trap_out->frame_count;
}

void wasm_store_print_stack(const struct wasm_store *store, uintptr_t from, uintptr_t below,
                            struct sink *sink) {
    struct visitor v = {.store = store, .sink = sink};
    uint32_t depth = 0;
    for (const struct activation *a = store->activation; a && depth <= LIMIT_NESTED_CALLS;
         a = a->outer, depth++) {
        if ((uintptr_t)a >= from && (uintptr_t)a < below) {
            walk_activation(&v, a);
        }
    }
}

/* ---- printing ------------------------------------------------------------------------------ */

static void print_frame(const struct wasm_frame *frame, struct sink *sink) {
    if (frame->module.size > 0) {
        fmt_print(sink, "%.*s!", (int)frame->module.size, frame->module.at);
    }
    if (frame->func.size > 0) {
        fmt_print(sink, "%.*s (func %u)", (int)frame->func.size, frame->func.at, frame->func_index);
    } else {
        fmt_print(sink, "func %u", frame->func_index);
    }
    fmt_print(sink, " at 0x%x\n", frame->offset);
}

void wasm_trap_print(const struct wasm_trap *trap, struct sink *sink) {
    fmt_print(sink, "trap: %s\n", trap_text(trap->kind));
    for (uint32_t i = 0; i < trap->frame_count; i++) {
        fmt_print(sink, "  %u: ", i);
        print_frame(&trap->frames[i], sink);
    }
    if (trap->more_frames > 0) {
        fmt_print(sink, "  ... and %u more\n", trap->more_frames);
    }
}
