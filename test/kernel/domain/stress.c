/*
 * A native domain that does everything a domain may do, at random, for as long as it lives: calls, receives,
 * answers late or never, passes handles and bytes, shares memory, signals, waits at futexes, sleeps,
 * spins, takes memory until there is none, faults with and without a handler, starts threads. Its
 * argument is the seed, h1 and h2 endpoints, h3 a notification, h4 the page of counts (stress.h).
 *
 * Most of what it calls may fail at any time: handles are revoked, peers killed, memory is short. What does not
 * fail must be right: a request says of itself what its answer has to be, and bytes what they are.
 */
#include "test/kernel/domain/stress.h"

#include "test/kernel/domain/riscv64/call.h"

#include <stdbool.h>

#define PAGE  4096ul
#define MS    1000000ul
#define LABEL 0x57

enum { MORE = 6, FUTEXES = 4, BYTES_MAX = 200, HANDLES_PER_PARCEL = 2, DEAD_ENDS_MAX = 60 };

/* A thread of the domain, at the lower end of its stack. */
struct actor {
    uint64_t random;
    uint64_t handles[3 + MORE]; /* given, then made and received; 0: none */
    struct stress_counts *counts;
    unsigned next;      /* of the latter, which is replaced next */
    unsigned dead_ends; /* calls by handles that were no good */
    uint32_t *futexes;  /* the domain's: on the stack of its first thread */
    struct {
        struct syscall_parcel parcel;
        uint8_t bytes[BYTES_MAX];
    } buffer;
};

int domain_main(uint64_t arg, uint64_t h1, uint64_t h2, uint64_t h3, uint64_t h4);

static uint64_t mix(uint64_t x) {
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static uint64_t dice(struct actor *a) {
    a->random += 0x9e3779b97f4a7c15u;
    return mix(a->random);
}

static void count(struct actor *a, enum stress_count what, uint64_t n) {
    __atomic_fetch_add(&a->counts->of[what], n, __ATOMIC_RELAXED);
}

static __attribute__((noreturn)) void leave(uint64_t status) {
    for (;;) {
        (void)call3(SYSCALL_exit, status, 0, 0);
    }
}

#define CHECK(a, cond)                                                                             \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            __atomic_store_n(&(a)->counts->wrong, __LINE__, __ATOMIC_RELAXED);                     \
            leave(STRESS_EXIT_WRONG);                                                              \
        }                                                                                          \
    } while (0)

/* Looks at how a call ended, and gives up when nothing works any more. */
static bool good(struct actor *a, int64_t result) {
    CHECK(a, result != -SYSCALL_BAD_NUMBER && result != -SYSCALL_FAILED);
    if (result == -SYSCALL_NO_MEMORY || result == -SYSCALL_LIMIT) {
        count(a, STRESS_NO_MEMORY, 1);
    }
    if (result == -SYSCALL_BAD_HANDLE && ++a->dead_ends == DEAD_ENDS_MAX) {
        leave(STRESS_EXIT_DONE);
    }
    return result >= 0;
}

static uint64_t now(void) {
    return (uint64_t)call3(SYSCALL_clock, 0, 0, 0);
}

/* Mostly soon, sometimes past, sometimes never. */
static uint64_t deadline(struct actor *a) {
    uint64_t d = dice(a);
    return d % 16 == 0 ? SYSCALL_FOREVER : d % 16 == 1 ? 0 : now() + (d >> 8) % (16 * MS);
}

/* ---- handles ---- */

static uint64_t endpoint(struct actor *a) {
    return a->handles[dice(a) % 2];
}

static uint64_t any_handle(struct actor *a) {
    return a->handles[dice(a) % (3 + MORE)];
}

static void close(struct actor *a, uint64_t handle) {
    int64_t result = call3(SYSCALL_handle_close, handle, 0, 0);
    CHECK(a, result == 0 || result == -SYSCALL_BAD_HANDLE);
}

/* Instead of one it had. */
static void own(struct actor *a, uint64_t handle) {
    unsigned at = 3 + a->next++ % MORE;
    if (a->handles[at]) {
        close(a, a->handles[at]);
    }
    a->handles[at] = handle;
}

static void derive(struct actor *a) {
    uint64_t rights = dice(a) & RIGHT_ALL;
    int64_t handle = call3(SYSCALL_handle_duplicate, any_handle(a),
                           rights | RIGHT_TRANSFER | RIGHT_DUPLICATE, dice(a) % 2);
    if (good(a, handle)) {
        CHECK(a, handle > 0);
        own(a, (uint64_t)handle);
        count(a, STRESS_DERIVED, 1);
    }
}

