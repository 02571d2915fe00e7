/*
 * The one trap vector, and user mode as a function call.
 *
 * sscratch is zero while the kernel runs and holds the guest's struct user_regs while the guest
 * does; that is how the vector tells the two apart. From the guest: registers go to user_regs and
 * user_run() returns. From the kernel: registers go to a frame on the current stack, or on the
 * hart's emergency stack when the current one has overflowed, and trap_kernel() is called.
 */
#include "kernel/riscv64/csr.h"
#include "kernel/riscv64/offsets.h"

/* On the kernel's stack while a guest runs: tp, s0 to s11, ra, and the guest's user_regs. */
#define SAVED_SIZE 128
#define SAVED_S(n) (8 + 8 * (n))
#define SAVED_RA 104
#define SAVED_REGS 112

/*
 * Registers by groups: op is ld or sd, at() says where register x[n] lies, or s[n] for EACH_S_OF.
 * ra, sp, gp, tp, a0 and what a piece of code works with are moved by hand.
 */
#define IN_USER(n) USER_X(n)(a0)
#define IN_FRAME(n) FRAME_X(n)(sp)
#define IN_SAVED(n) SAVED_S(n)(sp)
#define IN_FROM(n) CONTEXT_S(n)(a0)
#define IN_TO(n) CONTEXT_S(n)(a1)
#define EACH_A1_A3(op, at) op a1, at(11); op a2, at(12); op a3, at(13)
#define EACH_A4_A7(op, at) op a4, at(14); op a5, at(15); op a6, at(16); op a7, at(17)
#define EACH_S(op, at)                                                                             \
    op s0, at(8); op s1, at(9); op s2, at(18); op s3, at(19); op s4, at(20); op s5, at(21);        \
    op s6, at(22); op s7, at(23); op s8, at(24); op s9, at(25); op s10, at(26); op s11, at(27)
#define EACH_T3_T6(op, at) op t3, at(28); op t4, at(29); op t5, at(30); op t6, at(31)
#define EACH_S_OF(op, at)                                                                          \
    op s0, at(0); op s1, at(1); op s2, at(2); op s3, at(3); op s4, at(4); op s5, at(5);            \
    op s6, at(6); op s7, at(7); op s8, at(8); op s9, at(9); op s10, at(10); op s11, at(11)

/* So that nothing of the kernel's shows. */
    .macro clear regs:vararg
    .irp reg, \regs
    li \reg, 0
    .endr
    .endm

#define SCAUSE_ECALL 8

    .text

/* void user_run(struct user_regs *regs): interrupts off; sstatus for sret in regs->status. */
    .globl user_run
    .type user_run, @function
    .balign 4
user_run:
    addi sp, sp, -SAVED_SIZE
    sd ra, SAVED_RA(sp)
    EACH_S_OF(sd, IN_SAVED)
    sd tp, SAVED_TP(sp)
    sd a0, SAVED_REGS(sp)
    sd sp, USER_KERNEL_SP(a0)
    ld t0, USER_PC(a0)
    ld t1, USER_STATUS(a0)
    csrw sepc, t0
    csrw sstatus, t1
    csrw sscratch, a0
    ld t2, USER_INSTRET(a0)
    csrr t1, instret
    sub t2, t2, t1
    sd t2, USER_INSTRET(a0)
    ld ra, USER_X(1)(a0)
    ld sp, USER_X(2)(a0)
    ld gp, USER_X(3)(a0)
    ld tp, USER_X(4)(a0)
    ld t0, USER_X(5)(a0)
    ld t1, USER_X(6)(a0)
    ld t2, USER_X(7)(a0)
    EACH_A1_A3(ld, IN_USER)
    EACH_A4_A7(ld, IN_USER)
    EACH_S(ld, IN_USER)
    EACH_T3_T6(ld, IN_USER)
    ld a0, USER_X(10)(a0)
    sret
    .size user_run, . - user_run

    .globl trap_vector
    .type trap_vector, @function
    .balign 4
