/*
 * The table of all drivers.
 */
#ifndef DRIVERS_DRIVERS_H
#define DRIVERS_DRIVERS_H

enum driver_stage {
    DRIVERS_CONSOLE, /* the log is seen from here on; needs no more than the physical map */
    DRIVERS_IRQ,     /* interrupt controllers */
    DRIVERS_OTHER,
};

/* Starts all devices of that stage that the device tree has. Each stage once, in this order. */
void drivers_start(enum driver_stage stage);

#endif