static void revoke(struct actor *a) {
    /* Its own alone: those it was given belong to many. */
    if (good(a, call3(SYSCALL_handle_revoke, a->handles[3 + dice(a) % MORE], 0, 0))) {
        count(a, STRESS_REVOKED, 1);
    }
}

static void create(struct actor *a) {
    static const uint8_t numbers[] = {SYSCALL_endpoint_create, SYSCALL_notification_create,
                                      SYSCALL_memory_create};
    uint64_t d = dice(a);
    int64_t handle =
        call3((enum syscall_number)numbers[d % sizeof(numbers)], PAGE * (1 + (d >> 8) % 8), 0, 0);
    if (good(a, handle)) {
        own(a, (uint64_t)handle);
    }
}

/* ---- messages ---- */

/* With bytes and handles, one time in four. */
static void fill(struct actor *a, struct message *m, struct syscall_parcel *parcel,
                 uint8_t bytes[BYTES_MAX]) {
    uint64_t d = dice(a), value = m->words[0];
    if (d % 4 != 0) {
        m->info = SYSCALL_INFO(LABEL, 0, 0);
        return;
    }
    uint64_t len = 1 + (d >> 8) % BYTES_MAX, handles = (d >> 16) % (HANDLES_PER_PARCEL + 1);
    for (uint64_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)(value + i);
    }
    *parcel = (struct syscall_parcel){.bytes = (uint64_t)bytes};
    uint64_t given = 0;
    for (uint64_t i = 0; i < handles; i++) {
        uint64_t *handle = &a->handles[3 + dice(a) % MORE];
        if (*handle) {
            parcel->handles[given++] = (uint32_t)*handle;
            *handle = 0; /* gone, whatever becomes of the message */
        }
    }
    m->info = SYSCALL_INFO(LABEL, given, len);
    m->words[3] = (uint64_t)parcel;
}

/* What has come besides words. */
static void open(struct actor *a, const struct message *m) {
    uint64_t len = SYSCALL_INFO_BYTES(m->info), handles = SYSCALL_INFO_HANDLES(m->info);
    CHECK(a, SYSCALL_INFO_LABEL(m->info) == LABEL);
    CHECK(a, len <= BYTES_MAX && handles <= HANDLES_PER_PARCEL);
    for (uint64_t i = 0; i < len; i++) {
        CHECK(a, a->buffer.bytes[i] == (uint8_t)(m->words[0] + i));
    }
    for (uint64_t i = 0; i < handles; i++) {
        CHECK(a, a->buffer.parcel.handles[i] != 0);
        own(a, a->buffer.parcel.handles[i]);
    }
    if (len || handles) {
        count(a, STRESS_PARCELS, 1);
        count(a, STRESS_HANDLES, handles);
    }
}

static void call(struct actor *a) {
    struct syscall_parcel parcel;
    uint8_t bytes[BYTES_MAX];
    uint64_t value = dice(a);
    struct message m = {.words = {value, ~value, mix(value), 0}};
    fill(a, &m, &parcel, bytes);
    int64_t result = call_message(SYSCALL_message_call, endpoint(a), &m, deadline(a));
    if (!good(a, result)) {
        count(a, STRESS_UNANSWERED, 1);
        return;
    }
    CHECK(a, m.words[0] == mix(value) && m.words[1] == value && m.badge == 0);
    open(a, &m);
    count(a, STRESS_CALLS, 1);
}

/* An answer to the request in *m. */
static void answer(struct actor *a, struct message *m, struct syscall_parcel *parcel,
                   uint8_t bytes[BYTES_MAX]) {
    uint64_t value = m->words[0];
    *m = (struct message){.words = {mix(value), value, 0, 0}};
    fill(a, m, parcel, bytes);
}

static bool is_request(struct actor *a, int64_t result, const struct message *m) {
    if (!good(a, result)) {
        return false;
    }
    CHECK(a, m->words[1] == ~m->words[0] && m->words[2] == mix(m->words[0]) && m->words[3] == 0);
    open(a, m);
    count(a, STRESS_RECEIVED, 1);
    return true;
}

static void answer_late(struct actor *a, struct message *m) {
    struct syscall_parcel parcel;
    uint8_t bytes[BYTES_MAX];
    int64_t kept = call3(SYSCALL_message_keep, 0, 0, 0);
    if (!good(a, kept)) {
        return; /* it is abandoned, or was */
    }
    uint64_t d = dice(a);
    if (d % 4 == 0) {
        own(a, (uint64_t)kept); /* somebody else's, perhaps, in the end */
        return;
    }
    if (d % 4 == 1) {
        (void)call3(SYSCALL_sleep, now() + (d >> 8) % MS, 0, 0);
    }
    answer(a, m, &parcel, bytes);
    if (good(a, call_message(SYSCALL_message_answer, (uint64_t)kept, m, 0))) {
        count(a, STRESS_ANSWERED, 1);
    }
    close(a, (uint64_t)kept);
}

