/*
 * Native domains.
 *
 * The first thread is the one that ends the domain: it asks the others to end and waits for them, and then
 * gives back what they shared. A thread that wants all to end (exit, a fault) kills the first one. What a thread
 * had, its stack in the kernel among it, is given back when the next one starts or the domain ends.
 *
 * Locks: domain->lock (rank WAIT) guards the lists of threads and how the domain ends.
 */
#include "kernel/native.h"

#include "base/list.h"
#include "kernel/assert.h"
#include "kernel/ipc/endpoint.h"
#include "kernel/limits.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/space.h"
#include "kernel/program.h"
#include "kernel/sync.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"

#include <string.h>

struct domain {
    struct space *space;
    struct handle_table *handles;
    vaddr_t code, stack_top;
    uint64_t args[1 + SYSCALL_MAX_HANDLES];
    struct spinlock lock;
    struct thread *first;
    struct list others;         /* struct start.node: threads that run */
    struct list ended;          /* and those that nobody has joined yet */
    struct waitqueue none_left; /* where the first thread waits for them */
    uint32_t len;
    bool ending;
    int status;
};

/* A thread that is not the first. */
struct start {
    struct list node;
    struct thread *thread;
    struct domain *domain;
    vaddr_t pc, sp;
    uint64_t arg;
};

/* ---- running ---- */

/* The first to say how the domain ends is heard. */
static void set_status(struct domain *domain, int status) {
    spinlock_lock(&domain->lock);
    if (!domain->ending) {
        domain->ending = true;
        domain->status = status;
    }
    spinlock_unlock(&domain->lock);
}

void native_leave(struct thread *self) {
    __atomic_store_n(&self->kill, true, __ATOMIC_SEQ_CST);
}

static void end_domain(struct thread *self, int status) {
    struct domain *domain = self->ipc.domain;
    set_status(domain, status);
    if (self != domain->first) {
        thread_kill(domain->first);
    }
}

void native_exit(struct thread *self, int status) {
    end_domain(self, status & 0xff);
    native_leave(self);
}

_Static_assert((int)USER_EXIT_NO_MEMORY - (int)USER_EXIT_READ_FAULT ==
                   (int)SYSCALL_FAULT_NO_MEMORY - (int)SYSCALL_FAULT_READ,
               "the same faults in the same order");

/* Whether the guest goes on after this exit: a call, or a fault that it has a handler for. */
static bool goes_on(struct thread *self, struct user_regs *regs, enum user_exit exit) {
    vaddr_t handler = self->ipc.fault_handler;
    if (exit == USER_EXIT_CALL || handler == 0 || exit < USER_EXIT_READ_FAULT ||
        exit > USER_EXIT_NO_MEMORY) {
        return exit == USER_EXIT_CALL;
    }
    uint64_t *args = arch_user_args(regs);
    args[0] = (uint64_t)SYSCALL_FAULT_READ + exit - USER_EXIT_READ_FAULT;
    args[1] = regs->fault_addr;
    args[2] = regs->pc;
    regs->pc = handler;
    self->ipc.fault_handler = 0;
    return true;
}

/* The calling thread's guest, until it may not go on. */
static void run_guest(struct domain *domain, vaddr_t pc, vaddr_t sp, const uint64_t *args,
                      size_t len) {
    struct thread *self = thread_current();
    struct user_regs regs;
    enum user_exit exit = USER_EXIT_CALL;
    user_regs_init(&regs, pc, sp);
    regs.syscall = syscall_enter;
    user_regs_start(&regs);
    memcpy(arch_user_args(&regs), args, len * sizeof(*args));
    self->ipc = (struct ipc_state){
        .handles = domain->handles, .args = arch_user_args(&regs), .domain = domain};
    while (!thread_killed() && goes_on(self, &regs, exit)) {
        exit = thread_run_user(&regs);
    }
    thread_sync_user(&regs);
    if (exit != USER_EXIT_CALL && exit != USER_EXIT_KILLED) {
        end_domain(self, NATIVE_FAULT + (int)exit);
    }
    endpoint_leave(self);
    thread_set_space(NULL);
}

static void kill_others(struct domain *domain) {
    spinlock_lock(&domain->lock);
    domain->ending = true;
    list_each(node, &domain->others) {
        thread_kill(list_entry(node, struct start, node)->thread);
    }
    while (domain->len > 0) {
        waitqueue_sleep(&domain->none_left, &domain->lock, WAIT_FOREVER);
    }
    spinlock_unlock(&domain->lock);
}

static struct start *take_ended(struct domain *domain) {
    struct start *start = NULL;
    spinlock_lock(&domain->lock);
    if (!list_empty(&domain->ended)) {
        start = list_entry(domain->ended.next, struct start, node);
        list_remove(&start->node);
    }
    spinlock_unlock(&domain->lock);
    return start;
}

static void join_ended(struct domain *domain) {
    for (struct start *start; (start = take_ended(domain)) != NULL; heap_free(start)) {
        thread_join(start->thread);
    }
}

static void free_domain(struct domain *domain) {
    handle_table_free(domain->handles);
    space_free(domain->space);
    heap_free(domain);
}

