/*
 * Traps in C: what an exception in the kernel means, interrupts from either mode, and the reasons
 * for which a guest stopped.
 *
 * Needs: trap.S, which calls in with interrupts off. An exception in the kernel is a panic, except
 * at the few instructions that are expected to trap (probe_* in trap.S, and usercopy.S).
 */
#include "kernel/assert.h"
#include "kernel/harts.h"
#include "kernel/irq.h"
#include "kernel/panic.h"
#include "kernel/riscv64/asm.h"
#include "kernel/riscv64/offsets.h"
#include "kernel/sched.h"
#include "kernel/watchdog.h"

#include <string.h>

_Static_assert(offsetof(struct hart, scratch) == HART_SCRATCH, "offsets.h");
_Static_assert(offsetof(struct hart, stack_low) == HART_STACK_LOW, "offsets.h");
_Static_assert(offsetof(struct hart, stack_high) == HART_STACK_HIGH, "offsets.h");
_Static_assert(offsetof(struct hart, emergency_stack) == HART_EMERGENCY, "offsets.h");
_Static_assert(offsetof(struct hart, guard) == HART_GUARD, "offsets.h");
_Static_assert(offsetof(struct hart, current) == HART_CURRENT, "offsets.h");
_Static_assert(offsetof(struct hart, counters) == HART_COUNTERS, "offsets.h");
_Static_assert(offsetof(struct user_regs, x[31]) == USER_X(31), "offsets.h");
_Static_assert(offsetof(struct user_regs, pc) == USER_PC, "offsets.h");
_Static_assert(offsetof(struct user_regs, kernel_sp) == USER_KERNEL_SP, "offsets.h");
_Static_assert(offsetof(struct user_regs, cause) == USER_CAUSE, "offsets.h");
_Static_assert(offsetof(struct user_regs, fault_addr) == USER_FAULT_ADDR, "offsets.h");
_Static_assert(offsetof(struct user_regs, status) == USER_STATUS, "offsets.h");
_Static_assert(offsetof(struct user_regs, quick) == USER_QUICK, "offsets.h");
_Static_assert(offsetof(struct user_quick, pc) == QUICK_PC, "offsets.h");
_Static_assert(offsetof(struct user_quick, fn) == QUICK_FN, "offsets.h");
_Static_assert(offsetof(struct user_quick, ctx) == QUICK_CTX, "offsets.h");
_Static_assert((USER_QUICK_LEN - 1) * sizeof(struct user_quick) == QUICK_MASK, "offsets.h");
_Static_assert(offsetof(struct user_regs, f) == USER_F, "offsets.h");
_Static_assert(offsetof(struct user_regs, fcsr) == USER_FCSR, "offsets.h");
_Static_assert(offsetof(struct user_regs, instret) == USER_INSTRET, "offsets.h");
_Static_assert(offsetof(struct user_regs, syscall) == USER_SYSCALL, "offsets.h");
_Static_assert(offsetof(struct trap_frame, pc) == FRAME_PC, "offsets.h");
_Static_assert(offsetof(struct trap_frame, status) == FRAME_STATUS, "offsets.h");
_Static_assert(offsetof(struct trap_frame, cause) == FRAME_CAUSE, "offsets.h");
_Static_assert(offsetof(struct trap_frame, value) == FRAME_VALUE, "offsets.h");
_Static_assert(SAVED_TP == 0, "arch_quick_return()");
_Static_assert(sizeof(struct trap_frame) == FRAME_SIZE, "offsets.h");
_Static_assert(offsetof(struct arch_context, sp) == CONTEXT_SP, "offsets.h");
_Static_assert(offsetof(struct arch_context, s) == CONTEXT_S(0), "offsets.h");

