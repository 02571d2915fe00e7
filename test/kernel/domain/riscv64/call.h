/*
 * System calls from C, for native domains.
 */
#ifndef TEST_KERNEL_DOMAIN_RISCV64_CALL_H
#define TEST_KERNEL_DOMAIN_RISCV64_CALL_H

#include "abi/syscall.h"

#include <stddef.h>
#include <stdint.h>

struct message {
    uint64_t info, words[SYSCALL_WORDS], badge;
};

/* A call with at most three arguments and one result. */
static inline int64_t call3(enum syscall_number number, uint64_t arg0, uint64_t arg1,
                            uint64_t arg2) {
    register uint64_t a0 __asm__("a0") = arg0;
    register uint64_t a1 __asm__("a1") = arg1;
    register uint64_t a2 __asm__("a2") = arg2;
    register uint64_t a7 __asm__("a7") = number;
    __asm__ volatile("ecall"
                     : "+r"(a0), "+r"(a1), "+r"(a2), "+r"(a7)::"a3", "a4", "a5", "a6", "t0", "t1",
                       "t2", "t3", "t4", "t5", "t6", "memory");
    return (int64_t)a0;
}

/* The same with four. */
static inline int64_t call4(enum syscall_number number, uint64_t arg0, uint64_t arg1, uint64_t arg2,
                            uint64_t arg3) {
    register uint64_t a0 __asm__("a0") = arg0;
    register uint64_t a1 __asm__("a1") = arg1;
    register uint64_t a2 __asm__("a2") = arg2;
    register uint64_t a3 __asm__("a3") = arg3;
    register uint64_t a7 __asm__("a7") = number;
    __asm__ volatile("ecall"
                     : "+r"(a0), "+r"(a1), "+r"(a2), "+r"(a3), "+r"(a7)::"a4", "a5", "a6", "t0",
                       "t1", "t2", "t3", "t4", "t5", "t6", "memory");
    return (int64_t)a0;
}

/* Waits for bits, which are returned in *bits. */
static inline int64_t call_wait(uint64_t handle, uint64_t deadline, uint64_t *bits) {
    register uint64_t a0 __asm__("a0") = handle;
    register uint64_t a1 __asm__("a1") = deadline;
    register uint64_t a7 __asm__("a7") = SYSCALL_notification_wait;
    __asm__ volatile("ecall"
                     : "+r"(a0), "+r"(a1), "+r"(a7)::"a2", "a3", "a4", "a5", "a6", "t0", "t1", "t2",
                       "t3", "t4", "t5", "t6", "memory");
    *bits = a1;
    return (int64_t)a0;
}

/* A call that sends or receives *m, or both. */
static inline int64_t call_message(enum syscall_number number, uint64_t handle, struct message *m,
                                   uint64_t deadline) {
    register uint64_t a0 __asm__("a0") = handle;
    register uint64_t a1 __asm__("a1") = m->info;
    register uint64_t a2 __asm__("a2") = m->words[0];
    register uint64_t a3 __asm__("a3") = m->words[1];
    register uint64_t a4 __asm__("a4") = m->words[2];
    register uint64_t a5 __asm__("a5") = m->words[3];
    register uint64_t a6 __asm__("a6") = deadline;
    register uint64_t a7 __asm__("a7") = number;
    __asm__ volatile("ecall"
                     : "+r"(a0), "+r"(a1), "+r"(a2), "+r"(a3), "+r"(a4), "+r"(a5), "+r"(a6),
                       "+r"(a7)::"t0", "t1", "t2", "t3", "t4", "t5", "t6", "memory");
    m->info = a1;
    m->words[0] = a2;
    m->words[1] = a3;
    m->words[2] = a4;
    m->words[3] = a5;
    m->badge = a6;
    return (int64_t)a0;
}

/* Reads a byte at addr, writes eight there, jumps there, runs an illegal instruction or a breakpoint, by `kind` 0 to
 * 4, with a handler. Returns the fault, 0 if there was none, or a negative error of fault_handler. */
static inline int64_t call_try(uint64_t kind, uint64_t addr) {
    register uint64_t a0 __asm__("a0");
    register uint64_t a3 __asm__("a3") = kind;
    __asm__ volatile("lla a0, 9f\n\t"
                     "li a7, %[handler]\n\t"
                     "ecall\n\t"
                     "bltz a0, 9f\n\t"
                     "li a0, 0\n\t"
                     "mv a1, %[addr]\n\t"
                     "beqz a3, 1f\n\t"
                     "addi a3, a3, -1\n\t"
                     "beqz a3, 2f\n\t"
                     "addi a3, a3, -1\n\t"
                     "beqz a3, 3f\n\t"
                     "addi a3, a3, -1\n\t"
                     "beqz a3, 4f\n\t"
                     "ebreak\n\t"
                     "j 9f\n"
                     "1: lb zero, 0(a1)\n\t"
                     "j 9f\n"
                     "2: sd zero, 0(a1)\n\t"
                     "j 9f\n"
                     "3: jr a1\n"
                     "4: unimp\n"
                     "9:"
                     : "=&r"(a0), "+r"(a3)
                     : [handler] "i"(SYSCALL_fault_handler), [addr] "r"(addr)
                     : "a1", "a2", "a4", "a5", "a6", "a7", "t0", "t1", "t2", "t3", "t4", "t5", "t6",
                       "memory");
    return (int64_t)a0;
}

static inline int64_t call_read(uint64_t addr) {
    return call_try(0, addr);
}

/* Where nothing is mapped. */
static inline int64_t call_fault(uint64_t kind) {
    return call_try(kind, 8);
}

#endif
