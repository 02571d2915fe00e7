/*
 * What drivers need to find their device: the device tree, and registers by physical address.
 */
#ifndef KERNEL_DEVICES_H
#define KERNEL_DEVICES_H

#include "base/fdt.h"
#include "base/status.h"
#include "kernel/types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Opens the tree of boot_info. A machine without a well-formed one cannot be driven: panics. */
void devices_init(void);

extern struct fdt devices_tree;

/* Registers of the i-th `reg` range of a node, through the physical map. BAD_RANGE when they lie
 * outside it, NOT_FOUND without such a range. */
status_t devices_map(struct fdt_node node, uint32_t i, volatile void **out,
                     size_t *size_out) MUST_CHECK;

/* The i-th interrupt number of a node (one cell each); 0: none. */
uint32_t devices_irq(struct fdt_node node, uint32_t i);

#endif
