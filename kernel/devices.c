/*
 * The device tree of this boot: rows of drivers against nodes, registers through the physical map,
 * interrupt lines.
 */
#include "kernel/devices.h"

#include "kernel/arch.h"
#include "kernel/assert.h"
#include "kernel/harts.h"
#include "kernel/limits.h"
#include "kernel/log.h"
#include "kernel/mm/frame.h"

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
    if (range.size == 0 || range.base % sizeof(uint64_t) != 0) {
        return STATUS_BAD_FORMAT;
    }
    uint64_t limit = harts_boot_info.physmap_size;
    if (range.base > limit || range.size > limit - range.base ||
        frame_is_memory(range.base, range.size)) {
        return STATUS_BAD_RANGE;
    }
    *out = (volatile void *)(harts_boot_info.physmap + range.base);
    *size_out = range.size;
    return STATUS_OK;
}

/* Cells of one interrupt of this node, as its controller has it: the one that the node or the nearest
 * node above names. 1 where nobody says. */
static uint32_t irq_cells(struct fdt_node node) {
    uint32_t phandle, cells;
    while (fdt_exists(node) && !fdt_get_u32(&devices_tree, node, "interrupt-parent", &phandle)) {
        node = fdt_parent(&devices_tree, node);
    }
    struct fdt_node controller =
        fdt_exists(node) ? fdt_by_phandle(&devices_tree, phandle) : FDT_NONE;
    bool said = fdt_exists(controller) &&
                fdt_get_u32(&devices_tree, controller, "#interrupt-cells", &cells);
    return said ? cells : 1;
}

/* Interrupts of one cell (PLIC), or of two with the trigger in the second (APLIC). */
static status_t find_irq(struct fdt_node node, struct irq_line *out) {
    struct fdt_prop prop;
    uint32_t source, trigger = IRQ_HIGH;
    *out = (struct irq_line){0};
    if (!fdt_get(&devices_tree, node, "interrupts", &prop)) {
        return STATUS_OK;
    }
    if (!fdt_prop_cell(&prop, 0, &source) || source == 0 || source >= IRQ_MAX_SOURCES) {
        return STATUS_BAD_FORMAT;
    }
    if (irq_cells(node) >= 2 && !fdt_prop_cell(&prop, 1, &trigger)) {
        return STATUS_BAD_FORMAT;
    }
    if (trigger != IRQ_RISING && trigger != IRQ_FALLING && trigger != IRQ_HIGH &&
        trigger != IRQ_LOW) {
        return STATUS_BAD_FORMAT;
    }
    *out = (struct irq_line){.source = source, .trigger = (enum irq_trigger)trigger};
    return STATUS_OK;
}

static status_t describe(const struct driver *driver, struct device *device) {
    volatile uint8_t *registers;
    status_t status = devices_map(device->node, 0, &device->registers, &device->size);
    if (status != STATUS_OK) {
        log_warn("devices", "%s: registers: %s", device->name, status_text(status));
        return status;
    }
    registers = device->registers;
    if (device->size < driver->min_size) {
        log_warn("devices", "%s: %zu bytes of registers are too few", device->name, device->size);
        return STATUS_BAD_RANGE;
    }
    if (!arch_probe_device(registers + driver->safe_offset, driver->safe_width)) {
        log_warn("devices", "%s: nothing there", device->name);
        return STATUS_NOT_FOUND;
    }
    if (find_irq(device->node, &device->irq) != STATUS_OK) {
        log_warn("devices", "%s: bad interrupt, does without", device->name);
    }
    return STATUS_OK;
}

static void start(const struct driver *driver, struct fdt_node node) {
    struct device device = {.node = node, .name = fdt_name(&devices_tree, node)};
    if (!fdt_enabled(&devices_tree, node) || describe(driver, &device) != STATUS_OK) {
        return;
    }
    status_t status = driver->start(&device);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        log_warn("devices", "%s: not usable: %s", device.name, status_text(status));
    }
}

/* Whether one of the rows is for this node. */
static bool matches(const struct driver *drivers, size_t len, struct fdt_node node) {
    struct fdt_prop compatible;
    bool any = false;
    if (fdt_get(&devices_tree, node, "compatible", &compatible)) {
        for (size_t i = 0; i < len; i++) {
            any = any || fdt_prop_has_string(&compatible, drivers[i].compatible);
        }
    }
    return any;
}

void devices_start(const struct driver *drivers, size_t len, unsigned stage) {
    for (size_t i = 0; i < len; i++) {
        struct fdt_node node = FDT_NONE;
        while (drivers[i].stage == stage) {
            node = fdt_find_compatible(&devices_tree, node, drivers[i].compatible);
            if (!fdt_exists(node)) {
                break;
            }
            if (!matches(drivers, i, node)) {
                start(&drivers[i], node);
            }
        }
    }
}

bool devices_hart_line(struct fdt_node node, uint32_t i, uint32_t *hart_out, uint32_t *cause_out) {
    struct fdt_prop prop;
    struct fdt_range reg;
    uint32_t phandle;
    if (!fdt_get(&devices_tree, node, "interrupts-extended", &prop) ||
        !fdt_prop_cell(&prop, 2 * i, &phandle) || !fdt_prop_cell(&prop, 2 * i + 1, cause_out)) {
        return false;
    }
    *hart_out = KERNEL_MAX_HARTS;
    struct fdt_node controller = fdt_by_phandle(&devices_tree, phandle);
    struct fdt_node cpu = fdt_exists(controller) ? fdt_parent(&devices_tree, controller) : FDT_NONE;
    if (fdt_exists(cpu) && fdt_reg(&devices_tree, cpu, 0, &reg)) {
        *hart_out = harts_find(reg.base);
    }
    return true;
}
