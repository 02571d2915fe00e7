/*
 * A native domain that tests IPC from inside: see ipc.h beside it.
 */
#include "test/kernel/domain/ipc.h"

#include "test/kernel/domain/check.h"
#include "test/kernel/domain/riscv64/call.h"

#define PAGE 4096ul
#define MS   1000000ul

enum { PATIENCE_MS = 60000 };

int domain_main(uint64_t arg, uint64_t h1, uint64_t h2, uint64_t h3);

/* Whether so many messages in one: the words of an answer are those of the request, and the badge. */
static int echo(uint64_t handle, uint64_t value, uint64_t label) {
    struct message m = {.info = SYSCALL_INFO(label, 0, 0),
                        .words = {value, ~value, value * 3, value << 7}};
    CHECK(call_message(SYSCALL_message_call, handle, &m, SYSCALL_FOREVER) == 0);
    CHECK(m.info == SYSCALL_INFO(LABEL_DONE, 0, 0) && m.badge == 0);
    CHECK(m.words[0] == value + 1 && m.words[1] == ~value && m.words[2] == value * 3 + 2);
    return 0;
}

static void answer(struct message *m) {
    m->info = SYSCALL_INFO(LABEL_DONE, 0, 0);
    m->words[0] += 1;
    m->words[2] += 2;
    m->words[3] = m->badge;
}

static int answer_late(struct message *m) {
    int64_t kept = call3(SYSCALL_message_keep, 0, 0, 0);
    CHECK(kept > 0);
    CHECK(call3(SYSCALL_message_keep, 0, 0, 0) == -SYSCALL_PEER_GONE);
    CHECK(call3(SYSCALL_message_reply, 0, 0, 0) == -SYSCALL_PEER_GONE);
    answer(m);
    struct message again = *m;
    CHECK(call_message(SYSCALL_message_answer, (uint64_t)kept, m, 0) == 0);
    CHECK(call_message(SYSCALL_message_answer, (uint64_t)kept, &again, 0) == -SYSCALL_BAD_HANDLE);
    return 0;
}

static int serve(uint64_t handle) {
    struct message m = {0};
    int64_t error = call_message(SYSCALL_message_receive, handle, &m, SYSCALL_FOREVER);
    while (error == 0 && m.info != LABEL_STOP) {
        if (m.info == LABEL_KEEP) {
            int wrong = answer_late(&m);
            CHECK(wrong == 0);
            error = call_message(SYSCALL_message_receive, handle, &m, SYSCALL_FOREVER);
        } else {
            answer(&m);
            error = call_message(SYSCALL_message_reply_receive, handle, &m, SYSCALL_FOREVER);
        }
    }
    CHECK(error == 0);
    answer(&m);
    CHECK(call_message(SYSCALL_message_reply, 0, &m, 0) == 0);
    CHECK(call_message(SYSCALL_message_reply, 0, &m, 0) == -SYSCALL_PEER_GONE);
    return 0;
}

static int call_often(uint64_t handle, uint64_t count, uint64_t label) {
    for (uint64_t i = 0; i < count; i++) {
        int wrong = echo(handle, i * 0x123456789, label);
        if (wrong) {
            return wrong;
        }
    }
    /* No handle, after one that is known and one that is none. */
    struct message m = {0};
    CHECK(call_message(SYSCALL_message_call, handle + 4096 * 7, &m, 1) == -SYSCALL_BAD_HANDLE);
    CHECK(call_message(SYSCALL_message_call, 0, &m, 1) == -SYSCALL_BAD_HANDLE);
    return 0;
}

static int be_abandoned(uint64_t handle) {
    struct message m = {.words = {1, 2, 3, 4}};
    CHECK(call_message(SYSCALL_message_call, handle, &m, SYSCALL_FOREVER) == -SYSCALL_PEER_GONE);
    CHECK(m.words[0] == 1 && m.words[3] == 4);
    return 0;
}

static int forget(uint64_t handle, uint64_t received) {
    struct message m = {0};
    CHECK(call_message(SYSCALL_message_receive, handle, &m, SYSCALL_FOREVER) == 0);
    CHECK(call3(SYSCALL_notification_signal, received, 1, 0) == 0);
    CHECK(call_message(SYSCALL_message_receive, handle, &m, SYSCALL_FOREVER) == 0);
    answer(&m);
    CHECK(call_message(SYSCALL_message_reply, handle, &m, SYSCALL_FOREVER) == 0);
    return 0;
}

static int be_slow(uint64_t handle, uint64_t received, uint64_t notification) {
    struct message m = {0};
    uint64_t bits;
    CHECK(call_message(SYSCALL_message_receive, handle, &m, SYSCALL_FOREVER) == 0);
    CHECK(call3(SYSCALL_notification_signal, received, 1, 0) == 0);
    CHECK(call_wait(notification, SYSCALL_FOREVER, &bits) == 0);
    CHECK(call_message(SYSCALL_message_reply, handle, &m, SYSCALL_FOREVER) == -SYSCALL_PEER_GONE);
    return 0;
}