static void serve(struct actor *a) {
    struct syscall_parcel parcel;
    uint8_t bytes[BYTES_MAX];
    struct message m = {0};
    uint64_t handle = endpoint(a);
    bool got = is_request(a, call_message(SYSCALL_message_receive, handle, &m, deadline(a)), &m);
    for (uint64_t d = dice(a); got && d % 8 < 5; d = dice(a)) {
        uint64_t until = deadline(a);
        answer(a, &m, &parcel, bytes);
        count(a, STRESS_ANSWERED, 1);
        int64_t result = call_message(SYSCALL_message_reply_receive, handle, &m, until);
        got = is_request(a, result, &m);
    }
    uint64_t d = dice(a) % 8;
    if (got && d < 4) {
        answer(a, &m, &parcel, bytes);
        if (good(a, call_message(SYSCALL_message_reply, 0, &m, 0))) {
            count(a, STRESS_ANSWERED, 1);
        }
    } else if (got && d < 6) {
        answer_late(a, &m);
    } /* else it never does */
}

static void signal(struct actor *a) {
    if (good(a, call3(SYSCALL_notification_signal, a->handles[2], 1ul << dice(a) % 64, 0))) {
        count(a, STRESS_SIGNALS, 1);
    }
}

static void wait(struct actor *a) {
    uint64_t bits = 0;
    if (good(a, call_wait(a->handles[2], deadline(a), &bits))) {
        CHECK(a, bits != 0);
        count(a, STRESS_WAITS, 1);
    }
}

/* ---- memory ---- */

static int64_t share_at(uint64_t handle, uint64_t size, uint64_t prot) {
    return call4(SYSCALL_memory_share, handle, 0, size, prot);
}

/* The word and its complement, of an address that only this thread writes at a time. */
static void touch(struct actor *a, uint64_t at, uint64_t pages) {
    uint64_t value = dice(a);
    for (uint64_t i = 0; i < pages; i++) {
        volatile uint64_t *word = (volatile uint64_t *)(at + i * PAGE + value % 500 * 8);
        CHECK(a, *word == 0);
        word[0] = value + i;
        word[1] = ~value - i;
    }
    for (uint64_t i = 0; i < pages; i++) {
        volatile uint64_t *word = (volatile uint64_t *)(at + i * PAGE + value % 500 * 8);
        CHECK(a, word[0] == value + i && word[1] == ~value - i);
    }
}

static void use_memory(struct actor *a) {
    uint64_t pages = 1 + dice(a) % 24;
    int64_t at = call3(SYSCALL_memory_map, pages * PAGE, 3, 0);
    if (!good(a, at)) {
        return;
    }
    touch(a, (uint64_t)at, pages);
    count(a, STRESS_MAPPED, pages);
    uint64_t d = dice(a);
    if (d % 4 == 0) {
        int64_t result = call3(SYSCALL_memory_protect, (uint64_t)at, PAGE, d >> 8 & 1);
        (void)good(a, result);
    }
    if (d % 8 != 1) { /* else it is kept, until there is none left */
        (void)good(a, call3(SYSCALL_memory_unmap, (uint64_t)at, pages * PAGE, 0));
    }
}

/* All see what one writes: a page of words that are only ever as high as somebody made them. */
static void share(struct actor *a) {
    int64_t at = share_at(any_handle(a), PAGE, 3);
    if (!good(a, at)) {
        return;
    }
    volatile uint32_t *word = (volatile uint32_t *)at + dice(a) % 1000;
    uint32_t before = __atomic_fetch_add(word, 1, __ATOMIC_SEQ_CST);
    CHECK(a, __atomic_load_n(word, __ATOMIC_SEQ_CST) > before);
    (void)call3(SYSCALL_futex_wake, (uint64_t)word, 1, 0);
    count(a, STRESS_SHARED, 1);
    int64_t result = call3(SYSCALL_memory_unmap, (uint64_t)at, PAGE, 0);
    CHECK(a, good(a, result) || result == -SYSCALL_NO_MEMORY);
}

/* ---- time, threads, faults ---- */

