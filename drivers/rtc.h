/*
 * Wall-clock time: the Goldfish real-time clock read once, then counted on by the timebase.
 */
#ifndef DRIVERS_RTC_H
#define DRIVERS_RTC_H

#include "kernel/devices.h"

#include <stdint.h>

/* "google,goldfish-rtc": reads the clock. */
status_t rtc_start(const struct device *device);

/* Nanoseconds since 1970-01-01 00:00 UTC; since reset on a machine without a clock. */
uint64_t rtc_now_ns(void);

#endif
