/*
 * base/elf: a payload laid out by hand, opened; then one change each that must be refused, every
 * truncation and every changed byte.
 */
#include "base/elf.h"
#include "test/support/check.h"

#include <stddef.h>

static const char names[] = "\0first\0second";
static const char section_names[] = "\0.symtab\0.strtab\0.loader_config";

struct file {
    struct elf64_ehdr header;
    struct elf64_phdr phdrs[6];
    struct elf64_shdr shdrs[5];
    char names[16], section_names[32];
    _Alignas(4096) uint32_t text[16];
    _Alignas(4096) struct elf64_dyn dynamic[6];
    struct elf64_rela rela[2];
    uint64_t relr[2];
    struct elf64_sym symbols[4];
};

#define OFFSET(member) offsetof(struct file, member)

static struct elf64_phdr segment(uint32_t type, uint32_t flags, uint64_t offset, uint64_t size,
                                 uint64_t extra) {
    return (struct elf64_phdr){type,   flags, offset,       offset,
                               offset, size,  size + extra, type == ELF_PT_LOAD ? 4096 : 8};
}

static void build(struct file *f) {
    *f = (struct file){
        .header = {{0x7f, 'E', 'L', 'F', 2, 1, 1},
                   ELF_TYPE_DYN,
                   ELF_MACHINE_RISCV,
                   1,
                   0,
                   OFFSET(phdrs),
                   OFFSET(shdrs),
                   0,
                   64,
                   56,
                   6,
                   64,
                   5,
                   4},
        .phdrs = {segment(ELF_PT_LOAD, ELF_PF_R, 0, OFFSET(text), 0),
                  segment(ELF_PT_LOAD, ELF_PF_R | ELF_PF_X, OFFSET(text), sizeof(f->text), 0),
                  segment(ELF_PT_LOAD, ELF_PF_R | ELF_PF_W, OFFSET(dynamic), 4096, 4096),
                  segment(ELF_PT_DYNAMIC, ELF_PF_R, OFFSET(dynamic), sizeof(f->dynamic), 0),
                  segment(ELF_PT_GNU_RELRO, ELF_PF_R, OFFSET(dynamic), 4096, 0),
                  segment(ELF_PT_TLS, ELF_PF_R, OFFSET(rela), 16, 64)},
        .shdrs = {{0},
                  {1, ELF_SHT_SYMTAB, 0, 0, OFFSET(symbols), sizeof(f->symbols), 2, 0, 8, 24},
                  {9, ELF_SHT_STRTAB, 0, 0, OFFSET(names), sizeof(names), 0, 0, 1, 0},
                  {17, ELF_SHT_PROGBITS, 0, OFFSET(relr), OFFSET(relr), 16, 0, 0, 8, 0},
                  {0, ELF_SHT_STRTAB, 0, 0, OFFSET(section_names), 32, 0, 0, 1, 0}},
        .dynamic = {{ELF_DT_RELA, OFFSET(rela)},
                    {ELF_DT_RELASZ, 48},
                    {ELF_DT_RELAENT, 24},
                    {ELF_DT_RELR, OFFSET(relr)},
                    {ELF_DT_RELRSZ, 16}},
        .symbols = {{0},
                    {1, ELF_STT_FUNC, 0, 2, OFFSET(text), 8},
                    {7, ELF_STT_FUNC, 0, 2, OFFSET(text) + 16, 8},
                    {99, ELF_STT_FUNC, 0, 2, OFFSET(text) + 20, 4}},
    };
    memcpy(f->names, names, sizeof(names));
    memcpy(f->section_names, section_names, sizeof(section_names));
}

static struct file file;
static struct elf elf;

static status_t open_file(void) {
    return elf_open(&elf, &file, sizeof(file));
}

TEST(a_good_file) {
    build(&file);
    CHECK_EQ(open_file(), STATUS_OK);
    CHECK_EQ(elf.span_base, 0);
    CHECK_EQ(elf.span_size, OFFSET(dynamic) + 8192);
    CHECK(elf_phdr(&elf, ELF_PT_TLS) == &file.phdrs[5]);
    CHECK(elf_phdr(&elf, ELF_PT_INTERP) == NULL);
    CHECK(elf_at(&elf, OFFSET(text), 64) == file.text);
    CHECK(elf_at(&elf, OFFSET(text), 65) == NULL);
    CHECK(elf_at(&elf, OFFSET(dynamic) + 4096, 1) == NULL);
    CHECK(elf_segment_at(&elf, OFFSET(dynamic) + 4096, 1) == &file.phdrs[2]);
    CHECK(elf_segment_at(&elf, UINT64_MAX, 2) == NULL);
    CHECK_EQ(elf.symbols_len, 4);
    const struct elf64_shdr *config = elf_section(&elf, ".loader_config");
    CHECK(config == &file.shdrs[3]);
    CHECK(elf_section_bytes(&elf, config) == file.relr);
    CHECK(elf_section(&elf, ".loader") == NULL);
    struct elf_relocs relocs;
    CHECK_EQ(elf_relocs(&elf, &relocs), STATUS_OK);
    CHECK_EQ(relocs.rela, OFFSET(rela));
    CHECK_EQ(relocs.rela_len, 2);
    CHECK_EQ(relocs.relr_len, 2);
}