static int meet_deadlines(uint64_t handle) {
    struct message m = {0};
    for (uint64_t ns = 0; ns < 3000000; ns += 1000000) {
        uint64_t start = (uint64_t)call3(SYSCALL_clock, 0, 0, 0);
        CHECK(call_message(SYSCALL_message_call, handle, &m, start + ns) == -SYSCALL_TIMED_OUT);
        CHECK(call_message(SYSCALL_message_receive, handle, &m, start + 2 * ns) ==
              -SYSCALL_TIMED_OUT);
        CHECK((uint64_t)call3(SYSCALL_clock, 0, 0, 0) >= start + 2 * ns);
    }
    return 0;
}

static int lack_rights(uint64_t sender, uint64_t receiver, uint64_t notification) {
    struct message m = {0};
    struct syscall_parcel parcel = {.handles = {(uint32_t)sender}};
    uint64_t bits;
    CHECK(call_message(SYSCALL_message_call, receiver, &m, 0) == -SYSCALL_DENIED);
    CHECK(call_message(SYSCALL_message_receive, sender, &m, 0) == -SYSCALL_DENIED);
    CHECK(call_message(SYSCALL_message_call, notification, &m, 0) == -SYSCALL_BAD_HANDLE);
    CHECK(call_message(SYSCALL_message_call, 0, &m, 0) == -SYSCALL_BAD_HANDLE);
    CHECK(call_message(SYSCALL_message_call, sender + 4096, &m, 0) == -SYSCALL_BAD_HANDLE);
    CHECK(call3(SYSCALL_notification_signal, sender, 1, 0) == -SYSCALL_BAD_HANDLE);
    CHECK(call3(SYSCALL_handle_duplicate, sender, RIGHT_ALL, 0) == -SYSCALL_DENIED);
    CHECK(call3(SYSCALL_handle_revoke, sender, 0, 0) == -SYSCALL_DENIED);
    /* Fewer rights, never more. */
    int64_t less = call3(SYSCALL_handle_duplicate, notification, RIGHT_SEND | RIGHT_DUPLICATE, 0);
    CHECK(less > 0);
    int64_t more = call3(SYSCALL_handle_duplicate, (uint64_t)less, RIGHT_ALL, 0);
    CHECK(more > 0);
    CHECK(call3(SYSCALL_notification_signal, (uint64_t)more, 5, 0) == 0);
    CHECK(call_wait((uint64_t)more, 0, &bits) == -SYSCALL_DENIED);
    CHECK(call_wait(notification, 0, &bits) == 0 && bits == 5);
    CHECK(call_wait(notification, 0, &bits) == -SYSCALL_TIMED_OUT);
    /* Without the right to be passed it is not, and what came before it in the parcel is gone. */
    parcel.handles[1] = (uint32_t)sender;
    parcel.handles[0] = (uint32_t)call3(SYSCALL_handle_duplicate, notification, RIGHT_ALL, 0);
    m = (struct message){.info = SYSCALL_INFO(0, 2, 0), .words = {[3] = (uint64_t)&parcel}};
    CHECK(call_message(SYSCALL_message_call, sender, &m, 0) == -SYSCALL_DENIED);
    CHECK(call3(SYSCALL_handle_close, parcel.handles[0], 0, 0) == -SYSCALL_BAD_HANDLE);
    CHECK(call3(SYSCALL_handle_close, (uint64_t)less, 0, 0) == 0);
    CHECK(call3(SYSCALL_handle_close, (uint64_t)less, 0, 0) == -SYSCALL_BAD_HANDLE);
    CHECK(call3(SYSCALL_notification_signal, (uint64_t)more, 1, 0) == 0);
    return 0;
}

struct letter {
    struct syscall_parcel parcel;
    char text[100];
};

