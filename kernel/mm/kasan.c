/*
 * The shadow, what the compiler calls, and the C library's block functions with a check. Built without
 * the sanitizer itself. Its names are those that GCC uses (libsanitizer's interface for kernels).
 *
 * No locks: who owns memory changes its shadow, and no eight bytes have two owners.
 */
#include "kernel/mm/kasan.h"

#if K23_SANITIZE

#include "kernel/harts.h"
#include "kernel/limits.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/heap.h"
#include "kernel/panic.h"

#include <stdbool.h>
#include <string.h>

enum { UNIT = 8, DELAY_LEN = 512 };

static uint8_t *shadow; /* NULL: not ready, everything may be touched */
static vaddr_t start;   /* what shadow[0] is about, in the physical map */
static uint64_t size_covered;
static vaddr_t image; /* the kernel's own, and where it lies in what is covered */
static uint64_t image_size, image_offset;

static void *delayed[DELAY_LEN];
static uint32_t delayed_next;

/* ---- the shadow ---- */

size_t kasan_shadow_size(size_t frames) {
    return frames * PAGE_SIZE / UNIT;
}

static void fill(uint64_t offset, size_t size, uint8_t value) {
    for (uint64_t i = offset / UNIT; i < (offset + size + UNIT - 1) / UNIT; i++) {
        *(volatile uint8_t *)&shadow[i] = value; /* no call of memset(), which comes here */
    }
}

/* Where an address is in what is covered; false: nowhere. */
static inline bool locate(uint64_t address, uint64_t *offset_out) {
    if (address - start < size_covered) {
        *offset_out = address - start;
        return true;
    }
    if (address - image < image_size) {
        *offset_out = address - image + image_offset;
        return *offset_out < size_covered;
    }
    return false;
}

void kasan_forbid(const void *at, size_t size, enum kasan_poison why) {
    uint64_t offset;
    if (shadow && size > 0 && locate((uint64_t)at, &offset)) {
        fill(offset, size, (uint8_t)why);
    }
}

void kasan_allow(const void *at, size_t size) {
    uint64_t offset;
    if (shadow && locate((uint64_t)at, &offset)) {
        fill(offset, size / UNIT * UNIT, 0);
        if (size % UNIT) {
            shadow[(offset + size) / UNIT] = (uint8_t)(size % UNIT);
        }
    }
}

/* ---- checks ---- */

static const char *reason(uint64_t offset) {
    uint8_t value = shadow[offset / UNIT];
    switch (value < UNIT ? shadow[offset / UNIT + 1] : value) {
    case KASAN_FREE_FRAME:
        return "a page that is free";
    case KASAN_FREE_OBJECT:
        return "an object that was freed";
    case KASAN_GLOBAL_RED_ZONE:
        return "beyond a global";
    default:
        return "beyond an object";
    }
}

static bool allowed(uint64_t offset) {
    uint8_t value = shadow[offset / UNIT];
    return value == 0 || (value < UNIT && offset % UNIT < value);
}

static __attribute__((noinline)) void report(uint64_t address, uint64_t offset, size_t size,
                                             bool is_write) {
    const char *why = reason(offset);
    shadow = NULL; /* the report is not checked */
    panic("kasan: %s of %zu bytes at %016lx: %s", is_write ? "write" : "read", size,
          (unsigned long)address, why);
}

static inline void check(uint64_t address, size_t size, bool is_write) {
    uint64_t offset;
    if (!shadow || size == 0 || !locate(address, &offset)) {
        return;
    }
    /* Any eight bytes between first and last that may not be touched are wholly so. */
    if (!allowed(offset + size - 1)) {
        report(address, offset + size - 1, size, is_write);
    }
    for (uint64_t at = offset; at < offset + size; at = (at / UNIT + 1) * UNIT) {
        uint8_t value = shadow[at / UNIT];
        if (value != 0 && !(value < UNIT && offset + size <= at / UNIT * UNIT + value)) {
            report(address, at, size, is_write);
        }
    }
}

#define ACCESS(size)                                                                               \
    void __asan_load##size##_noabort(uint64_t address);                                            \
    void __asan_load##size##_noabort(uint64_t address) {                                           \
        check(address, size, false);                                                               \
    }                                                                                              \
    void __asan_store##size##_noabort(uint64_t address);                                           \
    void __asan_store##size##_noabort(uint64_t address) {                                          \
        check(address, size, true);                                                                \
    }
ACCESS(1)
ACCESS(2)
ACCESS(4)
ACCESS(8)
ACCESS(16)

void __asan_loadN_noabort(uint64_t address, size_t size);
void __asan_loadN_noabort(uint64_t address, size_t size) {
    check(address, size, false);
}

