/*
 * Where assembly finds the fields it touches. kernel/riscv64/trap.c asserts each against the C
 * struct.
 */
#ifndef KERNEL_RISCV64_OFFSETS_H
#define KERNEL_RISCV64_OFFSETS_H

/* struct hart */
#define HART_SCRATCH    32
#define HART_STACK_LOW  40
#define HART_STACK_HIGH 48
#define HART_EMERGENCY  56
#define HART_GUARD      64 /* the Makefile says it to the compiler */
#define HART_CURRENT    96
#define HART_COUNTERS   104

/* struct user_regs */
#define USER_X(n)       (8 * (n))
#define USER_PC         256
#define USER_KERNEL_SP  264
#define USER_CAUSE      272
#define USER_FAULT_ADDR 280
#define USER_STATUS     288
#define USER_QUICK      296
#define USER_F          304
#define USER_FCSR       560
#define USER_INSTRET    568
#define USER_SYSCALL    576

/* What user_run() keeps at kernel_sp and others write: the hart's struct, for tp. */
#define SAVED_TP 0

/* struct user_quick */
#define QUICK_PC   0
#define QUICK_FN   8
#define QUICK_CTX  16
#define QUICK_MASK 0x7e0 /* an offset of one of USER_QUICK_LEN entries */

/* struct vector_area */
#define VECTOR_VL     0
#define VECTOR_VTYPE  8
#define VECTOR_VSTART 16
#define VECTOR_VCSR   24
#define VECTOR_V      32

/* struct trap_frame */
#define FRAME_X(n)   (8 * (n))
#define FRAME_PC     256
#define FRAME_STATUS 264
#define FRAME_CAUSE  272
#define FRAME_VALUE  280
#define FRAME_SIZE   288

/* struct arch_context */
#define CONTEXT_PC   0
#define CONTEXT_SP   8
#define CONTEXT_S(n) (16 + 8 * (n))

/* Instructions of user_run() and the trap path that retire between its two reads of instret, for a
 * call without quick ones; a few more or less for others. */
#define USER_RUN_OVERHEAD 51

#endif
