/*
 * Two questions to the hart that may trap or change where we are.
 *
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

/*
 * uint64_t probe_seed(void): what the seed CSR says (Zkr), all ones if reading it traps. Firmware has to
 * allow it, and there is no way to ask.
 */
#define CSR_SEED 0x015
    .globl probe_seed
    .balign 4
probe_seed:
    lla t0, 1f
    csrrw t0, stvec, t0
    li a0, -1
    csrrw a0, CSR_SEED, zero
    .balign 4
1:  csrw stvec, t0
    ret
