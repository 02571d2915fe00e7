/*
 * Names for kernel addresses, from the symbol table that the loader passes on, and their places in the
 * source, from the line table in the image.
 */
#ifndef KERNEL_SYMBOLS_H
#define KERNEL_SYMBOLS_H

#include <stdbool.h>
#include <stdint.h>

struct boot_info;

void symbols_init(const struct boot_info *info);

/* The function that holds pc: its name and the offset in it. False if unknown. */
bool symbols_find(uint64_t pc, const char **name_out, uint64_t *offset_out);

/* The file and the line that pc was compiled from. False if unknown. */
bool symbols_find_line(uint64_t pc, const char **file_out, uint32_t *line_out);

#endif
