/*
 * ns16550a serial port: the log's console, and bytes both ways for a shell. Both ways go through rings
 * that the interrupt handler fills and empties. While the ring of input is full the bytes stay in the
 * device, which then holds back whoever sends, so that none is lost; output is taken until its ring
 * is full, and nobody waits for the device with interrupts off.
 *
 * Without an interrupt controller the rings are served whenever somebody reads or writes.
 */
#ifndef DRIVERS_UART_H
#define DRIVERS_UART_H

#include "base/status.h"
#include "kernel/devices.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "ns16550a": the port of chosen/stdout-path, else the first one, becomes the log's console. */
status_t uart_start(const struct device *device);

/* By interrupt from now on. After the interrupt controller's start. */
void uart_enable_irq(void);

/* Sleeps until there is at least one byte, and takes up to `cap` > 0 of them. TIMED_OUT when
 * time_now_ns() reaches the deadline first, KILLED when the calling thread is killed, IO without a port. *size_out is 0 then. Any number of threads; thread context. */
status_t uart_read(void *buf, size_t cap, uint64_t deadline_ns, size_t *size_out) MUST_CHECK;

/* Returns when all bytes are in the ring of output. KILLED and IO as above. The bytes of one call may
 * be mixed with those of another and with the log's. Thread context. */
status_t uart_write(const void *bytes, size_t size) MUST_CHECK;

/* Whether uart_read() would not sleep. */
bool uart_readable(void);

/* Sleeps until that is so, or TIMED_OUT, KILLED, IO. */
status_t uart_wait_readable(uint64_t deadline_ns) MUST_CHECK;

/* Times that the device says it had to drop input. Stays 0 where the sender can be held back. */
uint64_t uart_overruns(void);

#endif
