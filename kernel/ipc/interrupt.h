/*
 * A device's interrupt for a driver in user mode. The driver binds it to a notification; when the
 * device asks, the source is masked at the controller and the notification signalled; when the driver
 * has quieted its device it acknowledges, and the source is heard again:
 *
 *     unbound ── bind ──> heard ── the device asks ──> masked, bits set
 *                           ^                             │
 *                           └──────── acknowledge ────────┘
 *
 * So a driver that does not work costs one interrupt, and the kernel need not know how a device is
 * quieted. Bound is one notification at a time, for as long as the handle by which it was bound stands:
 * when that is closed (its domain ends), or it or one on its way up is revoked, the source is masked
 * and may be bound again. Who binds may find an interrupt that was meant for the one before.
 *
 * Locks: one spinlock an object, of rank OBJECT, with those of notifications and of irq.c inside it.
 */
#ifndef KERNEL_IPC_INTERRUPT_H
#define KERNEL_IPC_INTERRUPT_H

#include "base/status.h"
#include "kernel/ipc/kobject.h"
#include "kernel/irq.h"

#include <stdint.h>

struct grant;

extern const struct kobject_kind interrupt_kind;

/* For the kernel, who decides which domain has which device; the source is the object's until it is freed. EXISTS: a
 * driver of the kernel's or another object has it. NOT_FOUND, LIMIT as irq_register(); NO_MEMORY. */
status_t interrupt_new(struct irq_line line, struct kobject **out) MUST_CHECK;

/* From now on the device is heard. `grant` is from handle_get_grant(); counts are the caller's own. EXISTS: it is
 * bound. NOT_FOUND: the handle does not stand any more. BAD_ARGUMENT: no bits. */
status_t interrupt_bind(struct kobject *interrupt, struct grant *grant,
                        struct kobject *notification, uint64_t bits) MUST_CHECK;

/* Nothing if it is not masked, or not bound. */
void interrupt_acknowledge(struct kobject *interrupt);

#endif
