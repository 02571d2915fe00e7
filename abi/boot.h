/*
 * The contract between the loader and a payload.
 *
 * A payload is a position-independent 64-bit RISC-V ELF whose main file says
 *
 *     LOADER_ENTRY(kernel_main, .stack_pages = 16);
 *
 * The macro places a record in the section .loader_config, from which the loader reads the entry
 * point and the payload's wishes, and does not compile unless the function is a
 * `noreturn void (size_t hart, const struct boot_info *)`, or when a wish is unknown or out of
 * bounds. The loader starts the machine's harts and all of them enter there together, in S-mode with
 * paging on, interrupts off, each with sp at the top of a guarded stack of its own and tp at an area of
 * its own; `hart` tells them apart, and boot_info is the same for all. Until a hart sets its own trap
 * vector, a trap is reported on the console and ends the machine with BOOT_EXIT_PANIC.
 *
 * The payload is linked as a static PIE at 0, so that a symbol's run-time address is
 * payload_virt + st_value. Its PT_TLS, if any, is copied for each hart to `area`, where tp points, so
 * that _Thread_local works (local-exec); an area is at least one page, zero beyond the copy. The
 * loader maps nothing in the lowest quarter of the upper half of the address space and nothing in the
 * lower half: both are the payload's.
 *
 * boot_info and all that it points to live in the physical map, read-only for the payload by
 * convention. Nothing in it is in BOOT_MEMORY_LOADER regions, which are free from the first
 * instruction on: no hart is in the loader any more when the first one enters.
 */
#ifndef ABI_BOOT_H
#define ABI_BOOT_H

#include <stddef.h>
#include <stdint.h>

#define BOOT_INFO_VERSION  2u
#define BOOT_MAX_REGIONS   64
#define BOOT_MAX_HARTS     64
#define BOOT_SEED_SIZE     32
#define BOOT_ISA_TEXT_SIZE 256

/* What a region of physical memory holds. */
enum boot_memory_kind {
    BOOT_MEMORY_USABLE,     /* free */
    BOOT_MEMORY_LOADER,     /* the loader, the packed image: free for whoever clears it first */
    BOOT_MEMORY_FIRMWARE,   /* reserved by the device tree: never touch */
    BOOT_MEMORY_PAYLOAD,    /* image, stacks, areas, heap, page tables, symbols, boot_info */
    BOOT_MEMORY_INITRD,     /* the initial RAM disk */
    BOOT_MEMORY_DEVICE_TREE /* the flattened device tree */
};

struct boot_region {
    uint64_t start, end; /* physical, page-aligned, end exclusive; sorted, disjoint */
    uint32_t kind;       /* enum boot_memory_kind */
    uint32_t reserved;
};

struct boot_hart {
    uint64_t id;                    /* hartid of SBI and device tree */
    uint64_t stack_low, stack_high; /* virtual; 0, 0 if the hart was not started */
    uint64_t area;                 /* virtual address of its per-hart area (thread-local storage) */
    uint32_t cbom_size, cboz_size; /* cache-block sizes in bytes, 0 if unknown */
    char isa[BOOT_ISA_TEXT_SIZE];  /* "rv64imafdc_zba_...", lower case, terminated */
};

struct boot_info {
    uint32_t version;       /* BOOT_INFO_VERSION */
    uint32_t size;          /* sizeof(struct boot_info) */
    uint64_t boot_hart;     /* hartid */
    uint32_t hart_count;    /* entries in harts */
    uint32_t region_count;  /* entries in regions */
    uint64_t timebase_hz;   /* rate of the time CSR */
    uint32_t paging_levels; /* 3, 4 or 5 for Sv39, Sv48, Sv57 */
    uint32_t started_count; /* harts that entered: those of `harts` that have a stack */
    uint64_t physmap;       /* virtual address of physical address 0 */
    uint64_t physmap_size;  /* bytes mapped from physical 0 on (RAM and devices, RW, never X) */
    uint64_t payload_virt;  /* where the payload's image begins, page-aligned */
    uint64_t payload_phys;  /* contiguous */
    uint64_t payload_size;
    uint64_t root_table; /* physical address of the root page table in use */
    uint64_t symbols;    /* virtual: struct elf64_sym[] as linked (at 0), 0 if stripped */
    uint64_t symbol_count;
    uint64_t strings; /* virtual: the symbols' string table */
    uint64_t strings_size;
    uint64_t device_tree; /* virtual (physical map) */
    uint64_t device_tree_size;
    uint64_t initrd; /* virtual (physical map), 0 if none */
    uint64_t initrd_size;
    uint64_t bootargs; /* virtual: terminated text, never 0 */
    uint8_t rng_seed[BOOT_SEED_SIZE];
    uint32_t rng_seeded; /* 1 when the seed came from the machine, 0 when only from jitter */
    uint32_t reserved;
    uint64_t heap, heap_size; /* virtual, zeroed; 0, 0 unless asked for */
    /* The loader's last services, callable on any hart at any time until the payload unmaps them:
     * one byte to the firmware's console; the machine's end with that exit status. */
    void (*put)(uint8_t byte);
    void (*exit)(unsigned status) __attribute__((noreturn));
    uint64_t ticks_at_reset;                     /* time CSR at the loader's first instruction */
    uint64_t ticks_at_entry;                     /* time CSR at the hand-over */
    uint64_t instret_at_reset, instret_at_entry; /* the same moments, instructions retired (or 0) */
    struct boot_region regions[BOOT_MAX_REGIONS];
    struct boot_hart harts[BOOT_MAX_HARTS];
};