trap_vector:
    csrrw a0, sscratch, a0
    beqz a0, from_kernel
    sd t1, USER_X(6)(a0)
    csrr t1, scause
    addi t1, t1, -SCAUSE_ECALL
    bnez t1, leave_user

    /* A quick call? It is a function call by the guest's convention: s0 to s11 are kept by the
     * function, f by all of the kernel, the others are cleared so that nothing of ours shows. */
    sd t0, USER_X(5)(a0)
    sd t2, USER_X(7)(a0)
    ld t2, USER_QUICK(a0)
    andi t0, t0, QUICK_MASK
    add t2, t2, t0
    csrr t0, sepc
    ld t1, QUICK_PC(t2)
    bne t1, t0, not_quick
    sd ra, USER_X(1)(a0)
    sd sp, USER_X(2)(a0)
    sd tp, USER_X(4)(a0)
    EACH_A1_A3(sd, IN_USER)
    csrrw t0, sscratch, zero
    sd t0, USER_X(10)(a0)
    ld sp, USER_KERNEL_SP(a0)
    ld tp, SAVED_TP(sp)
    ld t1, QUICK_FN(t2)
    mv a1, a0
    ld a0, QUICK_CTX(t2)
    jalr t1
    beqz a0, quick_refused
    ld a0, SAVED_REGS(sp)
    csrw sscratch, a0
    ld ra, USER_X(1)(a0)
    csrw sepc, ra
    ld sp, USER_X(2)(a0)
    ld tp, USER_X(4)(a0)
    EACH_A1_A3(ld, IN_USER)
    clear a4, a5, a6, a7, t0, t1, t2, t3, t4, t5, t6
    ld a0, USER_X(10)(a0)
    sret

quick_refused:
    ld a0, SAVED_REGS(sp)
    /* The function may have faulted in usercopy(): what the trap was must be set again. */
    ld t0, USER_X(5)(a0)
    ld t1, USER_QUICK(a0)
    andi t0, t0, QUICK_MASK
    add t1, t1, t0
    ld t0, QUICK_PC(t1)
    csrw sepc, t0
    li t0, SCAUSE_ECALL
    csrw scause, t0
    ld t0, USER_X(10)(a0)
    csrw sscratch, t0
    ld ra, USER_X(1)(a0)
    ld sp, USER_X(2)(a0)
    ld tp, USER_X(4)(a0)
    EACH_A1_A3(ld, IN_USER)
    clear a4, a5, a6, a7, t3, t4, t5, t6
    j leave_user_saved

    /* A system call of a native guest: a function call too, with arguments in a0 to a7. It may sleep
     * and go on on another hart, so that everything the guest is given back comes from user_regs. */
not_quick:
    ld t1, USER_SYSCALL(a0)
    beqz t1, leave_user_saved
    sd ra, USER_X(1)(a0)
    sd sp, USER_X(2)(a0)
    sd gp, USER_X(3)(a0)
    sd tp, USER_X(4)(a0)
    EACH_A1_A3(sd, IN_USER)
    EACH_A4_A7(sd, IN_USER)
    csrrw t2, sscratch, zero
    sd t2, USER_X(10)(a0)
    addi t0, t0, 4
    sd t0, USER_PC(a0)
    csrr t2, sstatus
    sd t2, USER_STATUS(a0)
    ld sp, USER_KERNEL_SP(a0)
    ld tp, SAVED_TP(sp)
    jalr t1
    mv t2, a0
    ld a0, SAVED_REGS(sp)
    sd tp, SAVED_TP(sp)
    ld t0, USER_PC(a0)
    ld t1, USER_STATUS(a0)
    csrw sepc, t0
    csrw sstatus, t1
    beqz t2, syscall_leaves
    csrw sscratch, a0
    ld ra, USER_X(1)(a0)
    ld sp, USER_X(2)(a0)
    ld gp, USER_X(3)(a0)
    ld tp, USER_X(4)(a0)
    EACH_A1_A3(ld, IN_USER)
    EACH_A4_A7(ld, IN_USER)
    clear t0, t1, t2, t3, t4, t5, t6
    ld a0, USER_X(10)(a0)
    sret

    /* As if the guest had just made the call: s0 to s11 are its own again. */
syscall_leaves:
    addi t0, t0, -4
    csrw sepc, t0
    li t0, SCAUSE_ECALL
    csrw scause, t0
    ld t0, USER_X(10)(a0)
    csrw sscratch, t0
    sd zero, USER_X(5)(a0)
    sd zero, USER_X(6)(a0)
    sd zero, USER_X(7)(a0)
    ld ra, USER_X(1)(a0)
    ld sp, USER_X(2)(a0)
    ld gp, USER_X(3)(a0)
    ld tp, USER_X(4)(a0)
    EACH_A1_A3(ld, IN_USER)
    EACH_A4_A7(ld, IN_USER)
    clear t3, t4, t5, t6
    j leave_user_saved

leave_user:
    sd t0, USER_X(5)(a0)
    sd t2, USER_X(7)(a0)
