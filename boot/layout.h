/*
 * Where things go in the payload's half of the address space: each at a random place of its own,
 * apart from all others and from the borders. The lowest quarter of the upper half is left to the
 * payload (abi/boot.h).
 */
#ifndef BOOT_LAYOUT_H
#define BOOT_LAYOUT_H

#include "boot/limits.h"
#include "boot/random.h"
#include "boot/refusal.h"

#include <stdint.h>

struct layout {
    struct random *random; /* NULL: one after the other from `low`, the same at each boot */
    uint64_t low, high;    /* the window, end exclusive */
    struct {
        uint64_t start, end;
    } places[LAYOUT_MAX_PLACES];
    uint32_t len;
};

/* For an address space of `levels` page table levels. */
void layout_init(struct layout *layout, uint32_t levels, struct random *random);

/* The largest physical map that leaves room for the rest. */
uint64_t layout_physmap_limit(const struct layout *layout);

/* A place of `size` bytes, aligned to `align` (a power of two, a page or more), which keeps `guard`
 * bytes before and a page after it unmapped. NO_SPACE, and LIMIT past LAYOUT_MAX_PLACES. */
MUST_CHECK status_t layout_place(struct layout *layout, const char *what, uint64_t size,
                                 uint64_t align, uint64_t guard, uint64_t *virt_out,
                                 struct refusal *why);

#endif
