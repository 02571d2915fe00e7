/*
 * virtio-console with named ports (Virtual I/O Device 1.2, 5.3): the program's standard streams.
 * The host gives ports by name ("stdin", "stdout", "stderr"); bytes pass unchanged.
 *
 * Calls may sleep: thread context. One reader and one writer a port at a time.
 */
#ifndef DRIVERS_VIRTIO_CONSOLE_H
#define DRIVERS_VIRTIO_CONSOLE_H

#include "base/status.h"
#include "base/watch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct virtio_port;

/* Finds the device, if any, and waits until the host has named its ports (it does so at once; 5 s at
 * most). After drivers_start(DRIVERS_OTHER). */
void virtio_console_init(void);

/* The port of that name, or NULL. */
struct virtio_port *virtio_console_find(const char *name);

/* Returns when all bytes are with the device; they leave in order. IO when the device is broken, KILLED
 * when the thread is to end. */
status_t virtio_port_write(struct virtio_port *port, const void *bytes, size_t size) MUST_CHECK;

/* Waits for at least one byte; *size_out 0: the host closed the port and all it sent was read. IO,
 * KILLED. */
status_t virtio_port_read(struct virtio_port *port, void *buf, size_t cap,
                          size_t *size_out) MUST_CHECK;

/* Bytes are waiting, or the end of the stream: a read would not sleep. */
struct readiness virtio_port_readable(struct virtio_port *port);
/* There is room: a write of so many bytes would not sleep, if no other comes before it. To a host that has
 * closed the port everything can be written; it throws it away. */
struct readiness virtio_port_writable(struct virtio_port *port);
/* From now on until unwatch() the watch is told when one of them may have become so: by the device's
 * interrupt, without which nobody is told. */
void virtio_port_watch(struct virtio_port *port, struct watch *watch);
void virtio_port_unwatch(struct virtio_port *port, struct watch *watch);

/* Waits until the host has taken every byte written, on all ports. Before power_off(). */
void virtio_console_flush(void);

#endif
