/*
 * Leaving with a refusal (boot/exit.h).
 */
#include "boot/exit.h"

#include "abi/boot.h"
#include "boot/arch.h"
#include "boot/console.h"

static uint64_t test_device;

void exit_set_device(uint64_t phys) {
    test_device = phys;
}

_Noreturn void exit_refused(const char *text) {
    enum { FAIL = 0x3333 };
    console_write("loader: refused: ");
    console_write(text);
    console_write("\n");
    if (test_device != 0) {
        *(volatile uint32_t *)(uintptr_t)test_device = BOOT_EXIT_REFUSED << 16 | FAIL;
    }
    arch_shutdown();
    arch_halt();
}
