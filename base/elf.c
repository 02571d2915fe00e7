/*
 * Checks over untrusted ELF files. Everything is compared in the form "size <= whole && offset <=
 * whole - size", which cannot wrap.
 */
#include "base/elf.h"

#include <string.h>

static status_t refuse(struct elf *elf, status_t status, const char *why) {
    elf->error = why;
    return status;
}

/* [offset, offset + size) inside [0, whole) */
static bool inside(uint64_t offset, uint64_t size, uint64_t whole) {
    return size <= whole && offset <= whole - size;
}

static uint64_t page_down(uint64_t address) {
    return address & ~(uint64_t)(ELF_PAGE_SIZE - 1);
}

static status_t check_header(struct elf *elf) {
    const struct elf64_ehdr *h = elf->header;
    if (memcmp(h->ident, "\177ELF", 4) != 0) {
        return refuse(elf, STATUS_BAD_FORMAT, "not an ELF file");
    }
    if (h->ident[4] != ELF_CLASS64 || h->ident[5] != ELF_DATA_LE) {
        return refuse(elf, STATUS_UNSUPPORTED, "ELF file is not 64-bit little-endian");
    }
    if (h->ident[6] != ELF_VERSION || h->version != ELF_VERSION) {
        return refuse(elf, STATUS_UNSUPPORTED, "ELF version is not 1");
    }
    if (h->machine != ELF_MACHINE_RISCV) {
        return refuse(elf, STATUS_UNSUPPORTED, "ELF machine is not RISC-V");
    }
    if (h->type != ELF_TYPE_DYN && h->type != ELF_TYPE_EXEC) {
        return refuse(elf, STATUS_UNSUPPORTED, "ELF file is not an executable");
    }
    return STATUS_OK;
}

static status_t find_tables(struct elf *elf) {
    const struct elf64_ehdr *h = elf->header;
    if (h->phentsize != sizeof(struct elf64_phdr) || h->phnum == 0) {
        return refuse(elf, STATUS_BAD_FORMAT, "ELF file has no program headers");
    }
    if (h->phnum > ELF_MAX_PHDRS) {
        return refuse(elf, STATUS_UNSUPPORTED, "ELF file has too many program headers");
    }
    if (h->phoff % 8 != 0 || !inside(h->phoff, h->phnum * sizeof(struct elf64_phdr), elf->size)) {
        return refuse(elf, STATUS_BAD_FORMAT, "ELF program headers out of the file");
    }
    elf->phdrs = (const struct elf64_phdr *)(const void *)(elf->bytes + h->phoff);
    elf->phdrs_len = h->phnum;
    if (h->shnum > 0 && h->shnum <= ELF_MAX_SHDRS && h->shentsize == sizeof(struct elf64_shdr) &&
        h->shoff % 8 == 0 && inside(h->shoff, h->shnum * sizeof(struct elf64_shdr), elf->size)) {
        elf->shdrs = (const struct elf64_shdr *)(const void *)(elf->bytes + h->shoff);
        elf->shdrs_len = h->shnum;
    }
    return STATUS_OK;
}

static const char *segment_fault(const struct elf *elf, const struct elf64_phdr *p) {
    if (!inside(p->offset, p->filesz, elf->size)) {
        return "ELF segment out of the file";
    }
    if (p->memsz == 0 || p->filesz > p->memsz) {
        return "ELF segment with a bad size";
    }
    if (p->memsz > ELF_MAX_SPAN || p->vaddr > UINT64_MAX - 2 * ELF_MAX_SPAN) {
        return "ELF segment too large or too high";
    }
    if (p->align < ELF_PAGE_SIZE || (p->align & (p->align - 1)) != 0 ||
        (p->vaddr - p->offset) % ELF_PAGE_SIZE != 0) {
        return "ELF segment with a bad alignment";
    }
    if (!(p->flags & ELF_PF_R) || (p->flags & ~7u) != 0) {
        return "ELF segment with bad permissions";
    }
    if ((p->flags & ELF_PF_W) && (p->flags & ELF_PF_X)) {
        return "ELF segment both writable and executable";
    }
    return NULL;
}

static status_t check_segments(struct elf *elf) {
    uint64_t end = 0; /* of the last segment, in whole pages */
    bool any = false;
    for (uint32_t i = 0; i < elf->phdrs_len; i++) {
        const struct elf64_phdr *p = &elf->phdrs[i];
        if (p->type == ELF_PT_INTERP) {
            return refuse(elf, STATUS_UNSUPPORTED, "ELF file needs an interpreter");
        }
        if (p->type != ELF_PT_LOAD) {
            continue;
        }
        const char *fault = segment_fault(elf, p);
        if (fault) {
            return refuse(elf, STATUS_BAD_FORMAT, fault);
        }
        if (any && page_down(p->vaddr) < end) {
            return refuse(elf, STATUS_BAD_FORMAT, "ELF segments overlap or are out of order");
        }
        elf->span_base = any ? elf->span_base : page_down(p->vaddr);
        end = page_down(p->vaddr + p->memsz + ELF_PAGE_SIZE - 1);
        any = true;
    }
    if (!any) {
        return refuse(elf, STATUS_BAD_FORMAT, "ELF file has nothing to load");
    }
    elf->span_size = end - elf->span_base;
    if (elf->span_size > ELF_MAX_SPAN) {
        return refuse(elf, STATUS_BAD_FORMAT, "ELF segments too far apart");
    }
    return STATUS_OK;
}

