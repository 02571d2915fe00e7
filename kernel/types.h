/*
 * Scalars with a meaning, shared by the whole kernel.
 */
#ifndef KERNEL_TYPES_H
#define KERNEL_TYPES_H

#include <stdint.h>

typedef uint64_t paddr_t;          /* physical address */
typedef uint16_t quota_id_t;       /* kernel/mm/quota.h */
typedef unsigned long irq_state_t; /* whether interrupts were on, for arch_irq_restore() */
typedef uint64_t vaddr_t; /* virtual address of any address space; the kernel's own are pointers */

#endif