static void wait_at_futex(struct actor *a) {
    uint64_t d = dice(a);
    uint64_t word = (uint64_t)&a->futexes[(d >> 8) % FUTEXES];
    uint64_t other = (uint64_t)&a->futexes[(d >> 16) % FUTEXES];
    int64_t result = d >> 24 & 1 ? call4(SYSCALL_futex_swap, other, word, d % 8 == 0, deadline(a))
                                 : call3(SYSCALL_futex_wait, word, d % 8 == 0, deadline(a));
    CHECK(a, result == 0 || result == -SYSCALL_WOULD_BLOCK || result == -SYSCALL_TIMED_OUT ||
                 result == -SYSCALL_KILLED);
    count(a, STRESS_FUTEX_WAITS, 1);
}

static void wake_at_futex(struct actor *a) {
    uint64_t d = dice(a), most = (d >> 16) % 4;
    int64_t woken = call3(SYSCALL_futex_wake, (uint64_t)&a->futexes[(d >> 8) % FUTEXES], most, 0);
    CHECK(a, woken >= 0 && woken <= (int64_t)most);
    count(a, STRESS_FUTEX_WOKEN, (uint64_t)woken);
}

static void nap(struct actor *a) {
    (void)call3(SYSCALL_sleep, now() + dice(a) % (2 * MS), 0, 0);
    count(a, STRESS_SLEEPS, 1);
}

static void spin(struct actor *a) {
    uint64_t turns = dice(a) % 20000;
    for (volatile uint64_t i = 0; i < turns; i++) {
    }
}

static void fault(struct actor *a) {
    uint64_t d = dice(a), kind = (d >> 8) % 5;
    if (d % 16 == 0) {
        volatile int *nowhere = (volatile int *)(d >> 16 & 1 ? 8 : ~7ul);
        *nowhere = 1; /* and that was it */
    }
    int64_t result = call_fault(kind);
    CHECK(a, result == (int64_t)kind + SYSCALL_FAULT_READ);
    count(a, STRESS_FAULTS, 1);
}

static void run_thread(struct actor *a);

static void start_thread(struct actor *a) {
    int64_t at = call3(SYSCALL_memory_map, 2 * PAGE, 3, 0);
    if (!good(a, at)) {
        return;
    }
    struct actor *other = (struct actor *)at;
    other->random = dice(a);
    other->counts = a->counts;
    other->futexes = a->futexes;
    for (unsigned i = 0; i < 3; i++) {
        other->handles[i] = a->handles[i];
    }
    if (good(a, call3(SYSCALL_thread_start, (uint64_t)run_thread, (uint64_t)at + 2 * PAGE,
                      (uint64_t)at))) {
        count(a, STRESS_THREADS, 1);
    } else {
        (void)good(a, call3(SYSCALL_memory_unmap, (uint64_t)at, 2 * PAGE, 0));
    }
}

/* One thing; false: enough. */
static bool act(struct actor *a) {
    static const uint8_t numbers[32] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1,  1,  1,  1,  1,  1,
                                        2, 3, 4, 4, 5, 6, 7, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    uint64_t d = dice(a);
    switch (numbers[d % 32]) {
    case 0:
        call(a);
        break;
    case 1:
        serve(a);
        break;
    case 2:
        signal(a);
        break;
    case 3:
        wait(a);
        break;
    case 4:
        derive(a);
        break;
    case 5:
        revoke(a);
        break;
    case 6:
        create(a);
        break;
    case 7:
        use_memory(a);
        break;
    case 8:
        share(a);
        break;
    case 9:
        wait_at_futex(a);
        break;
    case 10:
        wake_at_futex(a);
        break;
    case 11:
        nap(a);
        break;
    case 12:
        spin(a);
        break;
    case 13:
        fault(a);
        break;
    case 14:
        if ((d >> 8) % 4 == 0) {
            start_thread(a);
        }
        break;
    default:
        (void)call3(SYSCALL_yield, 0, 0, 0);
        return (d >> 8) % 64 != 0;
    }
    return true;
}

static void run(struct actor *a) {
    /* That it fails is no harm: then nothing but words arrives. */
    (void)call3(SYSCALL_message_buffer, (uint64_t)&a->buffer, sizeof(a->buffer), 0);
    while (act(a)) {
    }
}

static void run_thread(struct actor *a) {
    run(a);
    for (;;) {
        (void)call3(SYSCALL_thread_exit, 0, 0, 0);
    }
}

int domain_main(uint64_t arg, uint64_t h1, uint64_t h2, uint64_t h3, uint64_t h4) {
    uint32_t futexes[FUTEXES] = {0};
    struct actor a = {.random = arg, .handles = {h1, h2, h3}, .futexes = futexes};
    int64_t at = share_at(h4, PAGE, 3);
    if (at < 0) {
        return STRESS_EXIT_NO_COUNTS;
    }
    a.counts = (struct stress_counts *)at;
    run(&a);
    return STRESS_EXIT_DONE;
}
