/*
 * A payload that says that it ran, and on what. boot_tree.py boots it with device trees that it should
 * refuse, test/boot/run on other machines.
 */
#include "abi/boot.h"
#include "test/support/payload.h"

static _Noreturn void test(size_t hart, const struct boot_info *info) {
    while (hart != info->boot_hart) {
    }
    payload_begin(info);
    payload_print(
        "payload: entered, seeded %u, harts %u started %u, levels %u, from %llx, initrd %u, %s\n",
        info->rng_seeded, info->hart_count, info->started_count, info->paging_levels,
        (unsigned long long)info->regions[0].start, info->initrd != 0, info->harts[0].isa);
    payload_exit(0);
}

LOADER_ENTRY(test);
