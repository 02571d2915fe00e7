/*
 * Clock, console and reset through CSRs and SBI (boot/arch.h).
 */
#include "boot/arch.h"

#include "boot/limits.h"
#include "boot/riscv64/sbi.h"

#include <stdbool.h>
#include <string.h>

extern const char handoff_start[], handoff_end[], handoff_test_device[];

uint64_t arch_time(void) {
    uint64_t n;
    __asm__ volatile("rdtime %0" : "=r"(n));
    return n;
}

uint64_t arch_instret(void) {
    uint64_t n;
    __asm__ volatile("rdinstret %0" : "=r"(n));
    return n;
}

struct sbi_result sbi_call(uint64_t extension, uint64_t function, uint64_t arg0, uint64_t arg1,
                           uint64_t arg2) {
    register uint64_t a0 __asm__("a0") = arg0;
    register uint64_t a1 __asm__("a1") = arg1;
    register uint64_t a2 __asm__("a2") = arg2;
    register uint64_t a6 __asm__("a6") = function;
    register uint64_t a7 __asm__("a7") = extension;
    __asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a6), "r"(a7) : "memory");
    return (struct sbi_result){(int64_t)a0, a1};
}

static bool has_extension(uint64_t extension) {
    enum { PROBE_EXTENSION = 3 };
    struct sbi_result r = sbi_call(SBI_BASE, PROBE_EXTENSION, extension, 0, 0);
    return r.error == 0 && r.value != 0;
}

void arch_console_write(const char *text, size_t len) {
    if (!has_extension(SBI_DBCN)) {
        for (size_t i = 0; i < len; i++) {
            sbi_call(SBI_LEGACY_PUTCHAR, 0, (uint8_t)text[i], 0, 0);
        }
        return;
    }
    while (len > 0) {
        struct sbi_result r = sbi_call(SBI_DBCN, 0, len, (uint64_t)(uintptr_t)text, 0);
        if (r.error != 0 || r.value == 0 || r.value > len) {
            return;
        }
        text += r.value;
        len -= r.value;
    }
}

void arch_shutdown(void) {
    enum { SHUTDOWN = 0, REASON_SYSTEM_FAILURE = 1 };
    sbi_call(SBI_SRST, 0, SHUTDOWN, REASON_SYSTEM_FAILURE, 0);
}

_Noreturn void arch_halt(void) {
    for (;;) {
        __asm__ volatile("wfi");
    }
}

void arch_handoff_copy(void *page, uint64_t test_device) {
    size_t size = (size_t)(handoff_end - handoff_start);
    memset(page, 0, BOOT_PAGE_SIZE);
    memcpy(page, handoff_start, size);
    memcpy((char *)page + (handoff_test_device - handoff_start), &test_device, sizeof(test_device));
}
