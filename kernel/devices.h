/*
 * How drivers find their device: the device tree is searched for the `compatible` of each row of a
 * table, and what a node says is checked once, here. A node that is malformed costs one warning that
 * names it; the machine goes on without that device, or without its interrupt.
 */
#ifndef KERNEL_DEVICES_H
#define KERNEL_DEVICES_H

#include "base/fdt.h"
#include "base/status.h"
#include "kernel/irq.h"
#include "kernel/types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Opens the tree of boot_info. A machine without a well-formed one cannot be driven: panics. */
void devices_init(void);

extern struct fdt devices_tree;

struct device {
    struct fdt_node node;
    const char *name; /* of the node, "serial@10000000" */
    volatile void *registers;
    size_t size;         /* of the first `reg` range, in bytes */
    struct irq_line irq; /* the first interrupt; source 0: none */
};

/* One row of a table of drivers. */
struct driver {
    unsigned stage; /* rows start together with those of the same stage */
    const char *compatible;
    size_t min_size; /* of the registers */
    /* A register that can be read without effect, by its offset and width (1 or 4 bytes): that there
     * is something at all at the address is checked with it. */
    uint32_t safe_offset, safe_width;
    /* The device becomes usable. NOT_FOUND if it is none that the driver is for: no warning then. */
    status_t (*start)(const struct device *device);
};

/* Starts the devices of a stage, row by row, and for each row in the order of the tree. Those that
 * are disabled there are passed over; a node that several rows match is the first one's. */
void devices_start(const struct driver *drivers, size_t len, unsigned stage);

/* Registers of the i-th `reg` range of a node, through the physical map. NOT_FOUND without such a
 * range, BAD_FORMAT when it is empty or unaligned, BAD_RANGE when it lies outside of the map or in
 * memory. */
status_t devices_map(struct fdt_node node, uint32_t i, volatile void **out,
                     size_t *size_out) MUST_CHECK;

/* The i-th pair of "interrupts-extended" where it lists interrupts of harts: the hart's index
 * (KERNEL_MAX_HARTS: none that we know) and the cause. False past the end. */
bool devices_hart_line(struct fdt_node node, uint32_t i, uint32_t *hart_out, uint32_t *cause_out);

#endif
