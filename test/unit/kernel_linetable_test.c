/*
 * The reader of line tables, on a table written by hand: every row, and the table cut and changed at every byte.
 */
#include "kernel/linetable.h"

#include "abi/lines.h"
#include "test/support/check.h"

#include <stdlib.h>
#include <string.h>

enum { SHORT_1_1 = LINES_SHORT + (1 - LINES_BASE), SHORT_3_M6 = LINES_SHORT + 2 * LINES_RANGE };

/* Two blocks: from 0x1000 in a.c, from 0x2000 in b.c, and nothing from 0x2102 on. */
static const struct {
    struct lines_header header;
    struct lines_block blocks[2];
    uint32_t files[3];
    uint8_t rows[13];
    char text[11];
} table = {
    .header = {LINES_MAGIC, 2, 3, 13, 11, 0},
    .blocks = {{0x1000, 100, 1, 0}, {0x2000, 7, 2, 7}},
    .files = {0, 1, 5},
    .rows = {SHORT_1_1, SHORT_3_M6, LINES_FILE, 2, LINES_LONG, 0x10, 0x7f, LINES_FILE, 0,
             LINES_LONG, 0x81, 0x01, 0x79},
    .text = "\0a.c\0dir/b", /* and its end */
};
static const size_t table_size = offsetof(__typeof__(table), text) + sizeof(table.text);

static void check_line(uint64_t address, const char *file, uint32_t line) {
    const char *found = "none";
    uint32_t found_line = 0;
    CHECK(linetable_find(&table, table_size, address, &found, &found_line) == (file != NULL));
    CHECK(!file || (!strcmp(found, file) && found_line == line));
}

TEST(each_row) {
    check_line(0, NULL, 0);
    check_line(0xfff, NULL, 0);
    check_line(0x1000, "a.c", 100);
    check_line(0x1001, "a.c", 100);
    check_line(0x1002, "a.c", 101);
    check_line(0x1007, "a.c", 101);
    check_line(0x1008, "a.c", 95);
    check_line(0x1027, "a.c", 95);
    check_line(0x1028, "dir/b", 94);
    check_line(0x1fff, "dir/b", 94);
    check_line(0x2000, "dir/b", 7);
    check_line(0x2101, "dir/b", 7);
    check_line(0x2102, NULL, 0);
    check_line(UINT64_MAX, NULL, 0);
}

/* Nothing but a wrong answer may come of it: the sanitizers look on. */
TEST(broken_tables) {
    const char *file;
    uint32_t line;
    for (size_t size = 0; size < table_size; size++) {
        char *cut = malloc(size ? size : 1);
        memcpy(cut, &table, size);
        CHECK(!linetable_find(cut, size, 0x1028, &file, &line));
        free(cut);
    }
    for (size_t at = 0; at < table_size; at++) {
        for (int bit = 0; bit < 8; bit++) {
            char *changed = malloc(table_size);
            memcpy(changed, &table, table_size);
            changed[at] = (char)(changed[at] ^ (1 << bit));
            for (uint64_t address = 0x0fff; address < 0x2200; address += 0x101) {
                if (linetable_find(changed, table_size, address, &file, &line)) {
                    CHECK(strlen(file) < sizeof(table.text));
                }
            }
            free(changed);
        }
    }
}

CHECK_MAIN
