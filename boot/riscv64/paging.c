/*
 * Sv39, Sv48 and Sv57 page tables (privileged architecture 1.12, chapters 4.3 to 4.6).
 *
 * An entry: | N PBMT | reserved | PPN 53..10 | RSW | D A G U X W R V |. An entry with R, W and X all
 * zero points to the next table and must have D, A and U zero too. Levels count from 0, the 4 KiB
 * leaves; a leaf may stand in any level and then maps 2 MiB, 1 GiB and so on.
 */
#include "boot/paging.h"

#include "boot/arch.h"

#include <string.h>

enum {
    PTE_V = 1,
    PTE_R = 2,
    PTE_W = 4,
    PTE_X = 8,
    PTE_G = 32,
    PTE_A = 64,
    PTE_D = 128,
    PTE_PPN_SHIFT = 10,
    TABLE_LEN = 512,
    MAX_LEAF_LEVEL = 2, /* 1 GiB: larger leaves save nothing */
    SATP_MODE_SHIFT = 60,
    SATP_MODE_SV39 = 8, /* Sv48 is 9, Sv57 is 10 */
};

uint64_t probe_satp(uint64_t satp);
static uint64_t probe_table[TABLE_LEN] __attribute__((aligned(BOOT_PAGE_SIZE)));

uint64_t arch_root(uint64_t phys, uint32_t levels) {
    return (uint64_t)(SATP_MODE_SV39 + levels - 3) << SATP_MODE_SHIFT | phys / BOOT_PAGE_SIZE;
}

static unsigned level_shift(unsigned level) {
    return 12 + 9 * level;
}

static uint64_t make_pte(uint64_t phys, uint64_t flags) {
    return phys / BOOT_PAGE_SIZE << PTE_PPN_SHIFT | flags | PTE_V;
}

/* One leaf in the root table maps the probing code to itself, whatever the mode. */
uint32_t paging_probe(void) {
    uint64_t code = (uint64_t)(uintptr_t)probe_satp;
    for (uint32_t levels = 5; levels >= 3; levels--) {
        unsigned shift = level_shift(levels - 1);
        uint64_t index = code >> shift;
        if (index >= TABLE_LEN / 2) {
            continue;
        }
        memset(probe_table, 0, sizeof(probe_table));
        probe_table[index] = make_pte(index << shift, PTE_R | PTE_X | PTE_A);
        uint64_t want = arch_root((uint64_t)(uintptr_t)probe_table, levels);
        if (probe_satp(want) == want) {
            return levels;
        }
    }
    return 0;
}

static status_t new_table(struct paging *p, uint64_t *phys_out, struct refusal *why) {
    TRY(memory_take(p->memory, BOOT_MEMORY_PAYLOAD, BOOT_PAGE_SIZE, phys_out, why));
    memset((void *)(uintptr_t)*phys_out, 0, BOOT_PAGE_SIZE);
    return STATUS_OK;
}

status_t paging_init(struct paging *paging, struct memory *memory, uint32_t levels,
                     struct refusal *why) {
    *paging = (struct paging){.memory = memory, .levels = levels};
    return new_table(paging, &paging->root, why);
}

/* The entry for `virt` in the table of `level`, the tables above made where there are none. */
static status_t find_entry(struct paging *p, uint64_t virt, unsigned level, uint64_t **entry_out,
                           struct refusal *why) {
    uint64_t table = p->root;
    for (unsigned at = p->levels - 1;; at--) {
        uint64_t *entry = (uint64_t *)(uintptr_t)table + (virt >> level_shift(at)) % TABLE_LEN;
        if (at == level) {
            *entry_out = entry;
            return STATUS_OK;
        }
        if ((*entry & PTE_V) == 0) {
            uint64_t next;
            TRY(new_table(p, &next, why));
            *entry = make_pte(next, 0);
        }
        table = *entry >> PTE_PPN_SHIFT << 12;
    }
}

static unsigned leaf_level(uint64_t virt, uint64_t phys, uint64_t size) {
    unsigned level = MAX_LEAF_LEVEL;
    while (level > 0 && (((virt | phys) & (((uint64_t)1 << level_shift(level)) - 1)) != 0 ||
                         size < (uint64_t)1 << level_shift(level))) {
        level--;
    }
    return level;
}

status_t paging_map(struct paging *paging, uint64_t virt, uint64_t phys, uint64_t size,
                    enum paging_access access, struct refusal *why) {
    static const uint64_t flags[] = {
        [PAGING_READ] = PTE_R | PTE_G | PTE_A,
        [PAGING_READ_WRITE] = PTE_R | PTE_W | PTE_G | PTE_A | PTE_D,
        [PAGING_READ_EXECUTE] = PTE_R | PTE_X | PTE_G | PTE_A,
    };
    while (size > 0) {
        unsigned level = leaf_level(virt, phys, size);
        uint64_t *entry;
        TRY(find_entry(paging, virt, level, &entry, why));
        *entry = make_pte(phys, flags[access]);
        uint64_t step = (uint64_t)1 << level_shift(level);
        virt += step;
        phys += step;
        size -= step;
    }
    return STATUS_OK;
}
