/*
 * A driver in user mode: a native domain that has the clock's registers and its interrupt, with every
 * interrupt controller. It takes alarms; it is killed with one set, and while they come one after the
 * other; it loses its handle; and the next one finds the device free each time.
 *
 * QEMU: -smp 1
 * QEMU: -smp 4
 * QEMU: -smp 2 -machine aia=aplic
 * QEMU: -smp 2 -machine aia=aplic-imsic
 * TIMEOUT: 60
 */
#include "test/kernel/domain/driver.h"
#include "abi/boot.h"
#include "gen/domain/driver.h"
#include "init/machine.h"
#include "kernel/ipc/interrupt.h"
#include "kernel/ipc/memory.h"
#include "kernel/ipc/notification.h"
#include "kernel/limits.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/object.h"
#include "kernel/mm/stack.h"
#include "kernel/native.h"
#include "kernel/program.h"
#include "kernel/thread.h"
#include "test/support/clock.h"
#include "test/support/payload.h"

enum { ROUNDS = 3, ALARMS = 20, KILLS = 10 };

static struct kobject *registers, *interrupt, *told, *go_on;

static struct handle_passed another(struct kobject *object) {
    kobject_get(object);
    return handle_new(object, RIGHT_ALL, 0);
}

static uint32_t start_with(enum part part, struct handle_passed by) {
    uint32_t pid = 0;
    struct native_options options = {
        .name = "driver",
        .code = driver_domain,
        .code_size = sizeof(driver_domain),
        .stack_size = PAGE_SIZE,
        .frame_limit = 200,
        .arg = (uint64_t)part | ALARMS << 8,
        .handles = {another(registers), by, another(told), another(go_on)},
    };
    PAYLOAD_CHECK_EQ(native_start(&options, &pid), STATUS_OK);
    return pid;
}

static uint32_t start(enum part part) {
    return start_with(part, another(interrupt));
}

static void expect(uint32_t pid, int status) {
    struct program_end end;
    PAYLOAD_CHECK_EQ(program_wait(pid, WAIT_FOREVER, &end), STATUS_OK);
    PAYLOAD_CHECK_EQ(end.status, status);
}

static void await_ready(void) {
    uint64_t bits = 0;
    PAYLOAD_CHECK_EQ(notification_wait(told, WAIT_FOREVER, &bits), STATUS_OK);
    PAYLOAD_CHECK_EQ(bits, BIT_READY);
}

static void end(uint32_t pid) {
    PAYLOAD_CHECK_EQ(program_kill(pid, 99), STATUS_OK);
    expect(pid, 99);
}

/* Whether the line was given up, because it asked on and on where nobody hears it. */
static bool given_up(void) {
    struct irq_stat stat = {0};
    PAYLOAD_CHECK(irq_stat(clock_device.irq.source, &stat));
    return stat.masked;
}

static bool never(void *ctx) {
    (void)ctx;
    return false;
}

static void make(void) {
    struct kobject *second = NULL;
    struct device part = clock_device;
    PAYLOAD_CHECK_EQ(memory_new_device(&clock_device, &registers), STATUS_OK);
    part.size = 32;
    PAYLOAD_CHECK_EQ(memory_new_device(&part, &second), STATUS_BAD_RANGE);
    part.size = clock_device.size;
    part.registers = (volatile char *)part.registers + 32;
    PAYLOAD_CHECK_EQ(memory_new_device(&part, &second), STATUS_BAD_RANGE);
    PAYLOAD_CHECK_EQ(notification_new(&told), STATUS_OK);
    PAYLOAD_CHECK_EQ(notification_new(&go_on), STATUS_OK);
    PAYLOAD_CHECK_EQ(interrupt_new(clock_device.irq, &interrupt), STATUS_OK);
    PAYLOAD_CHECK_EQ(interrupt_new(clock_device.irq, &second), STATUS_EXISTS);
    PAYLOAD_CHECK_EQ(irq_register(clock_device.irq, never, NULL), STATUS_EXISTS);
    PAYLOAD_CHECK_EQ(interrupt_new((struct irq_line){0}, &second), STATUS_NOT_FOUND);
}

static void give_back(void) {
    struct irq_stat stat;
    kobject_put(registers);
    kobject_put(interrupt);
    kobject_put(told);
    kobject_put(go_on);
    PAYLOAD_CHECK(!irq_stat(clock_device.irq.source, &stat));
    PAYLOAD_CHECK_EQ(kobject_count(), 0);
    PAYLOAD_CHECK_EQ(object_count(), 0);
    clock_set(CLOCK_CLEAR_ALARM, 1);
    clock_set(CLOCK_CLEAR_INTERRUPT, 1);
}

/* Killed with an alarm set; what the device asks for then comes to nobody. */
static void test_killed(void) {
    uint32_t pid = start(PART_ARMED);
    await_ready();
    expect(start(PART_REFUSED), 0);
    end(pid);
    clock_ring();
    thread_sleep_ns(2000000);
    PAYLOAD_CHECK(!given_up());
    clock_set(CLOCK_CLEAR_INTERRUPT, 1);
    for (int i = 0; i < KILLS; i++) {
        pid = start(PART_BUSY);
        await_ready();
        thread_sleep_ns(100000u * (unsigned)i);
        end(pid);
    }
    expect(start(PART_DRIVER), 0);
}

/* The handle is taken away from a domain that goes on. */
static void test_revoked(void) {
    struct handle_table *table = NULL;
    struct handle_passed passed = {0};
    handle_t first = 0, lent = 0;
    PAYLOAD_CHECK_EQ(handle_table_new(&table), STATUS_OK);
    kobject_get(interrupt);
    PAYLOAD_CHECK_EQ(handle_add(table, interrupt, RIGHT_ALL, 0, &first), STATUS_OK);
    PAYLOAD_CHECK_EQ(handle_duplicate(table, first, RIGHT_ALL, 0, &lent), STATUS_OK);
    PAYLOAD_CHECK_EQ(handle_take(table, lent, &passed), STATUS_OK);
    uint32_t loser = start_with(PART_LOSER, passed);
    await_ready();
    PAYLOAD_CHECK_EQ(handle_revoke(table, first), STATUS_OK);
    uint32_t next = start(PART_ARMED);
    await_ready();
    notification_signal(go_on, BIT_GO_ON);
    expect(loser, 0);
    end(next);
    handle_table_free(table);
}

static _Noreturn void test(size_t hart, const struct boot_info *info) {
    size_t before = 0;
    machine_init(hart, info);
    payload_begin(info);
    clock_find();
    for (int round = 0; round < ROUNDS; round++) {
        make();
        expect(start(PART_DRIVER), 0);
        test_killed();
        test_revoked();
        give_back();
        (void)stack_trim();
        size_t now = frame_free_count() + heap_frames();
        PAYLOAD_CHECK(round < 2 || now >= before);
        before = now;
    }
    payload_end();
}

LOADER_ENTRY(test, .stack_pages = 16);
