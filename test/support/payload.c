/*
 * Console, checks and exit for test payloads (test/support/payload.h). One hart only: the counts are
 * plain variables.
 */
#include "test/support/payload.h"

#include "base/fdt.h"
#include "base/fmt.h"

#include <stddef.h>

enum { UART_THR = 0, UART_LSR = 5, UART_LSR_IDLE = 0x20, TEST_PASS = 0x5555, TEST_FAIL = 0x3333 };

static volatile uint8_t *uart;
static volatile uint32_t *test_device;
static unsigned passed, failed;

static _Noreturn void halt(void) {
    for (;;) {
    }
}

static uint64_t find_device(const struct boot_info *info, const struct fdt *fdt,
                            const char *compatible) {
    struct fdt_node node = fdt_find_compatible(fdt, FDT_NONE, compatible);
    struct fdt_range reg;
    if (!fdt_exists(node) || !fdt_reg(fdt, node, 0, &reg) || reg.base >= info->physmap_size) {
        return 0;
    }
    return info->physmap + reg.base;
}

void payload_begin(const struct boot_info *info) {
    struct fdt fdt;
    const void *tree = (const void *)(uintptr_t)info->device_tree;
    if (fdt_open(&fdt, tree, info->device_tree_size) != STATUS_OK) {
        halt();
    }
    uint64_t uart_address = find_device(info, &fdt, "ns16550a");
    uint64_t test_address = find_device(info, &fdt, "sifive,test0");
    if (uart_address == 0 || test_address == 0) {
        halt();
    }
    uart = (volatile uint8_t *)(uintptr_t)uart_address;
    test_device = (volatile uint32_t *)(uintptr_t)test_address;
}

static void write_uart(struct sink *sink, const char *text, size_t len) {
    (void)sink;
    for (size_t i = 0; i < len; i++) {
        while ((uart[UART_LSR] & UART_LSR_IDLE) == 0) {
        }
        uart[UART_THR] = (uint8_t)text[i];
    }
}

void payload_print(const char *format, ...) {
    struct sink sink = {write_uart};
    va_list args;
    va_start(args, format);
    fmt_vprint(&sink, format, args);
    va_end(args);
}

bool payload_check(bool good, const char *what, const char *file, int line) {
    if (good) {
        passed++;
        payload_print("ok %u - %s\n", passed + failed, what);
    } else {
        failed++;
        payload_print("not ok %u - %s # %s:%d\n", passed + failed, what, file, line);
    }
    return good;
}

bool payload_check_equal(uint64_t a, uint64_t b, const char *what, const char *file, int line) {
    if (a != b) {
        payload_print("# %llx is not %llx\n", (unsigned long long)a, (unsigned long long)b);
    }
    return payload_check(a == b, what, file, line);
}

_Noreturn void payload_exit(unsigned code) {
    *test_device = code == 0 ? TEST_PASS : code << 16 | TEST_FAIL;
    halt();
}

unsigned payload_sum(void) {
    payload_print("1..%u\n%u passed, %u failed, 0 skipped\n", passed + failed, passed, failed);
    return failed;
}

_Noreturn void payload_end(void) {
    payload_exit(payload_sum() == 0 ? 0 : 1);
}
