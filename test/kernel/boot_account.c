/*
 * The loader keeps nothing: once the kernel has taken its memory back, what is free is all of the
 * machine's memory less what boot_info names, to the page.
 *
 * QEMU: -m 64M
 * QEMU: -m 300M -smp 4
 * QEMU: -m 2G
 */
#include "abi/boot.h"
#include "kernel/harts.h"
#include "kernel/mm/frame.h"
#include "test/support/payload.h"

#if K23_SANITIZE
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

static uint64_t pages_of(const struct boot_info *info, uint32_t kind) {
    uint64_t pages = 0;
    for (uint32_t i = 0; i < info->region_count; i++) {
        const struct boot_region *r = &info->regions[i];
        pages += r->kind == kind ? (r->end - r->start) / 4096 : 0;
    }
    return pages;
}

static _Noreturn void test(size_t hart, const struct boot_info *info) {
    payload_begin(info);
    uint64_t usable = pages_of(info, BOOT_MEMORY_USABLE),
             loader = pages_of(info, BOOT_MEMORY_LOADER);
    uint64_t all = 0;
    for (uint32_t kind = 0; kind <= BOOT_MEMORY_DEVICE_TREE; kind++) {
        payload_print("# kind %u: %llu pages\n", kind, (unsigned long long)pages_of(info, kind));
        all += pages_of(info, kind);
    }
    uint64_t named = all - usable - loader;
    harts_init(hart, info);
    frame_init(&harts_boot_info);
    /* The allocator's own table, a byte a frame, is the only thing taken. */
    uint64_t table = usable - frame_free_count();
    uint64_t shadow = SANITIZED ? all / 8 + 1 : 0; /* kernel/mm/kasan.h */
    PAYLOAD_CHECK(table <= 3 * all / 4096 + 64 + shadow);
    PAYLOAD_CHECK_EQ(frame_reclaim_loader(&harts_boot_info), loader);
    PAYLOAD_CHECK_EQ(frame_free_count(), all - named - table);
    payload_end();
}

LOADER_ENTRY(test, .harts = 1);
