/*
 * The machine's clock (goldfish-rtc) as a device that tests can drive: an alarm that raises its interrupt line,
 * which stays up until it is cleared. The kernel reads it once and does not use its interrupt.
 */
#ifndef TEST_SUPPORT_CLOCK_H
#define TEST_SUPPORT_CLOCK_H

#include "kernel/devices.h"
#include "test/support/payload.h"

/* Registers, in words. */
enum clock_register {
    CLOCK_TIME_LOW, /* read first: it latches the other */
    CLOCK_TIME_HIGH,
    CLOCK_ALARM_LOW, /* written last: it sets the alarm */
    CLOCK_ALARM_HIGH,
    CLOCK_IRQ_ENABLED,
    CLOCK_CLEAR_ALARM,
    CLOCK_ALARM_RUNS,
    CLOCK_CLEAR_INTERRUPT,
};

static struct device clock_device;

static inline status_t clock_take(const struct device *device) {
    clock_device = *device;
    return STATUS_OK;
}

/* After machine_init(). */
static inline void clock_find(void) {
    static const struct driver row = {0, "google,goldfish-rtc", 32, 4, 4, clock_take};
    devices_start(&row, 1, 0);
    PAYLOAD_CHECK(clock_device.registers != NULL);
    PAYLOAD_CHECK(clock_device.irq.source != 0);
}

static inline void clock_set(enum clock_register number, uint32_t value) {
    ((volatile uint32_t *)clock_device.registers)[number] = value;
}

/* The line goes up at once, if it was down and may. */
static inline void clock_ring(void) {
    clock_set(CLOCK_ALARM_HIGH, 0);
    clock_set(CLOCK_ALARM_LOW, 0);
}

#endif
