/*
 * What a kernel that finds itself wrong says, and with which code the machine ends.
 *
 * EXIT: 124
 * EXPECT: kernel panic: assertion failed: apples == oranges
 * EXPECT: on hart 0, thread "boot"
 * EXPECT: compare_fruit+0x
 * EXPECT: go_shopping+0x
 */
#include "abi/boot.h"
#include "init/machine.h"
#include "kernel/assert.h"
#include "kernel/log.h"
#include "test/support/payload.h"

static volatile int basket = 1;

static __attribute__((noinline)) void compare_fruit(void) {
    int apples = basket, oranges = basket + 1;
    assert(apples == oranges);
    payload_exit(0);
}

static __attribute__((noinline)) void go_shopping(void) {
    compare_fruit();
    payload_exit(0);
}

static _Noreturn void test(size_t hart, const struct boot_info *info) {
    machine_init(hart, info);
    payload_begin(info);
    go_shopping();
    payload_exit(0);
}

LOADER_ENTRY(test, .stack_pages = 16);
