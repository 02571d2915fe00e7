/*
 * Each rule of locks (kernel/lockcheck.h), broken once: a debug build panics and names the locks.
 *
 * MODE: debug
 * QEMU: -append order => lock order: "heap" taken under "frames"
 * QEMU: -append mutex_order => lock order: "files" taken under "space"
 * QEMU: -append twice => lock "heap" taken twice
 * QEMU: -append sleep => sleep under spinlock "device"
 * QEMU: -append mutex => mutex "files" taken under spinlock device
 * QEMU: -append yield => sleep under spinlock "device"
 * QEMU: -append irq_off => mutex "files" taken with interrupts off
 * QEMU: -append irq_on => interrupts are on under lock "device"
 * QEMU: -append holder => lock "device" given back by one that does not hold it
 * QEMU: -append mutex_holder => lock "files" given back by one that does not hold it
 * QEMU: -append wake => a wait queue used without its lock
 * QEMU: -append user => thread leaves the kernel with mutex "files"
 * QEMU: -append switch => a switch of threads with interrupts on
 * QEMU: -append unranked => a lock without a rank
 * QEMU: -append crossed => interrupts are on under lock "heap"
 * EXIT: 124
 * EXPECT: rules kept
 */
#include "abi/boot.h"
#include "init/machine.h"
#include "kernel/arch.h"
#include "kernel/harts.h"
#include "kernel/sched.h"
#include "kernel/sync.h"
#include "kernel/thread.h"
#include "kernel/time.h"
#include "test/support/payload.h"

#include <string.h>

static struct spinlock device = SPINLOCK_INIT(LOCK_DEVICE);
static struct spinlock heap = SPINLOCK_INIT(LOCK_HEAP);
static struct spinlock frames = SPINLOCK_INIT(LOCK_FRAME);
static struct spinlock zeroed;
static struct mutex files, space;
static struct waitqueue queue = WAITQUEUE_INIT(queue);

static void order(void) {
    spinlock_lock(&frames);
    spinlock_lock(&heap);
}

static void mutex_order(void) {
    mutex_lock(&space);
    mutex_lock(&files);
}

static void twice(void) {
    spinlock_lock(&heap);
    spinlock_lock(&heap);
}

static void sleep_under_lock(void) {
    spinlock_lock(&device);
    spinlock_lock(&heap);
    waitqueue_sleep(&queue, &heap, time_now_ns() + 1000);
}

static void mutex_under_lock(void) {
    spinlock_lock(&device);
    mutex_lock(&files);
}

static void yield_under_lock(void) {
    spinlock_lock(&device);
    sched_yield();
}

static void irq_off(void) {
    arch_irq_off();
    mutex_lock(&files);
}

static void irq_on(void) {
    spinlock_lock(&device);
    arch_irq_on();
    spinlock_unlock(&device);
}

static void holder(void) {
    spinlock_unlock(&device);
}

static void take_files(void *arg) {
    (void)arg;
    mutex_lock(&files);
    thread_sleep_ns(1000000000);
    mutex_unlock(&files);
}

static void mutex_holder(void) {
    struct thread *thread;
    PAYLOAD_CHECK_EQ(thread_start("files", take_files, NULL, NULL, &thread), STATUS_OK);
    thread_sleep_ns(10000000);
    mutex_unlock(&files);
}

static void wake(void) {
    waitqueue_wake_one(&queue);
}

static void end_with_mutex(void *arg) {
    (void)arg;
    mutex_lock(&files);
}

static void leave(void) {
    struct thread *thread;
    PAYLOAD_CHECK_EQ(thread_start("end", end_with_mutex, NULL, NULL, &thread), STATUS_OK);
    thread_join(thread);
}

static void unranked(void) {
    spinlock_lock(&zeroed);
}

/* The inner lock outlives the outer one, with which interrupts come back. */
static void crossed(void) {
    spinlock_lock(&device);
    spinlock_lock(&heap);
    spinlock_unlock(&device);
    spinlock_unlock(&heap);
}

/* None of this is against the rules. */
static void keep_rules(void) {
    mutex_lock(&files);
    mutex_lock(&space);
    spinlock_lock(&device);
    spinlock_lock(&heap);
    spinlock_lock(&frames);
    spinlock_unlock(&frames);
    spinlock_unlock(&heap);
    spinlock_unlock(&device);
    PAYLOAD_CHECK(spinlock_try(&device));
    PAYLOAD_CHECK(!spinlock_try(&device));
    waitqueue_sleep(&queue, &device, time_now_ns() + 1000);
    waitqueue_wake_all(&queue);
    spinlock_unlock(&device);
    mutex_unlock(&files);
    sched_yield();
    mutex_unlock(&space);
    payload_print("rules kept\n");
}

static const struct {
    const char *name;
    void (*fn)(void);
} cases[] = {
    {"order", order},
    {"mutex_order", mutex_order},
    {"twice", twice},
    {"sleep", sleep_under_lock},
    {"mutex", mutex_under_lock},
    {"yield", yield_under_lock},
    {"irq_off", irq_off},
    {"irq_on", irq_on},
    {"holder", holder},
    {"mutex_holder", mutex_holder},
    {"wake", wake},
    {"user", leave},
    {"switch", sched_switch},
    {"unranked", unranked},
    {"crossed", crossed},
};

static _Noreturn void test(size_t hart, const struct boot_info *info) {
    machine_init(hart, info);
    payload_begin(info);
    mutex_init(&files, LOCK_FILES);
    mutex_init(&space, LOCK_SPACE);
    keep_rules();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (strcmp((const char *)harts_boot_info.bootargs, cases[i].name) == 0) {
            cases[i].fn();
        }
    }
    payload_end();
}

LOADER_ENTRY(test, .stack_pages = 16);
