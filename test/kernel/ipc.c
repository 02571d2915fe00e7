/*
 * Calls between native domains, each in a space of its own: that they arrive, are answered once and in
 * order, fail when the other side is gone, and leave nothing behind.
 *
 * QEMU: -smp 1
 * QEMU: -smp 2
 * QEMU: -smp 4
 * TIMEOUT: 120
 */
#include "gen/domain/ipc.h"
#include "abi/boot.h"
#include "init/machine.h"
#include "kernel/harts.h"
#include "kernel/ipc/endpoint.h"
#include "kernel/ipc/memory.h"
#include "kernel/ipc/notification.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/object.h"
#include "kernel/mm/stack.h"
#include "kernel/native.h"
#include "kernel/program.h"
#include "test/kernel/domain/ipc.h"
#include "test/support/payload.h"

#include <string.h>

enum { ROUNDS = 3 };

/* Fewer where many harts share the lock of one endpoint: theirs is the host's time. */
static uint64_t calls = 300;

/* A domain with one endpoint (or two handles) and its pid. */
static uint32_t start(enum part part, uint64_t count, struct handle_passed first,
                      struct handle_passed second, struct handle_passed third) {
    uint32_t pid = 0;
    struct native_options options = {
        .name = "domain",
        .code = ipc_domain,
        .code_size = sizeof(ipc_domain),
        .stack_size = 2 * PAGE_SIZE,
        .frame_limit = 200,
        .arg = (uint64_t)part | count << 8,
        .handles = {first, second, third},
    };
    PAYLOAD_CHECK_EQ(native_start(&options, &pid), STATUS_OK);
    return pid;
}

static const struct handle_passed none;

static struct handle_passed sender(struct kobject *object, uint64_t badge) {
    kobject_get(object);
    return handle_new(object, RIGHT_SEND, badge);
}

static struct handle_passed receiver(struct kobject *object) {
    kobject_get(object);
    return handle_new(object, RIGHT_ALL, 0);
}

static uint32_t start_client(enum part part, uint64_t count, struct kobject *object,
                             uint64_t badge) {
    return start(part, count, sender(object, badge), none, none);
}

static uint32_t start_server(enum part part, struct kobject *object) {
    return start(part, 0, receiver(object), none, none);
}

static void expect(uint32_t pid, int status) {
    struct program_end end;
    PAYLOAD_CHECK_EQ(program_wait(pid, WAIT_FOREVER, &end), STATUS_OK);
    PAYLOAD_CHECK_EQ(end.status, status);
}

static struct kobject *new_endpoint(void) {
    struct kobject *endpoint = NULL;
    PAYLOAD_CHECK_EQ(endpoint_new(&endpoint), STATUS_OK);
    return endpoint;
}

static struct kobject *new_notification(void) {
    struct kobject *notification = NULL;
    PAYLOAD_CHECK_EQ(notification_new(&notification), STATUS_OK);
    return notification;
}

static void await(struct kobject *notification) {
    uint64_t bits;
    PAYLOAD_CHECK_EQ(notification_wait(notification, WAIT_FOREVER, &bits), STATUS_OK);
}

static void test_calls(void) {
    struct kobject *endpoint = new_endpoint();
    uint32_t server = start_server(PART_SERVER, endpoint);
    uint32_t client = start_client(PART_CLIENT, calls, endpoint, 1);
    expect(client, 0);
    expect(start_client(PART_LATE_CLIENT, calls / 10, endpoint, 1), 0);
    expect(start_client(PART_STOPPER, 1, endpoint, 1), 0);
    expect(server, 0);
    kobject_put(endpoint);
}

/* A domain's own quota pays for its space too, from the start, and its limit is one for all. */
static void test_quota(void) {
    enum { CODE_PAGES = 64 };
    static char code[CODE_PAGES * PAGE_SIZE];
    struct program_info info;
    struct kobject *endpoint = new_endpoint();
    memcpy(code, ipc_domain, sizeof(ipc_domain));
    for (uint64_t limit = CODE_PAGES; limit < 2 * CODE_PAGES; limit += CODE_PAGES - 1) {
        uint32_t pid;
        bool enough = limit > CODE_PAGES;
        struct native_options options = {
            .name = "large",
            .code = code,
            .code_size = sizeof(code),
            .stack_size = PAGE_SIZE,
            .frame_limit = limit,
            .arg = PART_SERVER,
            .handles = {receiver(endpoint)},
        };
        PAYLOAD_CHECK_EQ(native_start(&options, &pid), enough ? STATUS_OK : STATUS_NO_MEMORY);
        if (enough) {
            PAYLOAD_CHECK(program_next(pid - 1, &info) && info.pid == pid);
            PAYLOAD_CHECK(info.frames > CODE_PAGES && info.frames <= limit);
            expect(start_client(PART_STOPPER, 1, endpoint, 1), 0);
            expect(pid, 0);
        }
    }
    kobject_put(endpoint);
}

static void test_many(void) {
    enum { SERVERS = 3, CLIENTS = 6 };
    struct kobject *endpoint = new_endpoint();
    uint32_t servers[SERVERS], clients[CLIENTS];
    for (unsigned i = 0; i < SERVERS; i++) {
        servers[i] = start_server(PART_SERVER, endpoint);
    }
    for (unsigned i = 0; i < CLIENTS; i++) {
        clients[i] = start_client(i % 3 ? PART_CLIENT : PART_LATE_CLIENT, calls, endpoint, i);
    }
    for (unsigned i = 0; i < CLIENTS; i++) {
        expect(clients[i], 0);
    }
    for (unsigned i = 0; i < SERVERS; i++) {
        expect(start_client(PART_STOPPER, 1, endpoint, 1), 0);
    }
    for (unsigned i = 0; i < SERVERS; i++) {
        expect(servers[i], 0);
    }
    kobject_put(endpoint);
}

