/*
 * A driver in user mode: see driver.h beside it. It drives the clock, whose interrupt line is up from the
 * alarm until it is cleared.
 */
#include "test/kernel/domain/driver.h"

#include "test/kernel/domain/check.h"
#include "test/kernel/domain/riscv64/call.h"

#define PAGE 4096ul

enum { TIME_LOW, TIME_HIGH, ALARM_LOW, ALARM_HIGH, IRQ_ENABLED, CLEAR_ALARM, ALARM_RUNS, CLEAR };

int domain_main(uint64_t arg, uint64_t registers, uint64_t interrupt, uint64_t told,
                uint64_t go_on);

static int64_t map(uint64_t handle, uint64_t offset, uint64_t size, uint64_t prot) {
    return call4(SYSCALL_memory_share, handle, offset, size, prot);
}

static uint64_t now(const volatile uint32_t *clock) {
    uint64_t low = clock[TIME_LOW];
    return low | (uint64_t)clock[TIME_HIGH] << 32;
}

static void set_alarm(volatile uint32_t *clock, uint64_t at) {
    clock[ALARM_HIGH] = (uint32_t)(at >> 32);
    clock[ALARM_LOW] = (uint32_t)at;
}

/* Until the alarm has gone off. A controller may call once too often. */
static int take_alarm(volatile uint32_t *clock, uint64_t interrupt, uint64_t notification) {
    uint64_t bits;
    do {
        CHECK(call_wait(notification, SYSCALL_FOREVER, &bits) == 0 && bits == BIT_ALARM);
        if (!clock[ALARM_RUNS]) {
            clock[CLEAR] = 1;
            break;
        }
        CHECK(call3(SYSCALL_interrupt_acknowledge, interrupt, 0, 0) == 0);
    } while (1);
    return 0;
}

static int ring(volatile uint32_t *clock, uint64_t interrupt, uint64_t notification,
                uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        set_alarm(clock, now(clock) + i * 20000);
        int wrong = take_alarm(clock, interrupt, notification);
        CHECK(wrong == 0);
        CHECK(call3(SYSCALL_interrupt_acknowledge, interrupt, 0, 0) == 0);
    }
    return 0;
}

/* An alarm while nobody waits, and one while the last is not acknowledged. */
static int ring_early(volatile uint32_t *clock, uint64_t interrupt, uint64_t notification) {
    uint64_t bits;
    set_alarm(clock, 0);
    (void)call3(SYSCALL_sleep, (uint64_t)call3(SYSCALL_clock, 0, 0, 0) + 3000000, 0, 0);
    CHECK(take_alarm(clock, interrupt, notification) == 0);
    set_alarm(clock, 0);
    CHECK(call_wait(notification, (uint64_t)call3(SYSCALL_clock, 0, 0, 0) + 3000000, &bits) ==
          -SYSCALL_TIMED_OUT);
    CHECK(call3(SYSCALL_interrupt_acknowledge, interrupt, 0, 0) == 0);
    CHECK(take_alarm(clock, interrupt, notification) == 0);
    CHECK(call3(SYSCALL_interrupt_acknowledge, interrupt, 0, 0) == 0);
    return 0;
}

/* Neither the kernel's copies nor other handles reach where they should not. */
static int err(volatile uint32_t *clock, uint64_t registers, uint64_t interrupt,
               uint64_t notification) {
    const uint64_t at = (uint64_t)clock;
    CHECK(map(registers, PAGE, PAGE, 3) == -SYSCALL_BAD_ADDRESS);
    CHECK(map(registers, 0, 2 * PAGE, 3) == -SYSCALL_BAD_ADDRESS);
    CHECK(map(interrupt, 0, PAGE, 3) == -SYSCALL_BAD_HANDLE);
    CHECK(call3(SYSCALL_memory_protect, at, PAGE, 1) == -SYSCALL_BAD_ADDRESS);
    CHECK(call3(SYSCALL_print, at + 1, 3, 0) == -SYSCALL_BAD_ADDRESS);
    CHECK(call3(SYSCALL_print, at + PAGE - 9, 9, 0) == -SYSCALL_BAD_ADDRESS);
    CHECK(call3(SYSCALL_interrupt_bind, interrupt, notification, 0) == -SYSCALL_BAD_ARGUMENT);
    CHECK(call3(SYSCALL_interrupt_bind, interrupt, registers, 1) == -SYSCALL_BAD_HANDLE);
    CHECK(call3(SYSCALL_interrupt_bind, notification, notification, 1) == -SYSCALL_BAD_HANDLE);
    CHECK(call3(SYSCALL_interrupt_bind, 1ul << 32, notification, 1) == -SYSCALL_BAD_HANDLE);
    CHECK(call3(SYSCALL_interrupt_acknowledge, notification, 0, 0) == -SYSCALL_BAD_HANDLE);
    int64_t deaf = call3(SYSCALL_handle_duplicate, interrupt, RIGHT_DUPLICATE, 0);
    int64_t mute = call3(SYSCALL_handle_duplicate, notification, RIGHT_RECEIVE, 0);
    CHECK(deaf > 0 && mute > 0);
    CHECK(call3(SYSCALL_interrupt_bind, (uint64_t)deaf, notification, 1) == -SYSCALL_DENIED);
    CHECK(call3(SYSCALL_interrupt_bind, interrupt, (uint64_t)mute, 1) == -SYSCALL_DENIED);
    CHECK(call3(SYSCALL_interrupt_acknowledge, (uint64_t)deaf, 0, 0) == -SYSCALL_DENIED);
    CHECK(call3(SYSCALL_interrupt_acknowledge, interrupt, 0, 0) == 0); /* it is not bound */
    return 0;
}

