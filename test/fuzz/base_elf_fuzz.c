/*
 * ELF files of arbitrary bytes: whatever elf_open() accepts can be loaded without looking again.
 */
#include "base/elf.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static uint64_t sum(const void *bytes, uint64_t size) {
    uint64_t total = 0;
    for (uint64_t i = 0; i < size; i++) {
        total += ((const uint8_t *)bytes)[i];
    }
    return total;
}

static volatile uint64_t result;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    uint8_t *copy = aligned_alloc(8, (size + 15) & ~(size_t)7);
    memcpy(copy, bytes, size);
    struct elf elf;
    struct elf_relocs relocs;
    if (elf_open(&elf, copy, size) == STATUS_OK && elf_relocs(&elf, &relocs) == STATUS_OK) {
        for (uint32_t i = 0; i < elf.phdrs_len; i++) {
            const struct elf64_phdr *p = &elf.phdrs[i];
            if (p->type == ELF_PT_LOAD) {
                result = sum(elf.bytes + p->offset, p->filesz);
            }
        }
        size_t rela_size = relocs.rela_len * sizeof(struct elf64_rela);
        result = rela_size ? sum(elf_at(&elf, relocs.rela, rela_size), rela_size) : 0;
        const char *name;
        uint64_t offset;
        if (elf_symbol_at(elf.symbols, elf.symbols_len, elf.names, elf.names_size, 0x1000, &name,
                          &offset)) {
            result = strlen(name);
        }
        const struct elf64_shdr *section = elf_section(&elf, ".loader_config");
        const void *content = section ? elf_section_bytes(&elf, section) : NULL;
        result = content ? sum(content, section->size) : 0;
    }
    free(copy);
    return 0;
}
