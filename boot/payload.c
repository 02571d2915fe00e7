/*
 * Checking, loading and relocating a payload (boot/payload.h). A payload is a static PIE linked at 0
 * whose only relocations are R_RISCV_RELATIVE, in RELA or RELR form (gABI; RISC-V psABI, chapter 8).
 */
#include "boot/payload.h"

#include "boot/limits.h"

#include <stdbool.h>
#include <string.h>

static status_t check_config(struct loader_config *c, struct refusal *why) {
    if (c->magic != LOADER_CONFIG_MAGIC) {
        return refusal_set(why, STATUS_BAD_FORMAT, "payload: .loader_config has no magic");
    }
    if (c->version != BOOT_INFO_VERSION || c->size != sizeof(*c)) {
        return refusal_set(why, STATUS_UNSUPPORTED,
                           "payload: made for boot_info version %u, this loader has %u", c->version,
                           BOOT_INFO_VERSION);
    }
    if (c->stack_pages > LOADER_MAX_STACK_PAGES || c->stack_guard_pages > LOADER_MAX_GUARD_PAGES ||
        c->heap_pages > LOADER_MAX_HEAP_PAGES) {
        return refusal_set(why, STATUS_LIMIT,
                           "payload: asks for %u stack, %u guard and %u heap pages", c->stack_pages,
                           c->stack_guard_pages, c->heap_pages);
    }
    if (c->memory_mode != LOADER_ANY_MODE &&
        (c->memory_mode < LOADER_SV39 || c->memory_mode > LOADER_SV57)) {
        return refusal_set(why, STATUS_BAD_FORMAT, "payload: asks for %u levels of page tables",
                           c->memory_mode);
    }
    if (c->harts > BOOT_MAX_HARTS || c->kaslr > LOADER_KASLR_OFF) {
        return refusal_set(why, STATUS_BAD_FORMAT, "payload: asks for %u harts, KASLR %u", c->harts,
                           c->kaslr);
    }
    c->stack_pages = c->stack_pages == 0 ? CONFIG_DEFAULT_STACK_PAGES : c->stack_pages;
    c->stack_guard_pages =
        c->stack_guard_pages == 0 ? CONFIG_DEFAULT_GUARD_PAGES : c->stack_guard_pages;
    c->memory_mode = c->memory_mode == 0 ? LOADER_SV57 : c->memory_mode;
    c->harts = c->harts == 0 ? BOOT_MAX_HARTS : c->harts;
    return STATUS_OK;
}

static status_t read_config(struct payload *p, struct refusal *why) {
    const struct elf64_shdr *section = elf_section(&p->elf, ".loader_config");
    if (section == NULL) {
        return refusal_set(why, STATUS_NOT_FOUND, "payload: no section .loader_config");
    }
    const void *record = elf_at(&p->elf, section->addr, sizeof(p->config));
    if (record == NULL || section->size < sizeof(p->config) || section->addr % 8 != 0) {
        return refusal_set(why, STATUS_BAD_FORMAT, "payload: .loader_config is not loaded whole");
    }
    memcpy(&p->config, record, sizeof(p->config));
    p->config_vaddr = section->addr;
    return check_config(&p->config, why);
}

status_t payload_open(struct payload *payload, const void *bytes, size_t size,
                      struct refusal *why) {
    memset(payload, 0, sizeof(*payload));
    struct elf *elf = &payload->elf;
    status_t status = elf_open(elf, bytes, size);
    if (status == STATUS_OK) {
        status = elf_relocs(elf, &payload->relocs);
    }
    if (status != STATUS_OK) {
        return refusal_set(why, status, "payload: %s", elf->error);
    }
    if (elf->header->type != ELF_TYPE_DYN || elf->span_base != 0) {
        return refusal_set(why, STATUS_UNSUPPORTED, "payload: not position-independent at 0");
    }
    if (elf->span_size > PAYLOAD_MAX_SIZE) {
        return refusal_set(why, STATUS_LIMIT, "payload: image of %llu bytes is too large",
                           (unsigned long long)elf->span_size);
    }
    if (payload->relocs.rela_len > PAYLOAD_MAX_RELOCATIONS ||
        payload->relocs.relr_len > PAYLOAD_MAX_RELOCATIONS) {
        return refusal_set(why, STATUS_LIMIT, "payload: too many relocations");
    }
    payload->size = elf->span_size;
    payload->relro = elf_phdr(elf, ELF_PT_GNU_RELRO);
    payload->tls = elf_phdr(elf, ELF_PT_TLS);
    if (payload->tls != NULL &&
        (payload->tls->align > BOOT_PAGE_SIZE ||
         (payload->tls->align > 1 && payload->tls->vaddr % payload->tls->align != 0))) {
        return refusal_set(
            why, STATUS_UNSUPPORTED, "payload: thread-local storage aligned to %llu at %llx",
            (unsigned long long)payload->tls->align, (unsigned long long)payload->tls->vaddr);
    }
    return read_config(payload, why);
}