static int drive(volatile uint32_t *clock, uint64_t registers, uint64_t interrupt, uint64_t count) {
    int64_t created = call3(SYSCALL_notification_create, 0, 0, 0);
    CHECK(created > 0);
    uint64_t notification = (uint64_t)created;
    int wrong = err(clock, registers, interrupt, notification);
    CHECK(wrong == 0);
    CHECK(call3(SYSCALL_interrupt_bind, interrupt, notification, BIT_ALARM) == 0);
    CHECK(call3(SYSCALL_interrupt_bind, interrupt, notification, BIT_ALARM) == -SYSCALL_EXISTS);
    wrong = ring(clock, interrupt, notification, count);
    wrong = wrong ? wrong : ring_early(clock, interrupt, notification);
    CHECK(wrong == 0);
    /* Bound by a handle that is closed then, and by one that is revoked. */
    CHECK(call3(SYSCALL_handle_revoke, interrupt, 0, 0) == 0);
    int64_t other = call3(SYSCALL_handle_duplicate, interrupt, RIGHT_ALL, 0);
    CHECK(other > 0);
    CHECK(call3(SYSCALL_interrupt_bind, (uint64_t)other, notification, BIT_ALARM) == 0);
    CHECK(call3(SYSCALL_interrupt_bind, interrupt, notification, BIT_ALARM) == -SYSCALL_EXISTS);
    CHECK(call3(SYSCALL_handle_close, (uint64_t)other, 0, 0) == 0);
    other = call3(SYSCALL_handle_duplicate, interrupt, RIGHT_ALL, 0);
    CHECK(other > 0);
    CHECK(call3(SYSCALL_interrupt_bind, (uint64_t)other, notification, BIT_ALARM) == 0);
    CHECK(call3(SYSCALL_handle_revoke, interrupt, 0, 0) == 0);
    CHECK(call3(SYSCALL_interrupt_bind, interrupt, notification, BIT_ALARM) == 0);
    return ring(clock, interrupt, notification, count);
}

/* Binds, and tells the payload. */
static int stand_ready(uint64_t interrupt, uint64_t listened, uint64_t told) {
    CHECK(call3(SYSCALL_interrupt_bind, interrupt, listened, BIT_ALARM) == 0);
    CHECK(call3(SYSCALL_notification_signal, told, BIT_READY, 0) == 0);
    return 0;
}

static int lose(uint64_t interrupt, uint64_t told, uint64_t go_on) {
    uint64_t bits;
    int64_t own = call3(SYSCALL_notification_create, 0, 0, 0);
    CHECK(own > 0);
    int wrong = stand_ready(interrupt, (uint64_t)own, told);
    CHECK(wrong == 0);
    CHECK(call_wait(go_on, SYSCALL_FOREVER, &bits) == 0 && bits == BIT_GO_ON);
    CHECK(call3(SYSCALL_interrupt_acknowledge, interrupt, 0, 0) == -SYSCALL_BAD_HANDLE);
    CHECK(call3(SYSCALL_interrupt_bind, interrupt, (uint64_t)own, 1) == -SYSCALL_BAD_HANDLE);
    return 0;
}

static int be_killed(volatile uint32_t *clock, uint64_t interrupt, uint64_t told, int busy) {
    uint64_t bits;
    int64_t own = call3(SYSCALL_notification_create, 0, 0, 0);
    CHECK(own > 0);
    set_alarm(clock, busy ? 0 : now(clock) + (1ul << 61));
    int wrong = stand_ready(interrupt, (uint64_t)own, told);
    CHECK(wrong == 0);
    while (call_wait((uint64_t)own, SYSCALL_FOREVER, &bits) == 0) {
        clock[CLEAR] = 1;
        CHECK(call3(SYSCALL_interrupt_acknowledge, interrupt, 0, 0) == 0);
        set_alarm(clock, busy ? 0 : now(clock) + (1ul << 61));
    }
    return 1;
}

int domain_main(uint64_t arg, uint64_t registers, uint64_t interrupt, uint64_t told,
                uint64_t go_on) {
    int64_t at = map(registers, 0, PAGE, 3);
    CHECK(at > 0);
    volatile uint32_t *clock = (volatile uint32_t *)at;
    clock[IRQ_ENABLED] = 1;
    switch ((enum part)(arg & 0xff)) {
    case PART_DRIVER:
        return drive(clock, registers, interrupt, arg >> 8);
    case PART_REFUSED:
        CHECK(call3(SYSCALL_interrupt_bind, interrupt, told, BIT_ALARM) == -SYSCALL_EXISTS);
        return 0;
    case PART_LOSER:
        return lose(interrupt, told, go_on);
    case PART_ARMED:
        return be_killed(clock, interrupt, told, 0);
    case PART_BUSY:
        return be_killed(clock, interrupt, told, 1);
    }
    return 255;
}
