/*
 * Wall-clock time: the Goldfish real-time clock read once, then counted on by the timebase.
 */
#ifndef DRIVERS_RTC_H
#define DRIVERS_RTC_H

#include <stdint.h>

/* Finds the clock in the device tree and reads it. */
void rtc_init(void);

/* Nanoseconds since 1970-01-01 00:00 UTC; since reset on a machine without a clock. */
uint64_t rtc_now_ns(void);

#endif
