/*
 * A trap in the kernel: registers, the instruction's own function on top of the backtrace.
 *
 * EXIT: 124
 * EXPECT: kernel panic: store page fault at
 * EXPECT: address 0000000000000123
 * EXPECT: write_nowhere+0x
 * EXPECT: go_nowhere+0x
 */
#include "abi/boot.h"
#include "init/machine.h"
#include "test/support/payload.h"

static volatile uint64_t nowhere = 0x123;

static __attribute__((noinline)) void write_nowhere(void) {
    *(volatile char *)nowhere = 1;
}

static __attribute__((noinline)) void go_nowhere(void) {
    write_nowhere();
    payload_exit(0);
}

static _Noreturn void test(size_t hart, const struct boot_info *info) {
    payload_begin(info);
    machine_init(hart, info);
    go_nowhere();
    payload_exit(0);
}

LOADER_ENTRY(test, .stack_pages = 16);