/* Every exception that the privileged architecture 1.12 knows: its name, and what it is for a guest. */
static const struct {
    const char *text;
    enum user_exit exit;
} exceptions[] = {
    [SCAUSE_FETCH_MISALIGNED] = {"instruction address misaligned", USER_EXIT_MISALIGNED},
    [SCAUSE_FETCH_ACCESS] = {"instruction access fault", USER_EXIT_ACCESS_FAULT},
    [SCAUSE_ILLEGAL] = {"illegal instruction", USER_EXIT_ILLEGAL},
    [SCAUSE_BREAKPOINT] = {"breakpoint", USER_EXIT_BREAKPOINT},
    [SCAUSE_LOAD_MISALIGNED] = {"load address misaligned", USER_EXIT_MISALIGNED},
    [SCAUSE_LOAD_ACCESS] = {"load access fault", USER_EXIT_ACCESS_FAULT},
    [SCAUSE_STORE_MISALIGNED] = {"store address misaligned", USER_EXIT_MISALIGNED},
    [SCAUSE_STORE_ACCESS] = {"store access fault", USER_EXIT_ACCESS_FAULT},
    [SCAUSE_ECALL_USER] = {"environment call from user mode", USER_EXIT_CALL},
    [SCAUSE_ECALL_SUPERVISOR] = {"environment call from supervisor mode", USER_EXIT_ACCESS_FAULT},
    [SCAUSE_ECALL_VIRTUAL] = {"environment call from a virtual supervisor", USER_EXIT_ACCESS_FAULT},
    [SCAUSE_ECALL_MACHINE] = {"environment call from machine mode", USER_EXIT_ACCESS_FAULT},
    [SCAUSE_FETCH_PAGE] = {"instruction page fault", USER_EXIT_EXECUTE_FAULT},
    [SCAUSE_LOAD_PAGE] = {"load page fault", USER_EXIT_READ_FAULT},
    [SCAUSE_STORE_PAGE] = {"store page fault", USER_EXIT_WRITE_FAULT},
    [SCAUSE_SOFTWARE_CHECK] = {"software check", USER_EXIT_ACCESS_FAULT},
    [SCAUSE_HARDWARE_ERROR] = {"hardware error", USER_EXIT_ACCESS_FAULT},
    [SCAUSE_FETCH_GUEST_PAGE] = {"guest instruction page fault", USER_EXIT_ACCESS_FAULT},
    [SCAUSE_LOAD_GUEST_PAGE] = {"guest load page fault", USER_EXIT_ACCESS_FAULT},
    [SCAUSE_VIRTUAL] = {"virtual instruction", USER_EXIT_ILLEGAL},
    [SCAUSE_STORE_GUEST_PAGE] = {"guest store page fault", USER_EXIT_ACCESS_FAULT},
};
enum { EXCEPTIONS = sizeof(exceptions) / sizeof(exceptions[0]) };

static const char *cause_text(uint64_t cause) {
    const char *text = cause < EXCEPTIONS ? exceptions[cause].text : NULL;
    return text ? text : "unknown exception";
}

/* pc 0: from user mode. */
static void take_interrupt(uint64_t cause, vaddr_t pc) {
    switch (cause & ~SCAUSE_INTERRUPT) {
    case SCAUSE_IRQ_TIMER:
        counters_add(COUNTER_TIMER_IRQS, 1);
        watchdog_tick(pc);
        sched_tick();
        break;
    case SCAUSE_IRQ_SOFTWARE:
        csr_clear(sip, SIE_SSIE);
        irq_take_ipi();
        break;
    case SCAUSE_IRQ_EXTERNAL:
        irq_dispatch();
        break;
    default:
        panic("unknown interrupt 0x%lx", (unsigned long)cause);
    }
}

void arch_take_interrupt(const struct user_regs *regs) {
    take_interrupt(regs->cause, 0);
}

static _Noreturn void report(const struct trap_frame *frame, const char *what) {
    struct panic_trap trap = {
        .x = frame->x,
        .pc = frame->pc,
        .frame = frame->x[8],
        .cause = frame->cause,
        .value = frame->value,
        .status = frame->status,
        .what = what,
    };
    panic_trap(&trap);
}

void trap_kernel(struct trap_frame *frame, uint64_t overflow) {
    struct hart *hart = hart_self();
    if (overflow) {
        hart->stack_low = hart->emergency_stack - HART_EMERGENCY_STACK;
        hart->stack_high = hart->emergency_stack;
        report(frame, "kernel stack overflow");
    }
    if (frame->cause & SCAUSE_INTERRUPT) {
        take_interrupt(frame->cause, frame->pc);
        if (frame->status & SSTATUS_SPIE) {
            sched_preempt();
        }
        return;
    }
    if (frame->pc >= (vaddr_t)probe_begin && frame->pc < (vaddr_t)probe_end) {
        frame->pc = (vaddr_t)probe_failed;
        return;
    }
    if (frame->pc >= (vaddr_t)usercopy_begin && frame->pc < (vaddr_t)usercopy_end) {
        frame->pc = (vaddr_t)usercopy_end;
        return;
    }
    if (frame->pc >= (vaddr_t)usercopy_words_begin && frame->pc < (vaddr_t)usercopy_words_end) {
        frame->pc = (vaddr_t)usercopy_words_end;
        return;
    }
    report(frame, cause_text(frame->cause));
}

uint64_t *arch_user_args(struct user_regs *regs) {
    return &regs->x[10];
}

void user_regs_init(struct user_regs *regs, vaddr_t pc, vaddr_t sp) {
    memset(regs, 0, sizeof(*regs));
    regs->pc = pc;
    regs->x[2] = sp;
    user_regs_start(regs);
}

