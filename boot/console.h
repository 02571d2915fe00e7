/*
 * The loader's few words: to the UART that the device tree names as stdout-path once that is known, to the
 * firmware's console before, or where there is no such UART.
 */
#ifndef BOOT_CONSOLE_H
#define BOOT_CONSOLE_H

#include "boot/machine.h"

/* `uart` must stay; NULL goes back to the firmware's console. */
void console_use(const struct machine_uart *uart);

void console_write(const char *text);

#endif