static int pass(uint64_t handle) {
    static const char text[] = "a text that registers do not hold, and a handle";
    uint64_t bits;
    int64_t notification = call3(SYSCALL_notification_create, 0, 0, 0);
    CHECK(notification > 0);
    int64_t given =
        call3(SYSCALL_handle_duplicate, (uint64_t)notification, RIGHT_SEND | RIGHT_TRANSFER, 0);
    CHECK(given > 0);
    struct syscall_parcel parcel = {.bytes = (uint64_t)text, .handles = {(uint32_t)given}};
    struct message m = {.info = SYSCALL_INFO(7, 1, sizeof(text)),
                        .words = {1, 2, 3, (uint64_t)&parcel}};
    CHECK(call_message(SYSCALL_message_call, handle, &m, SYSCALL_FOREVER) == 0);
    CHECK(m.words[0] == sizeof(text));
    CHECK(call_wait((uint64_t)notification, SYSCALL_FOREVER, &bits) == 0 && bits == 0x55);
    CHECK(call3(SYSCALL_notification_signal, (uint64_t)given, 1, 0) == -SYSCALL_BAD_HANDLE);
    /* The same without a buffer on the other side, and from memory that is not there. */
    parcel.handles[0] = (uint32_t)notification;
    m = (struct message){.info = SYSCALL_INFO(7, 1, 1), .words = {1, 2, 3, (uint64_t)&parcel}};
    CHECK(call_message(SYSCALL_message_call, handle, &m, SYSCALL_FOREVER) == 0);
    CHECK(m.words[0] == 0);
    m = (struct message){.info = SYSCALL_INFO(7, 0, 1), .words = {1, 2, 3, 8}};
    CHECK(call_message(SYSCALL_message_call, handle, &m, 0) == -SYSCALL_BAD_ADDRESS);
    parcel.bytes = ~0ul - 4;
    m = (struct message){.info = SYSCALL_INFO(7, 0, 9), .words = {1, 2, 3, (uint64_t)&parcel}};
    CHECK(call_message(SYSCALL_message_call, handle, &m, 0) == -SYSCALL_BAD_ADDRESS);
    m = (struct message){.info = SYSCALL_INFO(7, 5, 0), .words = {1, 2, 3, (uint64_t)&parcel}};
    CHECK(call_message(SYSCALL_message_call, handle, &m, 0) == -SYSCALL_BAD_ARGUMENT);
    return 0;
}

static int be_passed(uint64_t handle) {
    struct letter letter;
    struct message m = {0};
    CHECK(call3(SYSCALL_message_buffer, (uint64_t)&letter, sizeof(letter), 0) == 0);
    CHECK(call_message(SYSCALL_message_receive, handle, &m, SYSCALL_FOREVER) == 0);
    uint64_t size = SYSCALL_INFO_BYTES(m.info);
    CHECK(SYSCALL_INFO_LABEL(m.info) == 7 && SYSCALL_INFO_HANDLES(m.info) == 1 && m.words[3] == 0);
    CHECK(letter.parcel.bytes == (uint64_t)letter.text && size <= sizeof(letter.text));
    CHECK(letter.text[0] == 'a' && letter.text[size - 1] == 0);
    CHECK(call3(SYSCALL_notification_signal, letter.parcel.handles[0], 0x55, 0) == 0);
    CHECK(call3(SYSCALL_message_buffer, (uint64_t)&letter, 0, 0) == 0);
    m = (struct message){.words = {size}};
    CHECK(call_message(SYSCALL_message_reply_receive, handle, &m, SYSCALL_FOREVER) == 0);
    CHECK(m.info == SYSCALL_INFO(7, 0, 0));
    m = (struct message){0};
    CHECK(call_message(SYSCALL_message_reply, handle, &m, 0) == 0);
    return 0;
}

/* Gives the caller a handle, and takes it back after it was used. */
static int revoke(uint64_t handle) {
    struct message m = {0};
    CHECK(call_message(SYSCALL_message_receive, handle, &m, SYSCALL_FOREVER) == 0);
    int64_t given = call3(SYSCALL_handle_duplicate, handle, RIGHT_ALL & ~RIGHT_RECEIVE, 77);
    CHECK(given > 0);
    struct syscall_parcel parcel = {.handles = {(uint32_t)given}};
    m = (struct message){.info = SYSCALL_INFO(0, 1, 0), .words = {[3] = (uint64_t)&parcel}};
    CHECK(call_message(SYSCALL_message_reply_receive, handle, &m, SYSCALL_FOREVER) == 0);
    CHECK(m.badge == 77);
    CHECK(call_message(SYSCALL_message_reply_receive, handle, &m, SYSCALL_FOREVER) == 0);
    CHECK(m.badge == 77); /* by a handle derived from it */
    CHECK(call3(SYSCALL_handle_revoke, handle, 0, 0) == 0);
    CHECK(call_message(SYSCALL_message_reply, handle, &m, 0) == 0);
    CHECK(call_message(SYSCALL_message_receive, handle, &m, SYSCALL_FOREVER) == 0);
    CHECK(m.badge != 77);
    CHECK(call_message(SYSCALL_message_reply, handle, &m, 0) == 0);
    return 0;
}

