/*
 * Threads: their making, their end, and the loop that runs a guest.
 *
 * Life: thread_start() -> READY -> RUNNING <-> SLEEPING, then EXITED on its own stack, then DEAD
 * when the thread that runs next has left that stack behind, and freed by thread_join().
 */
#include "kernel/thread.h"

#include "base/fmt.h"
#include "kernel/assert.h"
#include "kernel/harts.h"
#include "kernel/lockcheck.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/space.h"
#include "kernel/mm/stack.h"
#include "kernel/program.h"
#include "kernel/sched.h"
#include "kernel/switch.h"
#include "kernel/time.h"

#include <string.h>

static uint32_t last_id;

static struct thread *thread_new(struct quota *quota, const char *name) {
    struct thread *thread = heap_new_for(quota, struct thread);
    if (!thread) {
        return NULL;
    }
    thread->hart = hart_self();
    thread->harts = UINT64_MAX;
    sched_set_class(thread, THREAD_ORDINARY);
    thread->alone = SCHED_NO_SHARERS;
    thread->sharers = &thread->alone;
    thread->id = __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED);
    fmt_text(thread->name, sizeof(thread->name), "%s", name);
    list_init(&thread->run_node);
    list_init(&thread->wait_node);
    spinlock_init(&thread->join_lock, LOCK_THREAD);
    list_init(&thread->program_node);
    waitqueue_init(&thread->joiners);
    return thread;
}

void thread_bury(struct thread *thread) {
    spinlock_lock(&thread->join_lock);
    thread->state = THREAD_DEAD;
    waitqueue_wake_all(&thread->joiners);
    spinlock_unlock(&thread->join_lock);
}

static void first_run(void *arg) {
    struct thread *self = arg;
    switch_finish();
    arch_irq_on();
    self->fn(self->arg);
    thread_exit();
}

status_t thread_create(struct quota *quota, const char *name, void (*fn)(void *arg), void *arg,
                       struct space *space, struct thread **out) {
    struct thread *thread = thread_new(quota, name);
    if (!thread) {
        return STATUS_NO_MEMORY;
    }
    status_t status = stack_alloc(quota, &thread->stack_low, &thread->stack_high);
    if (status != STATUS_OK) {
        heap_free(thread);
        return status;
    }
    thread->fn = fn;
    thread->arg = arg;
    thread->space = space;
    thread->table = space_table(space);
    arch_context_init(&thread->context, (void *)thread->stack_high, first_run, thread);
    *out = thread;
    return STATUS_OK;
}

static void idle(void *arg) {
    (void)arg;
    sched_idle();
}

status_t thread_init(void) {
    struct hart *hart = hart_self();
    sched_init();
    struct thread *boot = thread_new(NULL, "boot");
    if (!boot) {
        return STATUS_NO_MEMORY;
    }
    boot->stack_low = hart->stack_low;
    boot->stack_high = hart->stack_high;
    sched_adopt(boot);
    TRY(thread_create(NULL, "idle", idle, NULL, NULL, &hart->idle));
    return STATUS_OK;
}

status_t thread_init_idle(void) {
    struct hart *hart = hart_self();
    struct thread *self = thread_new(NULL, "idle");
    if (!self) {
        return STATUS_NO_MEMORY;
    }
    self->stack_low = hart->stack_low;
    self->stack_high = hart->stack_high;
    hart->idle = self;
    sched_adopt(self);
    return STATUS_OK;
}

void thread_set_weight(struct thread *thread, uint32_t weight) {
    assert(weight > 0 && weight <= 65536);
    sched_set_weight(thread, weight);
}

void thread_set_class(struct thread *thread, enum thread_class class) {
    assert(thread->state == THREAD_NEW);
    sched_set_class(thread, class);
}

void thread_set_harts(struct thread *thread, uint64_t hart_mask) {
    assert(hart_mask & harts_online_mask());
    sched_set_harts(thread, hart_mask);
}

uint64_t thread_cpu_ns(struct thread *thread) {
    return time_ns_from_ticks(sched_ran(thread));
}

uint64_t thread_instret(void) {
    irq_state_t irq = arch_irq_save();
    uint64_t instret = thread_current()->instret + arch_instret() - hart_self()->instret_at;
    arch_irq_restore(irq);
    return instret;
}

status_t thread_start(const char *name, void (*fn)(void *arg), void *arg, struct space *space,
                      struct thread **out) {
    TRY(thread_create(NULL, name, fn, arg, space, out));
    thread_run(*out);
    return STATUS_OK;
}

void thread_run(struct thread *thread) {
    sched_add(thread);
}

void thread_exit(void) {
    struct thread *self = thread_current();
    lockcheck_none();
    if (self->program) {
        program_leave(self);
    }
    arch_irq_off();
    self->state = THREAD_EXITED;
    hart_self()->leaving = self;
    sched_switch();
    panic("an exited thread ran again");
}

void thread_join(struct thread *thread) {
    spinlock_lock(&thread->join_lock);
    while (thread->state != THREAD_DEAD) {
        waitqueue_sleep(&thread->joiners, &thread->join_lock, WAIT_FOREVER);
    }
    spinlock_unlock(&thread->join_lock);
    if (thread->program) {
        program_forget(thread);
    }
    stack_free(thread->stack_low);
    heap_free(thread);
}

