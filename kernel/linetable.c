/*
 * Lookup in the line table: the block by bisection, then its rows one after the other. A table that is
 * cut or wrong gives no line or a wrong one, and no access outside of it.
 */
#include "kernel/linetable.h"

#include "abi/lines.h"
#include "base/reader.h"

#include <string.h>

/* The parts of a table. */
struct table {
    const struct lines_header *header;
    const struct lines_block *blocks;
    const uint32_t *files;
    const uint8_t *rows;
    const char *text;
};

static bool open_table(struct table *t, const void *bytes, size_t size) {
    const struct lines_header *h = bytes;
    if (size < sizeof(*h) || h->magic != LINES_MAGIC || h->text_size == 0) {
        return false;
    }
    uint64_t blocks_size = (uint64_t)h->block_count * sizeof(struct lines_block);
    uint64_t files_size = (uint64_t)h->file_count * sizeof(uint32_t);
    if (sizeof(*h) + blocks_size + files_size + h->rows_size + h->text_size > size) {
        return false;
    }
    t->header = h;
    t->blocks = (const struct lines_block *)(h + 1);
    t->files = (const uint32_t *)(t->blocks + h->block_count);
    t->rows = (const uint8_t *)(t->files + h->file_count);
    t->text = (const char *)t->rows + h->rows_size;
    return t->text[h->text_size - 1] == 0;
}

/* The last block that begins at or before the address. */
static const struct lines_block *block_for(const struct table *t, uint64_t address) {
    uint32_t low = 0, high = t->header->block_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (t->blocks[middle].address <= address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low > 0 ? &t->blocks[low - 1] : NULL;
}

static struct reader rows_of(const struct table *t, const struct lines_block *block) {
    struct reader r;
    bool is_last = block + 1 == t->blocks + t->header->block_count;
    uint32_t end = is_last ? t->header->rows_size : block[1].rows;
    bool good = block->rows <= end && end <= t->header->rows_size;
    reader_init(&r, t->rows + (good ? block->rows : 0), good ? end - block->rows : 0);
    return r;
}

/* The state after the next row. */
static struct lines_block next_row(struct reader *r, struct lines_block s) {
    uint8_t op = reader_u8(r);
    if (op == LINES_FILE) {
        s.file = reader_leb_u32(r);
        op = reader_u8(r);
    }
    if (op == LINES_LONG) {
        s.address += 2 * reader_leb_u32(r);
        s.line += (uint32_t)reader_leb_s32(r);
    } else if (op >= LINES_SHORT) {
        unsigned n = (unsigned)op - LINES_SHORT;
        s.address += 2 * (1 + n / LINES_RANGE);
        s.line += n % LINES_RANGE + (uint32_t)LINES_BASE;
    }
    return s;
}

bool linetable_find(const void *table, size_t size, uint64_t address, const char **file_out,
                    uint32_t *line_out) {
    struct table t;
    const struct lines_block *block = open_table(&t, table, size) ? block_for(&t, address) : NULL;
    if (!block) {
        return false;
    }
    struct reader r = rows_of(&t, block);
    struct lines_block here = *block;
    while (reader_left(&r) > 0) {
        struct lines_block next = next_row(&r, here);
        if (next.address > address) {
            break;
        }
        here = next;
    }
    if (here.file == 0 || here.file >= t.header->file_count ||
        t.files[here.file] >= t.header->text_size) {
        return false;
    }
    *file_out = t.text + t.files[here.file];
    *line_out = here.line;
    return true;
}
