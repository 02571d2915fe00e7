/*
 * Which line of which file an address of the kernel's code comes from, by the table that the image
 * carries (abi/lines.h).
 */
#ifndef KERNEL_LINETABLE_H
#define KERNEL_LINETABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In a table of `size` bytes, for an address as linked. Believes nothing of the table. No locks. */
bool linetable_find(const void *table, size_t size, uint64_t address, const char **file_out,
                    uint32_t *line_out);

#endif