void user_regs_start(struct user_regs *regs) {
    static const struct user_quick none[USER_QUICK_LEN];
    regs->quick = regs->quick ? regs->quick : none;
    regs->status = csr_read(sstatus) & ~(uint64_t)(SSTATUS_SIE | SSTATUS_SPP | SSTATUS_FS |
                                                   SSTATUS_VS | SSTATUS_SUM | SSTATUS_MXR);
    regs->status |= SSTATUS_SPIE; /* floating point stays off until it is used: see user_enter() */
}

static enum user_exit exit_of_exception(struct user_regs *regs) {
    if (regs->cause == SCAUSE_ECALL_USER) {
        regs->pc += 4;
        return USER_EXIT_CALL;
    }
    bool is_known = regs->cause < EXCEPTIONS && exceptions[regs->cause].text;
    return is_known ? exceptions[regs->cause].exit : USER_EXIT_ACCESS_FAULT;
}

void arch_user_load(struct user_regs *regs) {
    csr_set(sstatus, SSTATUS_FS_CLEAN);
    fp_load(regs);
    csr_clear(sstatus, SSTATUS_FS);
    regs->live |= USER_LIVE_FLOATS;
    regs->status = (regs->status & ~(uint64_t)SSTATUS_FS) | SSTATUS_FS_CLEAN;
}

/* Whether the guest stopped at what may be its first floating-point instruction. From now on its registers are
 * loaded and kept; one that never uses them costs no switch anything. */
static bool wants_floats(struct user_regs *regs) {
    if (!machine.fpu || (regs->status & SSTATUS_FS)) {
        return false;
    }
    regs->status |= SSTATUS_FS_CLEAN;
    return true;
}

enum user_exit user_enter(struct user_regs *regs) {
    for (;;) {
        if (!(regs->live & USER_LIVE_FLOATS) && (regs->status & SSTATUS_FS)) {
            arch_user_load(regs);
        }
        user_run(regs);
        if (regs->cause != SCAUSE_ILLEGAL) {
            break;
        }
        /* An instruction may be both; each turns on something that was off. */
        if (vector_wanted(regs)) {
            if (!regs->vectors) {
                return USER_EXIT_VECTORS;
            }
            vector_load(regs);
        } else if (!wants_floats(regs)) {
            break;
        }
    }
    if (regs->cause & SCAUSE_INTERRUPT) {
        return USER_EXIT_INTERRUPT;
    }
    return exit_of_exception(regs);
}

uint32_t arch_user_call_instruction(void) {
    return 0x00000073; /* ecall */
}

static void save_floats(struct user_regs *regs) {
    if ((regs->status & SSTATUS_FS) == SSTATUS_FS_DIRTY) {
        csr_set(sstatus, SSTATUS_FS_CLEAN);
        fp_save(regs);
        csr_clear(sstatus, SSTATUS_FS);
        regs->status = (regs->status & ~(uint64_t)SSTATUS_FS) | SSTATUS_FS_CLEAN;
    }
    if (regs->syscall) {
        regs->status &= ~(uint64_t)SSTATUS_FS; /* until it asks for them again */
    }
}

void arch_user_save(struct user_regs *regs) {
    if (regs->live & USER_LIVE_FLOATS) {
        save_floats(regs);
    }
    if (regs->live & USER_LIVE_VECTORS) {
        vector_save(regs);
    }
    regs->live = 0;
}

void arch_context_init(struct arch_context *context, void *stack_top, void (*entry)(void *),
                       void *arg) {
    memset(context, 0, sizeof(*context));
    context->pc = (vaddr_t)context_entry;
    context->sp = (vaddr_t)stack_top & ~(vaddr_t)15;
    context->s[1] = (vaddr_t)entry;
    context->s[2] = (vaddr_t)arg;
}

/* A frame holds the return address and the caller's frame pointer below its own pointer; the frame of
 * a function that calls nothing holds the frame pointer alone, in the first place. */
static bool is_frame_pointer(uint64_t value, uint64_t fp) {
    return value % 16 == 0 && value > fp && value - fp < THREAD_STACK_PAGES * PAGE_SIZE;
}

size_t arch_backtrace(uint64_t frame, uint64_t link, struct arch_frame *frames, size_t cap) {
    uint64_t fp = frame ? frame : (uint64_t)__builtin_frame_address(0);
    size_t len = 0;
    while (len < cap && fp % 16 == 0 && fp > PAGE_SIZE) {
        uint64_t pc, next;
        if (!probe_load((const uint64_t *)fp - 1, &pc) ||
            !probe_load((const uint64_t *)fp - 2, &next)) {
            break;
        }
        if (link && is_frame_pointer(pc, fp)) {
            next = pc;
            pc = link;
        }
        link = 0;
        if (pc == 0) {
            break;
        }
        frames[len++] = (struct arch_frame){pc, next};
        if (next <= fp) {
            break;
        }
        fp = next;
    }
    return len;
}
