/*
 * Goldfish RTC ("google,goldfish-rtc"): a 64-bit count of nanoseconds in two registers; reading the
 * low half latches the high one, so low comes first and the two belong together. A clock that does
 * not latch shows another high half when the low one wraps in between: then the low one is read again.
 */
#include "drivers/rtc.h"

#include "kernel/random.h"
#include "kernel/time.h"

enum { REG_LOW = 0, REG_HIGH = 1 };

static uint64_t at_reset_ns; /* wall clock when time_now_ns() was 0 */

static uint64_t read(const volatile uint32_t *registers) {
    uint32_t low, high, again;
    do {
        low = registers[REG_LOW];
        high = registers[REG_HIGH];
        again = registers[REG_LOW];
    } while (again < low); /* it wrapped, and high may be of either side */
    return (uint64_t)high << 32 | low;
}

status_t rtc_start(const struct device *device) {
    uint64_t wall_ns = read(device->registers);
    at_reset_ns = wall_ns - time_now_ns();
    random_add(&wall_ns, sizeof(wall_ns));
    return STATUS_OK;
}

uint64_t rtc_now_ns(void) {
    return at_reset_ns + time_now_ns();
}
