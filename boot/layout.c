/*
 * Random places (boot/layout.h). A place is drawn until it meets no other; with at most half the
 * window taken a draw fails at most every other time, so LAYOUT_MAX_TRIES are never used up.
 */
#include "boot/layout.h"

#include <stdbool.h>
#include <stddef.h>

void layout_init(struct layout *layout, uint32_t levels, struct random *random) {
    unsigned bits = 12 + 9 * levels;           /* of a virtual address */
    uint64_t half = (uint64_t)1 << (bits - 1); /* size of the upper half */
    *layout = (struct layout){
        .random = random,
        .low = 0 - half + half / 4,
        .high = 0 - (uint64_t)(2u << 20), /* so that no address just past a place wraps */
    };
}

uint64_t layout_physmap_limit(const struct layout *layout) {
    return ((layout->high - layout->low) / 2) & ~(PHYSMAP_ALIGN - 1);
}

static bool is_free(const struct layout *layout, uint64_t start, uint64_t end) {
    for (uint32_t i = 0; i < layout->len; i++) {
        if (start < layout->places[i].end && layout->places[i].start < end) {
            return false;
        }
    }
    return start >= layout->low && end <= layout->high && start < end;
}

/* A candidate; without randomness they follow each other. */
static uint64_t draw(const struct layout *layout, uint64_t size, uint64_t align, uint64_t guard) {
    uint64_t first = (layout->low + guard + align - 1) & ~(align - 1);
    if (layout->random != NULL) {
        uint64_t slots = (layout->high - first - size) / align + 1;
        return first + random_below(layout->random, slots) * align;
    }
    if (layout->len > 0) {
        uint64_t end = layout->places[layout->len - 1].end;
        first = (end + guard + align - 1) & ~(align - 1);
    }
    return first;
}

status_t layout_place(struct layout *layout, const char *what, uint64_t size, uint64_t align,
                      uint64_t guard, uint64_t *virt_out, struct refusal *why) {
    if (layout->len == LAYOUT_MAX_PLACES) {
        return refusal_set(why, STATUS_LIMIT, "layout: too many places");
    }
    uint64_t window = layout->high - layout->low;
    bool fits = size < window && align < window - size && guard < window - size - align;
    for (int i = 0; fits && i < LAYOUT_MAX_TRIES; i++) {
        uint64_t virt = draw(layout, size, align, guard);
        if (is_free(layout, virt - guard, virt + size + BOOT_PAGE_SIZE)) {
            layout->places[layout->len].start = virt - guard;
            layout->places[layout->len].end = virt + size + BOOT_PAGE_SIZE;
            layout->len++;
            *virt_out = virt;
            return STATUS_OK;
        }
    }
    return refusal_set(why, STATUS_NO_SPACE, "layout: no room for %s of %llu bytes", what,
                       (unsigned long long)size);
}
