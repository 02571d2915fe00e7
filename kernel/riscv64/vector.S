/*
 * All vector registers and their four CSRs, between the hart and a struct vector_area. VS is on.
 *
 * Whole registers move whatever vl and vtype are, but from vstart on: it is 0 meanwhile, and comes last. vsetvl
 * gives back the vl that was read for a vtype, and an invalid vtype too.
 */
#include "kernel/riscv64/csr.h"
#include "kernel/riscv64/offsets.h"

    .option push
    .option arch, +v
    .text

/* op is vl8re8.v or vs8r.v: t1 is the place of v0, t2 the size of eight registers. */
    .macro each op
    addi t1, a0, VECTOR_V
    csrr t2, CSR_VLENB
    slli t2, t2, 3
    .irp reg, v0, v8, v16, v24
    \op \reg, (t1)
    add t1, t1, t2
    .endr
    .endm

/* void vector_put(const struct vector_area *area) */
    .globl vector_put
    .type vector_put, @function
vector_put:
    csrw CSR_VSTART, zero
    each vl8re8.v
    ld t0, VECTOR_VL(a0)
    ld t1, VECTOR_VTYPE(a0)
    vsetvl zero, t0, t1
    ld t0, VECTOR_VCSR(a0)
    ld t1, VECTOR_VSTART(a0)
    csrw CSR_VCSR, t0
    csrw CSR_VSTART, t1
    ret
    .size vector_put, . - vector_put

/* void vector_get(struct vector_area *area) */
    .globl vector_get
    .type vector_get, @function
vector_get:
    csrr t0, CSR_VL
    csrr t1, CSR_VTYPE
    sd t0, VECTOR_VL(a0)
    sd t1, VECTOR_VTYPE(a0)
    csrr t0, CSR_VCSR
    csrrw t1, CSR_VSTART, zero
    sd t0, VECTOR_VCSR(a0)
    sd t1, VECTOR_VSTART(a0)
    each vs8r.v
    ret
    .size vector_get, . - vector_get
    .option pop

    .section .note.GNU-stack, "", @progbits