/* The headers that lie inside what is loaded. */
static status_t check_inner(struct elf *elf) {
    for (uint32_t i = 0; i < elf->phdrs_len; i++) {
        const struct elf64_phdr *p = &elf->phdrs[i];
        if (p->type == ELF_PT_DYNAMIC) {
            if (p->vaddr % 8 != 0 || !elf_at(elf, p->vaddr, p->filesz)) {
                return refuse(elf, STATUS_BAD_FORMAT, "ELF dynamic section out of its segment");
            }
        } else if (p->type == ELF_PT_TLS) {
            if (p->filesz > p->memsz || (p->filesz > 0 && !elf_at(elf, p->vaddr, p->filesz)) ||
                (p->align & (p->align - 1)) != 0) {
                return refuse(elf, STATUS_BAD_FORMAT, "ELF TLS template out of its segment");
            }
        } else if (p->type == ELF_PT_GNU_RELRO) {
            const struct elf64_phdr *of = elf_segment_at(elf, p->vaddr, p->memsz);
            if (p->vaddr % ELF_PAGE_SIZE != 0 || !of || !(of->flags & ELF_PF_W)) {
                return refuse(elf, STATUS_BAD_FORMAT, "ELF RELRO range out of its segment");
            }
        }
    }
    return STATUS_OK;
}

/* Backtraces only, so whatever does not fit is as if it were not there. */
static void find_symbols(struct elf *elf) {
    for (uint32_t i = 0; i < elf->shdrs_len; i++) {
        const struct elf64_shdr *s = &elf->shdrs[i];
        if (s->type != ELF_SHT_SYMTAB || s->entsize != sizeof(struct elf64_sym) ||
            s->offset % 8 != 0 || s->size / s->entsize > UINT32_MAX || s->link >= elf->shdrs_len) {
            continue;
        }
        const struct elf64_shdr *names = &elf->shdrs[s->link];
        const void *symbols = elf_section_bytes(elf, s);
        const char *text = elf_section_bytes(elf, names);
        if (!symbols || !text || names->type != ELF_SHT_STRTAB || names->size == 0 ||
            names->size > UINT32_MAX || text[names->size - 1] != '\0') {
            continue;
        }
        elf->symbols = symbols;
        elf->symbols_len = (uint32_t)(s->size / s->entsize);
        elf->names = text;
        elf->names_size = (uint32_t)names->size;
        return;
    }
}

status_t elf_open(struct elf *elf, const void *bytes, size_t size) {
    *elf = (struct elf){.bytes = bytes, .size = size, .header = bytes};
    if (size < sizeof(struct elf64_ehdr)) {
        return refuse(elf, STATUS_BAD_FORMAT, "file too short for an ELF header");
    }
    if ((uintptr_t)bytes % 8 != 0) {
        return refuse(elf, STATUS_BAD_ARGUMENT, "ELF file at an odd address");
    }
    TRY(check_header(elf));
    TRY(find_tables(elf));
    TRY(check_segments(elf));
    TRY(check_inner(elf));
    find_symbols(elf);
    return STATUS_OK;
}

const struct elf64_phdr *elf_phdr(const struct elf *elf, uint32_t type) {
    for (uint32_t i = 0; i < elf->phdrs_len; i++) {
        if (elf->phdrs[i].type == type) {
            return &elf->phdrs[i];
        }
    }
    return NULL;
}

const struct elf64_phdr *elf_segment_at(const struct elf *elf, uint64_t vaddr, uint64_t size) {
    for (uint32_t i = 0; i < elf->phdrs_len; i++) {
        const struct elf64_phdr *p = &elf->phdrs[i];
        if (p->type == ELF_PT_LOAD && vaddr >= p->vaddr &&
            inside(vaddr - p->vaddr, size, p->memsz)) {
            return p;
        }
    }
    return NULL;
}

const void *elf_at(const struct elf *elf, uint64_t vaddr, uint64_t size) {
    const struct elf64_phdr *p = elf_segment_at(elf, vaddr, size);
    if (!p || !inside(vaddr - p->vaddr, size, p->filesz)) {
        return NULL;
    }
    return elf->bytes + p->offset + (vaddr - p->vaddr);
}

