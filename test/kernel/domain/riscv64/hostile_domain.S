/*
 * A domain that tries whatever it can think of: every system call, also those that are not there, with
 * random and boundary values; loads, stores and jumps anywhere; instructions that are not for it; its
 * own code; handles that it has, passed and closed while others use them. HELPERS threads more do the same
 * with the same handles and memory as the first, as long as that lives. See test/kernel/hostile_calls.c, which also has the layout of the page of counts.
 *
 * a0 is a seed, a1 a handle of the page of counts, a2 and a3 an endpoint and a notification.
 *
 *     s0 random numbers   s1 page of counts   s2 attempts left   s3 own memory
 *     s5 to s9 what must stay over a call   s10 0 in the first thread   s11 a number that must stay
 */
#define COUNT_ATTEMPTS  0
#define COUNT_UNDEFINED (8 * 41)
#define COUNT_DONE      (8 * 42)
#define COUNT_REFUSED   (8 * 43)
#define COUNT_LOAD      (8 * 44)
#define COUNT_STORE     (8 * 45)
#define COUNT_SYSTEM    (8 * 46)
#define COUNT_JUMP      (8 * 47)
#define COUNT_CODE      (8 * 48)
#define COUNT_ODD       (8 * 49)
#define COUNT_FAULT     (8 * 50)
#define WRONG           (8 * 51) /* what was found wrong, and a value that shows it */
#define HINTS           (8 * 64) /* eight addresses of the kernel */
#define RESULTS         (8 * 72) /* the last eight results */
#define CALLS           33 /* numbers 0 to 32 are calls */
#define COUNT_NOTHING   (8 * 40) /* number 0; the others are counted at 8 times the number */
#define LIFE            100000   /* attempts of the first thread */
#define OTHER_LIFE      1000     /* of one that was started by chance */
#define HELPERS         3
#define HANDLES         (8 * 80) /* eight results that may be handles */
#define MEMORY          16384    /* its own, at s3; a thread finds it below its stack pointer */
#define SOON            100000   /* nanoseconds */

    .option norvc

    /* By a subroutine that adds one to some counter, whoever jumps into it. */
    .macro count offset
    li t0, \offset
    jal t5, add_one
    .endm

    /* a0: the next random number (xorshift) */
    .macro random
    slli t0, s0, 13
    xor s0, s0, t0
    srli t0, s0, 7
    xor s0, s0, t0
    slli t0, s0, 17
    xor s0, s0, t0
    mv a0, s0
    .endm

    .section .text.start, "ax"
    .globl start
start:
    mv s0, a0
    li s11, 0
    li s10, 0
    li s2, LIFE
    mv s4, a1
    mv a0, a1
    li a1, 0
    li a2, 4096
    li a3, 3
    li a7, 14
    ecall
    mv s1, a0
    bltz a0, failed
    mv a0, s4
    li a7, 16
    ecall
    li a0, 16384
    li a1, 3
    li a7, 10
    ecall
    mv s3, a0
    bltz a0, failed
    li s4, HELPERS
1:  lla a0, helper
    li a1, MEMORY
    add a1, a1, s3
    mv a2, s1
    li a7, 6
    ecall
    addi s4, s4, -1
    bgtz s4, 1b
    j arm

helper:
    li s2, -1
    srli s2, s2, 1
    j 1f
other:
    li s2, OTHER_LIFE
1:  mv s1, a0
    rdtime t0
    slli s0, t0, 1
    addi s0, s0, 1
    li s10, 1
    li t0, MEMORY
    sub s3, sp, t0
arm:
    li s11, 0x5a5a1234
    mv a0, s3
    li a1, 1024
    li a7, 25
    ecall
rearm:
    lla a0, on_fault
    li a7, 29
    ecall
    bnez a0, failed

    .balign 2048
attempt:
    addi s2, s2, -1
    blez s2, enough
    count COUNT_ATTEMPTS
    random
    srli a0, a0, 20
    andi a0, a0, 15
    li t0, 8
    bltu a0, t0, try_call
    beq a0, t0, try_parcel
    addi t0, t0, 1
    beq a0, t0, try_handle
    addi t0, t0, 1
    beq a0, t0, try_load
    addi t0, t0, 1
    beq a0, t0, try_store
    addi t0, t0, 1
    beq a0, t0, try_system
    addi t0, t0, 1
    beq a0, t0, try_jump
    addi t0, t0, 1
    beq a0, t0, try_code
    j try_odd

