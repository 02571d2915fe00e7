/*
 * The supervisor's interrupt files. "interrupts-extended" lists the harts in the order of their files;
 * each has 1 << guest-index-bits pages, of which the first is the supervisor's. A store of an identity
 * at the start of the page makes it pending. The rest goes through the hart's own registers
 * (arch_msi_*).
 */
#include "drivers/imsic.h"

#include "kernel/arch.h"
#include "kernel/harts.h"
#include "kernel/limits.h"
#include "kernel/log.h"

enum { CAUSE_SUPERVISOR = 9, MAX_IDENTITY = 2047, MAX_GUEST_BITS = 6, MAX_RANGES = 16 };

static bool present;
static uint32_t node_phandle;
static uint32_t identities;
static uint64_t harts;
static uint32_t positions[KERNEL_MAX_HARTS];
static volatile uint32_t *doorbells[KERNEL_MAX_HARTS];

bool imsic_is(uint32_t phandle) {
    return present && phandle == node_phandle;
}

uint32_t imsic_identities(void) {
    return identities;
}

uint64_t imsic_harts(void) {
    return harts;
}

uint32_t imsic_position(uint32_t hart) {
    return positions[hart];
}

void imsic_init_hart(void) {
    uint32_t self = hart_self()->index;
    arch_msi_init(identities);
    arch_ipi_use(self, doorbells[self], IMSIC_IPI);
}

/* The page of the file at that position, through the ranges one after the other. */
static volatile uint32_t *page_of(const struct device *device, uint32_t position,
                                  uint32_t guest_bits) {
    volatile void *map;
    size_t size, offset = ((size_t)position << guest_bits) * PAGE_SIZE;
    for (uint32_t i = 0; i < MAX_RANGES; i++) {
        if (devices_map(device->node, i, &map, &size) != STATUS_OK) {
            return NULL;
        }
        if (offset + PAGE_SIZE <= size) {
            return (volatile uint32_t *)((volatile uint8_t *)map + offset);
        }
        offset -= size < offset ? size : offset;
    }
    return NULL;
}

static uint32_t number(const struct device *device, const char *name) {
    uint32_t value;
    return fdt_get_u32(&devices_tree, device->node, name, &value) ? value : 0;
}

static status_t find_files(const struct device *device, uint32_t guest_bits) {
    uint32_t hart, cause;
    for (uint32_t i = 0; i < KERNEL_MAX_HARTS && devices_hart_line(device->node, i, &hart, &cause);
         i++) {
        if (cause != CAUSE_SUPERVISOR) {
            return STATUS_NOT_FOUND;
        }
        if (hart < KERNEL_MAX_HARTS) {
            positions[hart] = i;
            doorbells[hart] = page_of(device, i, guest_bits);
            harts |= doorbells[hart] ? UINT64_C(1) << hart : 0;
        }
    }
    return harts >> hart_self()->index & 1 ? STATUS_OK : STATUS_UNSUPPORTED;
}

status_t imsic_start(const struct device *device) {
    uint32_t guest_bits = number(device, "riscv,guest-index-bits");
    if (present || !arch_msi_present()) {
        return STATUS_NOT_FOUND;
    }
    /* Files in groups, one a socket, would need the positions as the groups count them. */
    if (guest_bits > MAX_GUEST_BITS || number(device, "riscv,group-index-bits") != 0) {
        return STATUS_UNSUPPORTED;
    }
    identities = number(device, "riscv,num-ids");
    if (identities < IMSIC_IPI || identities > MAX_IDENTITY) {
        return STATUS_BAD_FORMAT;
    }
    TRY(find_files(device, guest_bits));
    node_phandle = number(device, "phandle");
    present = true;
    log_debug("imsic", "%u identities, %d harts", identities, __builtin_popcountll(harts));
    return STATUS_OK;
}
