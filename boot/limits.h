/*
 * Every count of the loader that input from outside could drive, by name.
 */
#ifndef BOOT_LIMITS_H
#define BOOT_LIMITS_H

#include <stdint.h>

enum {
    BOOT_PAGE_SIZE = 4096,
    MACHINE_MAX_RANGES = 32, /* of memory, and of reserved memory, in the device tree */
    MACHINE_MAX_PATH = 128,  /* characters of a path in the tree */
    MACHINE_MAX_SEED = 64,   /* bytes of rng-seed that are used */
    MACHINE_MIN_SEED = 16,   /* fewer do not count as seeded */
    CONFIG_DEFAULT_STACK_PAGES = 8,
    CONFIG_DEFAULT_GUARD_PAGES = 1,
    PAYLOAD_MAX_SIZE = 512 << 20, /* bytes of the image in memory */
    PAYLOAD_MAX_RELOCATIONS = 1 << 20,
    LAYOUT_MAX_PLACES =
        2 * 64 + 4,         /* stack and area of each hart; physical map, image, heap, hand-over */
    LAYOUT_MAX_TRIES = 128, /* random draws for one place before giving up */
    HARTS_MAX_WAIT_SECONDS = 10, /* for a hart that the firmware says it started */
    HARTS_LOOKS_PER_SECOND = 10000,
    REFUSAL_TEXT_SIZE = 128,
};

/* Of memory. No machine has that much, and so much has a place in no physical map but Sv57's. */
#define MACHINE_MAX_ADDRESS (1ull << 46)

/* The physical map reaches at least this far, since devices are commonly below. */
#define PHYSMAP_MIN_SIZE (4ull << 30)
#define PHYSMAP_ALIGN    (1ull << 30)

static inline uint64_t page_down(uint64_t address) {
    return address & ~(uint64_t)(BOOT_PAGE_SIZE - 1);
}

/* 0 if it wraps. */
static inline uint64_t page_up(uint64_t address) {
    return page_down(address + BOOT_PAGE_SIZE - 1);
}

#endif
