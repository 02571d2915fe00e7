/*
 * Platform-level interrupt controller (RISC-V PLIC 1.0.0): one priority for every source, claimed
 * by the boot hart's supervisor context.
 */
#ifndef DRIVERS_PLIC_H
#define DRIVERS_PLIC_H

/* Finds it in the device tree and becomes the irq controller. Nothing happens without one. */
void plic_init(void);

#endif
