/*
 * Prints where the loader put things. boot_random.py boots it often and wants each place to differ.
 */
#include "abi/boot.h"
#include "test/support/payload.h"

static _Noreturn void test(size_t hart, const struct boot_info *info) {
    (void)hart;
    payload_begin(info);
    uint64_t seed = 0;
    for (int i = 0; i < 8; i++) {
        seed = seed << 8 | info->rng_seed[i];
    }
    const struct boot_hart *h = &info->harts[0];
    payload_print("places: %llx %llx %llx %llx seed: %llx levels: %u\n",
                  (unsigned long long)info->physmap, (unsigned long long)info->payload_virt,
                  (unsigned long long)h->stack_low, (unsigned long long)h->area,
                  (unsigned long long)seed, info->paging_levels);
    payload_exit(0);
}

LOADER_ENTRY(test, .memory_mode = LOADER_SV48);