static int be_revoked(uint64_t handle) {
    struct letter letter;
    struct message m = {0};
    CHECK(call3(SYSCALL_message_buffer, (uint64_t)&letter, sizeof(letter), 0) == 0);
    CHECK(call_message(SYSCALL_message_call, handle, &m, SYSCALL_FOREVER) == 0);
    CHECK(SYSCALL_INFO_HANDLES(m.info) == 1);
    uint64_t given = letter.parcel.handles[0];
    int64_t derived = call3(SYSCALL_handle_duplicate, given, RIGHT_ALL, 0);
    CHECK(derived > 0);
    CHECK(call3(SYSCALL_handle_duplicate, given, RIGHT_ALL, 78) == -SYSCALL_BAD_ARGUMENT);
    m = (struct message){0};
    CHECK(call_message(SYSCALL_message_call, given, &m, SYSCALL_FOREVER) == 0);
    CHECK(call_message(SYSCALL_message_call, (uint64_t)derived, &m, SYSCALL_FOREVER) == 0);
    CHECK(call_message(SYSCALL_message_call, given, &m, SYSCALL_FOREVER) == -SYSCALL_BAD_HANDLE);
    CHECK(call_message(SYSCALL_message_call, (uint64_t)derived, &m, SYSCALL_FOREVER) ==
          -SYSCALL_BAD_HANDLE);
    CHECK(call_message(SYSCALL_message_call, handle, &m, SYSCALL_FOREVER) == 0);
    return 0;
}

/* ---- threads of one domain ---- */

struct shared {
    uint64_t handle, wrong, done;
};

static void call_in_thread(struct shared *shared) {
    int wrong = call_often(shared->handle, 100, LABEL_ECHO);
    if (wrong) {
        __atomic_store_n(&shared->wrong, (uint64_t)wrong, __ATOMIC_SEQ_CST);
    }
    __atomic_fetch_add(&shared->done, 1, __ATOMIC_SEQ_CST);
    (void)call3(SYSCALL_thread_exit, 0, 0, 0);
}

struct sleeper {
    uint64_t handle, about_to, result;
    enum syscall_number number;
};

static void sleep_in_thread(struct sleeper *sleeper) {
    struct message m = {0};
    uint64_t bits;
    __atomic_store_n(&sleeper->about_to, 1, __ATOMIC_SEQ_CST);
    int64_t result = sleeper->number == SYSCALL_notification_wait
                         ? call_wait(sleeper->handle, SYSCALL_FOREVER, &bits)
                         : call_message(sleeper->number, sleeper->handle, &m, SYSCALL_FOREVER);
    __atomic_store_n(&sleeper->result, (uint64_t)result, __ATOMIC_SEQ_CST);
    (void)call3(SYSCALL_thread_exit, 0, 0, 0);
}

/* Whether a thread that sleeps by a handle derived from `first` learns that it was revoked. */
static int revoke_under(uint64_t stack, uint64_t first, enum syscall_number number) {
    struct sleeper sleeper = {.number = number};
    int64_t derived = call3(SYSCALL_handle_duplicate, first, RIGHT_ALL, 0);
    CHECK(derived > 0);
    sleeper.handle = (uint64_t)derived;
    CHECK(call3(SYSCALL_thread_start, (uint64_t)sleep_in_thread, stack, (uint64_t)&sleeper) == 0);
    while (__atomic_load_n(&sleeper.about_to, __ATOMIC_SEQ_CST) == 0) {
        (void)call3(SYSCALL_yield, 0, 0, 0);
    }
    /* Mostly it sleeps by then; if not, it finds a dead handle, which is the same to it. */
    (void)call3(SYSCALL_sleep, (uint64_t)call3(SYSCALL_clock, 0, 0, 0) + 2000000, 0, 0);
    CHECK(call3(SYSCALL_handle_revoke, first, 0, 0) == 0);
    while (__atomic_load_n(&sleeper.result, __ATOMIC_SEQ_CST) == 0) {
        (void)call3(SYSCALL_yield, 0, 0, 0);
    }
    CHECK((int64_t)sleeper.result == -SYSCALL_BAD_HANDLE);
    CHECK(call3(SYSCALL_handle_close, sleeper.handle, 0, 0) == -SYSCALL_BAD_HANDLE ||
          number == SYSCALL_notification_wait);
    return 0;
}

static int revoke_sleepers(void) {
    int64_t stack = call3(SYSCALL_memory_map, PAGE, 3, 0);
    int64_t endpoint = call3(SYSCALL_endpoint_create, 0, 0, 0);
    int64_t notification = call3(SYSCALL_notification_create, 0, 0, 0);
    CHECK(stack > 0 && endpoint > 0 && notification > 0);
    uint64_t top = (uint64_t)stack + PAGE;
    int wrong = revoke_under(top, (uint64_t)endpoint, SYSCALL_message_call);
    wrong = wrong ? wrong : revoke_under(top, (uint64_t)endpoint, SYSCALL_message_receive);
    return wrong ? wrong : revoke_under(top, (uint64_t)notification, SYSCALL_notification_wait);
}

/* Who waits for an endpoint that nobody can receive from any more is told so, though revoked handles that could are
 * open still. */
