/*
 * The first code of a domain in C: domain_main(arg, handles...), whose result is the exit status.
 */
    .section .text.start, "ax"
    .globl start
start:
    call domain_main
    li a7, 1
    ecall
    .section .note.GNU-stack, "", @progbits
