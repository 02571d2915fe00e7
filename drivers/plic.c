/*
 * The PLIC. Its contexts are listed in "interrupts-extended" as pairs (interrupt controller of a
 * hart, cause); each hart uses the one with the cause of supervisor external interrupts.
 *
 * Registers: priority of source s at 4 s; enable bits of context c at 0x2000 + 0x80 c; threshold at
 * 0x200000 + 0x1000 c, claim and complete 4 above. A source of priority 0 never interrupts.
 */
#include "drivers/plic.h"

#include "kernel/harts.h"
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
static uint32_t contexts[KERNEL_MAX_HARTS]; /* by hart index */

static volatile uint32_t *at(size_t offset) {
    return (volatile uint32_t *)(registers + offset);
}

static volatile uint32_t *enable_word(uint32_t hart, uint32_t source) {
    return at(ENABLE_BASE + (size_t)contexts[hart] * ENABLE_STRIDE + 4ul * (source / 32));
}

static volatile uint32_t *threshold(uint32_t hart) {
    return at(CONTEXT_BASE + (size_t)contexts[hart] * CONTEXT_STRIDE);
}

static volatile uint32_t *claim_register(void) {
    return threshold(hart_self()->index) + 1;
}

static uint32_t claim(void) {
    return *claim_register();
}

static void complete(uint32_t source) {
    *claim_register() = source;
}

static void mask(uint32_t source) {
    *at(4ul * source) = 0;
}

static void unmask(uint32_t source) {
    *at(4ul * source) = 1;
}

static void give(uint32_t source, uint32_t hart) {
    volatile uint32_t *word = enable_word(hart, source);
    *word = *word | 1u << source % 32;
}

static void add(struct irq_line line, uint32_t hart) {
    give(line.source, hart);
}

/* The other hart first: QEMU's PLIC does not look at what is pending when a source is enabled, so one
 * that asks while nobody has it would never be heard. While both have it either may claim it, but
 * this hart is here. */
static void move(uint32_t source, uint32_t hart) {
    volatile uint32_t *word = enable_word(hart_self()->index, source);
    give(source, hart);
    *word = *word & ~(1u << source % 32);
}

static struct irq_controller controller = {.name = "plic",
                                           .claim = claim,
                                           .complete = complete,
                                           .add = add,
                                           .move = move,
                                           .mask = mask,
                                           .unmask = unmask};

/* Which context is whose. Those that the registers have no room for are left out. */
static void find_contexts(const struct device *device) {
    uint32_t hart, cause;
    for (uint32_t i = 0; i < MAX_CONTEXTS; i++) {
        if (device->size < CONTEXT_BASE + ((size_t)i + 1) * CONTEXT_STRIDE ||
            !devices_hart_line(device->node, i, &hart, &cause)) {
            return;
        }
        if (cause == CAUSE_SUPERVISOR && hart < KERNEL_MAX_HARTS) {
            contexts[hart] = i;
            controller.harts |= UINT64_C(1) << hart;
        }
    }
}

/* Whatever was enabled before. */
static void silence(void) {
    for (uint32_t source = 1; source <= controller.sources; source++) {
        mask(source);
    }
    for (uint32_t hart = 0; hart < harts_count(); hart++) {
        if (controller.harts >> hart & 1) {
            for (uint32_t source = 0; source <= controller.sources; source += 32) {
                *enable_word(hart, source) = 0;
            }
            *threshold(hart) = 0;
        }
    }
}

status_t plic_start(const struct device *device) {
    uint32_t sources;
    if (registers) {
        return STATUS_NOT_FOUND; /* one is enough */
    }
    if (!fdt_get_u32(&devices_tree, device->node, "riscv,ndev", &sources) || sources == 0) {
        return STATUS_BAD_FORMAT;
    }
    controller.sources = sources < IRQ_MAX_SOURCES ? sources : IRQ_MAX_SOURCES - 1;
    find_contexts(device);
    if (!(controller.harts >> hart_self()->index & 1)) {
        return STATUS_UNSUPPORTED;
    }
    registers = device->registers;
    silence();
    log_debug("plic", "%u sources, %d harts", controller.sources,
              __builtin_popcountll(controller.harts));
    return irq_set_controller(&controller) ? STATUS_OK : STATUS_EXISTS;
}