static int be_unserved(uint64_t all, uint64_t send) {
    struct sleeper sleeper = {.handle = send, .number = SYSCALL_message_call};
    struct message m = {0};
    int64_t stack = call3(SYSCALL_memory_map, PAGE, 3, 0);
    CHECK(stack > 0);
    CHECK(call3(SYSCALL_handle_duplicate, all, RIGHT_RECEIVE, 0) > 0);
    CHECK(call3(SYSCALL_handle_revoke, all, 0, 0) == 0);
    CHECK(call_message(SYSCALL_message_call, send, &m, 1) == -SYSCALL_TIMED_OUT);
    CHECK(call3(SYSCALL_thread_start, (uint64_t)sleep_in_thread, (uint64_t)stack + PAGE,
                (uint64_t)&sleeper) == 0);
    uint64_t start = (uint64_t)call3(SYSCALL_clock, 0, 0, 0);
    (void)call3(SYSCALL_sleep, start + 2 * MS, 0, 0); /* mostly it waits by then */
    CHECK(call3(SYSCALL_handle_close, all, 0, 0) == 0);
    while (__atomic_load_n(&sleeper.result, __ATOMIC_SEQ_CST) == 0) {
        CHECK((uint64_t)call3(SYSCALL_clock, 0, 0, 0) < start + PATIENCE_MS * MS);
        (void)call3(SYSCALL_yield, 0, 0, 0);
    }
    CHECK((int64_t)sleeper.result == -SYSCALL_PEER_GONE);
    CHECK(call_message(SYSCALL_message_call, send, &m, SYSCALL_FOREVER) == -SYSCALL_PEER_GONE);
    return 0;
}

static int run_threads(uint64_t count) {
    struct shared shared = {0};
    struct message m = {0};
    int64_t handle = call3(SYSCALL_endpoint_create, 0, 0, 0);
    CHECK(handle > 0);
    shared.handle = (uint64_t)handle;
    int64_t stacks = call3(SYSCALL_memory_map, count * PAGE, 3, 0);
    CHECK(stacks > 0);
    for (uint64_t i = 1; i <= count; i++) {
        CHECK(call3(SYSCALL_thread_start, (uint64_t)call_in_thread, (uint64_t)stacks + i * PAGE,
                    (uint64_t)&shared) == 0);
    }
    for (uint64_t i = 0; i < count * 100; i++) {
        CHECK(call_message(SYSCALL_message_reply_receive, (uint64_t)handle, &m, SYSCALL_FOREVER) ==
              0);
        answer(&m);
    }
    CHECK(call_message(SYSCALL_message_reply, (uint64_t)handle, &m, 0) == 0);
    while (__atomic_load_n(&shared.done, __ATOMIC_SEQ_CST) < count) {
        (void)call3(SYSCALL_yield, 0, 0, 0);
    }
    return (int)shared.wrong;
}

static int use_memory(void) {
    int64_t at = call3(SYSCALL_memory_map, 4 * PAGE, 3, 0);
    CHECK(at > 0);
    volatile uint64_t *words = (volatile uint64_t *)at;
    words[0] = 1;
    words[3 * PAGE / 8] = 2;
    CHECK(words[0] == 1 && words[1] == 0 && words[3 * PAGE / 8] == 2);
    CHECK(call3(SYSCALL_memory_protect, (uint64_t)at, PAGE, 1) == 0);
    CHECK(call3(SYSCALL_message_buffer, (uint64_t)at, PAGE, 0) == -SYSCALL_BAD_ARGUMENT);
    CHECK(call3(SYSCALL_memory_unmap, (uint64_t)at + PAGE, 3 * PAGE, 0) == 0);
    CHECK(words[0] == 1);
    CHECK(call3(SYSCALL_print, (uint64_t)at, 10, 0) == 10);
    CHECK(call3(SYSCALL_print, (uint64_t)at + PAGE, 10, 0) == -SYSCALL_BAD_ADDRESS);
    CHECK(call3(SYSCALL_memory_unmap, (uint64_t)at, PAGE, 0) == 0);
    CHECK(call3(SYSCALL_memory_map, PAGE, 4, 0) == -SYSCALL_BAD_ARGUMENT);
    CHECK(call3(SYSCALL_memory_map, PAGE, 2, 0) == -SYSCALL_BAD_ARGUMENT);
    CHECK(call3(SYSCALL_memory_map, 1ul << 62, 3, 0) == -SYSCALL_BAD_ARGUMENT);
    CHECK(call3((enum syscall_number)33, 0, 0, 0) == -SYSCALL_BAD_NUMBER);
    CHECK(call3((enum syscall_number)100000, 0, 0, 0) == -SYSCALL_BAD_NUMBER);
    return 0;
}

static int64_t share(uint64_t handle, uint64_t offset, uint64_t size, uint64_t prot) {
    return call4(SYSCALL_memory_share, handle, offset, size, prot);
}