/* The name table may lack its terminator. */
static bool section_named(const struct elf *elf, const struct elf64_shdr *names, uint32_t at,
                          const char *name) {
    const char *text = elf_section_bytes(elf, names);
    size_t size = strlen(name) + 1;
    return text && inside(at, size, names->size) && memcmp(text + at, name, size) == 0;
}

const struct elf64_shdr *elf_section(const struct elf *elf, const char *name) {
    uint32_t names = elf->header->shstrndx;
    if (names >= elf->shdrs_len) {
        return NULL;
    }
    for (uint32_t i = 0; i < elf->shdrs_len; i++) {
        if (section_named(elf, &elf->shdrs[names], elf->shdrs[i].name, name)) {
            return &elf->shdrs[i];
        }
    }
    return NULL;
}

const void *elf_section_bytes(const struct elf *elf, const struct elf64_shdr *section) {
    if (section->type == ELF_SHT_NOBITS || !inside(section->offset, section->size, elf->size)) {
        return NULL;
    }
    return elf->bytes + section->offset;
}

/* One entry of the dynamic section into `out`; what else a loader could be asked for is refused. */
static status_t take_dyn(struct elf *elf, const struct elf64_dyn *dyn, struct elf_relocs *out) {
    switch (dyn->tag) {
    case ELF_DT_RELA:
        out->rela = dyn->value;
        break;
    case ELF_DT_RELASZ:
        out->rela_len = dyn->value / sizeof(struct elf64_rela);
        break;
    case ELF_DT_RELR:
        out->relr = dyn->value;
        break;
    case ELF_DT_RELRSZ:
        out->relr_len = dyn->value / sizeof(uint64_t);
        break;
    case ELF_DT_RELAENT:
        if (dyn->value != sizeof(struct elf64_rela)) {
            return refuse(elf, STATUS_BAD_FORMAT, "ELF relocations of a bad size");
        }
        break;
    case ELF_DT_RELRENT:
        if (dyn->value != sizeof(uint64_t)) {
            return refuse(elf, STATUS_BAD_FORMAT, "ELF relocations of a bad size");
        }
        break;
    case ELF_DT_NEEDED:
    case ELF_DT_JMPREL:
    case ELF_DT_REL:
    case ELF_DT_TEXTREL:
        return refuse(elf, STATUS_UNSUPPORTED, "ELF file needs a dynamic linker");
    default:
        break;
    }
    return STATUS_OK;
}

status_t elf_relocs(struct elf *elf, struct elf_relocs *out) {
    *out = (struct elf_relocs){0};
    const struct elf64_phdr *p = elf_phdr(elf, ELF_PT_DYNAMIC);
    if (!p) {
        return STATUS_OK;
    }
    const struct elf64_dyn *dyn = elf_at(elf, p->vaddr, p->filesz);
    uint64_t len = p->filesz / sizeof(struct elf64_dyn);
    for (uint64_t i = 0; i < len && dyn[i].tag != ELF_DT_NULL; i++) {
        TRY(take_dyn(elf, &dyn[i], out));
    }
    bool rela_fits =
        out->rela_len == 0 ||
        (out->rela % 8 == 0 && elf_at(elf, out->rela, out->rela_len * sizeof(struct elf64_rela)));
    bool relr_fits =
        out->relr_len == 0 ||
        (out->relr % 8 == 0 && elf_at(elf, out->relr, out->relr_len * sizeof(uint64_t)));
    if (!rela_fits || !relr_fits) {
        return refuse(elf, STATUS_BAD_FORMAT, "ELF relocations out of the file");
    }
    return STATUS_OK;
}

/* Of two functions at or before an address the one that covers it, else the later one. */
static bool better(const struct elf64_sym *symbol, const struct elf64_sym *best, uint64_t address) {
    if (!best) {
        return true;
    }
    bool covers = address - symbol->value < symbol->size;
    bool best_covers = address - best->value < best->size;
    return covers != best_covers ? covers : symbol->value > best->value;
}

const struct elf64_sym *elf_symbol_at(const struct elf64_sym *symbols, size_t symbols_len,
                                      const char *names, size_t names_size, uint64_t address,
                                      const char **name_out, uint64_t *offset_out) {
    const struct elf64_sym *best = NULL;
    if (names_size == 0 || names[names_size - 1] != '\0') {
        return NULL;
    }
    for (size_t i = 0; i < symbols_len; i++) {
        const struct elf64_sym *s = &symbols[i];
        if (elf64_st_type(s->info) == ELF_STT_FUNC && s->shndx != ELF_SHN_UNDEF &&
            s->value <= address && s->name < names_size && better(s, best, address)) {
            best = s;
        }
    }
    if (best) {
        *name_out = names + best->name;
        *offset_out = address - best->value;
    }
    return best;
}
