/*
 * All vector registers and their four CSRs, from C and in native domains.
 */
#ifndef TEST_KERNEL_DOMAIN_RISCV64_VECTOR_H
#define TEST_KERNEL_DOMAIN_RISCV64_VECTOR_H

#include <stdint.h>

enum { VECTOR_REGISTERS = 32, VECTOR_MAX_BYTES = 128 /* of a register: 1024 bits */ };

struct vectors {
    uint64_t vl, vtype, vstart, vcsr;
    uint64_t v[VECTOR_REGISTERS * VECTOR_MAX_BYTES / 8];
};

/* vtype: its fields, and the bit that says that it is none. */
#define VECTOR_TYPE(sew_log2, lmul, ta, ma)                                                        \
    ((uint64_t)(ma) << 7 | (uint64_t)(ta) << 6 | ((uint64_t)(sew_log2) - 3) << 3 | (lmul))
#define VECTOR_ILLEGAL_TYPE (UINT64_C(1) << 63)

static inline uint64_t vector_register_bytes(void) {
    uint64_t bytes;
    __asm__ volatile("csrr %0, 0xc22" : "=r"(bytes)); /* vlenb */
    return bytes;
}

static inline void vector_write(const struct vectors *from) {
    uint64_t at = (uint64_t)from->v, eight;
    __asm__ volatile(".option push\n\t"
                     ".option arch, +v\n\t"
                     "csrw vstart, zero\n\t"
                     "csrr %1, vlenb\n\t"
                     "slli %1, %1, 3\n\t"
                     "vl8re8.v v0, (%0)\n\t"
                     "add %0, %0, %1\n\t"
                     "vl8re8.v v8, (%0)\n\t"
                     "add %0, %0, %1\n\t"
                     "vl8re8.v v16, (%0)\n\t"
                     "add %0, %0, %1\n\t"
                     "vl8re8.v v24, (%0)\n\t"
                     "vsetvl zero, %2, %3\n\t"
                     "csrw vcsr, %4\n\t"
                     "csrw vstart, %5\n\t"
                     ".option pop"
                     : "+&r"(at), "=&r"(eight)
                     : "r"(from->vl), "r"(from->vtype), "r"(from->vcsr), "r"(from->vstart)
                     : "memory");
}

/* They are afterwards what they were. */
static inline void vector_read(struct vectors *to) {
    uint64_t at = (uint64_t)to->v, eight, vl, vtype, vcsr, vstart;
    __asm__ volatile(".option push\n\t"
                     ".option arch, +v\n\t"
                     "csrr %2, vl\n\t"
                     "csrr %3, vtype\n\t"
                     "csrr %4, vcsr\n\t"
                     "csrr %5, vstart\n\t"
                     "csrr %1, vlenb\n\t"
                     "slli %1, %1, 3\n\t"
                     "csrw vstart, zero\n\t"
                     "vs8r.v v0, (%0)\n\t"
                     "add %0, %0, %1\n\t"
                     "vs8r.v v8, (%0)\n\t"
                     "add %0, %0, %1\n\t"
                     "vs8r.v v16, (%0)\n\t"
                     "add %0, %0, %1\n\t"
                     "vs8r.v v24, (%0)\n\t"
                     "csrw vstart, %5\n\t"
                     ".option pop"
                     : "+&r"(at), "=&r"(eight), "=&r"(vl), "=&r"(vtype), "=&r"(vcsr), "=&r"(vstart)
                     :
                     : "memory");
    to->vl = vl;
    to->vtype = vtype;
    to->vcsr = vcsr;
    to->vstart = vstart;
}

#endif
