/*
 * The test device of QEMU's and SiFive's machines ("sifive,test0"): one 32-bit register that ends
 * the machine with a code. Elsewhere the firmware is asked. Before it is known the loader's function
 * does it (boot_info.exit), while there is that.
 */
#include "kernel/power.h"

#include "kernel/arch.h"
#include "kernel/devices.h"
#include "kernel/harts.h"
#include "kernel/log.h"

enum { TEST_PASS = 0x5555, TEST_FAIL = 0x3333, TEST_RESET = 0x7777 };

static volatile uint32_t *test_device;

void power_init(void) {
    volatile void *registers;
    size_t size;
    struct fdt_node node = fdt_find_compatible(&devices_tree, FDT_NONE, "sifive,test0");
    if (fdt_exists(node) && devices_map(node, 0, &registers, &size) == STATUS_OK && size >= 4) {
        test_device = registers;
    }
}

void power_off(int code) {
    log_flush();
    if (!test_device && harts_boot_info.exit) {
        harts_boot_info.exit((unsigned)code);
    }
    if (test_device) {
        *test_device = code == 0 ? TEST_PASS : TEST_FAIL | ((uint32_t)code & 0xffff) << 16;
    }
    arch_firmware_poweroff(code != 0);
    arch_halt();
}

void power_reboot(void) {
    log_flush();
    if (test_device) {
        *test_device = TEST_RESET;
    }
    arch_firmware_reboot();
    arch_halt();
}
