/*
 * The map of physical memory (boot/memory.h): a sorted array, changed by one operation, `insert`.
 */
#include "boot/memory.h"

#include <string.h>

static status_t insert(struct memory *m, uint32_t at, struct boot_region region,
                       struct refusal *why) {
    if (m->len == BOOT_MAX_REGIONS) {
        return refusal_set(why, STATUS_LIMIT, "memory: more than %d regions", BOOT_MAX_REGIONS);
    }
    memmove(&m->regions[at + 1], &m->regions[at], (m->len - at) * sizeof(m->regions[0]));
    m->regions[at] = region;
    m->len++;
    return STATUS_OK;
}

/* Joins neighbours that touch and are of one kind. */
static void merge(struct memory *m) {
    uint32_t kept = 0;
    for (uint32_t i = 1; i < m->len; i++) {
        struct boot_region *last = &m->regions[kept], *next = &m->regions[i];
        if (last->end == next->start && last->kind == next->kind) {
            last->end = next->end;
        } else {
            m->regions[++kept] = *next;
        }
    }
    m->len = m->len == 0 ? 0 : kept + 1;
}

status_t memory_add(struct memory *memory, uint64_t start, uint64_t end, struct refusal *why) {
    uint64_t up = page_up(start);
    if (up < start) {
        return STATUS_OK; /* less than a page at the very end of the address space */
    }
    start = up;
    end = page_down(end);
    uint32_t i = 0;
    /* Walks the gaps between known regions and fills each that lies inside [start, end). */
    while (start < end) {
        while (i < memory->len && memory->regions[i].end <= start) {
            i++;
        }
        uint64_t gap_end = end;
        if (i < memory->len && memory->regions[i].start < end) {
            gap_end = memory->regions[i].start;
        }
        if (start < gap_end) {
            TRY(insert(
                memory, i,
                (struct boot_region){.start = start, .end = gap_end, .kind = BOOT_MEMORY_USABLE},
                why));
            i++;
        }
        start = i < memory->len && gap_end < end ? memory->regions[i].end : end;
    }
    merge(memory);
    return STATUS_OK;
}

/* Cuts regions[i] so that [start, end), which lies in it, is a region of its own with `kind`. */
static status_t carve(struct memory *m, uint32_t i, uint64_t start, uint64_t end,
                      enum boot_memory_kind kind, struct refusal *why) {
    struct boot_region old = m->regions[i];
    if (end < old.end) {
        struct boot_region rest = old;
        rest.start = end;
        TRY(insert(m, i + 1, rest, why));
    }
    m->regions[i] = (struct boot_region){.start = start, .end = end, .kind = (uint32_t)kind};
    if (old.start < start) {
        struct boot_region rest = old;
        rest.end = start;
        TRY(insert(m, i, rest, why));
    }
    return STATUS_OK;
}

status_t memory_mark(struct memory *memory, uint64_t start, uint64_t end,
                     enum boot_memory_kind kind, struct refusal *why) {
    start = page_down(start);
    end = page_up(end) < end ? page_down(UINT64_MAX) : page_up(end);
    for (uint32_t i = 0; i < memory->len; i++) {
        struct boot_region *r = &memory->regions[i];
        uint64_t low = r->start > start ? r->start : start;
        uint64_t high = r->end < end ? r->end : end;
        if (r->kind == BOOT_MEMORY_USABLE && low < high) {
            TRY(carve(memory, i, low, high, kind, why));
        }
    }
    merge(memory);
    return STATUS_OK;
}

/* The region to take `size` bytes from: the lowest that is large enough, or the highest. */
static struct boot_region *find_usable(struct memory *m, uint64_t size, bool highest) {
    for (uint32_t n = 0; n < m->len; n++) {
        struct boot_region *r = &m->regions[highest ? m->len - 1 - n : n];
        if (r->kind == BOOT_MEMORY_USABLE && r->end - r->start >= size) {
            return r;
        }
    }
    return NULL;
}

status_t memory_take(struct memory *memory, enum boot_memory_kind kind, uint64_t size,
                     uint64_t *phys_out, struct refusal *why) {
    bool highest = kind == BOOT_MEMORY_LOADER;
    uint64_t whole = page_up(size);
    struct boot_region *r = whole < size ? NULL : find_usable(memory, whole, highest);
    if (r == NULL) {
        return refusal_set(why, STATUS_NO_MEMORY, "memory: no %llu contiguous bytes free",
                           (unsigned long long)size);
    }
    uint64_t start = highest ? r->end - whole : r->start;
    TRY(carve(memory, (uint32_t)(r - memory->regions), start, start + whole, kind, why));
    merge(memory);
    *phys_out = start;
    return STATUS_OK;
}

bool memory_has(const struct memory *memory, uint64_t start, uint64_t end) {
    for (uint32_t i = 0; i < memory->len && start < end; i++) {
        const struct boot_region *r = &memory->regions[i];
        if (r->start <= start && start < r->end) {
            start = r->end;
        }
    }
    return start >= end;
}

uint64_t memory_end(const struct memory *memory) {
    return memory->len == 0 ? 0 : memory->regions[memory->len - 1].end;
}
