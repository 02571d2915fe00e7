/*
 * Prints what the loader said, for payloads that have no console of their own yet: it needs nothing but
 * boot_info, whose `put` it calls. One hart at a time.
 */
#ifndef ABI_BOOT_PRINT_H
#define ABI_BOOT_PRINT_H

#include "abi/boot.h"

static inline void boot_print_text(const struct boot_info *info, const char *text) {
    for (; *text != '\0'; text++) {
        info->put((uint8_t)*text);
    }
}

/* "name: value\n" with the value in hexadecimal. */
static inline void boot_print_number(const struct boot_info *info, const char *name,
                                     uint64_t value) {
    boot_print_text(info, name);
    boot_print_text(info, " 0x");
    int shift = 60;
    while (shift > 0 && value >> shift == 0) {
        shift -= 4;
    }
    for (; shift >= 0; shift -= 4) {
        info->put((uint8_t)"0123456789abcdef"[value >> shift & 15]);
    }
}

static inline void boot_print_line(const struct boot_info *info, const char *name, uint64_t value) {
    boot_print_number(info, name, value);
    info->put('\n');
}

static inline void boot_print_region(const struct boot_info *info, const struct boot_region *r) {
    static const char kinds[][12] = {"usable",  "loader", "firmware",
                                     "payload", "initrd", "device tree"};
    boot_print_number(info, "memory", r->start);
    boot_print_number(info, " to", r->end);
    boot_print_text(info, " ");
    boot_print_text(info, r->kind < sizeof(kinds) / sizeof(kinds[0]) ? kinds[r->kind] : "unknown");
    info->put('\n');
}

static inline void boot_print_hart(const struct boot_info *info, const struct boot_hart *h) {
    boot_print_number(info, "hart", h->id);
    boot_print_number(info, h->stack_low != 0 ? " stack" : " not started", h->stack_low);
    boot_print_number(info, " to", h->stack_high);
    boot_print_number(info, " area", h->area);
    boot_print_number(info, " cbom", h->cbom_size);
    boot_print_number(info, " cboz", h->cboz_size);
    boot_print_text(info, " ");
    boot_print_text(info, h->isa);
    info->put('\n');
}

/* All of it but the seed, which is a secret. */
static inline void boot_print(const struct boot_info *info) {
    boot_print_line(info, "boot_info version", info->version);
    boot_print_line(info, "boot hart", info->boot_hart);
    boot_print_line(info, "harts started", info->started_count);
    for (uint32_t i = 0; i < info->hart_count; i++) {
        boot_print_hart(info, &info->harts[i]);
    }
    for (uint32_t i = 0; i < info->region_count; i++) {
        boot_print_region(info, &info->regions[i]);
    }
    boot_print_line(info, "timebase", info->timebase_hz);
    boot_print_line(info, "paging levels", info->paging_levels);
    boot_print_line(info, "physical map", info->physmap);
    boot_print_line(info, "physical map size", info->physmap_size);
    boot_print_line(info, "payload", info->payload_virt);
    boot_print_line(info, "payload at physical", info->payload_phys);
    boot_print_line(info, "payload size", info->payload_size);
    boot_print_line(info, "heap", info->heap);
    boot_print_line(info, "heap size", info->heap_size);
    boot_print_line(info, "symbols", info->symbol_count);
    boot_print_line(info, "device tree", info->device_tree);
    boot_print_line(info, "initrd", info->initrd);
    boot_print_line(info, "initrd size", info->initrd_size);
    boot_print_text(info, "boot arguments \"");
    boot_print_text(info, (const char *)(uintptr_t)info->bootargs);
    boot_print_text(info, "\"\n");
    boot_print_line(info, "seeded", info->rng_seeded);
    boot_print_line(info, "ticks in the loader", info->ticks_at_entry - info->ticks_at_reset);
    boot_print_line(info, "instructions in the loader",
                    info->instret_at_entry - info->instret_at_reset);
}

#endif
