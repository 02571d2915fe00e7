/*
 * Programs as the kernel knows them: a number, a parent, some threads, a quota, and how it ended. What
 * a program runs is up to who starts it (init/run.c: a WebAssembly module; tests: anything).
 *
 *     program_start -> STARTING -> program_set_running -> RUNNING -> EXITED or KILLED -> program_wait
 *
 * A program has ended when its last thread has; it then keeps its number and its status until its parent
 * has waited for it. When a program ends, its children become those of the first program, which is
 * the kernel itself and never ends. A number is not given out again before PROGRAM_PID_MAX others were.
 *
 * Locks: one spinlock guards the table, the states, and the lists of threads; a program's other fields
 * belong to its threads.
 */
#ifndef KERNEL_PROGRAM_H
#define KERNEL_PROGRAM_H

#include "base/list.h"
#include "base/status.h"
#include "kernel/limits.h"
#include "kernel/mm/quota.h"
#include "kernel/sync.h"
#include "kernel/thread.h"

#include <stdbool.h>
#include <stdint.h>

struct handle_table;

enum program_state {
    PROGRAM_STARTING, /* its first thread gets things ready */
    PROGRAM_RUNNING,
    PROGRAM_EXITED, /* ended by itself: status is its own */
    PROGRAM_KILLED, /* ended by program_kill(): status is the killer's */
};

struct program {
    uint32_t pid;
    enum program_state state;
    char name[PROGRAM_NAME_SIZE];
    struct program *parent;
    int (*fn)(void *arg); /* the first thread's */
    void *arg;
    bool ending; /* status is set: no more threads */
    bool killed;
    int status;
    struct list threads;          /* struct thread.program_node: all that were not joined */
    uint32_t live;                /* threads that have not ended */
    uint64_t sharers;             /* those that are ready or running: see sched.h */
    uint64_t ran;                 /* ticks that joined threads had a hart */
    struct quota *quota;          /* NULL: the kernel's own program has none */
    struct handle_table *handles; /* closed when the last thread ends; NULL: none */
    struct waitqueue child_ended; /* where its threads wait for its children */
};

/* The caller becomes a thread of the first program. Once, after thread_init(). */
status_t program_init(void) MUST_CHECK;

struct program_options {
    const char *name;
    uint64_t frame_limit; /* of its quota */
};

/* A child of the calling thread's program. fn(arg) runs on a thread of its own and returns the exit
 * status; it runs in any case, even if the program is killed at once. LIMIT, NO_MEMORY. */
status_t program_start(const struct program_options *options, int (*fn)(void *arg), void *arg,
                       uint32_t *pid_out) MUST_CHECK;

/* The same in two steps, between which the caller may let the program's quota pay for what it will have. One that
 * is not run, or whose program_run() failed, is discarded. */
status_t program_create(const struct program_options *options, struct program **out) MUST_CHECK;
status_t program_run(struct program *program, int (*fn)(void *arg), void *arg) MUST_CHECK;
void program_discard(struct program *program);

/* Another thread of the calling thread's program, ready at once. It may be joined with thread_join();
 * who does not has it joined when the program is waited for. KILLED when the program is ending. */
status_t program_add_thread(const char *name, void (*fn)(void *arg), void *arg, struct space *space,
                            struct thread **out) MUST_CHECK;

/* The calling thread's program, or NULL for the kernel's own threads. */
static inline struct program *program_current(void) {
    return thread_current()->program;
}

/* Who pays for memory that the calling thread asks for. */
static inline struct quota *program_quota(void) {
    struct program *program = program_current();
    return program ? program->quota : NULL;
}

/* The calling thread's program has begun its work. */
void program_set_running(void);

/* Ends the calling thread's program: this thread now, the others when they can be stopped. */
_Noreturn void program_exit(int status);

/* Asks all threads of a program to end; `status` will be its exit status unless it is ending already.
 * Returns before they have. NOT_FOUND when there is none or it has ended; DENIED for the first one. */
status_t program_kill(uint32_t pid, int status) MUST_CHECK;

/* How a program ended. */
struct program_end {
    uint32_t pid;
    bool killed;
    int status;
    char name[PROGRAM_NAME_SIZE];
};

/* Waits until a child of the calling thread's program (0: any) has ended, and frees it. NOT_FOUND: no such
 * child; WOULD_BLOCK: none has ended by then (time_now_ns()); KILLED: the caller is to end. */
status_t program_wait(uint32_t pid, uint64_t deadline_ns, struct program_end *out) MUST_CHECK;
/* The same without a deadline, but WOULD_BLOCK as soon as *stop is set: who does that calls program_wake()
 * with the number of the caller's program afterwards. */
status_t program_wait_unless(uint32_t pid, const bool *stop, struct program_end *out) MUST_CHECK;
void program_wake(uint32_t pid);

/* What there is to see of a program from outside. */
struct program_info {
    uint32_t pid, parent; /* parent 0: none */
    enum program_state state;
    int status;
    uint32_t threads; /* that have not ended */
    uint64_t frames, frame_limit;
    uint64_t ran; /* ticks of the timebase that its threads had a hart */
    char name[PROGRAM_NAME_SIZE];
};

/* The program with the least number above `after`. False: there is none. */
bool program_next(uint32_t after, struct program_info *out);

const char *program_state_text(enum program_state state);

/* For kernel/thread.c: a thread of a program is about to end; it is being joined. */
void program_leave(struct thread *thread);
void program_forget(struct thread *thread);

#endif
