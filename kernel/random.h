/*
 * Random numbers: placement, identifiers, and what programs ask for. An entropy pool of the machine is
 * seeded by the loader, which has it from the machine's seed and the jitter of its clock, and stirred
 * by the clock's time and the moments of device interrupts; each hart has a generator of its own that
 * takes its key from the pool, and takes it again whenever something has gone in there.
 *
 * Nothing here waits: output is as good as what went in so far, and the loader's seed comes first of all.
 */
#ifndef KERNEL_RANDOM_H
#define KERNEL_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Takes the seed and wipes it. */
void random_init(uint8_t *seed, size_t size);

/* Any context. */
uint64_t random_u64(void);
void random_bytes(void *out, size_t size);

/* A tenth of the cost: for what no program can see, such as the balance of a tree. Whoever knows one
 * number may know the next ones. */
uint32_t random_weak_u32(void);

/* Into the pool, whatever it is worth: it can only help. Any context. */
void random_add(const void *bytes, size_t size);

/* An interrupt has come just now, from `source`. Interrupts off. Costs a few instructions; what has
 * gathered goes into the pool later. */
void random_stir(uint32_t source);

/* How often the pool was added to. */
uint64_t random_epoch(void);

#endif