on_fault:
    count COUNT_FAULT
    lla a0, on_fault
    li a7, 29
    ecall
    j attempt

    /* a0: a value to try; keeps a1 to a7 and t6 */
value:
    random
    andi t0, a0, 15
    srli a0, a0, 8
    slli t0, t0, 2
    lla t1, values
    add t0, t0, t1
    jr t0
values:
    ret
    j value_byte
    j value_power
    j value_ones
    j value_high
    j value_kernel
    j value_hint
    j value_code
    j value_memory
    j value_page
    j value_size
    j value_handle
    j value_handle
    j value_result
    j value_zero
    li a0, -1
    ret
value_byte:
    andi a0, a0, 255
    ret
value_power:
    li t0, 1
    sll a0, t0, a0
    ret
value_ones:
    li t0, 1
    sll a0, t0, a0
    addi a0, a0, -1
    ret
value_high:
    li t0, -1
    sll a0, t0, a0
    ret
value_kernel:
    li t0, 0xfff
    slli t0, t0, 52
    or a0, a0, t0
    ret
value_hint:
    andi t0, a0, 7
    slli t0, t0, 3
    add t0, t0, s1
    ld t0, HINTS(t0)
    srli a0, a0, 3
    slli a0, a0, 54
    srli a0, a0, 51
    add a0, a0, t0
    ret
value_code:
    slli a0, a0, 54
    srli a0, a0, 54
    lla t0, attempt
    add a0, a0, t0
    ret
value_memory:
    slli a0, a0, 50
    srli a0, a0, 50
    add a0, a0, s3
    ret
value_page:
    andi a0, a0, 3
    slli a0, a0, 12
    add a0, a0, s3
    ret
value_size:
    andi a0, a0, 7
    addi a0, a0, 1
    slli a0, a0, 12
    ret
value_handle:
    andi t0, a0, 31
    srli a0, a0, 5
    andi a0, a0, 3
    slli a0, a0, 12
    or a0, a0, t0
    ret
value_result:
    andi t0, a0, 7
    slli t0, t0, 3
    add t0, t0, s1
    ld a0, RESULTS(t0)
    ret
value_zero:
    li a0, 0
    ret

try_load:
    count COUNT_LOAD
    call value
    ld t0, 0(a0)
    j attempt

try_store:
    count COUNT_STORE
    call value
    beq a0, s1, attempt
    sd s0, 0(a0)
    j attempt

try_jump:
    count COUNT_JUMP
    call value
    jalr a0
    j attempt

    /* Its own code, and code in memory of its own. */
try_code:
    count COUNT_CODE
    random
    andi t0, a0, 1
    lla t1, attempt
    beqz t0, 1f
    li t2, 0x00008067
    sw t2, 0(s3)
    fence.i
    jalr s3
    j attempt
1:  sw zero, 0(t1)
    j attempt

try_odd:
    count COUNT_ODD
    call value
    ori a0, a0, 1
    andi t0, s0, 3
    beqz t0, 1f
    addi t0, t0, -1
    beqz t0, 2f
    addi t0, t0, -1
    beqz t0, 3f
    amoadd.d zero, s0, (a0)
    j attempt
1:  ld t0, 2(a0)
    j attempt
2:  lr.w t0, (a0)
    sc.w t0, zero, (a0)
    j attempt
3:  jalr 1(a0)
    j attempt

try_system:
    count COUNT_SYSTEM
    random
    srli t0, a0, 30
    lla t1, system_end
    lla t2, system
    sub t1, t1, t2
    srli t1, t1, 3
    remu t0, t0, t1
    slli t0, t0, 3
    lla t1, system
    add t0, t0, t1
    srli a0, a0, 3
    jalr t0
    j attempt

    .macro one insn:vararg
    \insn
    ret
    .endm
    .macro csr number
    one csrr t0, \number
    one csrw \number, a0
    one csrs \number, a0
    .endm
