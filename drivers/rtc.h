/*
 * The clock on the wall: a goldfish RTC, two registers that count nanoseconds since 1970.
 */
#ifndef DRIVERS_RTC_H
#define DRIVERS_RTC_H

#include <stdint.h>

/* Finds the device. After devices_init() and time_init(). */
void rtc_init(void);

/* Nanoseconds since 1970 began, UTC; counted from zero at boot on a machine without the device. */
uint64_t rtc_now_ns(void);

#endif
