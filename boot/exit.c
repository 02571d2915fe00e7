/*
 * Leaving with a refusal (boot/exit.h).
 */
#include "boot/exit.h"

#include "abi/boot.h"
#include "boot/arch.h"

#include <string.h>

static uint64_t test_device;

void exit_set_device(uint64_t phys) {
    test_device = phys;
}

static void print(const char *text) {
    arch_console_write(text, strlen(text));
}

_Noreturn void exit_refused(const char *text) {
    enum { FAIL = 0x3333 };
    print("loader: refused: ");
    print(text);
    print("\n");
    if (test_device != 0) {
        *(volatile uint32_t *)(uintptr_t)test_device = BOOT_EXIT_REFUSED << 16 | FAIL;
    }
    arch_shutdown();
    arch_halt();
}
