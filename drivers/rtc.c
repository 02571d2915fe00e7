/*
 * Goldfish RTC ("google,goldfish-rtc"): a 64-bit count of nanoseconds in two registers; reading the
 * low half latches the high one.
 */
#include "drivers/rtc.h"

#include "kernel/devices.h"
#include "kernel/time.h"

enum { REG_LOW = 0, REG_HIGH = 1, REGS_SIZE = 8 };

static uint64_t at_reset_ns; /* wall clock when time_now_ns() was 0 */

void rtc_init(void) {
    volatile void *map;
    size_t size;
    struct fdt_node node = fdt_find_compatible(&devices_tree, FDT_NONE, "google,goldfish-rtc");
    if (!fdt_exists(node) || devices_map(node, 0, &map, &size) != STATUS_OK || size < REGS_SIZE) {
        return;
    }
    volatile uint32_t *registers = map;
    uint64_t low = registers[REG_LOW];
    at_reset_ns = ((uint64_t)registers[REG_HIGH] << 32 | low) - time_now_ns();
}

uint64_t rtc_now_ns(void) {
    return at_reset_ns + time_now_ns();
}
