/*
 * The APLIC. Direct: a hart has an interrupt delivery control (IDC) in the order of
 * "interrupts-extended"; claiming takes what is pending, and a level-triggered source stays pending for
 * as long as its line asks, so nothing is to be completed. By message: source s becomes identity s + 1
 * in the file of its hart. A message is sent when the line begins to ask, so after its handler a line
 * that still asks must be made pending again by hand.
 */
#include "drivers/aplic.h"

#include "drivers/imsic.h"
#include "kernel/arch.h"
#include "kernel/harts.h"
#include "kernel/limits.h"
#include "kernel/log.h"

enum {
    DOMAINCFG = 0x0000,
    SOURCECFG = 0x0000, /* of source s: 4 s above */
    IN_CLRIP = 0x1d00,  /* reads: the lines that ask, a bit each */
    SETIENUM = 0x1edc,
    CLRIENUM = 0x1fdc,
    CLRIE = 0x1f00,
    SETIPNUM_LE = 0x2000,
    TARGET = 0x3000, /* of source s: 4 s above */
    IDC = 0x4000,
    IDC_STRIDE = 32,
    IDC_DELIVERY = 0x00,
    IDC_THRESHOLD = 0x08,
    IDC_CLAIM = 0x1c,

    DOMAINCFG_ON = 0x100,
    DOMAINCFG_MESSAGES = 0x004,
    SOURCE_OFF = 0,
    SOURCE_RISING = 4,
    SOURCE_FALLING = 5,
    SOURCE_HIGH = 6,
    SOURCE_LOW = 7,
    TARGET_HART_SHIFT = 18,
    TARGET_PRIORITY = 1,
    CLAIM_SOURCE_SHIFT = 16,
    MAX_SOURCES = 1023,
    CAUSE_SUPERVISOR = 9,
};

static volatile uint8_t *registers;
static uint32_t delivery[KERNEL_MAX_HARTS]; /* direct: number of a hart's IDC */

static volatile uint32_t *at(size_t offset) {
    return (volatile uint32_t *)(registers + offset);
}

static volatile uint32_t *idc(size_t offset) {
    return at(IDC + (size_t)delivery[hart_self()->index] * IDC_STRIDE + offset);
}

static uint32_t mode_of(enum irq_trigger trigger) {
    switch (trigger) {
    case IRQ_RISING:
        return SOURCE_RISING;
    case IRQ_FALLING:
        return SOURCE_FALLING;
    case IRQ_LOW:
        return SOURCE_LOW;
    default:
        return SOURCE_HIGH;
    }
}

static void mask(uint32_t source) {
    *at(CLRIENUM) = source;
}

/* ---- direct ---- */

static void init_hart_direct(void) {
    *idc(IDC_THRESHOLD) = 0;
    *idc(IDC_DELIVERY) = 1;
}

static uint32_t claim_direct(void) {
    return *idc(IDC_CLAIM) >> CLAIM_SOURCE_SHIFT;
}

static void complete_direct(uint32_t source) {
    (void)source;
}

static void move_direct(uint32_t source, uint32_t hart) {
    *at(TARGET + 4ul * source) = delivery[hart] << TARGET_HART_SHIFT | TARGET_PRIORITY;
}

static void add_direct(struct irq_line line, uint32_t hart) {
    *at(SOURCECFG + 4ul * line.source) = mode_of(line.trigger);
    move_direct(line.source, hart);
}

static void unmask_direct(uint32_t source) {
    *at(SETIENUM) = source;
}

static struct irq_controller direct = {.name = "aplic",
                                       .init_hart = init_hart_direct,
                                       .claim = claim_direct,
                                       .complete = complete_direct,
                                       .add = add_direct,
                                       .move = move_direct,
                                       .mask = mask,
                                       .unmask = unmask_direct};

/* ---- by message ---- */

static bool level[MAX_SOURCES + 1]; /* level-triggered sources */

static uint32_t claim_message(void) {
    uint32_t identity = arch_msi_claim();
    if (identity == IMSIC_IPI) {
        return IRQ_IPI;
    }
    return identity ? identity - 1 : 0;
}

/* Only a line that asks may be made pending again: some controllers take their word for it. */
static void complete_message(uint32_t source) {
    if (source <= MAX_SOURCES && level[source] &&
        (*at(IN_CLRIP + 4ul * (source / 32)) >> source % 32 & 1)) {
        *at(SETIPNUM_LE) = source;
    }
}

static void move_message(uint32_t source, uint32_t hart) {
    *at(TARGET + 4ul * source) = imsic_position(hart) << TARGET_HART_SHIFT | (source + 1);
}

static void add_message(struct irq_line line, uint32_t hart) {
    level[line.source] = line.trigger == IRQ_HIGH || line.trigger == IRQ_LOW;
    *at(SOURCECFG + 4ul * line.source) = mode_of(line.trigger);
    move_message(line.source, hart);
}

static void unmask_message(uint32_t source) {
    *at(SETIENUM) = source;
    complete_message(source); /* it may have asked before anybody listened */
}

static struct irq_controller message = {.name = "aplic, imsic",
                                        .init_hart = imsic_init_hart,
                                        .claim = claim_message,
                                        .complete = complete_message,
                                        .add = add_message,
                                        .move = move_message,
                                        .mask = mask,
                                        .unmask = unmask_message};

/* ---- start ---- */

static void find_harts(const struct device *device) {
    uint32_t hart, cause;
    for (uint32_t i = 0; devices_hart_line(device->node, i, &hart, &cause); i++) {
        if (device->size < IDC + (i + 1ul) * IDC_STRIDE) {
            return;
        }
        if (cause == CAUSE_SUPERVISOR && hart < KERNEL_MAX_HARTS) {
            delivery[hart] = i;
            direct.harts |= UINT64_C(1) << hart;
        }
    }
}

/* Whatever was enabled before is off, and the domain is on. */
static void reset(uint32_t sources, uint32_t mode) {
    *at(DOMAINCFG) = mode;
    for (uint32_t source = 0; source <= sources; source += 32) {
        *at(CLRIE + 4ul * (source / 32)) = UINT32_MAX;
    }
    for (uint32_t source = 1; source <= sources; source++) {
        *at(SOURCECFG + 4ul * source) = SOURCE_OFF;
    }
    *at(DOMAINCFG) = mode | DOMAINCFG_ON;
}

status_t aplic_start(const struct device *device) {
    struct irq_controller *controller = &direct;
    uint32_t sources, parent;
    if (registers) {
        return STATUS_NOT_FOUND;
    }
    if (!fdt_get_u32(&devices_tree, device->node, "riscv,num-sources", &sources) || sources == 0 ||
        sources > MAX_SOURCES) {
        return STATUS_BAD_FORMAT;
    }
    if (fdt_get_u32(&devices_tree, device->node, "msi-parent", &parent) && imsic_is(parent)) {
        controller = &message;
        message.harts = imsic_harts();
        sources = sources < imsic_identities() ? sources : imsic_identities() - 1;
    } else {
        find_harts(device);
    }
    if (!(controller->harts >> hart_self()->index & 1)) {
        return STATUS_NOT_FOUND; /* it is another level's */
    }
    registers = device->registers;
    controller->sources = sources;
    reset(sources, controller == &message ? DOMAINCFG_MESSAGES : 0);
    log_debug("aplic", "%u sources, %d harts, %s", sources, __builtin_popcountll(controller->harts),
              controller == &message ? "messages" : "direct");
    return irq_set_controller(controller) ? STATUS_OK : STATUS_EXISTS;
}
