/*
 * Domains whose threads take away what the kernel is using for one another: they unmap the pages that it copies from
 * and to, and close the handles that it is about to return. Each runs for some time, whatever the machine does
 * with it; at the end they are unharmed, and every object and frame is back. What the kernel should not have
 * touched, a kernel that checks its accesses says (MODE=san).
 *
 * QEMU: -smp 4
 * TIMEOUT: 120
 */
#include "gen/domain/races.h"
#include "abi/boot.h"
#include "init/machine.h"
#include "kernel/ipc/kobject.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/stack.h"
#include "kernel/native.h"
#include "kernel/program.h"
#include "test/kernel/domain/races.h"
#include "test/support/payload.h"

#if K23_SANITIZE
enum { RACE_MS = 6000 };
#else
enum { RACE_MS = 500 };
#endif
enum { SHORT_MS = 20, SPARE = 64 };

static void run(enum race race, uint64_t ms) {
    uint32_t pid = 0;
    struct program_end end;
    struct native_options options = {.name = "races",
                                     .code = races_domain,
                                     .code_size = sizeof(races_domain),
                                     .stack_size = PAGE_SIZE,
                                     .frame_limit = 1000,
                                     .arg = (uint64_t)race | ms << 8};
    PAYLOAD_CHECK_EQ(native_start(&options, &pid), STATUS_OK);
    PAYLOAD_CHECK_EQ(program_wait(pid, WAIT_FOREVER, &end), STATUS_OK);
    PAYLOAD_CHECK_EQ(end.status, 0);
    PAYLOAD_CHECK_EQ(kobject_count(), 0);
}

static void run_all(uint64_t ms) {
    run(RACE_KEEP, ms);
    run(RACE_READ, ms);
    run(RACE_WRITE, ms);
    (void)stack_trim();
}

static _Noreturn void test(size_t hart, const struct boot_info *info) {
    machine_init(hart, info);
    payload_begin(info);
    run_all(SHORT_MS); /* what is kept for reuse afterwards is there */
    size_t before = frame_free_count();
    run_all(RACE_MS);
    size_t after = frame_free_count();
    payload_print("# %zu frames free, %zu before\n", after, before);
    PAYLOAD_CHECK(after + SPARE >= before); /* thousands of rounds, each of which could lose one */
    payload_end();
}

LOADER_ENTRY(test, .stack_pages = 16);
