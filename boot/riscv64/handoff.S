/*
 * Between the loader and the payload. This page is copied to memory that stays the payload's, and
 * mapped there readable and executable; everything in it is relative to the pc, so it runs at both
 * addresses. It has four parts:
 *
 *   handoff_arrive   physical, without paging: where every hart leaves the loader. a1 is its record
 *                    (struct arch_entry, at the top of its own stack). Once a hart says that it has
 *                    arrived it touches nothing of the loader's, which the payload may clear then.
 *   handoff_start    virtual: entered as the trap that the first fetch after `csrw satp` takes, since
 *                    nothing is mapped where the hart came from. No identity mapping is ever needed.
 *   handoff_trap     the trap vector until the payload sets its own: it reports and ends the machine,
 *                    and uses no memory but this page, because the stack may be what is broken.
 *   handoff_put, handoff_exit    two functions for the payload (boot_info.put and .exit).
 */
    .option norelax
    .section .rodata.handoff, "a"
    .balign 8
    .globl handoff_begin, handoff_end
    .globl handoff_arrive, handoff_put, handoff_exit, handoff_go, handoff_test_device

    .equ ENTRY_STATE, 0                 /* struct arch_entry; checked in arch.c */
    .equ ENTRY_SATP, 8
    .equ ENTRY_HANDOFF, 16
    .equ ENTRY_ENTRY, 24
    .equ ENTRY_STACK, 32
    .equ ENTRY_AREA, 40
    .equ ENTRY_HART, 48
    .equ ENTRY_INFO, 56
    .equ STATE_WAITED_FOR, 1
    .equ STATE_ARRIVED, 2

handoff_begin:
handoff_start:
    lla t1, handoff_trap
    csrw stvec, t1
    csrw sscratch, zero
    mv t1, zero
    jr t0

    .balign 4
handoff_arrive:
    fence.i                             /* this page was written by the boot hart */
    csrw sstatus, zero
    csrwi sie, 2                        /* SSIE: what wfi below wakes up for */
    ld s2, ENTRY_SATP(a1)
    ld s3, ENTRY_HANDOFF(a1)
    ld t0, ENTRY_ENTRY(a1)
    ld sp, ENTRY_STACK(a1)
    ld tp, ENTRY_AREA(a1)
    ld s4, ENTRY_HART(a1)
    ld s5, ENTRY_INFO(a1)
    addi a1, a1, ENTRY_STATE
    li t1, STATE_WAITED_FOR
    li t2, STATE_ARRIVED
1:  lr.d.aqrl t3, (a1)
    bne t3, t1, too_late
    sc.d.rl t3, t2, (a1)
    bnez t3, 1b
    lla t1, handoff_go
    j 3f
2:  wfi                                 /* the boot hart sends an IPI after it has set the word */
3:  lw t2, 0(t1)
    beqz t2, 2b
    fence rw, rw
    csrw sie, zero
    csrci sip, 2
    fence.i                             /* and so was the payload's code */
    csrw stvec, s3
    mv t2, s2
    mv a0, s4
    mv a1, s5
    li ra, 0
    li gp, 0
    li t1, 0
    li s0, 0
    li s1, 0
    li a2, 0
    li a3, 0
    li a4, 0
    li a5, 0
    li a6, 0
    li a7, 0
    li s2, 0
    li s3, 0
    li s4, 0
    li s5, 0
    li s6, 0
    li s7, 0
    li s8, 0
    li s9, 0
    li s10, 0
    li s11, 0
    li t3, 0
    li t4, 0
    li t5, 0
    li t6, 0
    sfence.vma
    csrw satp, t2
    .balign 4
4:  j 4b                                /* never reached */

too_late:                               /* left out already: back to the firmware */
    li a6, 1                            /* HSM: stop this hart */
    li a7, 0x48534d
    ecall
5:  wfi
    j 5b

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
    li a0, 124                          /* BOOT_EXIT_PANIC */

/* noreturn void (unsigned status) */
handoff_exit:
    ld t0, handoff_test_device
    beqz t0, 2f
    li t1, 0x5555                       /* the device's PASS */
    beqz a0, 1f
    slliw t1, a0, 16
    li t2, 0x3333                       /* its FAIL, the status above */
    or t1, t1, t2
1:  sw t1, 0(t0)
2:  snez a1, a0                         /* SRST: shut down, for no reason or as a system failure */
    li a0, 0
    li a6, 0
    li a7, 0x53525354
    ecall
3:  wfi
    j 3b

/* void (uint8_t byte), by the legacy console call, which takes no address */
handoff_put:
    li a7, 1
    ecall
    ret

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
handoff_go:
    .word 0
    .balign 8
handoff_end:
