/*
 * The first instructions. Firmware enters here on one hart, in S-mode without paging:
 * a0 is the hart's id, a1 the device tree's address. Interrupts off, a vector for the loader's own
 * mistakes, .bss cleared, a stack, then C.
 */
    .option norelax

    .section .text.start, "ax"
    .globl _start
_start:
    rdtime a2
    rdinstret a3
    csrw sie, zero
    csrw sstatus, zero
    lla t0, trapped
    csrw stvec, t0
    lla t0, bss_start
    lla t1, bss_end
1:  bgeu t0, t1, 2f
    sd zero, 0(t0)
    addi t0, t0, 8
    j 1b
2:  lla sp, stack_top
    mv s0, zero
    mv ra, zero
    call main_boot
    unimp

    .balign 4
trapped:
    lla t0, trapped_again
    csrw stvec, t0
    lla sp, stack_top
    csrr a0, scause
    csrr a1, sepc
    csrr a2, stval
    call main_trapped
    .balign 4
trapped_again:
    wfi
    j trapped_again

    .section .bss.stack, "aw", @nobits
    .balign 16
    .skip 16384
stack_top:
