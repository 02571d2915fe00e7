/*
 * Says which devices were found. test/kernel/devices.py boots it with device trees that are wrong in some
 * node, and looks for the warning and for what is left.
 */
#include "kernel/devices.h"
#include "abi/boot.h"
#include "drivers/rtc.h"
#include "drivers/uart.h"
#include "drivers/virtio.h"
#include "init/machine.h"
#include "kernel/irq.h"
#include "kernel/log.h"
#include "kernel/time.h"
#include "test/support/payload.h"

#define YEAR_2020_NS 1577836800000000000ul

static _Noreturn void test(size_t hart, const struct boot_info *info) {
    char c;
    size_t size;
    machine_init(hart, info);
    payload_begin(info);
    log_flush();
    PAYLOAD_CHECK_EQ(uart_read(&c, 1, time_now_ns() + 1000000, &size), STATUS_TIMED_OUT);
    PAYLOAD_CHECK_EQ(uart_write("\n", 1), STATUS_OK);
    log_flush();
    payload_print("# found: interrupts %s, clock %s, virtio-rng %s\n", irq_controller_name(),
                  rtc_now_ns() > YEAR_2020_NS ? "yes" : "no",
                  virtio_find(4) != NULL ? "yes" : "no");
    payload_end();
}

LOADER_ENTRY(test, .stack_pages = 16);
