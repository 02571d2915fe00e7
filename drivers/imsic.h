/*
 * Interrupt files of message-signalled interrupts (RISC-V AIA 1.0, chapter 3): a page for each hart,
 * where storing a number makes the interrupt of that identity pending on the hart. Identity 1 is for
 * calls between harts, which are cheaper so than through the firmware.
 */
#ifndef DRIVERS_IMSIC_H
#define DRIVERS_IMSIC_H

#include "kernel/devices.h"

#define IMSIC_IPI 1u /* identity; source s of the APLIC is identity s + 1 */

/* "riscv,imsics": NOT_FOUND for those of machine level. */
status_t imsic_start(const struct device *device);

/* Whether the files of this phandle are in use. */
bool imsic_is(uint32_t phandle);

uint32_t imsic_identities(void);        /* the highest */
uint64_t imsic_harts(void);             /* mask of those that have a file */
uint32_t imsic_position(uint32_t hart); /* of its file among the others, as devices count them */

/* The calling hart's file is on, and calls from other harts come through it. */
void imsic_init_hart(void);

#endif
