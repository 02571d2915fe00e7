/*
 * A function that writes past its array is caught before it returns; the guard differs from hart 0 to
 * none, is not zero, and holds a zero byte.
 *
 * EXIT: 124
 * EXPECT: a guard on 2 harts
 * EXPECT: kernel panic: stack smashed
 * EXPECT: thread "boot"
 * EXPECT: scribble+0x
 * QEMU: -smp 2
 */
#include "abi/boot.h"
#include "init/machine.h"
#include "kernel/harts.h"
#include "test/support/payload.h"

static volatile unsigned much = 40;

static __attribute__((noinline)) char scribble(unsigned size) {
    char bytes[16];
    volatile char *volatile start = bytes; /* whose size compilers that check do not see */
    volatile char *at = start;
    for (unsigned i = 0; i < size; i++) {
        at[i] = (char)(i + 1);
    }
    return at[size % sizeof(bytes)];
}

static _Noreturn void test(size_t hart, const struct boot_info *info) {
    machine_init(hart, info);
    payload_begin(info);
    uint64_t guard = harts_at(0)->guard;
    if (guard != 0 && (guard & 0xff) == 0 && harts_at(1)->guard == guard && scribble(16) == 1) {
        payload_print("a guard on %u harts\n", harts_count());
    }
    (void)scribble(much);
    payload_exit(0);
}

LOADER_ENTRY(test, .stack_pages = 16);
