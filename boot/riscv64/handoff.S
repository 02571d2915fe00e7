/*
 * Between the loader and the payload. This page is copied and mapped, readable and executable, into
 * the payload's address space, so everything in it is relative to the pc.
 *
 * handoff_start is entered as the trap that the first fetch after `csrw satp` takes, since nothing is
 * mapped where the loader runs (see enter.S); the registers are the payload's already, t0 is its entry.
 * handoff_trap is the trap vector until the payload sets its own: it reports and ends the machine. It
 * uses no memory but this page, because the stack may be what is broken.
 */
    .option norelax
    .section .rodata.handoff, "a"
    .balign 8
    .globl handoff_start, handoff_end, handoff_test_device

handoff_start:
    lla t1, handoff_trap
    csrw stvec, t1
    csrw sscratch, zero
    mv t1, zero
    jr t0

    .balign 4
handoff_trap:
    lla s0, text_cause
    jal s1, put_text
    csrr s2, scause
    jal s1, put_hex
    lla s0, text_at
    jal s1, put_text
    csrr s2, sepc
    jal s1, put_hex
    lla s0, text_address
    jal s1, put_text
    csrr s2, stval
    jal s1, put_hex
    li a0, '\n'
    li a7, 1
    ecall
    ld t0, handoff_test_device
    beqz t0, 1f
    li t1, (124 << 16) | 0x3333         /* BOOT_EXIT_PANIC, and the device's FAIL */
    sw t1, 0(t0)
1:  li a0, 0                            /* SRST: shut down, system failure */
    li a1, 1
    li a6, 0
    li a7, 0x53525354
    ecall
2:  wfi
    j 2b

/* The terminated text at s0; returns to s1. */
put_text:
    li a7, 1
1:  lbu a0, 0(s0)
    beqz a0, 2f
    ecall
    addi s0, s0, 1
    j 1b
2:  jr s1

/* s2 in sixteen digits; returns to s1. */
put_hex:
    li a7, 1
    li s3, 60
1:  srl a0, s2, s3
    andi a0, a0, 15
    addi a0, a0, '0'
    li t0, '9'
    ble a0, t0, 2f
    addi a0, a0, 'a' - '9' - 1
2:  ecall
    addi s3, s3, -4
    bgez s3, 1b
    jr s1

text_cause:
    .asciz "loader: payload trapped: cause "
text_at:
    .asciz " at "
text_address:
    .asciz " address "
    .balign 8
handoff_test_device:
    .dword 0
handoff_end:
