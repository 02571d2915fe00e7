/*
 * Memory of which every access is checked, in sanitized kernels (MODE=san); in others nothing of this
 * exists. One shadow byte says of eight bytes of RAM whether they may be touched: 0 all, 1 to 7 so many
 * from the first on, else none, and why. GCC calls in for every load and store (-fsanitize=kernel-address).
 *
 * The frame allocator poisons frames that are free; the heap poisons objects that are free, which stay
 * out of use for a while, the room between objects, and what one has beyond the size that was asked for.
 * Around globals the compiler leaves room. Stacks have the stack protector; guests' memory, devices and
 * the window of kernel stacks have no shadow and are not checked.
 */
#ifndef KERNEL_MM_KASAN_H
#define KERNEL_MM_KASAN_H

#include "kernel/types.h"

#include <stddef.h>
#include <stdint.h>

enum kasan_poison {
    KASAN_FREE_FRAME = 0xf1,
    KASAN_FREE_OBJECT = 0xf2,
    KASAN_RED_ZONE = 0xf3,
    KASAN_GLOBAL_RED_ZONE = 0xf4,
};

#if K23_SANITIZE

#define KASAN_RED_ZONE_SIZE 16u /* between objects of a slab */

/* `frames` frames from `base` on have their shadow at `shadow`, of kasan_shadow_size() bytes. */
size_t kasan_shadow_size(size_t frames);
void kasan_init(paddr_t base, size_t frames, void *shadow);

/* At the kernel's address of RAM; `at` is a multiple of 8. What kasan_allow() leaves of the last eight
 * bytes is poisoned. */
void kasan_forbid(const void *at, size_t size, enum kasan_poison why);
void kasan_allow(const void *at, size_t size);

/* An object that is freed: panics if it is not in use, forbids it, and gives one that has waited long
 * enough, or NULL. */
void *kasan_delay(void *object, size_t size);

/* Really frees all that wait. Before somebody counts. */
void kasan_drain(void);

#else

#define KASAN_RED_ZONE_SIZE 0u

static inline void kasan_forbid(const void *at, size_t size, enum kasan_poison why) {
    (void)at;
    (void)size;
    (void)why;
}
static inline void kasan_allow(const void *at, size_t size) {
    (void)at;
    (void)size;
}
static inline void kasan_drain(void) {
}

#endif

#endif
