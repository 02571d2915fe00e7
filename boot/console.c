/*
 * A polled 16550 (boot/console.h). The firmware has set it up; a UART that is never ready loses text and
 * holds nobody up.
 */
#include "boot/console.h"

#include "boot/arch.h"

#include <string.h>

enum { TRANSMIT = 0, LINE_STATUS = 5, STATUS_EMPTY = 0x20, MAX_POLLS = 1 << 20 };

static const struct machine_uart *uart;

void console_use(const struct machine_uart *chosen) {
    uart = chosen != NULL && chosen->base != 0 ? chosen : NULL;
}

static uintptr_t register_at(unsigned n) {
    return (uintptr_t)(uart->base + ((uint64_t)n << uart->shift));
}

static bool is_ready(void) {
    uint32_t status = uart->width == 4 ? *(volatile uint32_t *)register_at(LINE_STATUS)
                                       : *(volatile uint8_t *)register_at(LINE_STATUS);
    return (status & STATUS_EMPTY) != 0;
}

static void put(char c) {
    for (int i = 0; i < MAX_POLLS && !is_ready(); i++) {
    }
    if (uart->width == 4) {
        *(volatile uint32_t *)register_at(TRANSMIT) = (uint8_t)c;
    } else {
        *(volatile uint8_t *)register_at(TRANSMIT) = (uint8_t)c;
    }
}

void console_write(const char *text) {
    if (uart == NULL) {
        arch_console_write(text, strlen(text));
        return;
    }
    for (; *text != '\0'; text++) {
        put(*text);
    }
}
