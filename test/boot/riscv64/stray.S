/*
 * Stands in for firmware that lets harts go astray: enters the loader at LOADER on this hart, and a
 * little later on each of the harts 0 to 3 that are not it.
 */
    .globl _start
_start:
    mv s0, a0
    mv s1, a1
    li s2, 3
1:  beq s2, s0, 2f
    mv a0, s2
    lla a1, stray
    mv a2, s1
    li a6, 0                            /* HSM: start a hart */
    li a7, 0x48534d
    ecall
2:  addi s2, s2, -1
    bgez s2, 1b
    mv a0, s0
    mv a1, s1
    j enter

stray:
    li t0, 1000
3:  addi t0, t0, -1
    bnez t0, 3b
enter:
    li t0, LOADER
    jr t0
