/*
 * Symbol lookup. The tables hold link-time addresses; the kernel was linked at 0 and runs wherever
 * the loader put it. The linker puts the line table between linetable_start and linetable_end.
 */
#include "kernel/symbols.h"

#include "abi/boot.h"
#include "base/elf.h"
#include "kernel/linetable.h"

#include <stddef.h>

static const struct elf64_sym *symbols;
static size_t symbols_len;
static const char *names;
static size_t names_size;
static uint64_t image_start, image_size;

extern const char linetable_start[], linetable_end[];

void symbols_init(const struct boot_info *info) {
    image_start = info->payload_virt;
    image_size = info->payload_size;
    if (info->symbols && info->strings) {
        symbols = (const struct elf64_sym *)info->symbols;
        symbols_len = info->symbol_count;
        names = (const char *)info->strings;
        names_size = info->strings_size;
    }
}

bool symbols_find(uint64_t pc, const char **name_out, uint64_t *offset_out) {
    if (!symbols || pc - image_start >= image_size) {
        return false;
    }
    return elf_symbol_at(symbols, symbols_len, names, names_size, pc - image_start, name_out,
                         offset_out) != NULL;
}

bool symbols_find_line(uint64_t pc, const char **file_out, uint32_t *line_out) {
    return pc - image_start < image_size &&
           linetable_find(linetable_start, (size_t)(linetable_end - linetable_start),
                          pc - image_start, file_out, line_out);
}
