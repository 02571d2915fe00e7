/*
 * ns16550a serial port, the console of the log. Polled output that never waits with interrupts off,
 * input by interrupt when there is a controller.
 */
#ifndef DRIVERS_UART_H
#define DRIVERS_UART_H

/* Finds the port (chosen/stdout-path, else the first ns16550a) and makes it the log's console.
 * Nothing happens on a machine without one. */
void uart_init(void);

/* Input by interrupt from now on. After plic_init(). */
void uart_enable_irq(void);

#endif
