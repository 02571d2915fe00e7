/*
 * The first instructions. Firmware enters here on one hart, in S-mode without paging, wherever it has
 * put the loader: a0 is the hart's id, a1 the device tree's address. Any other is sent back. Interrupts off, a vector for the
 * loader's own mistakes, .bss cleared, pointers relocated, a stack, then C.
 *
 * The first 64 bytes are also the header of a raw image (Linux, arch/riscv/boot-image-header), which
 * is what boot loaders such as U-Boot's booti ask for.
 */
    .option norelax
    .equ R_RISCV_RELATIVE, 3

    .section .text.start, "ax"
    .option push
    .option norvc
    j first
    nop
    .option pop
    .dword 0x200000                     /* offset from the start of memory */
    .dword loader_end - loader_start    /* size with .bss */
    .dword 0                            /* little-endian */
    .word 2                             /* header version 0.2 */
    .word 0
    .dword 0
    .ascii "RISCV\0\0\0"
    .ascii "RSC\x05"
    .word 0

first:
    rdtime a2
    rdinstret a3
    lla t0, entered
    li t1, 1
    amoswap.w t1, t1, (t0)
    bnez t1, astray
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
2:  lla t0, rela_start                  /* linked at 0, so the difference is where we are */
    lla t1, rela_end
    lla t2, loader_start
    li t5, R_RISCV_RELATIVE
3:  bgeu t0, t1, 5f
    ld t3, 8(t0)                        /* the type; anything else would be a mistake of the build */
    bne t3, t5, 4f
    ld t3, 0(t0)
    ld t4, 16(t0)
    add t3, t3, t2
    add t4, t4, t2
    sd t4, 0(t3)
4:  addi t0, t0, 24
    j 3b
5:  lla sp, stack_top
    mv s0, zero
    mv ra, zero
    call main_boot
    unimp

/* OpenSBI before 1.2 marks a hart for starting before it writes down where: a hart that looks in
 * between comes here instead of to the hand-over page. Back to the firmware, to be started again
 * (handover_start). */
astray:
    li a6, 1                            /* HSM: stop this hart */
    li a7, 0x48534d
    ecall
1:  wfi
    j 1b

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

    .section .data.start, "aw"
    .balign 4
entered:
    .word 0                             /* not in .bss, which the one who enters clears */

    .section .bss.stack, "aw", @nobits
    .balign 16
    .skip 16384
stack_top:
