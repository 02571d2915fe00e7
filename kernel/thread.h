/*
 * Threads. Each has a guarded kernel stack of its own; one that runs a program also has a space and
 * the guest's registers. The scheduler moves threads between harts.
 */
#ifndef KERNEL_THREAD_H
#define KERNEL_THREAD_H

#include "base/list.h"
#include "base/status.h"
#include "kernel/arch.h"
#include "kernel/deadline.h"
#include "kernel/ipc/state.h"
#include "kernel/limits.h"
#include "kernel/sync.h"

#include <stdbool.h>
#include <stdint.h>

struct program;
struct quota;
struct space;

enum thread_state {
    THREAD_NEW,   /* created, not yet run */
    THREAD_READY, /* in a run queue */
    THREAD_RUNNING,
    THREAD_SLEEPING, /* in a wait queue or until a time */
    THREAD_WAITING,  /* sleeping as most do: killable, without a deadline */
    THREAD_EXITED,   /* will never run again, may still be on its stack */
    THREAD_DEAD,     /* off its stack: can be joined */
};

/* docs/sched.md: a service comes before all others when it wakes, as long as it works little. */
enum thread_class { THREAD_ORDINARY, THREAD_SERVICE };

struct thread {
    struct arch_context context;
    struct hart *hart;        /* home: in its queues, or running on it; see sched.c */
    uint64_t harts;           /* mask of those it may run on */
    uint64_t ran;             /* ticks it has had a hart, up to the last charge */
    uint64_t vtime;           /* virtual time, of the home hart's reckoning */
    uint64_t *sharers;        /* of whom it shares its weight with: its program's, or `alone` */
    uint64_t alone;           /* its own sharers, while it has no program */
    uint32_t weight;          /* SCHED_WEIGHT is ordinary */
    uint32_t pace;            /* what a tick costs it alone: 1 / SCHED_WEIGHT of virtual time */
    uint32_t share;           /* what it weighs in the queue that it is in */
    uint32_t credit;          /* virtual time that it may save up asleep; ticks */
    bool on_hart;             /* registers are in a hart, not in context */
    enum thread_state state;  /* guarded by the home hart's queue lock */
    struct list run_node;     /* in hart->ready */
    struct list wait_node;    /* in a wait queue; guarded by its lock */
    struct deadline deadline; /* in hart->timers while it runs */
    status_t woke;            /* what ended its sleep: OK, TIMED_OUT, KILLED */
    bool killable;            /* its sleep ends when it is killed; while SLEEPING */
    bool kill;                /* leave user mode at the next chance, for good */
    bool astray;              /* it may not run on its home */
    uint32_t id;
    struct program *program;  /* NULL: the kernel's own; see program.h */
    struct list program_node; /* in program->threads */
    void (*fn)(void *arg);
    void *arg;
    vaddr_t stack_low, stack_high; /* kernel stack */
    struct space *space;           /* of the program, or NULL */
    struct pagetable *table;       /* the space's */
    const void *guest;             /* whose calls it is in, for backtraces: see panic.h */
    struct user_regs *regs;        /* of the guest whose f and v may be in the hart, or NULL */
    uint64_t guest_instret;        /* instructions retired in user mode, in all */
    uint64_t instret;              /* in all, up to the last switch */
    struct spinlock join_lock;
    struct waitqueue joiners;
    struct ipc_state ipc;     /* of a native guest's thread */
    struct lock_list mutexes; /* that it holds; debug builds */
    char name[THREAD_NAME_SIZE];
};

/* The code that called runs on as the first thread of the boot hart. Once, after the heap. */
status_t thread_init(void) MUST_CHECK;

/* The same on any other hart, as its idle thread. */
status_t thread_init_idle(void) MUST_CHECK;

/* A thread that runs fn(arg), ready at once; for its creator to thread_join(). NULL
 * space: kernel only. The space must outlive it. */
status_t thread_start(const char *name, void (*fn)(void *arg), void *arg, struct space *space,
                      struct thread **out) MUST_CHECK;

/* The same in two steps, between which the caller may say how it is to run. */
status_t thread_create(struct quota *quota, const char *name, void (*fn)(void *arg), void *arg,
                       struct space *space, struct thread **out) MUST_CHECK;
void thread_run(struct thread *thread);

/* Ends the calling thread; the same as returning from fn. */
_Noreturn void thread_exit(void);

/* Waits for the end of a thread and frees it. Exactly once for each thread started. */
void thread_join(struct thread *thread);

/* Asks a thread to end, wherever it is: its thread_run_user() returns USER_EXIT_KILLED from now on, and
 * its killable sleeps STATUS_KILLED at once, so that it unwinds like any other. Any number of times, until
 * it is joined. */
void thread_kill(struct thread *thread);

/* Whether that was asked of the calling thread: long work in the kernel looks now and then. */
bool thread_killed(void);

static inline struct thread *thread_current(void) {
    return arch_current();
}

/* From now on the thread gets `weight` / SCHED_WEIGHT of what ordinary ones get (1 to 65536), and runs
 * on the harts of the mask only, from its next turn on. */
void thread_set_weight(struct thread *thread, uint32_t weight);
void thread_set_harts(struct thread *thread, uint64_t hart_mask);

/* Before its first run. THREAD_ORDINARY if it is not called. Sets the weight too. */
void thread_set_class(struct thread *thread, enum thread_class class);

/* Time for which the thread has had a hart, in the kernel and in user mode, up to now. */
uint64_t thread_cpu_ns(struct thread *thread);

/* Instructions that the calling thread has retired, in the kernel and in user mode. */
uint64_t thread_instret(void);

/* Gives the calling thread a space, or takes it away (NULL). */
void thread_set_space(struct space *space);

/* Less, if the thread is killed. */
void thread_sleep_ns(uint64_t ns);

/*
 * Runs the calling thread's guest from *regs until it wants something: USER_EXIT_CALL with
 * regs.pc after the call instruction, or a fault for good with regs.pc at the instruction and
 * regs.fault_addr the address. Interrupts, preemption and lazy pages are dealt with inside and
 * never returned, and neither are its first vector instruction and the memory for what that needs, which
 * its program pays for. Never returns USER_EXIT_INTERRUPT or USER_EXIT_VECTORS.
 *
 * The floating-point registers may stay in the hart: thread_sync_user() before anybody looks at them
 * or *regs goes away. It gives up the vector registers and their memory: as after any call, the guest must not
 * rely on what was in them; it finds zeros when it uses them again.
 */
enum user_exit thread_run_user(struct user_regs *regs);

/*
 * In a quick call's function (struct user_quick), which runs with interrupts off in the middle of a trap:
 * between these two the thread may sleep or give way by what demands interrupts off (sched_switch,
 * futex_wait_quick). If it was killed meanwhile, its guest goes no further. And: gives way if somebody
 * who was woken should run at once.
 */
void thread_quick_stop(
    void); /* for thread_quick_return(): an interrupt is pending when the guest goes on */
static inline void thread_quick_leave(void) {
    arch_quick_leave(thread_current()->regs);
}
static inline void thread_quick_return(void) {
    struct thread *self = thread_current();
    arch_quick_return(self->regs);
    if (__atomic_load_n(&self->kill, __ATOMIC_RELAXED)) {
        thread_quick_stop();
    }
}
void thread_quick_preempt(void);

void thread_sync_user(struct user_regs *regs);

/* A thread that runs no more is off its stack as soon as another one runs, which says so. */
void thread_bury(struct thread *thread);

/* Text for an exit: "illegal instruction". */
const char *thread_exit_text(enum user_exit exit);

#endif
