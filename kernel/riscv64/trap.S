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

/* On the kernel's stack while a guest runs: ra, s0 to s11, tp, and the guest's user_regs. */
#define SAVED_SIZE 128
#define SAVED_REGS 112

#define SCAUSE_ECALL 8

    .text

/* void user_run(struct user_regs *regs): interrupts off; sstatus for sret in regs->status. */
    .globl user_run
    .type user_run, @function
    .balign 4
user_run:
    addi sp, sp, -SAVED_SIZE
    sd ra, 104(sp)
    sd s0, 96(sp)
    sd s1, 88(sp)
    sd s2, 80(sp)
    sd s3, 72(sp)
    sd s4, 64(sp)
    sd s5, 56(sp)
    sd s6, 48(sp)
    sd s7, 40(sp)
    sd s8, 32(sp)
    sd s9, 24(sp)
    sd s10, 16(sp)
    sd s11, 8(sp)
    sd tp, 0(sp)
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
    ld s0, USER_X(8)(a0)
    ld s1, USER_X(9)(a0)
    ld a1, USER_X(11)(a0)
    ld a2, USER_X(12)(a0)
    ld a3, USER_X(13)(a0)
    ld a4, USER_X(14)(a0)
    ld a5, USER_X(15)(a0)
    ld a6, USER_X(16)(a0)
    ld a7, USER_X(17)(a0)
    ld s2, USER_X(18)(a0)
    ld s3, USER_X(19)(a0)
    ld s4, USER_X(20)(a0)
    ld s5, USER_X(21)(a0)
    ld s6, USER_X(22)(a0)
    ld s7, USER_X(23)(a0)
    ld s8, USER_X(24)(a0)
    ld s9, USER_X(25)(a0)
    ld s10, USER_X(26)(a0)
    ld s11, USER_X(27)(a0)
    ld t3, USER_X(28)(a0)
    ld t4, USER_X(29)(a0)
    ld t5, USER_X(30)(a0)
    ld t6, USER_X(31)(a0)
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
    sd a1, USER_X(11)(a0)
    sd a2, USER_X(12)(a0)
    sd a3, USER_X(13)(a0)
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
    ld a1, USER_X(11)(a0)
    ld a2, USER_X(12)(a0)
    ld a3, USER_X(13)(a0)
    li a4, 0
    li a5, 0
    li a6, 0
    li a7, 0
    li t0, 0
    li t1, 0
    li t2, 0
    li t3, 0
    li t4, 0
    li t5, 0
    li t6, 0
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
    ld a1, USER_X(11)(a0)
    ld a2, USER_X(12)(a0)
    ld a3, USER_X(13)(a0)
    li a4, 0
    li a5, 0
    li a6, 0
    li a7, 0
    li t3, 0
    li t4, 0
    li t5, 0
    li t6, 0
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
    sd a1, USER_X(11)(a0)
    sd a2, USER_X(12)(a0)
    sd a3, USER_X(13)(a0)
    sd a4, USER_X(14)(a0)
    sd a5, USER_X(15)(a0)
    sd a6, USER_X(16)(a0)
    sd a7, USER_X(17)(a0)
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
    ld a1, USER_X(11)(a0)
    ld a2, USER_X(12)(a0)
    ld a3, USER_X(13)(a0)
    ld a4, USER_X(14)(a0)
    ld a5, USER_X(15)(a0)
    ld a6, USER_X(16)(a0)
    ld a7, USER_X(17)(a0)
    li t0, 0
    li t1, 0
    li t2, 0
    li t3, 0
    li t4, 0
    li t5, 0
    li t6, 0
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
    ld a1, USER_X(11)(a0)
    ld a2, USER_X(12)(a0)
    ld a3, USER_X(13)(a0)
    ld a4, USER_X(14)(a0)
    ld a5, USER_X(15)(a0)
    ld a6, USER_X(16)(a0)
    ld a7, USER_X(17)(a0)
    li t3, 0
    li t4, 0
    li t5, 0
    li t6, 0
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
    sd s0, USER_X(8)(a0)
    sd s1, USER_X(9)(a0)
    sd a1, USER_X(11)(a0)
    sd a2, USER_X(12)(a0)
    sd a3, USER_X(13)(a0)
    sd a4, USER_X(14)(a0)
    sd a5, USER_X(15)(a0)
    sd a6, USER_X(16)(a0)
    sd a7, USER_X(17)(a0)
    sd s2, USER_X(18)(a0)
    sd s3, USER_X(19)(a0)
    sd s4, USER_X(20)(a0)
    sd s5, USER_X(21)(a0)
    sd s6, USER_X(22)(a0)
    sd s7, USER_X(23)(a0)
    sd s8, USER_X(24)(a0)
    sd s9, USER_X(25)(a0)
    sd s10, USER_X(26)(a0)
    sd s11, USER_X(27)(a0)
    sd t3, USER_X(28)(a0)
    sd t4, USER_X(29)(a0)
    sd t5, USER_X(30)(a0)
    sd t6, USER_X(31)(a0)
    csrrw t0, sscratch, zero
    sd t0, USER_X(10)(a0)
    ld t2, USER_INSTRET(a0)
    add t2, t2, t1
    addi t2, t2, -USER_RUN_OVERHEAD
    sd t2, USER_INSTRET(a0)
    csrr t0, sepc
    csrr t1, scause
    csrr t2, stval
    csrr t3, sstatus
    sd t0, USER_PC(a0)
    sd t1, USER_CAUSE(a0)
    sd t2, USER_FAULT_ADDR(a0)
    sd t3, USER_STATUS(a0)
    ld sp, USER_KERNEL_SP(a0)
    ld ra, 104(sp)
    ld s0, 96(sp)
    ld s1, 88(sp)
    ld s2, 80(sp)
    ld s3, 72(sp)
    ld s4, 64(sp)
    ld s5, 56(sp)
    ld s6, 48(sp)
    ld s7, 40(sp)
    ld s8, 32(sp)
    ld s9, 24(sp)
    ld s10, 16(sp)
    ld s11, 8(sp)
    ld tp, 0(sp)
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
    sd s0, FRAME_X(8)(sp)
    sd s1, FRAME_X(9)(sp)
    sd a0, FRAME_X(10)(sp)
    sd a2, FRAME_X(12)(sp)
    sd a3, FRAME_X(13)(sp)
    sd a4, FRAME_X(14)(sp)
    sd a5, FRAME_X(15)(sp)
    sd a6, FRAME_X(16)(sp)
    sd a7, FRAME_X(17)(sp)
    sd s2, FRAME_X(18)(sp)
    sd s3, FRAME_X(19)(sp)
    sd s4, FRAME_X(20)(sp)
    sd s5, FRAME_X(21)(sp)
    sd s6, FRAME_X(22)(sp)
    sd s7, FRAME_X(23)(sp)
    sd s8, FRAME_X(24)(sp)
    sd s9, FRAME_X(25)(sp)
    sd s10, FRAME_X(26)(sp)
    sd s11, FRAME_X(27)(sp)
    sd t3, FRAME_X(28)(sp)
    sd t4, FRAME_X(29)(sp)
    sd t5, FRAME_X(30)(sp)
    sd t6, FRAME_X(31)(sp)
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
    ld s0, FRAME_X(8)(sp)
    ld s1, FRAME_X(9)(sp)
    ld a0, FRAME_X(10)(sp)
    ld a1, FRAME_X(11)(sp)
    ld a2, FRAME_X(12)(sp)
    ld a3, FRAME_X(13)(sp)
    ld a4, FRAME_X(14)(sp)
    ld a5, FRAME_X(15)(sp)
    ld a6, FRAME_X(16)(sp)
    ld a7, FRAME_X(17)(sp)
    ld s2, FRAME_X(18)(sp)
    ld s3, FRAME_X(19)(sp)
    ld s4, FRAME_X(20)(sp)
    ld s5, FRAME_X(21)(sp)
    ld s6, FRAME_X(22)(sp)
    ld s7, FRAME_X(23)(sp)
    ld s8, FRAME_X(24)(sp)
    ld s9, FRAME_X(25)(sp)
    ld s10, FRAME_X(26)(sp)
    ld s11, FRAME_X(27)(sp)
    ld t3, FRAME_X(28)(sp)
    ld t4, FRAME_X(29)(sp)
    ld t5, FRAME_X(30)(sp)
    ld t6, FRAME_X(31)(sp)
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
    sd s0, CONTEXT_S(0)(a0)
    sd s1, CONTEXT_S(1)(a0)
    sd s2, CONTEXT_S(2)(a0)
    sd s3, CONTEXT_S(3)(a0)
    sd s4, CONTEXT_S(4)(a0)
    sd s5, CONTEXT_S(5)(a0)
    sd s6, CONTEXT_S(6)(a0)
    sd s7, CONTEXT_S(7)(a0)
    sd s8, CONTEXT_S(8)(a0)
    sd s9, CONTEXT_S(9)(a0)
    sd s10, CONTEXT_S(10)(a0)
    sd s11, CONTEXT_S(11)(a0)
    ld ra, CONTEXT_PC(a1)
    ld sp, CONTEXT_SP(a1)
    ld s0, CONTEXT_S(0)(a1)
    ld s1, CONTEXT_S(1)(a1)
    ld s2, CONTEXT_S(2)(a1)
    ld s3, CONTEXT_S(3)(a1)
    ld s4, CONTEXT_S(4)(a1)
    ld s5, CONTEXT_S(5)(a1)
    ld s6, CONTEXT_S(6)(a1)
    ld s7, CONTEXT_S(7)(a1)
    ld s8, CONTEXT_S(8)(a1)
    ld s9, CONTEXT_S(9)(a1)
    ld s10, CONTEXT_S(10)(a1)
    ld s11, CONTEXT_S(11)(a1)
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
    .type probe_load, @function
    .type probe_read8, @function
    .type probe_read32, @function
    .type probe_user_load, @function
    .type probe_stimecmp, @function
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
probe_end:
probe_failed:
    li t1, SSTATUS_SUM
    csrc sstatus, t1
    li a0, 0
    ret

    .section .note.GNU-stack, "", @progbits
