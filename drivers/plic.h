/*
 * Platform-level interrupt controller (RISC-V PLIC 1.0.0). Every hart with a supervisor context takes
 * part; all sources have the same priority.
 */
#ifndef DRIVERS_PLIC_H
#define DRIVERS_PLIC_H

#include "kernel/devices.h"

/* "riscv,plic0": becomes the irq controller if there is none yet. */
status_t plic_start(const struct device *device);

#endif
