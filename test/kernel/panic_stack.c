/*
 * A kernel thread that runs off its stack is caught at the guard and told by name.
 *
 * EXIT: 124
 * EXPECT: kernel panic: kernel stack overflow at
 * EXPECT: thread "deep"
 * EXPECT: recurse+0x
 */
#include "abi/boot.h"
#include "init/machine.h"
#include "kernel/thread.h"
#include "test/support/payload.h"

static volatile int depth;

static __attribute__((noinline)) int recurse(int n) {
    volatile char bytes[200];
    bytes[n % 200] = (char)n;
    depth = n;
    return depth < 0 ? 0 : recurse(n + 1) + bytes[n % 200];
}

static void deep(void *arg) {
    (void)arg;
    depth = recurse(0);
}

static _Noreturn void test(size_t hart, const struct boot_info *info) {
    struct thread *thread;
    machine_init(hart, info);
    payload_begin(info);
    PAYLOAD_CHECK_EQ(thread_start("deep", deep, NULL, NULL, &thread), STATUS_OK);
    thread_join(thread);
    payload_exit(0);
}

LOADER_ENTRY(test, .stack_pages = 16);
