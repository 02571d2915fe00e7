/*
 * The few things that a native example needs of the bare machine, by SBI (legacy console,
 * system reset) and by CSR.
 */
    .text

/* void native_enable_fpu(void): sstatus.FS = initial */
    .globl native_enable_fpu
native_enable_fpu:
    li      t0, 1 << 13
    csrs    sstatus, t0
    ret

/* uint64_t native_instret(void) */
    .globl native_instret
native_instret:
    csrr    a0, instret
    ret

/* void native_putc(int c): SBI console_putchar */
    .globl native_putc
native_putc:
    li      a7, 1
    ecall
    ret

/* void native_poweroff(void): SBI system_reset, shutdown, no reason */
    .globl native_poweroff
native_poweroff:
    li      a7, 0x53525354
    li      a6, 0
    li      a0, 0
    li      a1, 0
    ecall
    j       native_poweroff
