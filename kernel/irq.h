/*
 * Device interrupts: which function handles which source of the machine's interrupt controller.
 */
#ifndef KERNEL_IRQ_H
#define KERNEL_IRQ_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

/* The controller's driver fills this in. */
struct irq_controller {
    const char *name;
    uint32_t (*claim)(void); /* the next pending source, 0: none */
    void (*complete)(uint32_t source);
    void (*enable)(uint32_t source);
};

void irq_set_controller(const struct irq_controller *controller);
bool irq_present(void);

/* Handlers run with interrupts off and may not sleep. LIMIT for a source number out of range, EXISTS
 * when it has a handler, NOT_FOUND without a controller. */
status_t irq_register(uint32_t source, void (*handler)(void *ctx), void *ctx) MUST_CHECK;

/* An external interrupt of this hart is pending. */
void irq_dispatch(void);

#endif
