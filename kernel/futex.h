/*
 * Futexes: threads sleep on a word of guest memory until another says that it has changed. The ground
 * for WebAssembly's memory.atomic.wait and notify and for locks of native programs.
 *
 * A futex is known by the place of its word (struct space_place): the memory object and the offset in it, so
 * that all who map the object meet, wherever they did so; else the space and the address. It exists only
 * while somebody waits: a waiter is a node on its own kernel stack in a hash table. So futexes need no
 * memory, cannot run out and leave nothing behind. Who waits at a place that is then unmapped goes on
 * waiting at it: until it is woken there through another mapping, or its time is over, or it is killed.
 *
 * No wake-up is lost: the word is looked at under a lock of its place's owner, and who changes it wakes under
 * that lock afterwards. Locks: LOCK_FUTEX, above the run queues'; before it, the space's mutex for a moment if
 * the space maps objects. Thread context, interrupts on.
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

/* The same for a caller with interrupts off that cannot wait for a page or a mutex: UNSUPPORTED, with nothing
 * done, if the page must be made first or somebody changes the space. */
status_t futex_wait_quick(vaddr_t addr, uint64_t expected, unsigned size,
                          uint64_t deadline_ns) MUST_CHECK;

/* Wakes those that wait at `addr` of the space, at most `max`, longest first. Returns how many. The word
 * need not exist. Any context if the space maps no objects. */
uint32_t futex_wake(struct space *space, vaddr_t addr, uint32_t max);

/*
 * In one step, if both words have one owner: wakes one that waits at `wake_addr`, if anybody does, and waits at `addr` as above. The other
 * has this hart at once, with the rest of the slice: for pairs that work in turn, at half the price.
 * What it returns is about the wait; the wake-up is done unless it is UNSUPPORTED, and with `_quick` the
 * interrupts are off as above, and words of two owners UNSUPPORTED.
 */
status_t futex_swap(vaddr_t wake_addr, vaddr_t addr, uint64_t expected, unsigned size,
                    uint64_t deadline_ns) MUST_CHECK;
status_t futex_swap_quick(vaddr_t wake_addr, vaddr_t addr, uint64_t expected, unsigned size,
                          uint64_t deadline_ns) MUST_CHECK;

/* Wakes at most `wake_max` of those at `from` and lets at most `move_max` others wait at `to` as if they had
 * come there; in one step, so that nobody sees a waiter at neither place. Where the words have two owners, those
 * others are woken as well. Returns how many were woken or moved. */
uint32_t futex_requeue(struct space *space, vaddr_t from_addr, vaddr_t to_addr, uint32_t wake_max,
                       uint32_t move_max);

/* How many threads wait at futexes, for tests and figures. */
uint32_t futex_waiters(void);

#endif
