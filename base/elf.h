/*
 * ELF for 64-bit little-endian RISC-V (System V ABI, gABI 4.1 chapters 4 and 5; RISC-V psABI 1.0,
 * chapter 8): the layouts, and checks of a payload whose bytes may be anything. elf_open() looks at
 * everything that loading relies on, once; what it hands out may then be used without looking again.
 * Reads in place, allocates nothing. The image must be 8-aligned.
 */
#ifndef BASE_ELF_H
#define BASE_ELF_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf64_ehdr {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry;
    uint64_t phoff, shoff; /* file offsets of the two header tables */
    uint32_t flags;
    uint16_t ehsize;
    uint16_t phentsize, phnum;
    uint16_t shentsize, shnum, shstrndx;
};

struct elf64_phdr {
    uint32_t type, flags;
    uint64_t offset; /* in the file */
    uint64_t vaddr, paddr;
    uint64_t filesz, memsz;
    uint64_t align;
};

struct elf64_shdr {
    uint32_t name, type;
    uint64_t flags;
    uint64_t addr, offset, size;
    uint32_t link, info;
    uint64_t addralign, entsize;
};

struct elf64_sym {
    uint32_t name;
    uint8_t info, other;
    uint16_t shndx;
    uint64_t value, size;
};

struct elf64_rela {
    uint64_t offset, info;
    int64_t addend;
};

struct elf64_dyn {
    int64_t tag;
    uint64_t value;
};

enum {
    ELF_CLASS64 = 2,
    ELF_DATA_LE = 1,
    ELF_VERSION = 1,
    ELF_TYPE_EXEC = 2,
    ELF_TYPE_DYN = 3,
    ELF_MACHINE_X86_64 = 62,
    ELF_MACHINE_RISCV = 243,

    ELF_PT_LOAD = 1,
    ELF_PT_DYNAMIC = 2,
    ELF_PT_INTERP = 3,
    ELF_PT_TLS = 7,
    ELF_PT_GNU_STACK = 0x6474e551,
    ELF_PT_GNU_RELRO = 0x6474e552,
    ELF_PF_X = 1,
    ELF_PF_W = 2,
    ELF_PF_R = 4,

    ELF_SHT_PROGBITS = 1,
    ELF_SHT_SYMTAB = 2,
    ELF_SHT_STRTAB = 3,
    ELF_SHT_NOBITS = 8,
    ELF_SHN_UNDEF = 0,
    ELF_SHN_LORESERVE = 0xff00,
    ELF_STT_NOTYPE = 0,
    ELF_STT_OBJECT = 1,
    ELF_STT_FUNC = 2,

    ELF_DT_NULL = 0,
    ELF_DT_NEEDED = 1,
    ELF_DT_PLTRELSZ = 2,
    ELF_DT_RELA = 7,
    ELF_DT_RELASZ = 8,
    ELF_DT_RELAENT = 9,
    ELF_DT_REL = 17,
    ELF_DT_TEXTREL = 22,
    ELF_DT_JMPREL = 23,
    ELF_DT_RELRSZ = 35,
    ELF_DT_RELR = 36,
    ELF_DT_RELRENT = 37,

    ELF_R_RISCV_NONE = 0,
    ELF_R_RISCV_RELATIVE = 3,
};

static inline uint32_t elf64_r_type(uint64_t info) {
    return (uint32_t)info;
}
static inline uint32_t elf64_st_type(uint8_t info) {
    return info & 15u;
}

enum {
    ELF_PAGE_SIZE = 4096,
    ELF_MAX_PHDRS = 32,
    ELF_MAX_SHDRS = 256,
};

#define ELF_MAX_SPAN ((uint64_t)1 << 30) /* bytes from the lowest segment to the highest */

struct elf {
    const uint8_t *bytes;
    size_t size;
    const struct elf64_ehdr *header;
    const struct elf64_phdr *phdrs;
    uint32_t phdrs_len;
    const struct elf64_shdr *shdrs; /* NULL and 0 if the file has none */
    uint32_t shdrs_len;
    const struct elf64_sym *symbols; /* of .symtab; NULL and 0 if stripped */
    uint32_t symbols_len;
    const char *names; /* its string table, terminated */
    uint32_t names_size;
    uint64_t span_base, span_size; /* from the lowest PT_LOAD to the highest, whole pages */
    const char *error;             /* set by an elf_open() that refused: why */
};

/*
 * Checks a payload: class, byte order, machine, version; tables inside the file; at least one PT_LOAD;
 * each PT_LOAD inside the file, with filesz <= memsz, in a span of
 * ELF_MAX_SPAN, a page alignment with vaddr and offset
 * congruent, readable, never writable and executable both, ascending and sharing no page with another;
 * PT_DYNAMIC, PT_TLS and PT_GNU_RELRO inside a PT_LOAD, and RELRO at most whole pages of a writable
 * one; no interpreter. The entry is not looked at: a payload has its own (abi/boot.h). A symbol table
 * that does not fit is left out, since nothing but backtraces needs it.
 * BAD_FORMAT or UNSUPPORTED with elf->error set.
 */
MUST_CHECK status_t elf_open(struct elf *elf, const void *bytes, size_t size);

/* The first program header of that type, NULL if none. */
const struct elf64_phdr *elf_phdr(const struct elf *elf, uint32_t type);

/* The PT_LOAD that has all of [vaddr, vaddr + size) in its memory, NULL if none. */
const struct elf64_phdr *elf_segment_at(const struct elf *elf, uint64_t vaddr, uint64_t size);

/* The bytes of the file behind [vaddr, vaddr + size), NULL unless one PT_LOAD has all in its file part. */
const void *elf_at(const struct elf *elf, uint64_t vaddr, uint64_t size);

/* A section by name, NULL if none; its content (NULL for NOBITS or out of the file). */
const struct elf64_shdr *elf_section(const struct elf *elf, const char *name);
const void *elf_section_bytes(const struct elf *elf, const struct elf64_shdr *section);

/* What relocation of a static PIE needs, from PT_DYNAMIC: RELA and RELR as link-time addresses, all
 * inside the file part of PT_LOADs and of whole entries. All zero without PT_DYNAMIC. UNSUPPORTED for
 * anything that would need a dynamic linker. */
struct elf_relocs {
    uint64_t rela, rela_len;
    uint64_t relr, relr_len;
};
MUST_CHECK status_t elf_relocs(struct elf *elf, struct elf_relocs *out);

/* The function that covers the link-time address, or the nearest one before it if
 * none has it in its size; NULL if there is none. Works on any table of symbols with its names, as
 * boot_info passes it on: entries whose name lies outside `names_size` are skipped. *name_out is
 * terminated, *offset_out counts from the symbol. */
const struct elf64_sym *elf_symbol_at(const struct elf64_sym *symbols, size_t symbols_len,
                                      const char *names, size_t names_size, uint64_t address,
                                      const char **name_out, uint64_t *offset_out);

#endif