TEST(symbols) {
    build(&file);
    CHECK_EQ(open_file(), STATUS_OK);
    const char *name = NULL;
    uint64_t offset = 0;
    const struct {
        uint64_t address, offset;
        const char *name;
    } cases[] = {
        {0, 0, "first"}, {7, 7, "first"}, {8, 8, "first"}, {16, 0, "second"}, {40, 24, "second"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CHECK(elf_symbol_at(elf.symbols, elf.symbols_len, elf.names, elf.names_size,
                            OFFSET(text) + cases[i].address, &name, &offset));
        CHECK_TEXT(name, cases[i].name);
        CHECK_EQ(offset, cases[i].offset);
    }
    CHECK(
        !elf_symbol_at(elf.symbols, elf.symbols_len, elf.names, elf.names_size, 5, &name, &offset));
    file.shdrs[2].size = 3; /* not terminated */
    CHECK_EQ(open_file(), STATUS_OK);
    CHECK_EQ(elf.symbols_len, 0);
}

#define REFUSED(change)                                                                            \
    do {                                                                                           \
        build(&file);                                                                              \
        change;                                                                                    \
        CHECK(open_file() != STATUS_OK);                                                           \
        CHECK(elf.error != NULL);                                                                  \
    } while (0)

TEST(what_is_refused) {
    REFUSED(file.header.ident[0] = 0);
    REFUSED(file.header.ident[4] = 1);
    REFUSED(file.header.ident[5] = 2);
    REFUSED(file.header.machine = ELF_MACHINE_X86_64);
    REFUSED(file.header.type = 1);
    REFUSED(file.header.version = 2);
    REFUSED(file.header.phnum = 0);
    REFUSED(file.header.phnum = 33);
    REFUSED(file.header.phentsize = 55);
    REFUSED(file.header.phoff = UINT64_MAX - 7);
    REFUSED(file.header.phoff = 65);
    REFUSED(file.phdrs[0].filesz = sizeof(file) + 1);
    REFUSED(file.phdrs[1].offset = UINT64_MAX - 4095);
    REFUSED(file.phdrs[2].memsz = 4095);
    REFUSED(file.phdrs[2].memsz = UINT64_MAX - 4096);
    REFUSED(file.phdrs[2].memsz = UINT64_MAX - 4096 - OFFSET(dynamic));
    REFUSED(file.phdrs[2].memsz = (1 << 30) - OFFSET(dynamic) + 1);
    REFUSED(file.phdrs[1].vaddr += 1);
    REFUSED(file.phdrs[1].align = 2048);
    REFUSED(file.phdrs[1].align = 4096 * 3);
    REFUSED(file.phdrs[1].flags |= ELF_PF_W);
    REFUSED(file.phdrs[1].flags = ELF_PF_X);
    REFUSED(file.phdrs[1].flags |= 8);
    REFUSED(file.phdrs[1].vaddr = 0);
    REFUSED(file.phdrs[0].memsz += 1);
    REFUSED(file.phdrs[3].type = ELF_PT_INTERP);
    REFUSED(file.phdrs[3].vaddr = OFFSET(dynamic) + 4096);
    REFUSED(file.phdrs[4].vaddr = OFFSET(text));
    REFUSED(file.phdrs[4].memsz = 8193);
    REFUSED(file.phdrs[5].filesz = 100);
    REFUSED(file.phdrs[5].vaddr = 1 << 30);
    REFUSED(file.phdrs[0].type = file.phdrs[1].type = file.phdrs[2].type = 99);
}

TEST(relocations_that_are_refused) {
    struct elf_relocs relocs;
    const struct elf64_dyn bad[] = {
        {ELF_DT_RELA, 1 << 30},   {ELF_DT_RELA, OFFSET(rela) + 4},
        {ELF_DT_RELASZ, 1 << 20}, {ELF_DT_RELASZ, UINT64_MAX},
        {ELF_DT_RELAENT, 16},     {ELF_DT_RELRENT, 4},
        {ELF_DT_NEEDED, 1},       {ELF_DT_JMPREL, 1},
        {ELF_DT_RELR, 4},         {ELF_DT_TEXTREL, 0},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        build(&file);
        file.dynamic[5] = bad[i]; /* the last entry of the section: no terminator either */
        CHECK_EQ(open_file(), STATUS_OK);
        CHECK(elf_relocs(&elf, &relocs) != STATUS_OK);
    }
}

static void use_copy(size_t size) {
    void *copy = aligned_alloc(8, (size + 7) & ~(size_t)7);
    memcpy(copy, &file, size);
    if (elf_open(&elf, copy, size) == STATUS_OK) {
        struct elf_relocs relocs;
        const char *name;
        uint64_t offset;
        (void)elf_section(&elf, ".loader_config");
        if (elf_relocs(&elf, &relocs) == STATUS_OK && relocs.rela_len > 0) {
            CHECK(elf_at(&elf, relocs.rela, relocs.rela_len * sizeof(struct elf64_rela)) != NULL);
        }
        for (uint64_t a = OFFSET(text); a < OFFSET(text) + 64; a += 4) {
            if (elf_symbol_at(elf.symbols, elf.symbols_len, elf.names, elf.names_size, a, &name,
                              &offset)) {
                CHECK(strlen(name) < elf.names_size);
            }
        }
    }
    free(copy);
}

TEST(every_truncation_is_survived) {
    build(&file);
    for (size_t size = 8; size < sizeof(file); size += size < 1024 ? 1 : 61) {
        use_copy(size);
    }
}

TEST(every_changed_byte_is_survived) {
    build(&file);
    static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff};
    uint8_t *bytes = (uint8_t *)&file;
    for (size_t i = 0; i < sizeof(file); i++) {
        uint8_t old = bytes[i];
        if (old == 0 && i > OFFSET(text) && i % 16 != 0) {
            continue; /* padding */
        }
        for (size_t v = 0; v < sizeof(values); v++) {
            bytes[i] = values[v];
            use_copy(sizeof(file));
        }
        bytes[i] = old;
    }
}

CHECK_MAIN
