/*
 * Programs. See program.h.
 *
 * A program's number says its slot in the table, so that it is found without a search; the next number
 * is the next one whose slot is free.
 */
#include "kernel/program.h"

#include "base/fmt.h"
#include "kernel/assert.h"
#include "kernel/mm/heap.h"
#include "kernel/sched.h"

#include <string.h>

_Static_assert((PROGRAM_PID_MAX + 1) % PROGRAM_MAX == 0, "slots stay the same when numbers wrap");

static struct spinlock lock = SPINLOCK_INIT(LOCK_PROGRAM);
static struct program *table[PROGRAM_MAX]; /* by pid % PROGRAM_MAX */
static uint32_t last_pid;
static struct program *first;

static struct program *find(uint32_t pid) {
    struct program *program = table[pid % PROGRAM_MAX];
    return program && program->pid == pid ? program : NULL;
}

static bool has_ended(const struct program *program) {
    return program->state >= PROGRAM_EXITED;
}

/* ---- the table ---- */

static status_t enter(struct program *program) {
    status_t status = STATUS_LIMIT;
    spinlock_lock(&lock);
    for (uint32_t tries = 0; tries < PROGRAM_MAX && status != STATUS_OK; tries++) {
        last_pid = last_pid == PROGRAM_PID_MAX ? 1 : last_pid + 1;
        if (!table[last_pid % PROGRAM_MAX]) {
            program->pid = last_pid;
            table[last_pid % PROGRAM_MAX] = program;
            status = STATUS_OK;
        }
    }
    spinlock_unlock(&lock);
    return status;
}

static status_t create(const struct program_options *options, struct program *parent,
                       struct program **out) {
    struct quota *payer = parent ? parent->quota : NULL;
    struct program *program = heap_new_for(payer, struct program);
    if (!program) {
        return STATUS_NO_MEMORY;
    }
    fmt_text(program->name, sizeof(program->name), "%s", options->name);
    program->parent = parent;
    program->sharers = SCHED_NO_SHARERS;
    list_init(&program->threads);
    waitqueue_init(&program->child_ended);
    status_t status = STATUS_OK;
    if (parent) {
        status = quota_new(quota_limit(options->frame_limit), payer, &program->quota);
    }
    if (status == STATUS_OK) {
        status = enter(program);
    }
    if (status != STATUS_OK) {
        quota_close(program->quota);
        heap_free(program);
        return status;
    }
    *out = program;
    return STATUS_OK;
}

/* ---- threads ---- */

/* Makes room for one more thread, so that the program does not end meanwhile. */
static status_t announce_thread(struct program *program) {
    spinlock_lock(&lock);
    status_t status = program->ending ? STATUS_KILLED : STATUS_OK;
    program->live += status == STATUS_OK;
    spinlock_unlock(&lock);
    return status;
}

static void add_thread(struct program *program, struct thread *thread) {
    thread->program = program;
    sched_join(thread, &program->sharers);
    spinlock_lock(&lock);
    list_push_back(&program->threads, &thread->program_node);
    thread->kill = program->ending; /* who ends it from now on finds the thread */
    spinlock_unlock(&lock);
    thread_run(thread);
}

static void run_first(void *arg) {
    struct program *self = arg;
    program_exit(self->fn(self->arg));
}

status_t program_init(void) {
    const struct program_options options = {.name = "kernel", .frame_limit = UINT64_MAX};
    TRY(create(&options, NULL, &first));
    struct thread *self = thread_current();
    first->state = PROGRAM_RUNNING;
    first->live = 1;
    self->program = first;
    sched_join(self, &first->sharers);
    list_push_back(&first->threads, &self->program_node);
    return STATUS_OK;
}

status_t program_create(const struct program_options *options, struct program **out) {
    return create(options, program_current(), out);
}

