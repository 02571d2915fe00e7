/*
 * The domain whose calls test/kernel/ipc_cost.c counts. a0 says which: 0 serves the endpoint a1 for ever;
 * otherwise a0 >> 8 rounds of
 *
 *     1  an empty call of the endpoint a1
 *     2  the system call that does nothing
 *     3  a signal of the notification a1, and a wait for it
 *     4  a thread started, and waited for until it says that it ends
 *     5  64 KiB mapped and unmapped
 *     7  a switch between two threads that swap at two futexes; both ways, so that rounds are even
 *
 * and 6 runs for ever.
 */
    .section .text.start, "ax"
    .globl start
start:
    andi t0, a0, 0xff
    srli s0, a0, 8
    mv s1, a1
    beqz t0, serve
    addi t0, t0, -1
    beqz t0, call_endpoint
    addi t0, t0, -1
    beqz t0, do_nothing
    addi t0, t0, -1
    beqz t0, signal
    addi t0, t0, -1
    beqz t0, start_thread
    addi t0, t0, -1
    beqz t0, map
    addi t0, t0, -1
    bnez t0, take_turns
    j .

serve:
    mv a0, s1
    li a1, 0
    li a2, 0
    li a3, 0
    li a4, 0
    li a5, 0
    li a6, -1
    li a7, 20
    ecall
    bnez a0, done
answer:
    mv a0, s1
    li a6, -1
    li a7, 22
    ecall
    beqz a0, answer
    j done

call_endpoint:
    mv a0, s1
    li a1, 0
    li a6, -1
    li a7, 19
    ecall
    bnez a0, done
    addi s0, s0, -1
    bnez s0, call_endpoint
    j done

do_nothing:
    li a7, 0
    ecall
    addi s0, s0, -1
    bnez s0, do_nothing
    li a0, 0
    j done

signal:
    mv a0, s1
    li a1, 1
    li a7, 27
    ecall
    mv a0, s1
    li a1, -1
    li a7, 28
    ecall
    bnez a0, done
    addi s0, s0, -1
    bnez s0, signal
    j done

/* The thread has the lower half of this one's stack. */
start_thread:
    addi sp, sp, -16
start_another:
    sw zero, 0(sp)
    lla a0, thread
    li a1, -2048
    add a1, a1, sp
    mv a2, sp
    li a7, 6
    ecall
    bnez a0, done
wait_for_thread:
    mv a0, sp
    li a1, 0
    li a2, -1
    li a7, 8
    ecall
    lw t0, 0(sp)
    beqz t0, wait_for_thread
    addi s0, s0, -1
    bnez s0, start_another
    li a0, 0
    j done

thread:
    li t0, 1
    sw t0, 0(a0)
    li a1, 1
    li a7, 9
    ecall
    li a7, 7
    ecall

map:
    li a0, 0x10000
    li a1, 3
    li a7, 10
    ecall
    blez a0, done
    li a1, 0x10000
    li a7, 11
    ecall
    bnez a0, done
    addi s0, s0, -1
    bnez s0, map
    li a0, 0
    j done

    /* s0 switches left, s1 the word that is 1 when it is this thread's turn, s2 the other's. */
take_turns:
    addi sp, sp, -16
    sd zero, 0(sp)
    lla a0, other
    mv a1, sp
    mv a2, sp
    li a7, 6
    ecall
    bnez a0, done
    mv s1, sp
    addi s2, sp, 4
    li s3, 1
turn:
    sw s3, 0(s2)
swap:
    mv a0, s2
    mv a1, s1
    li a2, 0
    li a3, -1
    li a7, 32
    ecall
    bnez a0, not_swapped
swapped:
    lw t0, 0(s1)
    beqz t0, swap
    sw zero, 0(s1)
    addi s0, s0, -2
    bnez s0, turn
    li a0, 0
    j done
not_swapped:
    addi a0, a0, 10
    beqz a0, swapped
    j done

    /* Never comes to its last turn: the first thread ends the domain. */
other:
    mv s2, a0
    addi s1, a0, 4
    li s3, 1
    li s0, 0
    j swapped

done:
    li a7, 1
    ecall
