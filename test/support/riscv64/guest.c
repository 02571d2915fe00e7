/*
 * Guest code as a part of this process: by signals.
 *
 * plat_run() executes a breakpoint of its own. The handler of that signal saves the interrupted
 * context, which is plat_run's, and returns into the guest's; the next signal does the reverse. So
 * all registers change at once, and there is no assembly but two entry points. Handlers run on a
 * stack of their own, since the guest's stack is part of what is tested; and because guests have tp
 * and gp for themselves, the handler's first instructions give C its own back.
 *
 * On other machines than RISC-V copies work and plat_run() says that it cannot: modules load and
 * link there, which is what sanitizers and fuzzers look at.
 */
#include "test/support/platform_linux.h"

#include "wasm/platform.h"

#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

static unsigned entries;
static sigjmp_buf *volatile copying; /* where a faulting copy goes on */

unsigned platform_entries(void) {
    return entries;
}

uint32_t plat_exit_instruction(void) {
    return 0x00100073; /* ebreak */
}

bool guest_copy(void *to, const void *from, size_t size) {
    sigjmp_buf out;
    if (sigsetjmp(out, 1) != 0) {
        copying = NULL;
        return false;
    }
    copying = &out;
    memcpy(to, from, size);
    copying = NULL;
    return true;
}

/* Not ours: let it end the process the way it would have. */
static void give_up(int number) {
    if (copying) {
        siglongjmp(*copying, 1);
    }
    signal(number, SIG_DFL);
}

#ifdef __riscv

static struct {
    struct plat_regs *regs; /* of the guest that runs, or NULL */
    mcontext_t host;        /* where plat_run() was left */
    enum plat_exit exit;
    gaddr_t fault_addr;
} run;

uint64_t guest_host_tp;
void guest_enter(void);
void guest_handler(int number, siginfo_t *info, void *context);
void guest_signal(int number, siginfo_t *info, void *context);

__asm__(".pushsection .text\n"
        ".globl guest_enter, guest_handler\n"
        "guest_enter:\n"
        "    .option push\n"
        "    .option norvc\n"
        "    ebreak\n"
        "    .option pop\n"
        "    ret\n"
        "guest_handler:\n"
        "    .option push\n"
        "    .option norelax\n" /* gp is not ours yet */
        "    lla gp, __global_pointer$\n"
        "    lla t0, guest_host_tp\n"
        "    ld tp, 0(t0)\n"
        "    .option pop\n"
        "    tail guest_signal\n"
        ".popsection\n");

static void load(mcontext_t *to, const struct plat_regs *from) {
    to->__gregs[REG_PC] = from->pc;
    memcpy(&to->__gregs[1], &from->x[1], 31 * sizeof(uint64_t));
    memcpy(to->__fpregs.__d.__f, from->f, sizeof(from->f));
    to->__fpregs.__d.__fcsr = (unsigned)from->fcsr;
}

static void save(struct plat_regs *to, const mcontext_t *from) {
    to->pc = from->__gregs[REG_PC];
    memcpy(&to->x[1], &from->__gregs[1], 31 * sizeof(uint64_t));
    memcpy(to->f, from->__fpregs.__d.__f, sizeof(to->f));
    to->fcsr = from->__fpregs.__d.__fcsr;
}

static void leave_guest(int number, const siginfo_t *info, mcontext_t *context) {
    run.exit = number == SIGTRAP  ? PLAT_EXIT_CALL
               : number == SIGILL ? PLAT_EXIT_ILLEGAL
                                  : PLAT_EXIT_FAULT;
    run.fault_addr = (gaddr_t)(uintptr_t)info->si_addr;
    save(run.regs, context);
    run.regs = NULL;
    *context = run.host;
    context->__gregs[REG_PC] += 4; /* past the breakpoint */
}

void guest_signal(int number, siginfo_t *info, void *context) {
    mcontext_t *machine = &((ucontext_t *)context)->uc_mcontext;
    if (machine->__gregs[REG_PC] == (uintptr_t)guest_enter) {
        run.host = *machine;
        load(machine, run.regs);
    } else if (run.regs) {
        leave_guest(number, info, machine);
    } else {
        give_up(number);
    }
}

static void remember_host(void) {
    __asm__("mv %0, tp" : "=r"(guest_host_tp));
}

enum plat_exit plat_run(struct plat_space *space, struct plat_regs *regs, gaddr_t *fault_addr_out) {
    (void)space;
    entries++;
    run.regs = regs;
    guest_enter();
    *fault_addr_out = run.fault_addr;
    return run.exit;
}

void plat_sync(struct plat_regs *regs) {
    (void)regs; /* every exit saves them all */
}

void guest_sync_code(void *at, size_t size) {
    __builtin___clear_cache(at, (char *)at + size);
}

int guest_code_protection(void) {
    return PROT_READ | PROT_EXEC;
}

#else

static void guest_handler(int number, siginfo_t *info, void *context) {
    (void)info;
    (void)context;
    give_up(number);
}

static void remember_host(void) {
}

enum plat_exit plat_run(struct plat_space *space, struct plat_regs *regs, gaddr_t *fault_addr_out) {
    (void)space;
    (void)regs;
    *fault_addr_out = 0;
    entries++;
    plat_log("this machine cannot run RISC-V code");
    return PLAT_EXIT_KILLED;
}

void plat_sync(struct plat_regs *regs) {
    (void)regs;
}

void guest_sync_code(void *at, size_t size) {
    (void)at;
    (void)size;
}

int guest_code_protection(void) {
    return PROT_READ;
}

#endif

void guest_init(void) {
    static bool done;
    if (done) {
        return;
    }
    done = true;
    remember_host();
    static uint8_t stack_bytes[1 << 16] __attribute__((aligned(16)));
    stack_t stack = {.ss_sp = stack_bytes, .ss_size = sizeof(stack_bytes)};
    sigaltstack(&stack, NULL);
    struct sigaction action = {.sa_sigaction = guest_handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        sigaction(numbers[i], &action, NULL);
    }
}
