/*
 * As many harts as boot_info can describe: all enter, and that is all.
 *
 * QEMU: -smp 64 -m 256M
 * TIMEOUT: 60
 */
#include "abi/boot.h"
#include "test/support/payload.h"

static uint32_t entered;

static _Noreturn void test(size_t hart, const struct boot_info *info) {
    uint32_t all = info->started_count;
    __atomic_fetch_add(&entered, 1, __ATOMIC_SEQ_CST);
    if (hart != info->boot_hart) {
        for (;;) {
        }
    }
    payload_begin(info);
    while (__atomic_load_n(&entered, __ATOMIC_SEQ_CST) != all) {
    }
    PAYLOAD_CHECK_EQ(info->hart_count, 64);
    PAYLOAD_CHECK_EQ(all, 64);
    payload_end();
}

LOADER_ENTRY(test);