static int share_memory(uint64_t handle) {
    int64_t memory = call3(SYSCALL_memory_create, 4 * PAGE, 0, 0);
    CHECK(memory > 0);
    int64_t at = share((uint64_t)memory, 0, 4 * PAGE, 3);
    CHECK(at > 0);
    CHECK(share((uint64_t)memory, PAGE, 4 * PAGE, 3) < 0);
    CHECK(share((uint64_t)memory, 8, PAGE, 3) == -SYSCALL_BAD_ARGUMENT);
    volatile uint64_t *words = (volatile uint64_t *)at;
    words[0] = 0x1234;
    words[2 * PAGE / 8] = 0x5678;
    int64_t given =
        call3(SYSCALL_handle_duplicate, (uint64_t)memory, RIGHT_READ | RIGHT_TRANSFER, 0);
    CHECK(given > 0);
    struct syscall_parcel parcel = {.handles = {(uint32_t)given}};
    struct message m = {.info = SYSCALL_INFO(0, 1, 0), .words = {[3] = (uint64_t)&parcel}};
    CHECK(call3(SYSCALL_handle_close, (uint64_t)memory, 0, 0) == 0);
    CHECK(call_message(SYSCALL_message_call, handle, &m, SYSCALL_FOREVER) == 0);
    words[0] = 0x4321;
    m = (struct message){0};
    CHECK(call_message(SYSCALL_message_call, handle, &m, SYSCALL_FOREVER) == 0);
    return 0;
}

static int be_shared(uint64_t handle) {
    struct letter letter;
    struct message m = {0};
    CHECK(call3(SYSCALL_message_buffer, (uint64_t)&letter, sizeof(letter), 0) == 0);
    CHECK(call_message(SYSCALL_message_receive, handle, &m, SYSCALL_FOREVER) == 0);
    CHECK(SYSCALL_INFO_HANDLES(m.info) == 1);
    uint64_t memory = letter.parcel.handles[0];
    CHECK(share(memory, 0, PAGE, 3) == -SYSCALL_DENIED);
    int64_t at = share(memory, 0, 3 * PAGE, 1);
    CHECK(at > 0);
    const volatile uint64_t *words = (const volatile uint64_t *)at;
    CHECK(words[0] == 0x1234 && words[2 * PAGE / 8] == 0x5678 && words[PAGE / 8] == 0);
    CHECK(call3(SYSCALL_memory_protect, (uint64_t)at, PAGE, 3) < 0);
    m = (struct message){0};
    CHECK(call_message(SYSCALL_message_reply_receive, handle, &m, SYSCALL_FOREVER) == 0);
    CHECK(words[0] == 0x4321);
    m = (struct message){0};
    CHECK(call_message(SYSCALL_message_reply, handle, &m, 0) == 0);
    return 0;
}

enum { UNPAID_PAGES = 4096 };

static int share_unpaid(uint64_t handle) {
    int64_t memory = call3(SYSCALL_memory_create, UNPAID_PAGES * PAGE, 0, 0);
    CHECK(memory > 0);
    struct syscall_parcel parcel = {.handles = {(uint32_t)memory}};
    struct message m = {.info = SYSCALL_INFO(0, 1, 0), .words = {[3] = (uint64_t)&parcel}};
    CHECK(call_message(SYSCALL_message_call, handle, &m, SYSCALL_FOREVER) == 0);
    return 0;
}

/* A page that its maker cannot pay for does not end who reads it. */
static int be_shared_unpaid(uint64_t handle) {
    struct letter letter;
    struct message m = {0};
    int64_t fault = 0;
    CHECK(call3(SYSCALL_message_buffer, (uint64_t)&letter, sizeof(letter), 0) == 0);
    CHECK(call_message(SYSCALL_message_receive, handle, &m, SYSCALL_FOREVER) == 0);
    int64_t at = share(letter.parcel.handles[0], 0, UNPAID_PAGES * PAGE, 1);
    CHECK(at > 0);
    for (uint64_t i = 0; i < UNPAID_PAGES && fault == 0; i++) {
        fault = call_read((uint64_t)at + i * PAGE);
    }
    CHECK(fault == SYSCALL_FAULT_NO_MEMORY);
    CHECK(call_read((uint64_t)at) == 0);
    m = (struct message){0};
    CHECK(call_message(SYSCALL_message_reply, handle, &m, 0) == 0);
    return 0;
}

struct turns {
    uint32_t turn; /* whose it is: 0 or 1 */
    uint32_t done;
    uint64_t count;
    uint32_t mine[2]; /* by futex_swap: 1 in the word of whose turn it is */
    uint64_t taken;   /* turns so far, of both */
};