static void test_ends(void) {
    /* Nobody serves, nobody will. */
    struct kobject *endpoint = new_endpoint();
    expect(start_client(PART_ABANDONED, 0, endpoint, 1), 0);
    /* The server ends with one caller served and another in the queue. */
    uint32_t server = start_server(PART_DYING, endpoint);
    uint32_t first = start_client(PART_ABANDONED, 0, endpoint, 1);
    uint32_t second = start_client(PART_ABANDONED, 0, endpoint, 2);
    expect(server, 0);
    expect(first, 0);
    expect(second, 0);
    /* It receives again without an answer. */
    struct kobject *received = new_notification();
    server = start(PART_FORGETFUL, 0, receiver(endpoint), receiver(received), none);
    first = start_client(PART_ABANDONED, 0, endpoint, 1);
    await(received);
    expect(start_client(PART_CLIENT, 1, endpoint, 2), 0);
    expect(first, 0);
    expect(server, 0);
    kobject_put(received);
    kobject_put(endpoint);
}

/* Callers are killed in the queue, and while a server has their request. */
static void test_kill(void) {
    struct kobject *endpoint = new_endpoint();
    struct handle_passed serves = receiver(endpoint); /* else the callers would not wait */
    uint32_t queued = start_client(PART_WAITER, 0, endpoint, 1);
    thread_sleep_ns(5000000);
    PAYLOAD_CHECK_EQ(program_kill(queued, 99), STATUS_OK);
    expect(queued, 99);
    struct kobject *received = new_notification(), *notification = new_notification();
    uint32_t server =
        start(PART_SLOW, 0, receiver(endpoint), receiver(received), receiver(notification));
    uint32_t served = start_client(PART_WAITER, 0, endpoint, 1);
    await(received);
    PAYLOAD_CHECK_EQ(program_kill(served, 98), STATUS_OK);
    expect(served, 98);
    notification_signal(notification, 1);
    expect(server, 0);
    kobject_put(received);
    kobject_put(notification);
    server = start_server(PART_SERVER, endpoint);
    thread_sleep_ns(5000000);
    PAYLOAD_CHECK_EQ(program_kill(server, 97), STATUS_OK);
    expect(server, 97);
    handle_drop(&serves);
    kobject_put(endpoint);
}

static void test_shared_futex(void) {
    struct object *object = NULL;
    struct kobject *memory = NULL;
    PAYLOAD_CHECK_EQ(object_new(NULL, 2 * PAGE_SIZE, &object), STATUS_OK);
    PAYLOAD_CHECK_EQ(memory_new(object, &memory), STATUS_OK);
    uint32_t first = start(PART_FIRST, calls, receiver(memory), none, none);
    uint32_t second = start(PART_SECOND, calls, receiver(memory), none, none);
    expect(first, 0);
    expect(second, 0);
    kobject_put(memory);
}

static void test_unserved(void) {
    struct kobject *endpoint = new_endpoint();
    expect(start(PART_UNSERVED, 0, receiver(endpoint), sender(endpoint, 0), none), 0);
    kobject_put(endpoint);
}

static void test_rest(void) {
    struct kobject *endpoint = new_endpoint(), *notification = NULL;
    PAYLOAD_CHECK_EQ(notification_new(&notification), STATUS_OK);
    expect(start_server(PART_DEADLINES, endpoint), 0);
    expect(start(PART_RIGHTS, 0, sender(endpoint, 0),
                 (kobject_get(endpoint), handle_new(endpoint, RIGHT_RECEIVE, 0)),
                 receiver(notification)),
           0);
    uint32_t server = start_server(PART_PASSED, endpoint);
    expect(start_client(PART_PASSER, 0, endpoint, 3), 0);
    expect(server, 0);
    server = start_server(PART_REVOKER, endpoint);
    expect(start_client(PART_REVOKED, 0, endpoint, 3), 0);
    expect(server, 0);
    server = start_server(PART_SHARED, endpoint);
    expect(start_client(PART_SHARER, 0, endpoint, 3), 0);
    expect(server, 0);
    server = start_server(PART_PATIENT, endpoint);
    expect(start_client(PART_POOR, 0, endpoint, 3), 0);
    expect(server, 0);
    expect(start(PART_FUTEX, calls, none, none, none), 0);
    expect(start(PART_SLEEPERS, 0, none, none, none), 0);
    expect(start(PART_THREADS, 5, none, none, none), 0);
    expect(start(PART_MEMORY, 5, none, none, none), 0);
    expect(start(PART_FAULT, 5, none, none, none), NATIVE_FAULT + USER_EXIT_READ_FAULT);
    uint32_t listener = start(PART_LISTENER, 0, receiver(notification), none, none);
    expect(start_client(PART_SIGNALLER, calls, notification, 3), 0);
    expect(listener, 0);
    kobject_put(notification);
    kobject_put(endpoint);
}

static _Noreturn void test(size_t hart, const struct boot_info *info) {
    machine_init(hart, info);
    payload_begin(info);
    size_t before = 0;
    calls = harts_count() > 1 ? 30 : calls;
    for (int round = 0; round < ROUNDS; round++) {
        test_calls();
        test_quota();
        test_many();
        test_ends();
        test_kill();
        test_shared_futex();
        test_unserved();
        test_rest();
        PAYLOAD_CHECK_EQ(kobject_count(), 0);
        (void)stack_trim();
        size_t now = frame_free_count();
        PAYLOAD_CHECK(round < 2 || now >= before);
        before = now;
    }
    payload_end();
}

LOADER_ENTRY(test, .stack_pages = 16);
