/*
 * Panic. Takes no lock and allocates nothing. A second panic on the same hart, in the middle of the
 * first, only powers off.
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

#include <stdarg.h>

static struct hart *owner; /* the first hart that panicked; the others stop */

void panic_check(void) {
    struct hart *first = __atomic_load_n(&owner, __ATOMIC_SEQ_CST);
    if (first && first != hart_self()) {
        arch_halt();
    }
}

static void begin(void) {
    struct hart *hart = hart_self();
    struct hart *nobody = NULL;
    arch_irq_off();
    if (hart->in_panic) {
        power_off(BOOT_EXIT_PANIC);
    }
    hart->in_panic = true;
    if (!__atomic_compare_exchange_n(&owner, &nobody, hart, false, __ATOMIC_SEQ_CST,
                                     __ATOMIC_SEQ_CST)) {
        arch_halt();
    }
    arch_ipi(harts_online_mask() & ~(UINT64_C(1) << hart->index));
    log_enter_panic();
}

static void print_pc(uint64_t pc) {
    const char *name;
    uint64_t offset;
    if (symbols_find(pc, &name, &offset)) {
        fmt_print(&log_sink, "  %016lx %s+0x%lx\n", (unsigned long)pc, name, (unsigned long)offset);
    } else {
        fmt_print(&log_sink, "  %016lx\n", (unsigned long)pc);
    }
}

/* From `frame` on; `pc` first if it is not 0. */
static void print_backtrace(uint64_t pc, uint64_t frame, uint64_t link) {
    uint64_t pcs[PANIC_MAX_FRAMES];
    size_t len = arch_backtrace(frame, link, pcs, PANIC_MAX_FRAMES);
    fmt_print(&log_sink, "backtrace:\n");
    if (pc) {
        print_pc(pc);
    }
    for (size_t i = 0; i < len; i++) {
        /* A return address is after the call: name the call. */
        print_pc(pcs[i] - 1);
    }
}

static void print_where(void) {
    struct hart *hart = hart_self();
    fmt_print(&log_sink, "on hart %u, thread \"%s\"\n", hart->index,
              hart->current ? hart->current->name : "none");
}

static _Noreturn void end(void) {
    power_off(BOOT_EXIT_PANIC);
}

void panic(const char *format, ...) {
    va_list args;
    begin();
    fmt_print(&log_sink, "kernel panic: ");
    va_start(args, format);
    fmt_vprint(&log_sink, format, args);
    va_end(args);
    fmt_print(&log_sink, "\n");
    print_where();
    print_backtrace(0, (uint64_t)__builtin_frame_address(0), 0);
    end();
}

static void print_registers(const struct panic_trap *trap) {
    static const char *const names[32] = {"zero", "ra", "sp",  "gp",  "tp", "t0", "t1", "t2",
                                          "s0",   "s1", "a0",  "a1",  "a2", "a3", "a4", "a5",
                                          "a6",   "a7", "s2",  "s3",  "s4", "s5", "s6", "s7",
                                          "s8",   "s9", "s10", "s11", "t3", "t4", "t5", "t6"};
    for (unsigned i = 1; i < 32; i++) {
        fmt_print(&log_sink, "%4s %016lx%s", names[i], (unsigned long)trap->x[i],
                  i % 4 == 0 || i == 31 ? "\n" : " ");
    }
    fmt_print(&log_sink, "  pc %016lx cause %lx value %016lx status %016lx\n",
              (unsigned long)trap->pc, (unsigned long)trap->cause, (unsigned long)trap->value,
              (unsigned long)trap->status);
}

void panic_trap(const struct panic_trap *trap) {
    begin();
    fmt_print(&log_sink, "kernel panic: %s at %016lx, address %016lx\n", trap->what,
              (unsigned long)trap->pc, (unsigned long)trap->value);
    print_where();
    print_registers(trap);
    print_backtrace(trap->pc, trap->frame, trap->x[1]);
    end();
}
