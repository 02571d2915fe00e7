/*
 * The line table that a payload carries for its own backtraces: which line of which source file each
 * address of its code comes from. tools/lines.c makes it from DWARF after a first link, a second link
 * puts it into the image, kernel/linetable.c reads it.
 *
 *     | header | blocks | files | rows ... | text ... |
 *
 * A block is the state before a run of rows: an address as linked, a file, a line. Rows change it:
 *
 *     LINES_FILE leb          the file, an index; no new address
 *     LINES_LONG leb sleb     2 * leb bytes on, sleb lines on
 *     else                    op - LINES_SHORT: 2 * (1 + n / LINES_RANGE) bytes on, n % LINES_RANGE + LINES_BASE lines
 *
 * A line holds from its address to the next one's. File 0 is none: no line is known there.
 */
#ifndef ABI_LINES_H
#define ABI_LINES_H

#include <stdint.h>

#define LINES_MAGIC 0x6e6c324bu

enum {
    LINES_BLOCK_ROWS = 64, /* at most, in a block */
    LINES_FILE = 0,
    LINES_LONG = 1,
    LINES_SHORT = 2,
    LINES_BASE = -6,
    LINES_RANGE = 20,
    LINES_UNITS = 12, /* the largest step of a short row */
};

struct lines_header {
    uint32_t magic;
    uint32_t block_count;
    uint32_t file_count; /* each a uint32_t, an offset in the text */
    uint32_t rows_size;
    uint32_t text_size; /* names, each ended by a zero byte */
    uint32_t zero;
};

struct lines_block {
    uint32_t address, line, file;
    uint32_t rows; /* offset of its first row */
};

#endif
