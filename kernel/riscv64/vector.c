/*
 * Vector registers of guests (the V extension, 1.0), on machines where every hart has them in one size.
 *
 * A guest starts with sstatus.VS off. Its first vector instruction is then illegal, and gets it an area, zeroed,
 * in which its registers are kept while they are in no hart (struct vector_area; the thread that runs the guest
 * gives it). They are loaded when a vector instruction finds them off, and off they are from then on whenever
 * another thread has had the hart; stored they are only if the guest has written them. So they are in the one
 * hart that runs the guest, with VS on, or in the area, with VS off: regs->live says which.
 *
 * The kernel uses none itself, and every load writes all of them, so no guest sees another one's. Interrupts
 * are off here.
 */
#include "kernel/riscv64/asm.h"

#include <string.h>

_Static_assert(offsetof(struct vector_area, vl) == VECTOR_VL, "offsets.h");
_Static_assert(offsetof(struct vector_area, vtype) == VECTOR_VTYPE, "offsets.h");
_Static_assert(offsetof(struct vector_area, vstart) == VECTOR_VSTART, "offsets.h");
_Static_assert(offsetof(struct vector_area, vcsr) == VECTOR_VCSR, "offsets.h");
_Static_assert(offsetof(struct vector_area, v) == VECTOR_V, "offsets.h");

enum { REGISTERS = 32 };

void vector_init_hart(void) {
    uint64_t vlenb = 0;
    if (!machine.vectors) {
        return;
    }
    csr_set(sstatus, SSTATUS_VS_CLEAN);
    (void)probe_vlenb(&vlenb);
    csr_clear(sstatus, SSTATUS_VS);
    if (machine.vlenb == 0) {
        machine.vlenb = vlenb; /* the boot hart, before all others */
    }
    if (vlenb == 0 || vlenb != machine.vlenb) {
        machine.vectors = false;
    }
}

size_t arch_vectors_size(void) {
    return sizeof(struct vector_area) + REGISTERS * machine.vlenb;
}

/* The trap says which instruction it was about, but need not. */
static uint32_t instruction_of(const struct user_regs *regs) {
    uint32_t word = (uint32_t)regs->fault_addr;
    if (word == 0) {
        void *to = &word;
        vaddr_t from = regs->pc;
        size_t size = sizeof(word);
        (void)arch_copy_in(&to, &from, &size);
    }
    return word;
}

static bool is_vector_csr(uint32_t csr) {
    return csr == CSR_VSTART || csr == CSR_VXSAT || csr == CSR_VXRM || csr == CSR_VCSR ||
           csr == CSR_VL || csr == CSR_VTYPE || csr == CSR_VLENB;
}

/* Loads and stores share their opcodes with those of floats, which have the widths 1 to 4. */
static bool is_vector(uint32_t word) {
    enum { LOAD = 0x07, STORE = 0x27, OP_V = 0x57, OP_VE = 0x77, SYSTEM = 0x73 };
    uint32_t width = word >> 12 & 7;
    switch (word & 0x7f) {
    case OP_V:
    case OP_VE:
        return true;
    case LOAD:
    case STORE:
        return width == 0 || width > 4;
    case SYSTEM:
        return width % 4 != 0 && is_vector_csr(word >> 20);
    default:
        return false;
    }
}

bool vector_wanted(const struct user_regs *regs) {
    return machine.vectors && !(regs->status & SSTATUS_VS) && is_vector(instruction_of(regs));
}

static void set_state(struct user_regs *regs, uint64_t state) {
    regs->status = (regs->status & ~(uint64_t)SSTATUS_VS) | state;
}

void vector_load(struct user_regs *regs) {
    csr_set(sstatus, SSTATUS_VS_CLEAN);
    vector_put(regs->vectors);
    csr_clear(sstatus, SSTATUS_VS);
    regs->live |= USER_LIVE_VECTORS;
    set_state(regs, SSTATUS_VS_CLEAN);
}

void vector_save(struct user_regs *regs) {
    if ((regs->status & SSTATUS_VS) == SSTATUS_VS_DIRTY) {
        csr_set(sstatus, SSTATUS_VS_CLEAN);
        vector_get(regs->vectors);
        csr_clear(sstatus, SSTATUS_VS);
    }
    set_state(regs, 0);
}
