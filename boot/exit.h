/*
 * The ways out of the loader that do not lead into the payload: one line on the console, then the
 * machine's test device, the firmware's reset, or at last a halt.
 */
#ifndef BOOT_EXIT_H
#define BOOT_EXIT_H

#include <stdint.h>

/* Where the test device is (`sifive,test0`), once that is known. */
void exit_set_device(uint64_t phys);

/* Prints "loader: refused: TEXT" and ends the machine with BOOT_EXIT_REFUSED. */
_Noreturn void exit_refused(const char *text);

#endif
