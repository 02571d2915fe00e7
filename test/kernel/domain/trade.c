/*
 * Two domains and one exchange in which everything that messages may carry is under way once: bytes from and to
 * pages that are not there yet, a handle of memory, of a notification and of an endpoint, tables that
 * grow while handles arrive, an answer that is kept and given by another thread, a call by the handle that came
 * with it, revocations.
 *
 * Whatever fails must fail for lack of memory, here or on the other side, and leaves nothing half done
 * that this side could see.
 */
#include "test/kernel/domain/trade.h"

#include "test/kernel/domain/riscv64/call.h"

#define PAGE 4096ul

enum { BYTES = 1000, TABLE = 16 }; /* handles that fit a table before it grows */

struct letter {
    struct syscall_parcel parcel;
    uint8_t bytes[BYTES];
};

int domain_main(uint64_t arg, uint64_t h1);

static __attribute__((noreturn)) void leave(uint64_t status) {
    for (;;) {
        (void)call3(SYSCALL_exit, status, 0, 0);
    }
}

static void check(int good) {
    if (!good) {
        leave(TRADE_WRONG);
    }
}

/* The result of a call that may fail in one way only. PEER_GONE: the other side had no memory. */
static uint64_t done(int64_t result) {
    if (result == -SYSCALL_NO_MEMORY || result == -SYSCALL_PEER_GONE) {
        leave(TRADE_SHORT);
    }
    check(result >= 0);
    return (uint64_t)result;
}

static uint64_t fresh_page(void) {
    return done(call3(SYSCALL_memory_map, PAGE, 3, 0));
}

static uint64_t share(uint64_t memory, uint64_t prot) {
    return done(call4(SYSCALL_memory_share, memory, 0, PAGE, prot));
}

static uint64_t duplicate(uint64_t handle, uint64_t rights) {
    return done(call3(SYSCALL_handle_duplicate, handle, rights, 0));
}

/* A page that is not there yet takes what arrives. */
static const struct letter *mailbox(void) {
    uint64_t at = fresh_page();
    (void)done(call3(SYSCALL_message_buffer, at, sizeof(struct letter), 0));
    return (const struct letter *)at;
}

/* One more handle and the table must grow. */
static void fill_table(uint64_t handle, unsigned in_use) {
    for (; in_use < TABLE; in_use++) {
        (void)duplicate(handle, RIGHT_SEND);
    }
}

static void sign(uint8_t *bytes, unsigned from) {
    for (unsigned i = 0; i < BYTES; i++) {
        bytes[i] = (uint8_t)(i * 7 + from);
    }
}

static void check_signature(const uint8_t *bytes, unsigned from) {
    for (unsigned i = 0; i < BYTES; i++) {
        check(bytes[i] == (uint8_t)(i * 7 + from));
    }
}

/* Fewer handles than were sent: there was no memory for the others. */
static void check_letter(const struct letter *letter, const struct message *m, unsigned handles,
                         unsigned from) {
    check(SYSCALL_INFO_BYTES(m->info) == BYTES && SYSCALL_INFO_HANDLES(m->info) <= handles);
    check_signature(letter->bytes, from);
    if (SYSCALL_INFO_HANDLES(m->info) < handles) {
        leave(TRADE_SHORT);
    }
}

/* ---- who buys ---- */

static int buy(uint64_t market) {
    const struct letter *letter = mailbox();
    uint64_t memory = done(call3(SYSCALL_memory_create, PAGE, 0, 0));
    uint64_t notification = done(call3(SYSCALL_notification_create, 0, 0, 0));
    volatile uint64_t *words = (volatile uint64_t *)share(memory, 3);
    uint8_t *bytes = (uint8_t *)fresh_page();
    struct syscall_parcel parcel = {
        .bytes = (uint64_t)bytes,
        .handles = {(uint32_t)duplicate(memory, RIGHT_READ | RIGHT_TRANSFER),
                    (uint32_t)duplicate(notification, RIGHT_SEND | RIGHT_TRANSFER)},
    };
    struct message m = {.info = SYSCALL_INFO(1, 2, BYTES), .words = {1, 2, 3, (uint64_t)&parcel}};
    uint64_t bits = 0;
    words[0] = 0x1234;
    sign(bytes, 1);
    fill_table(notification, 5);
    (void)done(call_message(SYSCALL_message_call, market, &m, SYSCALL_FOREVER));
    check_letter(letter, &m, 1, 2);
    check(m.words[0] == 4 && m.words[1] == 5);
    (void)done(call_wait(notification, 0, &bits));
    check(bits == 0x10);
    m = (struct message){.info = SYSCALL_INFO(2, 0, 0)};
    (void)done(call_message(SYSCALL_message_call, letter->parcel.handles[0], &m, SYSCALL_FOREVER));
    check(m.words[0] == 7);
    (void)done(call3(SYSCALL_handle_revoke, memory, 0, 0));
    return TRADE_DONE;
}

/* ---- who sells ---- */

struct clerk {
    uint64_t kept, ware, finished;
};

/* Another thread, that answers. */
static void answer(struct clerk *clerk) {
    uint64_t given = duplicate(clerk->ware, RIGHT_SEND | RIGHT_TRANSFER);
    uint8_t *bytes = (uint8_t *)fresh_page();
    struct syscall_parcel parcel = {.bytes = (uint64_t)bytes, .handles = {(uint32_t)given}};
    struct message m = {.info = SYSCALL_INFO(1, 1, BYTES), .words = {4, 5, 6, (uint64_t)&parcel}};
    sign(bytes, 2);
    (void)done(call_message(SYSCALL_message_answer, clerk->kept, &m, 0));
    __atomic_store_n(&clerk->finished, 1, __ATOMIC_SEQ_CST);
    (void)call3(SYSCALL_futex_wake, (uint64_t)&clerk->finished, 1, 0);
    (void)call3(SYSCALL_thread_exit, 0, 0, 0);
}

static void have_answered(struct clerk *clerk) {
    uint64_t stack = fresh_page();
    (void)done(call3(SYSCALL_thread_start, (uint64_t)answer, stack + PAGE, (uint64_t)clerk));
    while (__atomic_load_n(&clerk->finished, __ATOMIC_SEQ_CST) == 0) {
        (void)call3(SYSCALL_futex_wait, (uint64_t)&clerk->finished, 0, SYSCALL_FOREVER);
    }
}

static int sell(uint64_t market) {
    const struct letter *letter = mailbox();
    struct message m = {0};
    struct clerk clerk = {.ware = done(call3(SYSCALL_endpoint_create, 0, 0, 0))};
    fill_table(market, 2);
    (void)done(call_message(SYSCALL_message_receive, market, &m, SYSCALL_FOREVER));
    check_letter(letter, &m, 2, 1);
    const volatile uint64_t *words = (const volatile uint64_t *)share(letter->parcel.handles[0], 1);
    check(words[0] == 0x1234);
    (void)done(call3(SYSCALL_notification_signal, letter->parcel.handles[1], 0x10, 0));
    clerk.kept = done(call3(SYSCALL_message_keep, 0, 0, 0));
    have_answered(&clerk);
    (void)done(call_message(SYSCALL_message_receive, clerk.ware, &m, SYSCALL_FOREVER));
    m = (struct message){.words = {7}};
    (void)done(call_message(SYSCALL_message_reply, 0, &m, 0));
    (void)done(call3(SYSCALL_handle_revoke, clerk.ware, 0, 0));
    return TRADE_DONE;
}

int domain_main(uint64_t arg, uint64_t h1) {
    return arg == TRADE_SELLER ? sell(h1) : buy(h1);
}
