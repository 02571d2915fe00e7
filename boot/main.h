/*
 * What the assembly calls.
 */
#ifndef BOOT_MAIN_H
#define BOOT_MAIN_H

#include <stdint.h>

/* Entered once, on the boot hart. `tree` is what the firmware says, the rest was read first thing. */
_Noreturn void main_boot(uint64_t hart, void *tree, uint64_t ticks, uint64_t instret);

/* A trap of the loader itself: the machine is not what the firmware says, or the loader is wrong. */
_Noreturn void main_trapped(uint64_t cause, uint64_t pc, uint64_t address);

#endif