leave_user_saved:
    csrr t1, instret
    sd ra, USER_X(1)(a0)
    sd sp, USER_X(2)(a0)
    sd gp, USER_X(3)(a0)
    sd tp, USER_X(4)(a0)
    EACH_A1_A3(sd, IN_USER)
    EACH_A4_A7(sd, IN_USER)
    EACH_S(sd, IN_USER)
    EACH_T3_T6(sd, IN_USER)
    csrrw t0, sscratch, zero
    sd t0, USER_X(10)(a0)
    ld t2, USER_INSTRET(a0)
    add t2, t2, t1
    addi t2, t2, -USER_RUN_OVERHEAD
    sd t2, USER_INSTRET(a0)
    /* Floating point off, as it is before the guest's first use: an emulator that translates code by the
     * state of the unit would translate all of the kernel once more for each. */
    li t3, SSTATUS_FS
    csrr t0, sepc
    csrr t1, scause
    csrr t2, stval
    csrrc t3, sstatus, t3
    sd t0, USER_PC(a0)
    sd t1, USER_CAUSE(a0)
    sd t2, USER_FAULT_ADDR(a0)
    sd t3, USER_STATUS(a0)
    ld sp, USER_KERNEL_SP(a0)
    ld ra, SAVED_RA(sp)
    EACH_S_OF(ld, IN_SAVED)
    ld tp, SAVED_TP(sp)
    addi sp, sp, SAVED_SIZE
    ret

from_kernel:
    csrrw a0, sscratch, a0
    sd t0, HART_SCRATCH(tp)
    ld t0, HART_STACK_LOW(tp)
    addi t0, t0, FRAME_SIZE
    bltu sp, t0, bad_stack
    ld t0, HART_STACK_HIGH(tp)
    bltu t0, sp, bad_stack
    addi sp, sp, -FRAME_SIZE
    addi t0, sp, FRAME_SIZE
    sd t0, FRAME_X(2)(sp)
    sd a1, FRAME_X(11)(sp)
    li a1, 0
save_frame:
    ld t0, HART_SCRATCH(tp)
    sd ra, FRAME_X(1)(sp)
    sd gp, FRAME_X(3)(sp)
    sd tp, FRAME_X(4)(sp)
    sd t0, FRAME_X(5)(sp)
    sd t1, FRAME_X(6)(sp)
    sd t2, FRAME_X(7)(sp)
    sd a0, FRAME_X(10)(sp)
    sd a2, FRAME_X(12)(sp)
    sd a3, FRAME_X(13)(sp)
    EACH_A4_A7(sd, IN_FRAME)
    EACH_S(sd, IN_FRAME)
    EACH_T3_T6(sd, IN_FRAME)
    li t1, SSTATUS_SUM
    csrr t0, sepc
    csrrc t1, sstatus, t1
    csrr t2, scause
    csrr t3, stval
    sd t0, FRAME_PC(sp)
    sd t1, FRAME_STATUS(sp)
    sd t2, FRAME_CAUSE(sp)
    sd t3, FRAME_VALUE(sp)
    mv a0, sp
    call trap_kernel
    /* The thread may go on where it was on this hart's tp: tp is the hart's, not the frame's. */
    ld t0, FRAME_PC(sp)
    ld t1, FRAME_STATUS(sp)
    csrw sepc, t0
    csrw sstatus, t1
    ld ra, FRAME_X(1)(sp)
    ld gp, FRAME_X(3)(sp)
    ld t0, FRAME_X(5)(sp)
    ld t1, FRAME_X(6)(sp)
    ld t2, FRAME_X(7)(sp)
    ld a0, FRAME_X(10)(sp)
    EACH_A1_A3(ld, IN_FRAME)
    EACH_A4_A7(ld, IN_FRAME)
    EACH_S(ld, IN_FRAME)
    EACH_T3_T6(ld, IN_FRAME)
    ld sp, FRAME_X(2)(sp)
    sret

bad_stack:
    mv t0, sp
    ld sp, HART_EMERGENCY(tp)
    addi sp, sp, -FRAME_SIZE
    sd t0, FRAME_X(2)(sp)
    sd a1, FRAME_X(11)(sp)
    li a1, 1
    j save_frame
    .size trap_vector, . - trap_vector

/* void arch_switch(struct arch_context *from, const struct arch_context *to) */
    .globl arch_switch
    .type arch_switch, @function
