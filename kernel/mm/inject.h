/*
 * Failure on order: the n-th allocation from now on says that there is no memory. It counts frames (a call
 * is one, however many it asks for), heap objects and kernel stacks, of all threads. Tests walk n from 1 up
 * until nothing fails any more, and look whether everything came back.
 *
 * Off, it costs a load and a branch an allocation.
 */
#ifndef KERNEL_MM_INJECT_H
#define KERNEL_MM_INJECT_H

#include <stdbool.h>
#include <stdint.h>

extern uint64_t inject_left; /* allocations up to the one that fails, itself within; 0: off */

/* The n-th from now on fails, and it alone. 0: none does. Returns whether the one ordered before has
 * not failed yet. */
bool inject_after(uint64_t n);

/* For allocators: the order has come. */
bool inject_hit(void);

static inline bool inject_fails(void) {
    return __builtin_expect(__atomic_load_n(&inject_left, __ATOMIC_RELAXED) != 0, 0) &&
           inject_hit();
}

#endif
