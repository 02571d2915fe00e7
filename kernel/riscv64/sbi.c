/*
 * SBI calls: a7 is the extension, a6 the function, a0 and a1 come back.
 */
#include "kernel/riscv64/sbi.h"

enum {
    EXT_TIME = 0x54494d45,
    EXT_IPI = 0x735049,
    EXT_RFENCE = 0x52464e43,
    EXT_RESET = 0x53525354,

    RFENCE_FENCE_I = 0,
    RFENCE_SFENCE_VMA_ASID = 2,
    RESET_SHUTDOWN = 0,
    RESET_COLD_REBOOT = 1,
};

static int64_t call(uint64_t ext, uint64_t function, uint64_t x0, uint64_t x1, uint64_t x2,
                    uint64_t x3, uint64_t x4) {
    register uint64_t a0 __asm__("a0") = x0;
    register uint64_t a1 __asm__("a1") = x1;
    register uint64_t a2 __asm__("a2") = x2;
    register uint64_t a3 __asm__("a3") = x3;
    register uint64_t a4 __asm__("a4") = x4;
    register uint64_t a6 __asm__("a6") = function;
    register uint64_t a7 __asm__("a7") = ext;
    __asm__ volatile("ecall"
                     : "+r"(a0), "+r"(a1)
                     : "r"(a2), "r"(a3), "r"(a4), "r"(a6), "r"(a7)
                     : "memory");
    return (int64_t)a0;
}

void sbi_set_timer(uint64_t ticks) {
    call(EXT_TIME, 0, ticks, 0, 0, 0, 0);
}

void sbi_send_ipi(uint64_t mask, uint64_t base) {
    call(EXT_IPI, 0, mask, base, 0, 0, 0);
}

void sbi_fence_i(uint64_t mask, uint64_t base) {
    call(EXT_RFENCE, RFENCE_FENCE_I, mask, base, 0, 0, 0);
}

void sbi_sfence_vma(uint64_t mask, uint64_t base, uint64_t start, uint64_t size, uint64_t asid) {
    call(EXT_RFENCE, RFENCE_SFENCE_VMA_ASID, mask, base, start, size, asid);
}

void sbi_shutdown(bool failure) {
    call(EXT_RESET, 0, RESET_SHUTDOWN, failure, 0, 0, 0);
}

void sbi_reboot(void) {
    call(EXT_RESET, 0, RESET_COLD_REBOOT, 0, 0, 0, 0);
}