arch_switch:
    sd ra, CONTEXT_PC(a0)
    sd sp, CONTEXT_SP(a0)
    EACH_S_OF(sd, IN_FROM)
    ld ra, CONTEXT_PC(a1)
    ld sp, CONTEXT_SP(a1)
    EACH_S_OF(ld, IN_TO)
    ret
    .size arch_switch, . - arch_switch

/* First code of a new context: s1 is the function, s2 its argument; no frame lies below. */
    .globl context_entry
    .type context_entry, @function
context_entry:
    mv a0, s2
    li ra, 0
    jr s1
    .size context_entry, . - context_entry

/* Moves the floating-point registers between the hart and struct user_regs. */
    .option push
    .option arch, +f, +d
#define EACH_F(op)                                                                                 \
    op f0, USER_F + 0(a0); op f1, USER_F + 8(a0); op f2, USER_F + 16(a0);                          \
    op f3, USER_F + 24(a0); op f4, USER_F + 32(a0); op f5, USER_F + 40(a0);                        \
    op f6, USER_F + 48(a0); op f7, USER_F + 56(a0); op f8, USER_F + 64(a0);                        \
    op f9, USER_F + 72(a0); op f10, USER_F + 80(a0); op f11, USER_F + 88(a0);                      \
    op f12, USER_F + 96(a0); op f13, USER_F + 104(a0); op f14, USER_F + 112(a0);                   \
    op f15, USER_F + 120(a0); op f16, USER_F + 128(a0); op f17, USER_F + 136(a0);                  \
    op f18, USER_F + 144(a0); op f19, USER_F + 152(a0); op f20, USER_F + 160(a0);                  \
    op f21, USER_F + 168(a0); op f22, USER_F + 176(a0); op f23, USER_F + 184(a0);                  \
    op f24, USER_F + 192(a0); op f25, USER_F + 200(a0); op f26, USER_F + 208(a0);                  \
    op f27, USER_F + 216(a0); op f28, USER_F + 224(a0); op f29, USER_F + 232(a0);                  \
    op f30, USER_F + 240(a0); op f31, USER_F + 248(a0)

/* void fp_load(const struct user_regs *regs), void fp_save(struct user_regs *regs); FS is on. */
    .globl fp_load
    .type fp_load, @function
fp_load:
    ld t0, USER_FCSR(a0)
    fscsr t0
    EACH_F(fld)
    ret
    .size fp_load, . - fp_load

    .globl fp_save
    .type fp_save, @function
fp_save:
    frcsr t0
    sd t0, USER_FCSR(a0)
    EACH_F(fsd)
    ret
    .size fp_save, . - fp_save
    .option pop

/*
 * Accesses that may trap. A trap between probe_begin and probe_end goes on at probe_failed, which
 * returns 0 to the caller; success returns 1.
 */
    .globl probe_begin
    .globl probe_end
    .globl probe_failed
    .globl probe_load
    .globl probe_read8
    .globl probe_read32
    .globl probe_user_load
    .globl probe_stimecmp
    .globl probe_vlenb
    .type probe_load, @function
    .type probe_read8, @function
    .type probe_read32, @function
    .type probe_user_load, @function
    .type probe_stimecmp, @function
    .type probe_vlenb, @function
    .balign 4
probe_begin:
/* int probe_load(const uint64_t *from, uint64_t *out) */
probe_load:
    ld t0, 0(a0)
    sd t0, 0(a1)
    li a0, 1
    ret
/* int probe_read8(const volatile void *from), int probe_read32(const volatile void *from) */
probe_read8:
    lbu t0, 0(a0)
    li a0, 1
    ret
probe_read32:
    lw t0, 0(a0)
    li a0, 1
    ret
/* struct probed probe_user_load(vaddr_t from, bool wide): a word of the guest's, of 8 bytes or 4 */
probe_user_load:
    li t1, SSTATUS_SUM
    mv t0, a0
    mv t2, a1
    li a1, 0
    csrs sstatus, t1
    bnez t2, 1f
    lwu a0, 0(t0)
    j 2f
1:  ld a0, 0(t0)
2:  csrc sstatus, t1
    li a1, 1
    ret
/* int probe_stimecmp(void): sets it to never */
probe_stimecmp:
    li t0, -1
    csrw CSR_STIMECMP, t0
    li a0, 1
    ret
/* int probe_vlenb(uint64_t *out); VS is on. */
probe_vlenb:
    csrr t0, CSR_VLENB
    sd t0, 0(a0)
    li a0, 1
    ret
probe_end:
probe_failed:
    li t1, SSTATUS_SUM
    csrc sstatus, t1
    li a0, 0
    ret

    .section .note.GNU-stack, "", @progbits
