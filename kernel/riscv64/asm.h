/*
 * What kernel/riscv64/trap.S and usercopy.S define, what it calls, and the layouts they share. Private to this
 * folder.
 */
#ifndef KERNEL_RISCV64_ASM_H
#define KERNEL_RISCV64_ASM_H

#include "kernel/arch.h"

#include <stdint.h>

/* Registers of the kernel at a trap. */
struct trap_frame {
    uint64_t x[32];
    uint64_t pc, status, cause, value;
};

/* Vector registers of a guest that are in no hart. */
struct vector_area {
    uint64_t vl, vtype, vstart, vcsr;
    uint8_t v[]; /* 32 of machine.vlenb bytes */
};

void user_run(struct user_regs *regs);
void trap_vector(void);
void context_entry(void);
void fp_load(const struct user_regs *regs);
void fp_save(struct user_regs *regs);
void vector_put(const struct vector_area *area);
void vector_get(struct vector_area *area);

/* 1, or 0 when the access trapped. */
int probe_load(const uint64_t *from, uint64_t *out);
int probe_read8(const volatile void *from);
int probe_read32(const volatile void *from);
int probe_stimecmp(void);
int probe_vlenb(uint64_t *out);
extern const char probe_begin[], probe_end[], probe_failed[];

extern const char usercopy_begin[], usercopy_end[];
extern const char usercopy_words_begin[], usercopy_words_end[];

/* A trap taken in the kernel; `overflow`: the stack it came on could not be used. */
void trap_kernel(struct trap_frame *frame, uint64_t overflow);

/* What arch_init() found. */
struct machine {
    bool sstc;       /* stimecmp works */
    bool fpu;        /* guests have F and D */
    bool ssaia;      /* every hart has an interrupt file's registers */
    bool vectors;    /* guests have V */
    uint64_t vlenb;  /* bytes of a vector register, the same on all harts; 0: not looked at yet */
    unsigned levels; /* of page tables */
    vaddr_t user_end;
};
extern struct machine machine;

/* vector.c. Once for each hart: it may be one that makes `machine.vectors` false. */
void vector_init_hart(void);

/* Whether the guest stopped at an instruction that is illegal only because its vector registers are off. */
bool vector_wanted(const struct user_regs *regs);

/* Puts them, which regs->vectors keeps, into the hart; and back if they have changed, and off. */
void vector_load(struct user_regs *regs);
void vector_save(struct user_regs *regs);

/* hart.c: takes from the mask of hart indices a window of 64 hartids, `window` counted from `base`. False
 * when the mask is empty. */
bool hart_next_window(uint64_t *hart_mask, uint64_t *window_out, uint64_t *base_out);

/* asid.c. Once, after the harts are known; asid_limit() lets tests make numbers scarce. */
void asid_init(void);
void asid_limit(uint32_t most);

/* The number under which this hart translates through pt from now on; 0: the machine has none, and all
 * translations must be forgotten. Interrupts off. */
uint32_t asid_enter(struct pagetable *pt);

/* The number that translations of pt have on all harts; 0 on a machine without numbers, or when no hart has
 * any translation. */
uint32_t asid_of(const struct pagetable *pt);

#endif
