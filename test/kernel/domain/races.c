/*
 * A native domain whose threads take away what the kernel uses for one another: see races.h. All of it is
 * allowed, so that no call may do more than fail.
 */
#include "test/kernel/domain/races.h"

#include "test/kernel/domain/check.h"
#include "test/kernel/domain/riscv64/call.h"

#include <stdbool.h>

#define PAGE 4096ul
#define MS   1000000ul
#define RW   3

enum { INDEX_BITS = 12, PAIRS = 3, CALLERS = 2, BYTES = 200, LINE = 128 };

/* What some threads of the domain have in common. */
struct shared {
    uint64_t page;     /* to be unmapped; 0 again when it was taken */
    uint64_t handle;   /* to be closed, if there is one of that name */
    uint64_t endpoint; /* to be called */
    uint64_t size;     /* with so many bytes */
};

int domain_main(uint64_t arg);

static uint64_t now(void) {
    return (uint64_t)call3(SYSCALL_clock, 0, 0, 0);
}

/* Of a thread that runs until its domain ends: ends that with the number of the line. */
static void check(int good, unsigned line) {
    while (!good) {
        (void)call3(SYSCALL_exit, line % 255 + 1, 0, 0);
    }
}

static void unmap_pages(struct shared *shared) {
    for (;;) {
        uint64_t page = __atomic_exchange_n(&shared->page, 0, __ATOMIC_SEQ_CST);
        if (page) {
            check(call3(SYSCALL_memory_unmap, page, PAGE, 0) == 0, __LINE__);
        } else {
            (void)call3(SYSCALL_yield, 0, 0, 0);
        }
    }
}

static void close_handles(struct shared *shared) {
    for (;;) {
        (void)call3(SYSCALL_handle_close, __atomic_load_n(&shared->handle, __ATOMIC_SEQ_CST), 0, 0);
    }
}

static void call_always(struct shared *shared) {
    char bytes[BYTES] = {0};
    struct syscall_parcel parcel = {.bytes = (uint64_t)bytes};
    for (;;) {
        struct message m = {.info = SYSCALL_INFO(0, 0, shared->size),
                            .words = {[3] = (uint64_t)&parcel}};
        (void)call_message(SYSCALL_message_call, shared->endpoint, &m, SYSCALL_FOREVER);
    }
}

/* A page that nobody has touched, so that the kernel makes it; it is unmapped from now on. */
static uint64_t lay_page(struct shared *shared) {
    int64_t page = call3(SYSCALL_memory_map, PAGE, RW, 0);
    check(page > 0, __LINE__);
    __atomic_store_n(&shared->page, (uint64_t)page, __ATOMIC_SEQ_CST);
    return (uint64_t)page;
}

static void await_unmap(struct shared *shared) {
    while (__atomic_load_n(&shared->page, __ATOMIC_SEQ_CST)) {
        (void)call3(SYSCALL_yield, 0, 0, 0);
    }
}

static void print_pages(struct shared *shared) {
    for (;;) {
        int64_t len = call3(SYSCALL_print, lay_page(shared), LINE, 0);
        check(len == LINE || len == -SYSCALL_BAD_ADDRESS, __LINE__);
        await_unmap(shared);
    }
}

static void receive_in_pages(struct shared *shared) {
    for (;;) {
        struct message m = {0};
        uint64_t page = lay_page(shared);
        check(call3(SYSCALL_message_buffer, page, SYSCALL_MAX_LENGTH, 0) == 0, __LINE__);
        int64_t got = call_message(SYSCALL_message_receive, shared->endpoint, &m, SYSCALL_FOREVER);
        bool whole = got == 0 && SYSCALL_INFO_BYTES(m.info) == BYTES;
        check(whole || got == -SYSCALL_BAD_ADDRESS, __LINE__);
        await_unmap(shared);
    }
}

static int start(void (*fn)(struct shared *), struct shared *shared) {
    int64_t stack = call3(SYSCALL_memory_map, PAGE, RW, 0);
    CHECK(stack > 0);
    CHECK(call3(SYSCALL_thread_start, (uint64_t)fn, (uint64_t)stack + PAGE, (uint64_t)shared) == 0);
    return 0;
}

static int make_endpoint(struct shared *shared, int callers) {
    int64_t endpoint = call3(SYSCALL_endpoint_create, 0, 0, 0);
    CHECK(endpoint > 0);
    shared->endpoint = (uint64_t)endpoint;
    for (int i = 0; i < callers; i++) {
        int wrong = start(call_always, shared);
        CHECK(wrong == 0);
    }
    return 0;
}

/* Several at once, in one space: a mutex that somebody waits for is given up slowly. */
static int race_pages(uint64_t end, void (*use)(struct shared *), int callers) {
    struct shared shared[PAIRS] = {0};
    for (int i = 0; i < PAIRS; i++) {
        shared[i].size = BYTES;
        CHECK(make_endpoint(&shared[i], callers) == 0);
        CHECK(start(use, &shared[i]) == 0);
        CHECK(start(unmap_pages, &shared[i]) == 0);
    }
    (void)call3(SYSCALL_sleep, end, 0, 0);
    return 0;
}

/* What the next handle will be called is no secret: the place of the last one, a generation on. */
static uint64_t guess_next(uint64_t handle) {
    uint64_t generation = (handle >> INDEX_BITS) + 1;
    return (uint32_t)(generation << INDEX_BITS) | (handle & ((1u << INDEX_BITS) - 1));
}

static int race_keep(uint64_t end) {
    struct shared shared = {0};
    CHECK(make_endpoint(&shared, CALLERS) == 0);
    CHECK(start(close_handles, &shared) == 0);
    while (now() < end) {
        struct message m = {0};
        CHECK(call_message(SYSCALL_message_receive, shared.endpoint, &m, SYSCALL_FOREVER) == 0);
        int64_t kept = call3(SYSCALL_message_keep, 0, 0, 0);
        CHECK(kept > 0);
        int64_t closed = call3(SYSCALL_handle_close, (uint64_t)kept, 0, 0);
        CHECK(closed == 0 || closed == -SYSCALL_BAD_HANDLE);
        __atomic_store_n(&shared.handle, guess_next((uint64_t)kept), __ATOMIC_SEQ_CST);
    }
    return 0;
}

int domain_main(uint64_t arg) {
    uint64_t end = now() + (arg >> 8) * MS;
    switch ((enum race)(arg & 0xff)) {
    case RACE_READ:
        return race_pages(end, print_pages, 0);
    case RACE_WRITE:
        return race_pages(end, receive_in_pages, 1);
    case RACE_KEEP:
        return race_keep(end);
    }
    return 255;
}