static void copy_segments(const struct payload *p, uint8_t *memory) {
    memset(memory, 0, p->size);
    for (uint32_t i = 0; i < p->elf.phdrs_len; i++) {
        const struct elf64_phdr *ph = &p->elf.phdrs[i];
        if (ph->type == ELF_PT_LOAD) {
            memcpy(memory + ph->vaddr, p->elf.bytes + ph->offset, ph->filesz);
        }
    }
}

/* Is [vaddr, vaddr + size) in one segment that has all of `flags`? */
static bool in_segment(const struct payload *p, uint64_t vaddr, uint64_t size, uint32_t flags) {
    for (uint32_t i = 0; i < p->elf.phdrs_len; i++) {
        const struct elf64_phdr *ph = &p->elf.phdrs[i];
        if (ph->type == ELF_PT_LOAD && (ph->flags & flags) == flags && vaddr >= ph->vaddr &&
            vaddr - ph->vaddr <= ph->memsz && size <= ph->memsz - (vaddr - ph->vaddr)) {
            return true;
        }
    }
    return false;
}

/* One relocation: the word at link-time address `at` becomes an address of the image. */
static status_t relocate_word(const struct payload *p, uint8_t *memory, uint64_t virt, uint64_t at,
                              uint64_t value, struct refusal *why) {
    if (at % 8 != 0 || !in_segment(p, at, 8, ELF_PF_W)) {
        return refusal_set(why, STATUS_BAD_FORMAT, "payload: relocation of %llx, not in its data",
                           (unsigned long long)at);
    }
    if (value > p->size) {
        return refusal_set(why, STATUS_BAD_FORMAT,
                           "payload: relocation of %llx to %llx, outside the image",
                           (unsigned long long)at, (unsigned long long)value);
    }
    value += virt;
    memcpy(memory + at, &value, sizeof(value));
    return STATUS_OK;
}

static status_t relocate_rela(const struct payload *p, uint8_t *memory, uint64_t virt,
                              struct refusal *why) {
    const struct elf64_rela *rela =
        elf_at(&p->elf, p->relocs.rela, p->relocs.rela_len * sizeof(*rela));
    for (uint64_t i = 0; i < p->relocs.rela_len; i++) {
        struct elf64_rela r;
        memcpy(&r, &rela[i], sizeof(r));
        if (r.info == ELF_R_RISCV_NONE) {
            continue;
        }
        if (r.info != ELF_R_RISCV_RELATIVE) {
            return refusal_set(why, STATUS_UNSUPPORTED, "payload: relocation type %u at %llx",
                               elf64_r_type(r.info), (unsigned long long)r.offset);
        }
        TRY(relocate_word(p, memory, virt, r.offset, (uint64_t)r.addend, why));
    }
    return STATUS_OK;
}

/* RELR: an even entry is the address of a word; an odd one is a bitmap of the 63 words after the last
 * that was named. The addend stands in the word itself. */
static status_t relocate_relr(const struct payload *p, uint8_t *memory, uint64_t virt,
                              struct refusal *why) {
    const uint64_t *relr = elf_at(&p->elf, p->relocs.relr, p->relocs.relr_len * sizeof(*relr));
    uint64_t next = 0;
    for (uint64_t i = 0; i < p->relocs.relr_len; i++) {
        uint64_t bits = relr[i];
        bool is_address = (bits & 1) == 0;
        uint64_t base = is_address ? bits : next;
        uint64_t map = is_address ? 1 : bits >> 1;
        for (uint64_t at = base; map != 0; map >>= 1, at += 8) {
            uint64_t value = 0;
            if ((map & 1) == 0) {
                continue;
            }
            if (at <= p->size - 8) {
                memcpy(&value, memory + at, sizeof(value));
            }
            TRY(relocate_word(p, memory, virt, at, value, why));
        }
        next = is_address ? base + 8 : base + 63 * 8;
    }
    return STATUS_OK;
}

status_t payload_load(const struct payload *payload, uint8_t *memory, uint64_t virt,
                      struct refusal *why) {
    copy_segments(payload, memory);
    TRY(relocate_rela(payload, memory, virt, why));
    return relocate_relr(payload, memory, virt, why);
}

status_t payload_entry(const struct payload *payload, const uint8_t *memory, uint64_t virt,
                       uint64_t *entry_out, struct refusal *why) {
    uint64_t entry;
    memcpy(&entry, memory + payload->config_vaddr + offsetof(struct loader_config, entry),
           sizeof(entry));
    if (entry % 2 != 0 || !in_segment(payload, entry - virt, 2, ELF_PF_X)) {
        return refusal_set(why, STATUS_BAD_FORMAT, "payload: entry %llx is not in its code",
                           (unsigned long long)(entry - virt));
    }
    *entry_out = entry;
    return STATUS_OK;
}