status_t program_run(struct program *program, int (*fn)(void *arg), void *arg) {
    struct thread *thread;
    TRY(thread_create(program->quota, program->name, run_first, program, NULL, &thread));
    program->fn = fn;
    program->arg = arg;
    program->live = 1;
    add_thread(program, thread);
    return STATUS_OK;
}

void program_discard(struct program *program) {
    spinlock_lock(&lock);
    table[program->pid % PROGRAM_MAX] = NULL;
    waitqueue_wake_all(&program->parent->child_ended); /* where another thread may wait for it */
    spinlock_unlock(&lock);
    quota_close(program->quota);
    heap_free(program);
}

status_t program_start(const struct program_options *options, int (*fn)(void *arg), void *arg,
                       uint32_t *pid_out) {
    struct program *program;
    TRY(program_create(options, &program));
    *pid_out = program->pid;
    status_t status = program_run(program, fn, arg);
    if (status != STATUS_OK) {
        program_discard(program);
    }
    return status;
}

status_t program_add_thread(const char *name, void (*fn)(void *arg), void *arg, struct space *space,
                            struct thread **out) {
    struct program *self = program_current();
    TRY(announce_thread(self));
    status_t status = thread_create(self->quota, name, fn, arg, space, out);
    if (status == STATUS_OK) {
        add_thread(self, *out);
        return STATUS_OK;
    }
    spinlock_lock(&lock);
    self->live--; /* not the last: the caller is one */
    spinlock_unlock(&lock);
    return status;
}

/* ---- the end ---- */

void program_set_running(void) {
    struct program *self = program_current();
    spinlock_lock(&lock);
    self->state = PROGRAM_RUNNING;
    spinlock_unlock(&lock);
}

/* Under the lock: the first status counts. All threads but `but` are asked to end. */
static void begin_end(struct program *program, int status, bool killed, struct thread *but) {
    if (!program->ending) {
        program->ending = true;
        program->killed = killed;
        program->status = status;
    }
    list_each(node, &program->threads) {
        struct thread *thread = list_entry(node, struct thread, program_node);
        if (thread != but) {
            thread_kill(thread);
        }
    }
}

void program_exit(int status) {
    struct program *self = program_current();
    assert(self != first);
    spinlock_lock(&lock);
    begin_end(self, status, false, thread_current());
    spinlock_unlock(&lock);
    thread_exit();
}

status_t program_kill(uint32_t pid, int status) {
    spinlock_lock(&lock);
    struct program *program = find(pid);
    status_t result = !program || has_ended(program) ? STATUS_NOT_FOUND
                      : program == first             ? STATUS_DENIED
                                                     : STATUS_OK;
    if (result == STATUS_OK) {
        begin_end(program, status, true, NULL);
    }
    spinlock_unlock(&lock);
    return result;
}

/* Under the lock. */
static void adopt_children(struct program *program) {
    for (uint32_t i = 0; i < PROGRAM_MAX; i++) {
        if (table[i] && table[i]->parent == program) {
            table[i]->parent = first;
        }
    }
    waitqueue_wake_all(&first->child_ended);
}

/* The last thread has ended. */
static void end(struct program *program) {
    spinlock_lock(&lock);
    adopt_children(program);
    program->state = program->killed ? PROGRAM_KILLED : PROGRAM_EXITED;
    waitqueue_wake_all(&program->parent->child_ended);
    spinlock_unlock(&lock);
}

void program_leave(struct thread *thread) {
    struct program *program = thread->program;
    spinlock_lock(&lock);
    bool last = --program->live == 0;
    program->ending = program->ending || last;
    spinlock_unlock(&lock);
    if (last) {
        end(program);
    }
}

void program_forget(struct thread *thread) {
    spinlock_lock(&lock);
    list_remove(&thread->program_node);
    thread->program->ran += sched_ran(thread);
    spinlock_unlock(&lock);
}

/* ---- waiting ---- */