void __asan_storeN_noabort(uint64_t address, size_t size);
void __asan_storeN_noabort(uint64_t address, size_t size) {
    check(address, size, true);
}

void __asan_handle_no_return(void);
void __asan_handle_no_return(void) {
}

/* ---- the C library's block functions, which the compiler does not check ---- */

void *memcpy(void *to, const void *from, size_t size) {
    check((uint64_t)from, size, false);
    check((uint64_t)to, size, true);
    char *t = to;
    const char *f = from;
    if (((uint64_t)t | (uint64_t)f) % 8 == 0) {
        for (; size >= 8; size -= 8, t += 8, f += 8) {
            *(volatile uint64_t *)t = *(const uint64_t *)f;
        }
    }
    for (; size > 0; size--) {
        *(volatile char *)t++ = *f++;
    }
    return to;
}

void *memmove(void *to, const void *from, size_t size) {
    if ((uint64_t)to - (uint64_t)from >= size) {
        return memcpy(to, from, size);
    }
    check((uint64_t)from, size, false);
    check((uint64_t)to, size, true);
    char *t = to;
    const char *f = from;
    while (size > 0) {
        size--;
        *(volatile char *)&t[size] = f[size];
    }
    return to;
}

void *memset(void *to, int value, size_t size) {
    check((uint64_t)to, size, true);
    char *t = to;
    uint64_t word = (uint8_t)value * UINT64_C(0x0101010101010101);
    for (; size > 0 && (uint64_t)t % 8 != 0; size--) {
        *(volatile char *)t++ = (char)value;
    }
    for (; size >= 8; size -= 8, t += 8) {
        *(volatile uint64_t *)t = word;
    }
    for (; size > 0; size--) {
        *(volatile char *)t++ = (char)value;
    }
    return to;
}

int memcmp(const void *left, const void *right, size_t size) {
    const uint8_t *l = left, *r = right;
    check((uint64_t)left, size, false);
    check((uint64_t)right, size, false);
    for (size_t i = 0; i < size; i++) {
        if (l[i] != r[i]) {
            return l[i] < r[i] ? -1 : 1;
        }
    }
    return 0;
}

/* ---- objects that wait ---- */

void *kasan_delay(void *object, size_t size) {
    uint64_t offset;
    if (shadow && locate((uint64_t)object, &offset) && shadow[offset / UNIT] == KASAN_FREE_OBJECT) {
        panic("kasan: %016lx is freed twice", (unsigned long)object);
    }
    kasan_forbid(object, size, KASAN_FREE_OBJECT);
    uint32_t slot = __atomic_fetch_add(&delayed_next, 1, __ATOMIC_RELAXED) % DELAY_LEN;
    return __atomic_exchange_n(&delayed[slot], object, __ATOMIC_ACQ_REL);
}

void kasan_drain(void) {
    for (uint32_t i = 0; i < DELAY_LEN; i++) {
        heap_free_now(__atomic_exchange_n(&delayed[i], NULL, __ATOMIC_ACQ_REL));
    }
}

/* ---- globals ---- */

/* As GCC lays it out: a table of these for each file, registered by a constructor. */
struct global {
    uint64_t start, size, size_with_red_zone;
    const char *name, *file;
    uint64_t has_constructor;
    const void *location;
    uint64_t odr;
};

void __asan_register_globals(const struct global *globals, size_t len);
void __asan_register_globals(const struct global *globals, size_t len) {
    for (size_t i = 0; i < len; i++) {
        const struct global *g = &globals[i];
        uint64_t end = (g->size + UNIT - 1) / UNIT * UNIT;
        kasan_allow((const void *)g->start, g->size);
        kasan_forbid((const void *)(g->start + end), g->size_with_red_zone - end,
                     KASAN_GLOBAL_RED_ZONE);
    }
}

void __asan_unregister_globals(const struct global *globals, size_t len);
void __asan_unregister_globals(const struct global *globals, size_t len) {
    (void)globals;
    (void)len;
}

extern void (*const __init_array_start[])(void);
extern void (*const __init_array_end[])(void);

void kasan_init(paddr_t base, size_t frames, void *memory) {
    start = (vaddr_t)frame_pointer(base);
    size_covered = frames * PAGE_SIZE;
    image = harts_boot_info.payload_virt;
    image_size = harts_boot_info.payload_size;
    image_offset = harts_boot_info.payload_phys - base;
    memset(memory, 0, kasan_shadow_size(frames));
    shadow = memory;
    for (void (*const *fn)(void) = __init_array_start; fn < __init_array_end; fn++) {
        (*fn)();
    }
}

#endif
