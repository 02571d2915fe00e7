/*
 * A panic before the kernel has a console, or knows how to end the machine: the loader's functions serve.
 *
 * EXIT: 124
 * EXPECT: kernel panic: too early
 * EXPECT: burn+0x
 * EXPECT: reported in
 */
#include "abi/boot.h"
#include "kernel/harts.h"
#include "kernel/panic.h"
#include "kernel/stackguard.h"
#include "kernel/symbols.h"
#include "test/support/payload.h"

static __attribute__((noinline)) void burn(void) {
    panic("too early");
}

static STACKGUARD_NONE _Noreturn void test(size_t hart, const struct boot_info *info) {
    harts_init(hart, info);
    symbols_init(&harts_boot_info);
    burn();
    payload_exit(0);
}

LOADER_ENTRY(test, .stack_pages = 16);
