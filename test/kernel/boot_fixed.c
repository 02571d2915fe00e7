/*
 * Without KASLR all places are the same at each boot, in the smallest paging mode too; wishes are kept.
 *
 * QEMU: -m 64M
 * QEMU: -m 64M -smp 3
 */
#include "abi/boot.h"
#include "test/support/payload.h"

static _Noreturn void test(size_t hart, const struct boot_info *info) {
    (void)hart;
    payload_begin(info);
    const uint64_t gib = 1ull << 30;
    const struct boot_hart *h = &info->harts[0];
    for (uint32_t i = 0; i < info->hart_count; i++) {
        h = info->harts[i].id == info->boot_hart ? &info->harts[i] : h;
    }
    PAYLOAD_CHECK_EQ(info->paging_levels, 3);
    PAYLOAD_CHECK_EQ(info->physmap, 0 - 192 * gib + gib);
    PAYLOAD_CHECK_EQ(info->physmap_size, 4 * gib);
    /* The hand-over page follows the physical map, then come image, stack and area. */
    uint64_t image = info->physmap + info->physmap_size + 5 * 4096;
    PAYLOAD_CHECK_EQ(info->payload_virt, image);
    PAYLOAD_CHECK_EQ(h->stack_low, image + info->payload_size + 4096 + 2 * 4096);
    PAYLOAD_CHECK_EQ(h->stack_high, h->stack_low + 3 * 4096);
    PAYLOAD_CHECK_EQ(h->area, h->stack_high + 2 * 4096);
    payload_end();
}

LOADER_ENTRY(test, .stack_pages = 3, .stack_guard_pages = 2, .memory_mode = LOADER_SV39,
             .kaslr = LOADER_KASLR_OFF, .harts = 1);
