/*
 * uint64_t probe_satp(uint64_t satp): what satp holds after the write, paging off again. A mode that
 * the hart does not have leaves it as it was. The table behind `satp` maps this code to itself.
 */
    .option norelax
    .text
    .globl probe_satp
    .balign 16
probe_satp:
    sfence.vma
    csrw satp, a0
    csrr a0, satp
    csrw satp, zero
    sfence.vma
    ret
