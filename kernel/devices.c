/*
 * The device tree of this boot, and registers through the physical map.
 */
#include "kernel/devices.h"

#include "kernel/assert.h"
#include "kernel/harts.h"

struct fdt devices_tree;

void devices_init(void) {
    const struct boot_info *info = &harts_boot_info;
    status_t status =
        fdt_open(&devices_tree, (const void *)info->device_tree, info->device_tree_size);
    if (status != STATUS_OK) {
        panic("device tree: %s", devices_tree.error ? devices_tree.error : status_text(status));
    }
}

status_t devices_map(struct fdt_node node, uint32_t i, volatile void **out, size_t *size_out) {
    struct fdt_range range;
    if (!fdt_reg(&devices_tree, node, i, &range)) {
        return STATUS_NOT_FOUND;
    }
    uint64_t limit = harts_boot_info.physmap_size;
    if (range.base > limit || range.size > limit - range.base) {
        return STATUS_BAD_RANGE;
    }
    *out = (volatile void *)(harts_boot_info.physmap + range.base);
    *size_out = range.size;
    return STATUS_OK;
}

uint32_t devices_irq(struct fdt_node node, uint32_t i) {
    struct fdt_prop prop;
    uint32_t source;
    if (!fdt_get(&devices_tree, node, "interrupts", &prop) || !fdt_prop_cell(&prop, i, &source)) {
        return 0;
    }
    return source;
}
