/*
 * The calling hart's interrupt file of supervisor level (RISC-V Advanced Interrupt Architecture 1.0,
 * 3.8 and 3.9): reached through a pair of registers that select and access, and one that claims.
 */
#include "kernel/riscv64/asm.h"
#include "kernel/riscv64/csr.h"

enum {
    SELECT_DELIVERY = 0x70,
    SELECT_THRESHOLD = 0x72,
    SELECT_ENABLE = 0xc0, /* with 64-bit registers every other one exists */
    IDENTITY_SHIFT = 16,  /* in stopei, above the priority */
};

static void write_indirect(uint64_t select, uint64_t value) {
    __asm__ volatile("csrw %0, %1\n csrw %2, %3" ::"i"(CSR_SISELECT), "r"(select), "i"(CSR_SIREG),
                     "r"(value)
                     : "memory");
}

bool arch_msi_present(void) {
    return machine.ssaia;
}

void arch_msi_init(uint32_t last) {
    write_indirect(SELECT_DELIVERY, 0);
    for (uint32_t first = 0; first <= last; first += 64) {
        uint64_t mask = last - first >= 63 ? UINT64_MAX : (UINT64_C(2) << (last - first)) - 1;
        write_indirect(SELECT_ENABLE + first / 32, mask);
    }
    write_indirect(SELECT_THRESHOLD, 0);
    write_indirect(SELECT_DELIVERY, 1);
}

uint32_t arch_msi_claim(void) {
    uint64_t top;
    __asm__ volatile("csrrw %0, %1, zero" : "=r"(top) : "i"(CSR_STOPEI) : "memory");
    return (uint32_t)(top >> IDENTITY_SHIFT);
}
