/*
 * Payloads of arbitrary bytes, as if their signature were right: what payload_open() accepts is loaded
 * and relocated into a block of exactly its size. And the same bytes as a packed image and as an image to
 * be verified.
 */
#include "boot/image.h"
#include "boot/payload.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { MAX_LOADED = 1 << 20, UNPACKED = 4096 };

static struct refusal why;

static void load(const uint8_t *bytes, size_t size) {
    struct payload payload;
    uint64_t entry;
    if (payload_open(&payload, bytes, size, &why) != STATUS_OK || payload.size > MAX_LOADED) {
        return;
    }
    uint8_t *memory = aligned_alloc(4096, payload.size);
    if (payload_load(&payload, memory, 0xffffffc000000000, &why) == STATUS_OK) {
        (void)!payload_entry(&payload, memory, 0xffffffc000000000, &entry, &why);
    }
    free(memory);
}

static void unpack_as(uint32_t compression, const uint8_t *bytes, size_t size) {
    static uint64_t scratch[40000];
    uint8_t *out = malloc(UNPACKED);
    struct image image = {bytes, size, UNPACKED, compression, 0};
    (void)!image_unpack(&image, out, scratch, &why);
    free(out);
}

static void unpack(const uint8_t *bytes, size_t size) {
    static const uint8_t keys[1][IMAGE_KEY_SIZE];
    static const struct trust trust = {.keys = keys, .keys_len = 1};
    struct image image;
    if (image_verify(bytes, size, &trust, &image, &why) == STATUS_OK) {
        abort();
    }
    unpack_as(IMAGE_COMPRESSION_LZ4, bytes, size);
    unpack_as(IMAGE_COMPRESSION_ZSTD, bytes, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    uint8_t *copy = aligned_alloc(16, (size + 16) & ~(size_t)15);
    memcpy(copy, bytes, size);
    load(copy, size);
    free(copy);
    uint8_t *exact = malloc(size + (size == 0));
    memcpy(exact, bytes, size);
    unpack(exact, size);
    free(exact);
    return 0;
}
