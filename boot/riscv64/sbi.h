/*
 * Calls to the firmware (RISC-V SBI specification 2.0).
 */
#ifndef BOOT_RISCV64_SBI_H
#define BOOT_RISCV64_SBI_H

#include <stdint.h>

struct sbi_result {
    int64_t error; /* 0, or negative */
    uint64_t value;
};

enum {
    SBI_LEGACY_PUTCHAR = 1,
    SBI_BASE = 0x10,
    SBI_HSM = 0x48534d,    /* hart state management */
    SBI_IPI = 0x735049,    /* interrupts between harts */
    SBI_TIME = 0x54494d45, /* the timer */
    SBI_DBCN = 0x4442434e, /* debug console */
    SBI_SRST = 0x53525354, /* system reset */
};

#endif
