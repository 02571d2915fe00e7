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

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Finds the port (chosen/stdout-path, else the first ns16550a) and makes it the log's console.
 * Nothing happens on a machine without one. */
void uart_init(void);

/* By interrupt from now on. After the interrupt controller's start. */
void uart_enable_irq(void);

bool uart_present(void);

/* Sleeps until there is at least one byte, and takes up to `cap` > 0 of them. WOULD_BLOCK when
 * time_now_ns() reaches the deadline first, EXITED when the calling thread is to end, IO without a
 * port. *size_out is 0 then. Any number of threads; thread context. */
status_t uart_read(void *buf, size_t cap, uint64_t deadline_ns, size_t *size_out) MUST_CHECK;

/* Returns when all bytes are in the ring of output. EXITED and IO as above. The bytes of one call may
 * be mixed with those of another and with the log's. Thread context. */
status_t uart_write(const void *bytes, size_t size) MUST_CHECK;

/* Whether uart_read() would not sleep. */
bool uart_readable(void);

/* Sleeps until that is so (true) or time_now_ns() reaches the deadline or the thread is to end. */
bool uart_wait_readable(uint64_t deadline_ns);

/* Times that the device says it had to drop input. Stays 0 where the sender can be held back. */
uint64_t uart_overruns(void);

#endif