system:
    csr 0x100 /* sstatus */
    csr 0x104 /* sie */
    csr 0x105 /* stvec */
    csr 0x106 /* scounteren */
    csr 0x10a /* senvcfg */
    csr 0x140 /* sscratch */
    csr 0x141 /* sepc */
    csr 0x142 /* scause */
    csr 0x143 /* stval */
    csr 0x144 /* sip */
    csr 0x14d /* stimecmp */
    csr 0x150 /* siselect */
    csr 0x15c /* stopei */
    csr 0x180 /* satp */
    csr 0x200 /* vsstatus */
    csr 0x280 /* vsatp */
    csr 0x300 /* mstatus */
    csr 0x302 /* medeleg */
    csr 0x304 /* mie */
    csr 0x305 /* mtvec */
    csr 0x341 /* mepc */
    csr 0x3a0 /* pmpcfg0 */
    csr 0x3b0 /* pmpaddr0 */
    csr 0x600 /* hstatus */
    csr 0x680 /* hgatp */
    csr 0x7a0 /* tselect */
    csr 0x7b0 /* dcsr */
    csr 0xb00 /* mcycle */
    csr 0xc00 /* cycle */
    csr 0xc01 /* time */
    csr 0xc02 /* instret */
    csr 0xc03 /* hpmcounter3 */
    csr 0xf14 /* mhartid */
    csr 0x001 /* fflags */
    csr 0x003 /* fcsr */
    csr 0x008 /* vstart */
    csr 0xc20 /* vl */
    csr 0x5c0 /* a custom one */
    one sret
    one mret
    one .word 0x7b200073 /* dret */
    one wfi
    one sfence.vma
    one sfence.vma a0, zero
    one .word 0x16000073 /* sinval.vma */
    one .word 0x18000073 /* sfence.w.inval */
    one .word 0x22000073 /* hfence.vvma */
    one .word 0x62000073 /* hfence.gvma */
    one .word 0x600542f3 /* hlv.b t0, (a0) */
    one ebreak
    one fence.i
    one .word 0x0045200f /* cbo.zero (a0) */
    one .word 0x0005200f /* cbo.inval (a0) */
    one .word 0
    one .word 0xffffffff
    one .word 0xd2250553 /* fcvt.d.l fa0, a0 */
    one .word 0x0d8572d7 /* vsetvli t0, a0, e64 */
system_end:

    /* A call: its number, seven arguments, and what it gave. */
try_call:
    call value
    mv a1, a0
    call value
    mv a2, a0
    call value
    mv a3, a0
    call value
    mv a4, a0
    call value
    mv a5, a0
    call value
    mv a6, a0
    random
    srli t0, a0, 16
    li a7, CALLS
    remu a7, t0, a7
    andi t0, a0, 0x700
    bnez t0, 1f
    call value
    mv a7, a0
1:  call value
    li t0, 1 /* exit, seldom */
    beq a7, t0, seldom
    li t0, 7 /* thread_exit */
    beq a7, t0, seldom
    li t0, 29 /* fault_handler */
    beq a7, t0, seldom
    li t0, 6
    beq a7, t0, start_thread
chosen:
    /* Most of those that may sleep have a deadline that has passed. */
    slli t0, s0, 40
    srli t0, t0, 56
    beqz t0, ready
    li t1, 1
    li t0, 4
    bne a7, t0, 1f
    mv a0, t1
1:  li t0, 8
    bne a7, t0, 1f
    mv a2, t1
1:  li t0, 28
    bne a7, t0, 1f
    mv a1, t1
1:  li t0, 32
    bne a7, t0, 1f
    mv a3, t1
1:  addi t0, a7, -19
    li t2, 4
    bgeu t0, t2, ready
    mv a6, t1
ready:
    mv t6, a7
    li t0, CALLS
    bltu t6, t0, 1f
    li t6, COUNT_UNDEFINED / 8
1:  slli t0, t6, 3
    bgtz t6, 1f
    li t0, COUNT_NOTHING
