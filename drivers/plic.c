/*
 * The PLIC. Its contexts are listed in "interrupts-extended" as pairs (interrupt controller of a
 * hart, cause); ours is the boot hart's with the cause of supervisor external interrupts. All
 * sources go to that one.
 *
 * Registers: priority of source s at 4 s; enable bits of context c at 0x2000 + 0x80 c; threshold at
 * 0x200000 + 0x1000 c, claim and complete 4 above.
 */
#include "drivers/plic.h"

#include "kernel/devices.h"
#include "kernel/harts.h"
#include "kernel/irq.h"
#include "kernel/limits.h"
#include "kernel/log.h"

enum {
    CAUSE_SUPERVISOR = 9,
    ENABLE_BASE = 0x2000,
    ENABLE_STRIDE = 0x80,
    CONTEXT_BASE = 0x200000,
    CONTEXT_STRIDE = 0x1000,
    MAX_CONTEXTS = 15872,
};

static volatile uint8_t *registers;
static uint32_t context;
static uint32_t sources; /* highest source number */

static volatile uint32_t *at(size_t offset) {
    return (volatile uint32_t *)(registers + offset);
}

static volatile uint32_t *claim_register(void) {
    return at(CONTEXT_BASE + (size_t)context * CONTEXT_STRIDE + 4);
}

static uint32_t claim(void) {
    return *claim_register();
}

static void complete(uint32_t source) {
    *claim_register() = source;
}

static void enable(uint32_t source) {
    if (source > sources) {
        return;
    }
    *at(4ul * source) = 1;
    volatile uint32_t *word =
        at(ENABLE_BASE + (size_t)context * ENABLE_STRIDE + 4ul * (source / 32));
    *word = *word | 1u << source % 32;
}

static const struct irq_controller controller = {
    .name = "plic", .claim = claim, .complete = complete, .enable = enable};

/* The hartid that the hart-local controller with this phandle belongs to. */
static bool hart_of(uint32_t phandle, uint32_t *hart_out) {
    struct fdt_node node = fdt_by_phandle(&devices_tree, phandle);
    if (!fdt_exists(node)) {
        return false;
    }
    struct fdt_range reg;
    struct fdt_node cpu = fdt_parent(&devices_tree, node);
    if (!fdt_exists(cpu) || !fdt_reg(&devices_tree, cpu, 0, &reg)) {
        return false;
    }
    *hart_out = (uint32_t)reg.base;
    return true;
}

static bool find_context(struct fdt_node plic, uint64_t hart_id) {
    struct fdt_prop prop;
    if (!fdt_get(&devices_tree, plic, "interrupts-extended", &prop)) {
        return false;
    }
    for (uint32_t i = 0; i < MAX_CONTEXTS; i++) {
        uint32_t phandle, cause, hart;
        if (!fdt_prop_cell(&prop, 2 * i, &phandle) || !fdt_prop_cell(&prop, 2 * i + 1, &cause)) {
            return false;
        }
        if (cause == CAUSE_SUPERVISOR && hart_of(phandle, &hart) && hart == hart_id) {
            context = i;
            return true;
        }
    }
    return false;
}

void plic_init(void) {
    volatile void *map;
    size_t size;
    struct fdt_node node = fdt_find_compatible(&devices_tree, FDT_NONE, "riscv,plic0");
    if (!fdt_exists(node)) {
        node = fdt_find_compatible(&devices_tree, FDT_NONE, "sifive,plic-1.0.0");
    }
    if (!fdt_exists(node) || !find_context(node, hart_self()->id) ||
        devices_map(node, 0, &map, &size) != STATUS_OK ||
        size < CONTEXT_BASE + ((size_t)context + 1) * CONTEXT_STRIDE) {
        return;
    }
    if (!fdt_get_u32(&devices_tree, node, "riscv,ndev", &sources) || sources >= IRQ_MAX_SOURCES) {
        sources = IRQ_MAX_SOURCES - 1;
    }
    registers = map;
    for (uint32_t word = 0; word <= sources / 32; word++) {
        *at(ENABLE_BASE + (size_t)context * ENABLE_STRIDE + 4ul * word) = 0;
    }
    *at(CONTEXT_BASE + (size_t)context * CONTEXT_STRIDE) = 0;
    irq_set_controller(&controller);
    log_debug("plic", "%u sources, context %u", sources, context);
}
