/*
 * A domain that uses all vector registers, and looks whether they are what it wrote: see vector.h beside this.
 * test/kernel/vector.c runs it as a native domain, and its first thread as a guest without system calls too.
 */
#include "test/kernel/domain/vector.h"

#include "test/kernel/domain/riscv64/call.h"
#include "test/kernel/domain/riscv64/vector.h"

#include <stdbool.h>

#define PAGE    4096ul
#define STACK   (4 * PAGE)
#define PATTERN 0x9e3779b97f4a7c15ul
#define LEAN    __attribute__((noinline)) /* two struct vectors are half of the stack */

int domain_main(uint64_t arg, uint64_t h1);

static uint64_t mix(uint64_t x) {
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static uint64_t words_of(void) {
    return vector_register_bytes() / 8 * VECTOR_REGISTERS;
}

/* What belongs to a number: any bits, and a vl, vtype, vstart and vcsr that may be. */
static void make(struct vectors *to, uint64_t n) {
    uint64_t bytes = vector_register_bytes(), words = words_of();
    const struct {
        uint64_t vtype, vl_max;
    } types[] = {
        {VECTOR_TYPE(3, 0, 0, 0), bytes},
        {VECTOR_TYPE(4, 6, 0, 1), bytes / 8},
        {VECTOR_TYPE(5, 1, 1, 0), bytes / 4 * 2},
        {VECTOR_TYPE(6, 3, 1, 1), bytes},
        {VECTOR_ILLEGAL_TYPE, 0},
    };
    uint64_t type = n % 5;
    for (uint64_t i = 0; i < words; i++) {
        to->v[i] = mix(n + i * PATTERN);
    }
    to->vtype = types[type].vtype;
    to->vl = mix(n) % (types[type].vl_max + 1);
    to->vstart = mix(n + 1) % 8;
    to->vcsr = mix(n + 2) % 8;
}

static bool same(const struct vectors *a, const struct vectors *b) {
    bool same =
        a->vl == b->vl && a->vtype == b->vtype && a->vstart == b->vstart && a->vcsr == b->vcsr;
    for (uint64_t i = 0; i < words_of(); i++) {
        same = same && a->v[i] == b->v[i];
    }
    return same;
}

/* The first that it does with them. */
static int begin(struct vectors *found) {
    bool zero;
    vector_read(found);
    zero = found->vl == 0 && found->vtype == 0 && found->vstart == 0 && found->vcsr == 0;
    for (uint64_t i = 0; i < words_of(); i++) {
        zero = zero && found->v[i] == 0;
    }
    return zero ? 0 : VECTOR_EXIT_NOT_ZERO;
}

/* Others run meanwhile, if there are any: by a call, or when the time is over. */
static void pause(uint64_t n) {
    switch (mix(n + 3) % 4) {
    case 0:
        (void)call3(SYSCALL_yield, 0, 0, 0);
        break;
    case 1:
        (void)call3(SYSCALL_sleep, (uint64_t)call3(SYSCALL_clock, 0, 0, 0) + 20000, 0, 0);
        break;
    case 2:
        for (volatile unsigned i = 0; i < 20000; i++) {
        }
        break;
    default:
        break;
    }
}

static LEAN int do_rounds(uint64_t seed) {
    struct vectors wanted, found;
    int error = begin(&found);
    for (uint64_t n = seed; n < seed + VECTOR_ROUNDS_LEN && error == 0; n++) {
        make(&wanted, n);
        vector_write(&wanted);
        pause(n);
        vector_read(&found);
        /* Unchanged since they were stored last, or not. */
        if (n % 2 == 0) {
            pause(n + 1);
            vector_read(&found);
        }
        error = same(&wanted, &found) ? 0 : VECTOR_EXIT_CHANGED;
    }
    return error;
}

/* ---- threads ---- */

struct shared {
    uint64_t seed;
    uint32_t begun, ended;
    int error;
};

static void run_other(struct shared *shared) {
    uint64_t number = __atomic_add_fetch(&shared->begun, 1, __ATOMIC_SEQ_CST);
    int error = do_rounds(shared->seed + number * 1000);
    if (error) {
        __atomic_store_n(&shared->error, error, __ATOMIC_SEQ_CST);
    }
    __atomic_add_fetch(&shared->ended, 1, __ATOMIC_SEQ_CST);
    (void)call3(SYSCALL_futex_wake, (uint64_t)&shared->ended, 1, 0);
    (void)call3(SYSCALL_thread_exit, 0, 0, 0);
}

static int do_threads(uint64_t seed) {
    struct shared shared = {.seed = seed};
    uint32_t ended;
    for (uint64_t i = 0; i < VECTOR_THREADS_LEN; i++) {
        int64_t stack = call3(SYSCALL_memory_map, STACK, 3, 0);
        if (stack < 0 || call3(SYSCALL_thread_start, (uint64_t)&run_other, (uint64_t)stack + STACK,
                               (uint64_t)&shared) < 0) {
            return VECTOR_EXIT_FAILED;
        }
    }
    int error = do_rounds(seed);
    while ((ended = __atomic_load_n(&shared.ended, __ATOMIC_SEQ_CST)) < VECTOR_THREADS_LEN) {
        (void)call3(SYSCALL_futex_wait, (uint64_t)&shared.ended, ended, SYSCALL_FOREVER);
    }
    return error ? error : __atomic_load_n(&shared.error, __ATOMIC_SEQ_CST);
}

/* ---- others ---- */

static LEAN int stay_dirty(uint64_t seed, uint64_t h1) {
    struct vectors wanted;
    make(&wanted, seed);
    vector_write(&wanted);
    if (call3(SYSCALL_notification_signal, h1, 1, 0) < 0) {
        return VECTOR_EXIT_FAILED;
    }
    for (;;) {
        vector_write(&wanted);
    }
}

/* Whatever the fault is, and the handler that goes on after it. */
static LEAN int do_faults(uint64_t seed) {
    struct vectors wanted, found;
    int error = begin(&found);
    for (uint64_t n = seed; n < seed + 20 && error == 0; n++) {
        make(&wanted, n);
        vector_write(&wanted);
        error = call_fault(n % 5) > 0 ? 0 : VECTOR_EXIT_FAILED;
        vector_read(&found);
        error = error || same(&wanted, &found) ? error : VECTOR_EXIT_CHANGED;
    }
    return error;
}

int domain_main(uint64_t arg, uint64_t h1) {
    uint64_t seed = arg >> 8;
    switch (arg & 0xff) {
    case VECTOR_ROUNDS:
        return do_rounds(seed);
    case VECTOR_THREADS:
        return do_threads(seed);
    case VECTOR_DIRTY:
        return stay_dirty(seed, h1);
    case VECTOR_HANDLER:
        return do_faults(seed);
    default:
        return 0;
    }
}