static int take_turns(struct turns *turns, uint32_t mine) {
    for (uint64_t i = 0; i < turns->count; i++) {
        while (__atomic_load_n(&turns->turn, __ATOMIC_SEQ_CST) != mine) {
            int64_t woke =
                call3(SYSCALL_futex_wait, (uint64_t)&turns->turn, !mine, SYSCALL_FOREVER);
            CHECK(woke == 0 || woke == -SYSCALL_WOULD_BLOCK);
        }
        __atomic_store_n(&turns->turn, !mine, __ATOMIC_SEQ_CST);
        CHECK(call3(SYSCALL_futex_wake, (uint64_t)&turns->turn, 1, 0) >= 0);
    }
    return 0;
}

static int64_t swap(const uint32_t *wake, const uint32_t *word, uint64_t expected,
                    uint64_t deadline) {
    return call4(SYSCALL_futex_swap, (uint64_t)wake, (uint64_t)word, expected, deadline);
}

/* In turn by futex_swap: who waits for its own word wakes the other at that one's. */
static int swap_turns(struct turns *turns, uint32_t mine) {
    uint32_t *own = &turns->mine[mine], *other = &turns->mine[!mine];
    if (mine == 0) {
        __atomic_store_n(own, 1, __ATOMIC_SEQ_CST);
    }
    for (uint64_t i = 0; i < turns->count; i++) {
        while (__atomic_load_n(own, __ATOMIC_SEQ_CST) == 0) {
            int64_t woke = swap(other, own, 0, SYSCALL_FOREVER);
            CHECK(woke == 0 || woke == -SYSCALL_WOULD_BLOCK);
        }
        CHECK(turns->taken == 2 * i + mine);
        turns->taken++;
        __atomic_store_n(own, 0, __ATOMIC_SEQ_CST);
        __atomic_store_n(other, 1, __ATOMIC_SEQ_CST);
    }
    CHECK(call3(SYSCALL_futex_wake, (uint64_t)other, 1, 0) >= 0);
    return 0;
}

static int take_all_turns(struct turns *turns, uint32_t mine) {
    int wrong = take_turns(turns, mine);
    return wrong ? wrong : swap_turns(turns, mine);
}

struct nap {
    uint32_t word, over;
};

static void take_nap(struct nap *nap) {
    int64_t woke = call3(SYSCALL_futex_wait, (uint64_t)&nap->word, 0, SYSCALL_FOREVER);
    __atomic_store_n(&nap->over, woke == 0 ? 1 : 2, __ATOMIC_SEQ_CST);
    (void)call3(SYSCALL_thread_exit, 0, 0, 0);
}

/* A swap whose wait ends at once, as `expected` says, wakes the other nevertheless. */
static int wake_napper(uint64_t stack, uint64_t expected, int64_t result) {
    static const uint32_t word;
    struct nap nap = {0};
    CHECK(call3(SYSCALL_thread_start, (uint64_t)take_nap, stack, (uint64_t)&nap) == 0);
    while (__atomic_load_n(&nap.over, __ATOMIC_SEQ_CST) == 0) {
        CHECK(swap(&nap.word, &word, expected, 1) == result);
        (void)call3(SYSCALL_yield, 0, 0, 0);
    }
    CHECK(nap.over == 1);
    return 0;
}

/* What may be wrong with a swap; and a word whose page is not there yet, or not any more. */
static int swap_oddly(void) {
    uint32_t word = 0;
    const uint32_t *odd = (const uint32_t *)((uint64_t)&word + 1);
    const uint32_t *kernel = (const uint32_t *)-PAGE;
    int64_t pages = call3(SYSCALL_memory_map, 2 * PAGE, 3, 0);
    CHECK(pages > 0);
    CHECK(swap(odd, &word, 0, 1) == -SYSCALL_BAD_ADDRESS);
    CHECK(swap(&word, odd, 0, 1) == -SYSCALL_BAD_ADDRESS);
    CHECK(swap(kernel, &word, 0, 1) == -SYSCALL_BAD_ADDRESS);
    CHECK(swap(&word, kernel, 0, 1) == -SYSCALL_BAD_ADDRESS);
    CHECK(swap(&word, &word, 1ul << 32, 1) == -SYSCALL_BAD_ARGUMENT);
    CHECK(swap(&word, &word, 1, SYSCALL_FOREVER) == -SYSCALL_WOULD_BLOCK);
    const uint32_t *first = (const uint32_t *)pages;
    const uint32_t *second = (const uint32_t *)(pages + (int64_t)PAGE);
    CHECK(swap(second, first, 1, SYSCALL_FOREVER) == -SYSCALL_WOULD_BLOCK);
    CHECK(swap(first, second, 0, 1) == -SYSCALL_TIMED_OUT);
    CHECK(call3(SYSCALL_memory_unmap, (uint64_t)pages, 2 * PAGE, 0) == 0);
    CHECK(swap(&word, first, 0, 1) == -SYSCALL_BAD_ADDRESS);
    CHECK(swap(first, &word, 0, 1) == -SYSCALL_TIMED_OUT);
    return 0;
}

