/*
 * Kernel stacks: THREAD_STACK_PAGES of memory each, in the kernel's window, with unmapped pages
 * around every one. A few that are no longer needed are kept mapped for the next thread.
 */
#ifndef KERNEL_MM_STACK_H
#define KERNEL_MM_STACK_H

#include "base/status.h"
#include "kernel/types.h"

struct quota;

/* Grows with every change of the mappings; a hart that has not seen the last one must forget its
 * translations before it uses a stack. */
extern uint32_t stack_epoch __attribute__((visibility("hidden")));

/* Once, after arch_paging_init(). */
void stack_init(void);

/* Charged to the quota until it is freed. NO_MEMORY; LIMIT when THREAD_MAX stacks are in use. */
status_t stack_alloc(struct quota *quota, vaddr_t *low_out, vaddr_t *high_out) MUST_CHECK;
void stack_free(vaddr_t low);

/* Frees the stacks kept for reuse. Returns how many frames came back, page tables excluded. */
unsigned stack_trim(void);

/* Stacks in use, for tests that account for all. */
uint32_t stack_count(void);

#endif
