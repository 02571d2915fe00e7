/*
 * Traps in the kernel: the exception's name, the registers, the instruction's own function on top of the
 * backtrace, or who jumped to where no function is.
 *
 * QEMU: -append write => kernel panic: store page fault at
 * QEMU: -append read => kernel panic: load page fault at
 * QEMU: -append jump => kernel panic: instruction page fault at 0000000000000124, address 0000000000000124
 * QEMU: -append stop => kernel panic: breakpoint at
 * EXIT: 124
 * EXPECT: go_nowhere+0x
 * EXPECT: test/kernel/panic_trap.c:
 * EXPECT: cause
 */
#include "abi/boot.h"
#include "init/machine.h"
#include "kernel/harts.h"
#include "test/support/payload.h"

#include <string.h>

#if __has_builtin(__builtin_debugtrap)
#define BREAKPOINT() __builtin_debugtrap()
#else
#define BREAKPOINT() __builtin_trap() /* of GCC; clang's is an illegal instruction */
#endif

static volatile uint64_t nowhere = 0x124;

/* Without a look for the function's type before it, which clang's debug builds have. */
__attribute__((noinline, no_sanitize("undefined"))) static void go_nowhere(const char *how) {
    if (!strcmp(how, "write")) {
        *(volatile char *)nowhere = 1;
    } else if (!strcmp(how, "read")) {
        (void)*(volatile char *)nowhere;
    } else if (!strcmp(how, "jump")) {
        ((void (*)(void))nowhere)();
    } else {
        BREAKPOINT();
    }
    payload_print("still here\n");
}

static _Noreturn void test(size_t hart, const struct boot_info *info) {
    machine_init(hart, info);
    payload_begin(info);
    go_nowhere((const char *)harts_boot_info.bootargs);
    payload_exit(0);
}

LOADER_ENTRY(test, .stack_pages = 16);
