/*
 * Calls of the supervisor binary interface (SBI 1.0) that the kernel makes. Private to this folder.
 */
#ifndef KERNEL_RISCV64_SBI_H
#define KERNEL_RISCV64_SBI_H

#include <stdbool.h>
#include <stdint.h>

void sbi_set_timer(uint64_t ticks);

/* Mask bits count from hartid `base`. Errors have no remedy and are ignored. */
void sbi_send_ipi(uint64_t mask, uint64_t base);
void sbi_fence_i(uint64_t mask, uint64_t base);

void sbi_sfence_vma(uint64_t mask, uint64_t base, uint64_t start, uint64_t size, uint64_t asid);

/* Both return only if the firmware cannot. */
void sbi_shutdown(bool failure);
void sbi_reboot(void);

#endif
