/*
 * The one place where the kernel touches guest memory by the guest's own addresses, but for single words
 * (probe_user_load in trap.S). SUM is set from the first instruction to the last, and nowhere else;
 * the trap vector clears it for interrupts that come in between and puts it back.
 *
 * usercopy: a0 is where to, a1 where from, a2 how many bytes, not 0; t0 the return address. Neither range may
 * lie in both halves of the address space: user_copy() in inline.h, the only caller, sees to that.
 * On return a0 and a1 are behind the last byte copied and a2 is how many are left. a3 to a5 and
 * t1 to t6 are lost, all other registers are kept.
 *
 * An exception from usercopy_begin on goes on at usercopy_end (trap_kernel()): up to there a0 is the
 * first byte not written, a3 the end, and t5 what lies between a0 and a1.
 */
#include "kernel/riscv64/csr.h"

    .text
    .globl usercopy
    .globl usercopy_begin
    .globl usercopy_end
    .type usercopy, @function
    .balign 4
usercopy:
    li t6, SSTATUS_SUM
    add a3, a0, a2
    sub t5, a1, a0
    csrs sstatus, t6
usercopy_begin:
    li a5, 16
    bgeu a2, a5, large
    or a5, a0, a1
    or a5, a5, a2
    andi a5, a5, 3
    bnez a5, bytes
quads:
    lw a5, 0(a1)
    sw a5, 0(a0)
    addi a1, a1, 4
    addi a0, a0, 4
    bltu a0, a3, quads
    j usercopy_end

bytes:
    lb a5, 0(a1)
    sb a5, 0(a0)
    addi a1, a1, 1
    addi a0, a0, 1
    bltu a0, a3, bytes
    j usercopy_end

    /* Bytes up to where the destination is aligned, then words. a4: the end of the last word. */
head:
    lb a5, 0(a1)
    sb a5, 0(a0)
    addi a1, a1, 1
    addi a0, a0, 1
large:
    andi a5, a0, 7
    bnez a5, head
    andi a4, a3, -8
    andi a5, a1, 7
    bnez a5, shifted
    addi a2, a4, -64
    bltu a2, a0, words
blocks:
    ld t1, 0(a1)
    ld t2, 8(a1)
    ld t3, 16(a1)
    ld t4, 24(a1)
    sd t1, 0(a0)
    sd t2, 8(a0)
    sd t3, 16(a0)
    sd t4, 24(a0)
    ld t1, 32(a1)
    ld t2, 40(a1)
    ld t3, 48(a1)
    ld t4, 56(a1)
    sd t1, 32(a0)
    sd t2, 40(a0)
    sd t3, 48(a0)
    sd t4, 56(a0)
    addi a1, a1, 64
    addi a0, a0, 64
    bgeu a2, a0, blocks
words:
    bgeu a0, a4, tail
    ld a5, 0(a1)
    sd a5, 0(a0)
    addi a1, a1, 8
    addi a0, a0, 8
    j words

    /* The source is not aligned as the destination is: each word comes from two. Both hold bytes that
     * are wanted, so no page is touched that need not be. a5: shift right, a2: shift left, t1: the word
     * that holds the next byte. */
shifted:
    slli a5, a5, 3
    neg a2, a5
    andi a1, a1, -8
    ld t1, 0(a1)
shift:
    ld t2, 8(a1)
    srl t3, t1, a5
    sll t4, t2, a2
    or t3, t3, t4
    sd t3, 0(a0)
    mv t1, t2
    addi a1, a1, 8
    addi a0, a0, 8
    bltu a0, a4, shift
    add a1, a0, t5
tail:
    bltu a0, a3, bytes

usercopy_end:
    csrc sstatus, t6
    add a1, a0, t5
    sub a2, a3, a0
    jr t0
    .size usercopy, . - usercopy

/*
 * One word, by the same convention: t1 is its value, a2 is 0 unless it was not accessible.
 */
    .globl usercopy_load8
    .globl usercopy_store4
    .globl usercopy_words_begin
    .globl usercopy_words_end
    .type usercopy_load8, @function
    .type usercopy_store4, @function
usercopy_load8:
    li t6, SSTATUS_SUM
    li a2, 1
    csrs sstatus, t6
usercopy_words_begin:
    ld t1, 0(a0)
    li a2, 0
    j usercopy_words_end
usercopy_store4:
    li t6, SSTATUS_SUM
    li a2, 1
    csrs sstatus, t6
    sw t1, 0(a0)
    li a2, 0
usercopy_words_end:
    csrc sstatus, t6
    jr t0
    .size usercopy_load8, . - usercopy_load8

    .section .note.GNU-stack, "", @progbits
