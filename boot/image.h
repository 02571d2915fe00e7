/*
 * A signed image (abi/image.h), from bytes that may be anything to an unpacked payload. The order is
 * the order of trust: bounds, key, signature, rollback; and only what passed all of them is unpacked.
 * Of an unverified image nothing but the fixed header is looked at.
 */
#ifndef BOOT_IMAGE_H
#define BOOT_IMAGE_H

#include "abi/image.h"
#include "boot/refusal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a loader accepts; built into it. */
struct trust {
    const uint8_t (*keys)[IMAGE_KEY_SIZE];
    uint32_t keys_len;
    uint32_t security_floor; /* the lowest security version */
    uint32_t debug_keys_len; /* so many of the keys, the first ones, are for debugging ... */
    bool release;            /* ... and refused then */
    /* What a machine with a counter that only goes up has in it; NULL if it has none. The higher of
     * both floors counts. The loader only reads it: raising it is for a payload that works. */
    uint32_t (*stored_floor)(void);
};

/* Made by image_verify() alone: whoever has one has a verified image. */
struct image {
    const uint8_t *packed; /* inside the bytes given to image_verify() */
    size_t packed_size;
    size_t unpacked_size;
    uint32_t compression;
    uint32_t security_version;
};

/* Checks `size` bytes at `bytes`, all of which must be the image. BAD_FORMAT, LIMIT, UNTRUSTED. The
 * bytes must not change until the image is unpacked. */
MUST_CHECK status_t image_verify(const void *bytes, size_t size, const struct trust *trust,
                                 struct image *image_out, struct refusal *why);

/* Bytes of working memory that unpacking needs. */
size_t image_scratch_size(const struct image *image);

/* Unpacks image->unpacked_size bytes, exactly, to `out`. `scratch` is 8-aligned. BAD_FORMAT. */
MUST_CHECK status_t image_unpack(const struct image *image, void *out, void *scratch,
                                 struct refusal *why);

#endif
