/*
 * A payload that only says that it ran. boot_tree.py boots it with device trees that it should refuse.
 */
#include "abi/boot.h"
#include "test/support/payload.h"

static _Noreturn void test(size_t hart, const struct boot_info *info) {
    (void)hart;
    payload_begin(info);
    payload_print("payload: entered, seeded %u, %s\n", info->rng_seeded, info->harts[0].isa);
    payload_exit(0);
}

LOADER_ENTRY(test);
