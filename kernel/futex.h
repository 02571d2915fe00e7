/*
 * Futexes: threads sleep on a word of guest memory until another says that it has changed. The ground
 * for WebAssembly's memory.atomic.wait and notify and for locks of native programs.
 *
 * A futex is known by the space and the address of its word, and exists only while somebody waits: a
 * waiter is a node on its own kernel stack in a hash table. So futexes need no memory, cannot
 * run out and leave nothing behind.
 *
 * No wake-up is lost: the word is looked at under a lock of its space, and who changes it wakes under that
 * lock afterwards. Locks: LOCK_FUTEX, above the run queues'. Thread context.
 */
#ifndef KERNEL_FUTEX_H
#define KERNEL_FUTEX_H

#include "base/status.h"
#include "kernel/types.h"

#include <stdint.h>

struct space;

void futex_init(void);

/*
 * The calling thread sleeps until it is woken if the word of `size` bytes (4 or 8) at `addr` in its space
 * is `expected`.
 *
 *     OK           woken
 *     WOULD_BLOCK  the word is something else
 *     TIMED_OUT    time_now_ns() reached the deadline (WAIT_FOREVER: never)
 *     KILLED       the thread is to end
 *     FAULT, NO_MEMORY, BAD_ARGUMENT   no such word, no page for it, not aligned to its size
 */
status_t futex_wait(vaddr_t addr, uint64_t expected, unsigned size,
                    uint64_t deadline_ns) MUST_CHECK;

/* The same for a caller with interrupts off that cannot wait for a page: UNSUPPORTED, with nothing done,
 * if it must be made first. */
status_t futex_wait_quick(vaddr_t addr, uint64_t expected, unsigned size,
                          uint64_t deadline_ns) MUST_CHECK;

/* Wakes those that wait at `addr` in the space, at most `max`, longest first. Returns how many. The word
 * need not exist. Any context. */
uint32_t futex_wake(const struct space *space, vaddr_t addr, uint32_t max);

/*
 * In one step: wakes one that waits at `wake_addr`, if anybody does, and waits at `addr` as above. The other
 * has this hart at once, with the rest of the slice: for pairs that work in turn, at half the price.
 * What it returns is about the wait; the wake-up is done unless it is UNSUPPORTED, and with `_quick` the
 * interrupts are off as above.
 */
status_t futex_swap(vaddr_t wake_addr, vaddr_t addr, uint64_t expected, unsigned size,
                    uint64_t deadline_ns) MUST_CHECK;
status_t futex_swap_quick(vaddr_t wake_addr, vaddr_t addr, uint64_t expected, unsigned size,
                          uint64_t deadline_ns) MUST_CHECK;

/* Wakes at most `wake_max` of those at `from` and lets at most `move_max` others wait at `to` as if they had
 * come there; in one step, so that nobody sees a waiter at neither place. Returns how many were woken
 * or moved. */
uint32_t futex_requeue(const struct space *space, vaddr_t from, vaddr_t to, uint32_t wake_max,
                       uint32_t move_max);

/* How many threads wait at futexes, for tests and figures. */
uint32_t futex_waiters(void);

#endif
