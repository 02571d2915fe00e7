/*
 * Panic. Takes no lock and allocates nothing. The report is a list of parts; a panic in one of them,
 * on the same hart, goes on with the next one.
 */
#include "kernel/panic.h"

#include "abi/boot.h"
#include "kernel/arch.h"
#include "kernel/harts.h"
#include "kernel/limits.h"
#include "kernel/log.h"
#include "kernel/power.h"
#include "kernel/symbols.h"
#include "kernel/thread.h"
#include "kernel/time.h"

#include <stdarg.h>

static struct hart *owner;    /* the first hart that panicked; the others stop */
static uint64_t stopped_mask; /* harts that have */

static struct {
    const struct panic_trap *trap; /* or NULL */
    uint64_t frame;                /* to begin the backtrace at */
    uint64_t ticks;                /* when it began */
    unsigned part;                 /* that comes next */
} report;

static void (*print_guest)(const void *guest, uint64_t from, uint64_t below, struct sink *sink);

void panic_set_guest_printer(void (*print)(const void *guest, uint64_t from, uint64_t below,
                                           struct sink *sink)) {
    print_guest = print;
}

static _Noreturn void stop(void) {
    __atomic_fetch_or(&stopped_mask, UINT64_C(1) << hart_self()->index, __ATOMIC_SEQ_CST);
    arch_halt();
}

void panic_check(void) {
    struct hart *first = __atomic_load_n(&owner, __ATOMIC_SEQ_CST);
    if (first && first != hart_self()) {
        stop();
    }
}

/* Returns the harts that did not stop in time: they keep their interrupts off. */
static uint64_t stop_others(const struct hart *self) {
    uint64_t others = harts_online_mask() & ~(UINT64_C(1) << self->index);
    uint64_t left = others;
    if (others) {
        arch_ipi(others);
    }
    while (left && time_ns_from_ticks(arch_ticks() - report.ticks) < PANIC_STOP_MS * 1000000ul) {
        left = others & ~__atomic_load_n(&stopped_mask, __ATOMIC_SEQ_CST);
    }
    return left;
}

/* True: this is the first panic. False: it came in the middle of its report. */
static bool begin(void) {
    struct hart *hart = hart_self();
    struct hart *nobody = NULL;
    arch_irq_off();
    if (hart->in_panic) {
        return false;
    }
    hart->in_panic = true;
    if (!__atomic_compare_exchange_n(&owner, &nobody, hart, false, __ATOMIC_SEQ_CST,
                                     __ATOMIC_SEQ_CST)) {
        stop();
    }
    report.ticks = arch_ticks();
    log_enter_panic();
    uint64_t running = stop_others(hart);
    fmt_print(&log_sink, "\n"); /* another hart may have been in the middle of a line */
    for (; running; running &= running - 1) {
        fmt_print(&log_sink, "hart %d did not stop\n", __builtin_ctzll(running));
    }
    return true;
}

/* ---- the parts ---- */

static void print_where(void) {
    const struct hart *hart = hart_self();
    fmt_print(&log_sink, "on hart %u, thread \"%s\"\n", hart->index,
              hart->current ? hart->current->name : "none");
}

static void print_registers(void) {
    static const char *const names[32] = {"zero", "ra", "sp",  "gp",  "tp", "t0", "t1", "t2",
                                          "s0",   "s1", "a0",  "a1",  "a2", "a3", "a4", "a5",
                                          "a6",   "a7", "s2",  "s3",  "s4", "s5", "s6", "s7",
                                          "s8",   "s9", "s10", "s11", "t3", "t4", "t5", "t6"};
    const struct panic_trap *trap = report.trap;
    if (!trap) {
        return;
    }
    for (unsigned i = 1; i < 32; i++) {
        fmt_print(&log_sink, "%4s %016lx%s", names[i], (unsigned long)trap->x[i],
                  i % 4 == 0 || i == 31 ? "\n" : " ");
    }
    fmt_print(&log_sink, "  pc %016lx cause %lx value %016lx status %016lx\n",
              (unsigned long)trap->pc, (unsigned long)trap->cause, (unsigned long)trap->value,
              (unsigned long)trap->status);
}

static void print_pc(uint64_t pc) {
    const char *name, *file;
    uint64_t offset;
    uint32_t line;
    fmt_print(&log_sink, "  %016lx", (unsigned long)pc);
    if (symbols_find(pc, &name, &offset)) {
        fmt_print(&log_sink, " %s+0x%lx", name, (unsigned long)offset);
    }
    if (symbols_find_line(pc, &file, &line)) {
        fmt_print(&log_sink, " %s:%u", file, line);
    }
    fmt_print(&log_sink, "\n");
}

/* Frames of the kernel, and before each those of the guest that it runs. */
static void print_backtrace(void) {
    struct arch_frame frames[PANIC_MAX_FRAMES];
    const struct panic_trap *trap = report.trap;
    const struct thread *thread = hart_self()->current;
    size_t len = arch_backtrace(report.frame, trap ? trap->x[1] : 0, frames, PANIC_MAX_FRAMES);
    uint64_t from = 0;
    fmt_print(&log_sink, "backtrace:\n");
    if (trap) {
        const char *name;
        uint64_t offset;
        print_pc(trap->pc);
        if (!symbols_find(trap->pc, &name, &offset)) {
            print_pc(trap->x[1] - 1); /* it was a jump to nowhere */
        }
    }
    for (size_t i = 0; i < len; i++) {
        if (print_guest && thread && thread->guest) {
            print_guest(thread->guest, from, frames[i].end, &log_sink);
        }
        from = frames[i].end;
        /* A return address is after the call: name the call. */
        print_pc(frames[i].pc - 1);
    }
}

static void print_log(void) {
    struct log_line line;
    uint64_t cursor = log_tail(PANIC_LOG_LINES);
    fmt_print(&log_sink, "last lines of the log:\n");
    while (log_read(&cursor, &line)) {
        fmt_print(&log_sink, "%.*s\n", (int)line.len, line.text);
    }
}

static void print_time(void) {
    uint64_t ns = time_ns_from_ticks(arch_ticks() - report.ticks);
    fmt_print(&log_sink, "reported in %lu us\n", (unsigned long)(ns / 1000));
}

static void end(void) {
    power_off(BOOT_EXIT_PANIC);
}

static _Noreturn void run_report(void) {
    static void (*const parts[])(void) = {print_where, print_registers, print_backtrace,
                                          print_log,   print_time,      end};
    while (report.part < sizeof(parts) / sizeof(parts[0])) {
        parts[report.part++]();
    }
    arch_halt();
}

/* ---- the two ways here ---- */

void panic(const char *format, ...) {
    bool is_first = begin();
    va_list args;
    fmt_print(&log_sink, is_first ? "kernel panic: " : "\n(and a panic in this report: ");
    va_start(args, format);
    fmt_vprint(&log_sink, format, args);
    va_end(args);
    fmt_print(&log_sink, is_first ? "\n" : ")\n");
    if (is_first) {
        report.frame = (uint64_t)__builtin_frame_address(0);
    }
    run_report();
}

void panic_trap(const struct panic_trap *trap) {
    bool is_first = begin();
    fmt_print(&log_sink, "%s%s at %016lx, address %016lx%s\n",
              is_first ? "kernel panic: " : "\n(and a panic in this report: ", trap->what,
              (unsigned long)trap->pc, (unsigned long)trap->value, is_first ? "" : ")");
    if (is_first) {
        report.trap = trap;
        report.frame = trap->frame;
    }
    run_report();
}
