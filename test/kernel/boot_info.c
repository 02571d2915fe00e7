/*
 * boot_info is complete and true: every promise of abi/boot.h that a payload can check from inside,
 * on small and large machines, with several harts, memory in two nodes, and no randomness given.
 *
 * QEMU: -m 64M
 * QEMU: -m 3G -smp 4 -append "some arguments"
 * QEMU: -m 256M -smp 2 -numa node,cpus=0,mem=64M -numa node,cpus=1,mem=192M
 * QEMU: -m 64M -cpu rv64,zba=false,zbb=false,zbs=false
 */
#include "abi/boot.h"
#include "base/elf.h"
#include "base/fdt.h"
#include "test/support/payload.h"

#include <string.h>

enum { PAGE = 4096, STACK_PAGES = 5, HEAP_PAGES = 3 };

/* Relocation, thread-local storage, data and bss each have a witness. */
static const char *const relocated[] = {"one", "two"};
static int data = 42;
static int bss[PAGE];
static _Thread_local uint64_t thread_data = 0x1122334455667788;
static _Thread_local uint64_t thread_bss[16];

extern const struct loader_config loader_config;

static void check_regions(const struct boot_info *info) {
    bool aligned = true, sorted = true, known = true;
    uint64_t usable = 0;
    for (uint32_t i = 0; i < info->region_count; i++) {
        const struct boot_region *r = &info->regions[i];
        payload_print("# %016llx..%016llx kind %u\n", (unsigned long long)r->start,
                      (unsigned long long)r->end, r->kind);
        aligned = aligned && r->start % PAGE == 0 && r->end % PAGE == 0 && r->start < r->end;
        sorted = sorted && (i == 0 || info->regions[i - 1].end <= r->start);
        known = known && r->kind <= BOOT_MEMORY_DEVICE_TREE;
        usable += r->kind == BOOT_MEMORY_USABLE ? r->end - r->start : 0;
    }
    PAYLOAD_CHECK(info->region_count > 3 && info->region_count <= BOOT_MAX_REGIONS);
    PAYLOAD_CHECK(aligned);
    PAYLOAD_CHECK(sorted);
    PAYLOAD_CHECK(known);
    PAYLOAD_CHECK(usable > 16 << 20);
}

static bool inside(const struct boot_info *info, uint64_t phys, uint64_t size, uint32_t kind) {
    for (uint32_t i = 0; i < info->region_count; i++) {
        const struct boot_region *r = &info->regions[i];
        if (r->kind == kind && phys >= r->start && phys + size <= r->end) {
            return true;
        }
    }
    return false;
}

static void check_places(const struct boot_info *info) {
    uint64_t here = (uint64_t)(uintptr_t)&loader_config;
    PAYLOAD_CHECK(info->paging_levels >= 3 && info->paging_levels <= 5);
    PAYLOAD_CHECK(here >= info->payload_virt && here < info->payload_virt + info->payload_size);
    PAYLOAD_CHECK(inside(info, info->payload_phys, info->payload_size, BOOT_MEMORY_PAYLOAD));
    PAYLOAD_CHECK(inside(info, info->root_table, PAGE, BOOT_MEMORY_PAYLOAD));
    PAYLOAD_CHECK(inside(info, info->device_tree - info->physmap, info->device_tree_size,
                         BOOT_MEMORY_DEVICE_TREE));
    PAYLOAD_CHECK(inside(info, (uint64_t)(uintptr_t)info - info->physmap, sizeof(*info),
                         BOOT_MEMORY_PAYLOAD));
    const struct loader_config *alias =
        (const struct loader_config *)(uintptr_t)(info->physmap + info->payload_phys +
                                                  (here - info->payload_virt));
    PAYLOAD_CHECK_EQ(alias->magic, LOADER_CONFIG_MAGIC);

    uint64_t half = (uint64_t)1 << (11 + 9 * info->paging_levels);
    PAYLOAD_CHECK(info->physmap >= 0 - half + half / 4);
    PAYLOAD_CHECK(info->payload_virt >= 0 - half + half / 4);
    const uint64_t *root = (const uint64_t *)(uintptr_t)(info->physmap + info->root_table);
    bool lower_half_free = true;
    for (int i = 0; i < 256 + 64; i++) {
        lower_half_free = lower_half_free && root[i] == 0;
    }
    PAYLOAD_CHECK(lower_half_free);
}