/* A mode's value is its number of levels. */
enum loader_memory_mode { LOADER_ANY_MODE = 0, LOADER_SV39 = 3, LOADER_SV48 = 4, LOADER_SV57 = 5 };
enum loader_kaslr { LOADER_KASLR_ON = 0, LOADER_KASLR_OFF = 1 };

enum loader_limits {
    LOADER_MAX_STACK_PAGES = 4096,
    LOADER_MAX_GUARD_PAGES = 4096,
    LOADER_MAX_HEAP_PAGES = 1 << 18
};

/* Wishes of a payload; zero means the default in brackets. */
struct loader_config {
    uint64_t magic;   /* LOADER_CONFIG_MAGIC */
    uint32_t version; /* BOOT_INFO_VERSION the payload was built against */
    uint32_t size;    /* sizeof(struct loader_config) */
    void (*entry)(size_t hart, const struct boot_info *info);
    uint32_t stack_pages;       /* [8] per hart, 4 KiB each */
    uint32_t stack_guard_pages; /* [1] unmapped below each stack */
    uint32_t heap_pages;        /* [0] zeroed memory, see boot_info.heap */
    uint32_t memory_mode;       /* [the largest there is] the largest to use */
    uint32_t harts;             /* [all] how many to start, the boot hart included */
    uint32_t kaslr;             /* [on] off: deterministic placement, for debugging */
    uint32_t reserved[6];
};

#define LOADER_CONFIG_MAGIC 0x3130474643333231ull /* "123CFG01" */

/* GCC keeps noreturn in a function's type and so can insist on it; clang does not. */
#ifdef __clang__
typedef void (*loader_entry)(size_t hart, const struct boot_info *info);
#else
typedef void (*loader_entry)(size_t hart, const struct boot_info *info) __attribute__((noreturn));
#endif

/* Never called: a call that is left after constants were folded is the compiler's error. */
__attribute__((error("LOADER_ENTRY: a wish is out of bounds (see struct loader_config)"))) void
loader_wish_out_of_bounds(void);

/* `_start`, which linkers take for the ELF's entry, is another name of fn. */
#define LOADER_ENTRY(fn, ...)                                                                      \
    _Static_assert(__builtin_types_compatible_p(__typeof__(&(fn)), loader_entry),                  \
                   "a payload's entry is noreturn void (size_t hart, const struct boot_info *)");  \
    const struct loader_config loader_config                                                       \
        __attribute__((section(".loader_config"), used)) = {.magic = LOADER_CONFIG_MAGIC,          \
                                                            .version = BOOT_INFO_VERSION,          \
                                                            .size = sizeof(struct loader_config),  \
                                                            .entry = (fn),                         \
                                                            ##__VA_ARGS__};                        \
    LOADER_CHECK_WISHES                                                                            \
    extern _Noreturn void _start(size_t hart, const struct boot_info *info)                        \
        __attribute__((alias(#fn), used))

/* Only a compiler that optimizes folds the record's fields; the loader checks them in any case. */
#ifdef __OPTIMIZE__
#define LOADER_CHECK_WISHES                                                                        \
    __attribute__((used)) static void loader_check_wishes(void) {                                  \
        if (loader_config.stack_pages > LOADER_MAX_STACK_PAGES ||                                  \
            loader_config.stack_guard_pages > LOADER_MAX_GUARD_PAGES ||                            \
            loader_config.heap_pages > LOADER_MAX_HEAP_PAGES ||                                    \
            loader_config.harts > BOOT_MAX_HARTS || loader_config.kaslr > LOADER_KASLR_OFF ||      \
            (loader_config.memory_mode != LOADER_ANY_MODE &&                                       \
             (loader_config.memory_mode < LOADER_SV39 ||                                           \
              loader_config.memory_mode > LOADER_SV57))) {                                         \
            loader_wish_out_of_bounds();                                                           \
        }                                                                                          \
    }
#else
#define LOADER_CHECK_WISHES
#endif

/* Exit codes by which the machine's test device reports how a boot ended. */
enum boot_exit {
    BOOT_EXIT_PANIC = 124,   /* the kernel panicked */
    BOOT_EXIT_REFUSED = 125, /* the loader refused payload or machine */
};

#endif