/* Under the lock: a child that has ended, or NULL; *any_out: there is one that may yet. */
static struct program *ended_child(const struct program *parent, uint32_t pid, bool *any_out) {
    *any_out = false;
    for (uint32_t i = 0; i < PROGRAM_MAX; i++) {
        struct program *child = pid == 0 ? table[i] : find(pid);
        if (child && child->parent == parent) {
            *any_out = true;
            if (has_ended(child)) {
                return child;
            }
        }
        if (pid != 0) {
            break;
        }
    }
    return NULL;
}

/* Under the lock: waits until there is one or *stop is set, and takes it out of the table. */
static status_t claim_ended(uint32_t pid, uint64_t deadline_ns, const bool *stop,
                            struct program **out) {
    struct program *self = program_current();
    bool any;
    status_t status = STATUS_OK;
    while (!(*out = ended_child(self, pid, &any))) {
        if (!any) {
            return STATUS_NOT_FOUND;
        }
        if (deadline_ns == 0 || __atomic_load_n(stop, __ATOMIC_RELAXED)) {
            return STATUS_WOULD_BLOCK;
        }
        TRY(status);
        status = waitqueue_sleep_killable(&self->child_ended, &lock, deadline_ns);
        status = status == STATUS_TIMED_OUT ? STATUS_WOULD_BLOCK : status;
    }
    table[(*out)->pid % PROGRAM_MAX] = NULL;
    return STATUS_OK;
}

static status_t wait_for(uint32_t pid, uint64_t deadline_ns, const bool *stop,
                         struct program_end *out) {
    struct program *child;
    spinlock_lock(&lock);
    status_t status = claim_ended(pid, deadline_ns, stop, &child);
    spinlock_unlock(&lock);
    TRY(status);
    while (!list_empty(&child->threads)) {
        thread_join(list_entry(child->threads.next, struct thread, program_node));
    }
    *out =
        (struct program_end){.pid = child->pid, .killed = child->killed, .status = child->status};
    memcpy(out->name, child->name, sizeof(out->name));
    quota_close(child->quota);
    heap_free(child);
    return STATUS_OK;
}

status_t program_wait(uint32_t pid, uint64_t deadline_ns, struct program_end *out) {
    static const bool never;
    return wait_for(pid, deadline_ns, &never, out);
}

status_t program_wait_unless(uint32_t pid, const bool *stop, struct program_end *out) {
    return wait_for(pid, WAIT_FOREVER, stop, out);
}

void program_wake(uint32_t pid) {
    spinlock_lock(&lock);
    struct program *program = find(pid);
    if (program) {
        waitqueue_wake_all(&program->child_ended);
    }
    spinlock_unlock(&lock);
}

/* ---- looking ---- */

static void describe(const struct program *program, struct program_info *out) {
    *out = (struct program_info){
        .pid = program->pid,
        .parent = program->parent ? program->parent->pid : 0,
        .state = program->state,
        .status = program->status,
        .threads = program->live,
        .frames = program->quota ? quota_used(program->quota) / PAGE_SIZE : 0,
        .frame_limit = program->quota ? program->quota->limit / PAGE_SIZE : UINT64_MAX,
        .ran = program->ran,
    };
    memcpy(out->name, program->name, sizeof(out->name));
    list_each(node, &program->threads) {
        out->ran += sched_ran(list_entry(node, struct thread, program_node));
    }
}

bool program_next(uint32_t after, struct program_info *out) {
    struct program *next = NULL;
    spinlock_lock(&lock);
    for (uint32_t i = 0; i < PROGRAM_MAX; i++) {
        if (table[i] && table[i]->pid > after && (!next || table[i]->pid < next->pid)) {
            next = table[i];
        }
    }
    if (next) {
        describe(next, out);
    }
    spinlock_unlock(&lock);
    return next != NULL;
}

const char *program_state_text(enum program_state state) {
    static const char *const texts[] = {
        [PROGRAM_STARTING] = "starting",
        [PROGRAM_RUNNING] = "running",
        [PROGRAM_EXITED] = "exited",
        [PROGRAM_KILLED] = "killed",
    };
    return texts[state];
}