static void check_hart(size_t hart, const struct boot_info *info) {
    const struct boot_hart *mine = NULL;
    for (uint32_t i = 0; i < info->hart_count; i++) {
        payload_print("# hart %llu %s\n", (unsigned long long)info->harts[i].id,
                      info->harts[i].isa);
        if (info->harts[i].id == hart) {
            mine = &info->harts[i];
        }
    }
    PAYLOAD_CHECK_EQ(hart, info->boot_hart);
    PAYLOAD_CHECK_EQ(info->started_count, 1);
    if (!PAYLOAD_CHECK(mine != NULL)) {
        payload_end();
    }
    uint64_t here = (uint64_t)(uintptr_t)__builtin_frame_address(0);
    PAYLOAD_CHECK(here > mine->stack_low && here <= mine->stack_high);
    PAYLOAD_CHECK_EQ(mine->stack_high - mine->stack_low, STACK_PAGES * PAGE);
    PAYLOAD_CHECK(memcmp(mine->isa, "rv64i", 5) == 0);
    PAYLOAD_CHECK((uint64_t)(uintptr_t)&thread_data - mine->area < PAGE);
}

static void check_image(void) {
    PAYLOAD_CHECK(strcmp(relocated[1], "two") == 0);
    PAYLOAD_CHECK_EQ(data, 42);
    PAYLOAD_CHECK_EQ(bss[PAGE - 1], 0);
    PAYLOAD_CHECK_EQ(thread_data, 0x1122334455667788);
    PAYLOAD_CHECK_EQ(thread_bss[15], 0);
    thread_bss[15] = ++thread_data;
    bss[0] = data++;
    PAYLOAD_CHECK_EQ(thread_bss[15], 0x1122334455667789);
}

static void check_heap(const struct boot_info *info) {
    uint64_t *heap = (uint64_t *)(uintptr_t)info->heap;
    PAYLOAD_CHECK_EQ(info->heap_size, HEAP_PAGES * PAGE);
    bool zero = true;
    for (uint64_t i = 0; i < info->heap_size / sizeof(*heap); i++) {
        zero = zero && heap[i] == 0;
        heap[i] = i;
    }
    PAYLOAD_CHECK(zero);
}

static void check_symbols(const struct boot_info *info) {
    if (!PAYLOAD_CHECK(info->symbols != 0)) {
        return;
    }
    const char *name = NULL;
    uint64_t offset = 1;
    uint64_t address = (uint64_t)(uintptr_t)check_symbols - info->payload_virt;
    elf_symbol_at((const struct elf64_sym *)(uintptr_t)info->symbols, info->symbol_count,
                  (const char *)(uintptr_t)info->strings, info->strings_size, address, &name,
                  &offset);
    PAYLOAD_CHECK(name != NULL && strcmp(name, "check_symbols") == 0 && offset == 0);
}

/* The seed reached us in boot_info, and only there: in the tree there are zeros. */
static void check_seed(const struct boot_info *info) {
    struct fdt fdt;
    struct fdt_prop seed;
    uint8_t in_tree = 0, in_info = 0;
    const void *tree = (const void *)(uintptr_t)info->device_tree;
    if (!PAYLOAD_CHECK(fdt_open(&fdt, tree, info->device_tree_size) == STATUS_OK)) {
        return;
    }
    if (fdt_get(&fdt, fdt_find(&fdt, "/chosen"), "rng-seed", &seed)) {
        for (uint32_t i = 0; i < seed.size; i++) {
            in_tree |= seed.bytes[i];
        }
        PAYLOAD_CHECK_EQ(info->rng_seeded, 1);
    }
    for (uint32_t i = 0; i < BOOT_SEED_SIZE; i++) {
        in_info |= info->rng_seed[i];
    }
    PAYLOAD_CHECK_EQ(in_tree, 0);
    PAYLOAD_CHECK(in_info != 0);
}

static _Noreturn void test(size_t hart, const struct boot_info *info) {
    payload_begin(info);
    PAYLOAD_CHECK_EQ(info->version, BOOT_INFO_VERSION);
    PAYLOAD_CHECK_EQ(info->size, sizeof(*info));
    PAYLOAD_CHECK(info->timebase_hz > 0);
    PAYLOAD_CHECK(info->bootargs != 0);
    check_regions(info);
    check_places(info);
    check_hart(hart, info);
    check_image();
    check_heap(info);
    check_symbols(info);
    check_seed(info);
    PAYLOAD_CHECK(info->ticks_at_entry > info->ticks_at_reset);
    payload_print("# places: physmap %llx image %llx stack %llx area %llx\n",
                  (unsigned long long)info->physmap, (unsigned long long)info->payload_virt,
                  (unsigned long long)info->harts[0].stack_low,
                  (unsigned long long)info->harts[0].area);
    payload_print("# loader: %llu instructions, %llu ticks\n",
                  (unsigned long long)(info->instret_at_entry - info->instret_at_reset),
                  (unsigned long long)(info->ticks_at_entry - info->ticks_at_reset));
    payload_end();
}

LOADER_ENTRY(test, .stack_pages = STACK_PAGES, .heap_pages = HEAP_PAGES, .harts = 1);
