/*
 * The goldfish RTC (compatible "google,goldfish-rtc"). It is read once; from then on the monotonic
 * clock is added, so that asking for the time costs no device access.
 */
#include "drivers/rtc.h"

#include "kernel/devices.h"
#include "kernel/log.h"
#include "kernel/time.h"

enum { RTC_TIME_LOW = 0, RTC_TIME_HIGH = 4, RTC_SIZE = 8 }; /* reading low latches high */

static uint64_t boot_ns;   /* wall clock when the monotonic clock was zero */

void rtc_init(void) {
    struct fdt_node node = fdt_find_compatible(&devices_tree, FDT_NONE, "google,goldfish-rtc");
    volatile void *registers;
    size_t size;
    if (!fdt_exists(node) || devices_map(node, 0, &registers, &size) != STATUS_OK ||
        size < RTC_SIZE) {
        log_warn("rtc", "no clock: the time starts at 1970");
        return;
    }
    volatile uint8_t *base = registers;
    uint64_t low = *(volatile uint32_t *)(base + RTC_TIME_LOW);
    uint64_t high = *(volatile uint32_t *)(base + RTC_TIME_HIGH);
    boot_ns = (high << 32 | low) - time_now_ns();
}

uint64_t rtc_now_ns(void) {
    return boot_ns + time_now_ns();
}