static int run_first(void *arg) {
    struct domain *domain = arg;
    domain->first = thread_current();
    program_current()->handles = domain->handles;
    thread_set_space(domain->space);
    program_set_running();
    run_guest(domain, domain->code, domain->stack_top, domain->args,
              sizeof(domain->args) / sizeof(domain->args[0]));
    kill_others(domain);
    join_ended(domain);
    program_current()->handles = NULL;
    int status = domain->status;
    free_domain(domain);
    return status;
}

static void run_other(void *arg) {
    struct start *start = arg;
    struct domain *domain = start->domain;
    start->thread = thread_current();
    spinlock_lock(&domain->lock);
    list_push_back(&domain->others, &start->node);
    bool ending = domain->ending;
    spinlock_unlock(&domain->lock);
    if (!ending) {
        run_guest(domain, start->pc, start->sp, &start->arg, 1);
    }
    thread_set_space(NULL);
    spinlock_lock(&domain->lock);
    list_remove(&start->node);
    list_push_back(&domain->ended, &start->node);
    domain->len--;
    waitqueue_wake_all(&domain->none_left);
    spinlock_unlock(&domain->lock);
}

/* ---- starting ---- */

static status_t announce(struct domain *domain) {
    spinlock_lock(&domain->lock);
    status_t status = domain->ending                      ? STATUS_KILLED
                      : domain->len == NATIVE_MAX_THREADS ? STATUS_LIMIT
                                                          : STATUS_OK;
    domain->len += status == STATUS_OK;
    spinlock_unlock(&domain->lock);
    return status;
}

/* Takes the announcement back. */
static void renounce(struct domain *domain) {
    spinlock_lock(&domain->lock);
    domain->len--;
    waitqueue_wake_all(&domain->none_left);
    spinlock_unlock(&domain->lock);
}

status_t native_add_thread(struct thread *self, vaddr_t pc, vaddr_t sp, uint64_t arg) {
    struct domain *domain = self->ipc.domain;
    struct thread *thread;
    join_ended(domain);
    struct start *start = heap_new_for(program_quota(), struct start);
    if (!start) {
        return STATUS_NO_MEMORY;
    }
    *start = (struct start){.domain = domain, .pc = pc, .sp = sp, .arg = arg};
    list_init(&start->node);
    status_t status = announce(domain);
    if (status == STATUS_OK) {
        status = program_add_thread(self->name, run_other, start, domain->space, &thread);
        if (status != STATUS_OK) {
            renounce(domain);
        }
    }
    if (status != STATUS_OK) {
        heap_free(start);
    }
    return status;
}

static status_t fill_space(struct domain *domain, const struct native_options *options,
                           struct quota *quota) {
    size_t size = PAGE_ALIGN_UP(options->code_size);
    vaddr_t stack;
    TRY(space_new_for(quota, options->frame_limit, &domain->space));
    TRY(space_reserve(domain->space, size, 0, &domain->code));
    TRY(space_publish_code(domain->space, domain->code, options->code, options->code_size));
    TRY(space_reserve(domain->space, options->stack_size + PAGE_SIZE, 0, &stack));
    TRY(space_protect(domain->space, stack + PAGE_SIZE, options->stack_size,
                      PROT_READ | PROT_WRITE));
    domain->stack_top = stack + PAGE_SIZE + options->stack_size;
    return STATUS_OK;
}

static status_t fill(struct domain *domain, struct native_options *options, struct quota *quota) {
    spinlock_init(&domain->lock, LOCK_WAIT);
    list_init(&domain->others);
    list_init(&domain->ended);
    waitqueue_init(&domain->none_left);
    domain->args[0] = options->arg;
    TRY(handle_table_new_for(quota, &domain->handles));
    for (size_t i = 0; i < SYSCALL_MAX_HANDLES; i++) {
        handle_t handle = 0;
        if (options->handles[i].object) {
            TRY(handle_put(domain->handles, &options->handles[i], &handle));
        }
        domain->args[1 + i] = handle;
    }
    return fill_space(domain, options, quota);
}

/* The domain pays for everything itself. */
static status_t begin(struct program *program, struct native_options *options) {
    struct domain *domain = heap_new_for(program->quota, struct domain);
    if (!domain) {
        return STATUS_NO_MEMORY;
    }
    status_t status = fill(domain, options, program->quota);
    if (status == STATUS_OK) {
        status = program_run(program, run_first, domain);
    }
    if (status != STATUS_OK) {
        free_domain(domain);
    }
    return status;
}

status_t native_start(struct native_options *options, uint32_t *pid_out) {
    const struct program_options about = {.name = options->name,
                                          .frame_limit = options->frame_limit};
    struct program *program;
    status_t status = program_create(&about, &program);
    if (status == STATUS_OK) {
        *pid_out = program->pid;
        status = begin(program, options);
        if (status != STATUS_OK) {
            program_discard(program);
        }
    }
    for (size_t i = 0; i < SYSCALL_MAX_HANDLES; i++) {
        handle_drop(&options->handles[i]);
    }
    return status;
}
