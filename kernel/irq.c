/*
 * The table from interrupt source to handler.
 *
 * Locks: one spinlock for registering. Dispatch reads without it: an entry is complete before its
 * source is enabled, and is never taken away.
 */
#include "kernel/irq.h"

#include "kernel/limits.h"
#include "kernel/sync.h"

#include <stddef.h>

struct handler {
    void (*fn)(void *ctx);
    void *ctx;
};

static struct spinlock lock = SPINLOCK_INIT(LOCK_IRQ);
static struct handler handlers[IRQ_MAX_SOURCES];
static const struct irq_controller *controller;

void irq_set_controller(const struct irq_controller *device) {
    controller = device;
}

bool irq_present(void) {
    return controller != NULL;
}

status_t irq_register(uint32_t source, void (*fn)(void *ctx), void *ctx) {
    if (!controller) {
        return STATUS_NOT_FOUND;
    }
    if (source == 0 || source >= IRQ_MAX_SOURCES) {
        return STATUS_LIMIT;
    }
    spinlock_lock(&lock);
    status_t status = handlers[source].fn ? STATUS_EXISTS : STATUS_OK;
    if (status == STATUS_OK) {
        handlers[source].ctx = ctx;
        __atomic_store_n(&handlers[source].fn, fn, __ATOMIC_RELEASE);
        controller->enable(source);
    }
    spinlock_unlock(&lock);
    return status;
}

void irq_dispatch(void) {
    if (!controller) {
        return;
    }
    for (uint32_t source = controller->claim(); source != 0; source = controller->claim()) {
        if (source < IRQ_MAX_SOURCES && handlers[source].fn) {
            handlers[source].fn(handlers[source].ctx);
        }
        controller->complete(source);
    }
}
