/*
 * Notifications: a word of bits. A signal sets some and never waits; a wait takes all that are set, or
 * sleeps until there are some. Signals that nobody took in time are one. For events that carry no data:
 * "there is work in the shared memory", "the device wants attention".
 */
#ifndef KERNEL_IPC_NOTIFICATION_H
#define KERNEL_IPC_NOTIFICATION_H

#include "base/status.h"
#include "kernel/ipc/kobject.h"

#include <stdint.h>

extern const struct kobject_kind notification_kind;

status_t notification_new(struct kobject **out) MUST_CHECK;

/* Any context, interrupts included. */
void notification_signal(struct kobject *notification, uint64_t bits);

/* TIMED_OUT at the deadline (time_now_ns()), KILLED; WOULD_BLOCK: a handle was revoked, look again. */
status_t notification_wait(struct kobject *notification, uint64_t deadline_ns,
                           uint64_t *bits_out) MUST_CHECK;

#endif