1:  jal t5, add_one
    mv s5, sp
    mv s6, gp
    mv s7, s0
    not s8, s0
    ecall
    /* Unless a wild jump came here: nothing of the kernel's may show, and what it promised to keep is. */
    not s9, s8
    li s8, 0
    bne s9, s7, attempt
    or t0, t0, t1
    or t0, t0, t2
    or t0, t0, t3
    or t0, t0, t4
    or t0, t0, t5
    or t0, t0, t6
    li t1, 1
    bnez t0, wrong
    li t1, 2
    mv t0, sp
    bne s5, sp, wrong
    li t1, 3
    mv t0, gp
    bne s6, gp, wrong
    li t1, 4
    mv t0, s11
    li t2, 0x5a5a1234
    bne s11, t2, wrong
    andi t0, s0, 7
    slli t0, t0, 3
    add t0, t0, s1
    sd a0, RESULTS(t0)
    bltz a0, 1f
    srli t1, a0, 12
    beqz t1, 2f
    srli t1, a0, 32
    bnez t1, 2f
    sd a0, HANDLES(t0)
2:  count COUNT_DONE
    j attempt
1:  count COUNT_REFUSED
    j attempt

seldom:
    slli t0, s0, 20
    srli t0, t0, 54
    bnez t0, attempt
    j ready

start_thread:
    slli t0, s0, 20
    srli t0, t0, 55
    beqz t0, ready
    lla a0, other
    li a1, MEMORY
    add a1, a1, s3
    mv a2, s1
    j ready

    /* \to: one of the results that may be handles, by the bits of a0 from \bit on */
    .macro some_handle to, bit
    srli \to, a0, \bit
    andi \to, \to, 7
    slli \to, \to, 3
    add \to, \to, s1
    ld \to, HANDLES(\to)
    .endm

    /* a6: soon */
    .macro deadline
    li a7, 3
    ecall
    li t0, SOON
    add a6, a0, t0
    .endm

    /* A message with a handle just made, and maybe one that others know, to whoever takes it. */
try_parcel:
    deadline
    random
    some_handle a0, 30
    li a1, 127
    li a2, 0
    li a7, 15
    ecall
    blez a0, attempt
    mv t2, a0
    random
    srli t0, a0, 12
    andi t0, t0, 7
    slli t0, t0, 6
    add a5, s3, t0
    sd s3, 0(a5)
    sw t2, 8(a5)
    some_handle t2, 16
    sw t2, 12(a5)
    srli a1, a0, 20
    andi a1, a1, 0x7f
    slli a1, a1, 8
    srli t0, a0, 28
    andi t0, t0, 1
    addi t0, t0, 1
    add a1, a1, t0
    slli a1, a1, 32
    srli t0, a0, 32
    andi t0, t0, 7
    lla t1, sending
    add t0, t0, t1
    lbu a7, 0(t0)
    some_handle a0, 40
    j ready
sending:
    .byte 19, 19, 19, 19, 21, 22, 22, 24

    /* What is done with a handle, to one that others have, or to the next of its place or the one after that. */
try_handle:
    deadline
    random
    srli t0, a0, 32
    andi t0, t0, 15
    lla t1, handling
    add t0, t0, t1
    lbu a7, 0(t0)
    srli t1, a0, 36
    andi t1, t1, 3
    addi t1, t1, -1
    bgez t1, 1f
    li t1, 0
1:  slli t1, t1, 12
    some_handle t2, 40
    add a0, t1, t2
    slli a0, a0, 32
    srli a0, a0, 32
    li a1, 127
    li a2, 0
    li a3, 1
    li t0, 14
    bne a7, t0, ready
    li a1, 0
    li a2, 4096
    j ready
handling:
    .byte 14, 15, 15, 16, 16, 16, 17, 18, 19, 20, 20, 20, 22, 23, 23, 24

enough:
    li a7, 7
    bnez s10, 1f
    li a7, 1
1:  li a0, 0
    ecall

    /* Away from what a jump of its own may reach. */
    .org 0x2800
wrong:
    sd t1, WRONG(s1)
    sd t0, WRONG + 8(s1)
failed:
    li a0, 2
    li a7, 1
    ecall

    /* t0: offset of the counter; returns to t5. */
add_one:
    andi t0, t0, 0x1f8
    add t0, t0, s1
    li t1, 1
    amoadd.d zero, t1, (t0)
    jr t5
