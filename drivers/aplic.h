/*
 * Advanced platform-level interrupt controller (RISC-V AIA 1.0, chapter 4), the domain of supervisor
 * level: either it signals harts directly, or it turns lines into messages for their interrupt files.
 */
#ifndef DRIVERS_APLIC_H
#define DRIVERS_APLIC_H

#include "kernel/devices.h"

/* "riscv,aplic": becomes the irq controller; NOT_FOUND for the domain of machine level. After the
 * interrupt files. */
status_t aplic_start(const struct device *device);

#endif