void thread_kill(struct thread *thread) {
    /* If it moves now, it looks at `kill` again before it enters user mode there: see run(). */
    __atomic_store_n(&thread->kill, true, __ATOMIC_SEQ_CST);
    sched_interrupt(thread);
}

bool thread_killed(void) {
    return __atomic_load_n(&thread_current()->kill, __ATOMIC_RELAXED);
}

void thread_set_space(struct space *space) {
    struct thread *self = thread_current();
    irq_state_t irq = arch_irq_save();
    self->space = space;
    self->table = space_table(space);
    arch_pagetable_use(self->table);
    arch_irq_restore(irq);
}

void thread_sleep_ns(uint64_t ns) {
    struct spinlock lock = SPINLOCK_INIT(LOCK_WAIT);
    struct waitqueue queue;
    uint64_t deadline = time_now_ns() + ns;
    waitqueue_init(&queue);
    spinlock_lock(&lock);
    while (waitqueue_sleep_killable(&queue, &lock, deadline) == STATUS_OK) {
    }
    spinlock_unlock(&lock);
}

static unsigned access_of(enum user_exit exit) {
    switch (exit) {
    case USER_EXIT_READ_FAULT:
        return PROT_READ;
    case USER_EXIT_WRITE_FAULT:
        return PROT_WRITE;
    case USER_EXIT_EXECUTE_FAULT:
        return PROT_EXECUTE;
    default:
        return 0;
    }
}

static void use_regs(struct thread *self, struct user_regs *regs) {
    irq_state_t irq = arch_irq_save();
    if (self->regs) {
        arch_user_save(self->regs);
    }
    self->regs = regs;
    arch_irq_restore(irq);
}

void thread_sync_user(struct user_regs *regs) {
    struct thread *self = thread_current();
    if (self->regs == regs) {
        use_regs(self, NULL);
    }
    if (regs->vectors) {
        heap_free(regs->vectors);
        regs->vectors = NULL;
    }
}

/* False: neither quota nor machine has the memory. */
static bool give_vectors(struct user_regs *regs) {
    regs->vectors = heap_alloc_for(program_quota(), arch_vectors_size());
    return regs->vectors != NULL;
}

static enum user_exit run(struct thread *self, struct user_regs *regs) {
    for (;;) {
        arch_irq_off();
        sched_preempt();
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        if (__atomic_load_n(&self->kill, __ATOMIC_RELAXED)) {
            arch_irq_on();
            return USER_EXIT_KILLED;
        }
        enum user_exit exit = user_enter(regs);
        if (exit == USER_EXIT_INTERRUPT) {
            arch_take_interrupt(regs);
            continue;
        }
        arch_irq_on();
        if (exit == USER_EXIT_CALL) {
            counters_add(COUNTER_HOST_CALLS, 1);
            return exit;
        }
        if (!access_of(exit)) {
            if (exit == USER_EXIT_VECTORS && give_vectors(regs)) {
                continue;
            }
            return exit == USER_EXIT_VECTORS ? USER_EXIT_NO_MEMORY : exit;
        }
        status_t status = space_fault(self->space, regs->fault_addr, access_of(exit));
        if (status != STATUS_OK) {
            return status == STATUS_NO_MEMORY ? USER_EXIT_NO_MEMORY : exit;
        }
    }
}

void thread_quick_stop(void) {
    arch_ipi(UINT64_C(1) << hart_self()->index); /* whereupon run() looks at `kill` */
}

void thread_quick_preempt(void) {
    if (hart_self()->need_switch) {
        thread_quick_leave();
        sched_switch();
        thread_quick_return();
    }
}

enum user_exit thread_run_user(struct user_regs *regs) {
    struct thread *self = thread_current();
    assert(self->space);
    lockcheck_none();
    if (self->regs != regs) {
        use_regs(self, regs);
    }
    uint64_t before = regs->instret;
    enum user_exit exit = run(self, regs);
    if (!regs->syscall) {
        self->guest_instret += regs->instret - before;
    }
    return exit;
}

const char *thread_exit_text(enum user_exit exit) {
    static const char *const texts[] = {
        [USER_EXIT_INTERRUPT] = "interrupt",
        [USER_EXIT_CALL] = "host call",
        [USER_EXIT_READ_FAULT] = "read from an address that is not mapped",
        [USER_EXIT_WRITE_FAULT] = "write to an address that is not mapped",
        [USER_EXIT_EXECUTE_FAULT] = "jump to an address that is not code",
        [USER_EXIT_ILLEGAL] = "illegal instruction",
        [USER_EXIT_BREAKPOINT] = "breakpoint",
        [USER_EXIT_MISALIGNED] = "misaligned access",
        [USER_EXIT_ACCESS_FAULT] = "access refused by the machine",
        [USER_EXIT_NO_MEMORY] = "out of memory",
        [USER_EXIT_KILLED] = "killed",
        [USER_EXIT_VECTORS] = "first vector instruction",
    };
    return texts[exit];
}
