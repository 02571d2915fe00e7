/*
 * Control and status registers of the supervisor (RISC-V Privileged Architecture 1.12) that the
 * kernel uses, their fields, and access to them. Included by C and by assembly.
 */
#ifndef KERNEL_RISCV64_CSR_H
#define KERNEL_RISCV64_CSR_H

/* By number where assemblers may not know the name. */
#define CSR_STIMECMP 0x14d
#define CSR_SISELECT 0x150
#define CSR_SIREG    0x151
#define CSR_STOPEI   0x15c
#define CSR_VSTART   0x008
#define CSR_VXSAT    0x009
#define CSR_VXRM     0x00a
#define CSR_VCSR     0x00f
#define CSR_VL       0xc20
#define CSR_VTYPE    0xc21
#define CSR_VLENB    0xc22
#define CSR_CYCLE    0xc00
#define CSR_TIME     0xc01
#define CSR_INSTRET  0xc02

#define SSTATUS_SIE      0x2
#define SSTATUS_SPIE     0x20
#define SSTATUS_SPP      0x100
#define SSTATUS_VS       0x600
#define SSTATUS_VS_CLEAN 0x400
#define SSTATUS_VS_DIRTY 0x600
#define SSTATUS_FS       0x6000
#define SSTATUS_FS_CLEAN 0x4000
#define SSTATUS_FS_DIRTY 0x6000
#define SSTATUS_SUM      0x40000
#define SSTATUS_MXR      0x80000

#define SIE_SSIE 0x2
#define SIE_STIE 0x20
#define SIE_SEIE 0x200

#define SCOUNTEREN_TIME 0x2

#ifndef __ASSEMBLER__

#include <stdint.h>

#define SCAUSE_INTERRUPT (UINT64_C(1) << 63)

enum scause {
    SCAUSE_FETCH_MISALIGNED = 0,
    SCAUSE_FETCH_ACCESS = 1,
    SCAUSE_ILLEGAL = 2,
    SCAUSE_BREAKPOINT = 3,
    SCAUSE_LOAD_MISALIGNED = 4,
    SCAUSE_LOAD_ACCESS = 5,
    SCAUSE_STORE_MISALIGNED = 6,
    SCAUSE_STORE_ACCESS = 7,
    SCAUSE_ECALL_USER = 8,
    SCAUSE_ECALL_SUPERVISOR = 9,
    SCAUSE_ECALL_VIRTUAL = 10,
    SCAUSE_ECALL_MACHINE = 11,
    SCAUSE_FETCH_PAGE = 12,
    SCAUSE_LOAD_PAGE = 13,
    SCAUSE_STORE_PAGE = 15,
    SCAUSE_SOFTWARE_CHECK = 18,
    SCAUSE_HARDWARE_ERROR = 19,
    SCAUSE_FETCH_GUEST_PAGE = 20,
    SCAUSE_LOAD_GUEST_PAGE = 21,
    SCAUSE_VIRTUAL = 22,
    SCAUSE_STORE_GUEST_PAGE = 23,

    SCAUSE_IRQ_SOFTWARE = 1,
    SCAUSE_IRQ_TIMER = 5,
    SCAUSE_IRQ_EXTERNAL = 9,
};

#define csr_read(csr)                                                                              \
    ({                                                                                             \
        uint64_t csr_value_;                                                                       \
        __asm__ volatile("csrr %0, " #csr : "=r"(csr_value_)::"memory");                           \
        csr_value_;                                                                                \
    })
#define csr_write(csr, value)                                                                      \
    __asm__ volatile("csrw " #csr ", %0" ::"rK"((uint64_t)(value)) : "memory")
#define csr_set(csr, bits) __asm__ volatile("csrs " #csr ", %0" ::"rK"((uint64_t)(bits)) : "memory")
#define csr_clear(csr, bits)                                                                       \
    __asm__ volatile("csrc " #csr ", %0" ::"rK"((uint64_t)(bits)) : "memory")

#endif
#endif
