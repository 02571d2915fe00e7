/*
 * The payload: a verified, unpacked ELF file becomes an image in memory that can be entered. Signed
 * is not the same as right, so all of the file is checked (base/elf) before any of it is copied.
 */
#ifndef BOOT_PAYLOAD_H
#define BOOT_PAYLOAD_H

#include "abi/boot.h"
#include "base/elf.h"
#include "boot/refusal.h"

#include <stddef.h>
#include <stdint.h>

struct payload {
    struct elf elf;
    struct elf_relocs relocs;
    const struct elf64_phdr *tls, *relro; /* NULL if none */
    struct loader_config config;          /* defaults filled in; `entry` not valid, see below */
    uint64_t config_vaddr;                /* link-time address of the record */
    size_t size;                          /* of the image, whole pages from link-time address 0 */
};

/* Checks the file, which must be 8-aligned and stay as it is as long as `payload` is used.
 * BAD_FORMAT, UNSUPPORTED, LIMIT. */
MUST_CHECK status_t payload_open(struct payload *payload, const void *bytes, size_t size,
                                 struct refusal *why);

/* Makes the image in `memory` (payload->size bytes) to run at `virt`: segments copied, the rest zero,
 * relocations applied. BAD_FORMAT, UNSUPPORTED. */
MUST_CHECK status_t payload_load(const struct payload *payload, uint8_t *memory, uint64_t virt,
                                 struct refusal *why);

/* The entry point as the relocated record in `memory` has it. BAD_FORMAT if it is not in code. */
MUST_CHECK status_t payload_entry(const struct payload *payload, const uint8_t *memory,
                                  uint64_t virt, uint64_t *entry_out, struct refusal *why);

#endif