static void take_other_turns(struct turns *turns) {
    __atomic_store_n(&turns->done, 1 + (uint32_t)take_all_turns(turns, 1), __ATOMIC_SEQ_CST);
    (void)call3(SYSCALL_thread_exit, 0, 0, 0);
}

static int use_futex(uint64_t count) {
    struct turns turns = {.count = count};
    int64_t stack = call3(SYSCALL_memory_map, PAGE, 3, 0);
    CHECK(stack > 0);
    CHECK(call3(SYSCALL_thread_start, (uint64_t)take_other_turns, (uint64_t)stack + PAGE,
                (uint64_t)&turns) == 0);
    int wrong = take_all_turns(&turns, 0);
    CHECK(wrong == 0);
    while (__atomic_load_n(&turns.done, __ATOMIC_SEQ_CST) == 0) {
        (void)call3(SYSCALL_yield, 0, 0, 0);
    }
    CHECK(turns.done == 1);
    CHECK(call3(SYSCALL_futex_wait, (uint64_t)&turns.turn, turns.turn, 1) == -SYSCALL_TIMED_OUT);
    int64_t naps = call3(SYSCALL_memory_map, 2 * PAGE, 3, 0);
    CHECK(naps > 0);
    wrong = wake_napper((uint64_t)naps + PAGE, 1, -SYSCALL_WOULD_BLOCK);
    wrong = wrong ? wrong : wake_napper((uint64_t)naps + 2 * PAGE, 0, -SYSCALL_TIMED_OUT);
    return wrong ? wrong : swap_oddly();
}

/* In the second page of the memory, of which one maps all and the other no more than that. */
static int share_turns(uint64_t memory, uint64_t count, uint32_t mine) {
    int64_t at = mine ? share(memory, PAGE, PAGE, 3) : share(memory, 0, 2 * PAGE, 3);
    CHECK(at > 0);
    struct turns *turns = (struct turns *)(mine ? at : at + (int64_t)PAGE);
    __atomic_store_n(&turns->count, count, __ATOMIC_SEQ_CST);
    return take_all_turns(turns, mine);
}

static int listen(uint64_t notification) {
    uint64_t bits = 0;
    while (!(bits & 2)) {
        CHECK(call_wait(notification, SYSCALL_FOREVER, &bits) == 0);
        CHECK(bits != 0 && bits < 4);
    }
    return 0;
}

static int signal(uint64_t notification, uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        CHECK(call3(SYSCALL_notification_signal, notification, 1, 0) == 0);
    }
    CHECK(call3(SYSCALL_notification_signal, notification, 2, 0) == 0);
    return 0;
}

int domain_main(uint64_t arg, uint64_t h1, uint64_t h2, uint64_t h3) {
    uint64_t count = arg >> 8;
    struct message m = {0};
    switch ((enum part)(arg & 0xff)) {
    case PART_SERVER:
        return serve(h1);
    case PART_CLIENT:
        return call_often(h1, count, LABEL_ECHO);
    case PART_STOPPER:
        return echo(h1, 5, LABEL_STOP);
    case PART_LATE_CLIENT:
        return call_often(h1, count, LABEL_KEEP);
    case PART_ABANDONED:
    case PART_WAITER:
        return be_abandoned(h1);
    case PART_DYING:
        return (int)call_message(SYSCALL_message_receive, h1, &m, SYSCALL_FOREVER);
    case PART_FORGETFUL:
        return forget(h1, h2);
    case PART_SLOW:
        return be_slow(h1, h2, h3);
    case PART_DEADLINES:
        return meet_deadlines(h1);
    case PART_RIGHTS:
        return lack_rights(h1, h2, h3);
    case PART_PASSER:
        return pass(h1);
    case PART_PASSED:
        return be_passed(h1);
    case PART_REVOKER:
        return revoke(h1);
    case PART_REVOKED:
        return be_revoked(h1);
    case PART_SLEEPERS:
        return revoke_sleepers();
    case PART_THREADS:
        return run_threads(count);
    case PART_FAULT:
        return *(volatile int *)0;
    case PART_MEMORY:
        return use_memory();
    case PART_SIGNALLER:
        return signal(h1, count);
    case PART_SHARER:
        return share_memory(h1);
    case PART_SHARED:
        return be_shared(h1);
    case PART_POOR:
        return share_unpaid(h1);
    case PART_PATIENT:
        return be_shared_unpaid(h1);
    case PART_UNSERVED:
        return be_unserved(h1, h2);
    case PART_FUTEX:
        return use_futex(count);
    case PART_FIRST:
        return share_turns(h1, count, 0);
    case PART_SECOND:
        return share_turns(h1, count, 1);
    case PART_LISTENER:
        return listen(h1);
    }
    return 255;
}
