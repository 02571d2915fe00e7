/*
 * The jump into the payload's address space, and the question which paging modes there are.
 */
    .option norelax
    .text

/*
 * void enter_payload(satp a0, handoff a1, entry a2, stack a3, area a4, hart a5, info a6)
 *
 * Turning paging on makes the very next fetch fault, since the payload's address space has nothing
 * where the loader is: the trap vector then is the way in, and no identity mapping is ever needed.
 */
    .globl enter_payload
enter_payload:
    csrw stvec, a1
    mv t0, a2
    mv sp, a3
    mv tp, a4
    mv t2, a0
    mv a0, a5
    mv a1, a6
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
1:  j 1b                                /* never reached */

/*
 * uint64_t probe_satp(uint64_t satp): what satp holds after the write, paging off again. A mode that
 * the hart does not have leaves it as it was. The table behind `satp` maps this code to itself.
 */
    .globl probe_satp
    .balign 16
probe_satp:
    sfence.vma
    csrw satp, a0
    csrr a0, satp
    csrw satp, zero
    sfence.vma
    ret
