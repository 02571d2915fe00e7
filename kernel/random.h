/*
 * Random numbers for placement and identifiers, from the boot seed. Not for keys that must outlive
 * a boot.
 */
#ifndef KERNEL_RANDOM_H
#define KERNEL_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Takes the seed and wipes it. */
void random_init(uint8_t *seed, size_t size);

uint64_t random_u64(void);
void random_bytes(void *out, size_t size);

#endif
