/*
 * What the device tree says about the machine. Read once into plain data; afterwards nobody but the
 * payload looks at the tree again. Devicetree Specification 0.4, chapter 3.
 */
#ifndef BOOT_MACHINE_H
#define BOOT_MACHINE_H

#include "abi/boot.h"
#include "boot/limits.h"
#include "boot/refusal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct range {
    uint64_t start, end; /* physical, end exclusive */
};

struct machine_uart {
    uint64_t base; /* physical; 0 if there is none */
    uint32_t shift,
        width; /* distance of the registers as a power of two; bytes of an access, 1 or 4 */
};

struct machine {
    uint64_t boot_hart;
    struct range tree; /* the device tree itself, exact bytes */
    struct range memory[MACHINE_MAX_RANGES];
    uint32_t memory_len;
    struct range reserved[MACHINE_MAX_RANGES]; /* by /reserved-memory or the reservation block */
    uint32_t reserved_len;
    struct boot_hart harts[BOOT_MAX_HARTS]; /* enabled ones; id, cache blocks and isa are set */
    uint32_t harts_len;
    uint32_t paging_levels; /* that every hart states; 5 if none states any */
    uint64_t timebase_hz;
    struct range initrd;      /* empty if none */
    const char *bootargs;     /* in the tree; "" if none */
    uint64_t test_device;     /* physical address of sifive,test0; 0 if none */
    struct machine_uart uart; /* 16550 that stdout-path names */
    uint8_t seed[MACHINE_MAX_SEED];
    uint32_t seed_size; /* 0 if the tree has no rng-seed */
};

/* Reads the `max_size` bytes or fewer at `tree`, 8-aligned, whose physical address is `tree_phys`
 * (the same number in the loader). The rng-seed is taken out: its bytes in the tree are zero
 * afterwards. BAD_FORMAT, NOT_FOUND, LIMIT. */
MUST_CHECK status_t machine_read(struct machine *machine, void *tree, size_t max_size,
                                 uint64_t tree_phys, uint64_t boot_hart, struct refusal *why);

/* Does the ISA text of a hart name that extension of several letters ("zbb")? */
bool machine_has_extension(const struct boot_hart *hart, const char *name);

/* The hart we run on. */
const struct boot_hart *machine_boot_hart(const struct machine *machine);

#endif
