/*
 * Verification and unpacking of a signed image (boot/image.h). Ed25519 is libsodium's, LZ4 is lz4's, zstd
 * is zstd's.
 */
#include "boot/image.h"

#include "base/reader.h"

#include <lz4.h>
#include <sodium/crypto_sign_ed25519.h>
#include <string.h>
#define ZSTD_STATIC_LINKING_ONLY /* the interface that takes its memory from the caller */
#include <zstd.h>

static void read_header(struct image_header *h, const void *bytes) {
    struct reader r;
    reader_init(&r, bytes, IMAGE_HEADER_SIZE);
    h->magic = reader_le64(&r);
    h->version = reader_le32(&r);
    h->security_version = reader_le32(&r);
    h->kind = reader_le32(&r);
    h->compression = reader_le32(&r);
    h->key_id = reader_le32(&r);
    h->zero = reader_le32(&r);
    h->packed_size = reader_le64(&r);
    h->unpacked_size = reader_le64(&r);
}

static status_t check_fields(const struct image_header *h, struct refusal *why) {
    if (h->magic != IMAGE_MAGIC) {
        return refusal_set(why, STATUS_BAD_FORMAT, "image: bad magic %016llx",
                           (unsigned long long)h->magic);
    }
    if (h->version != IMAGE_VERSION) {
        return refusal_set(why, STATUS_BAD_FORMAT, "image: version %u, want %u", h->version,
                           IMAGE_VERSION);
    }
    if (h->kind != IMAGE_KIND_PAYLOAD) {
        return refusal_set(why, STATUS_BAD_FORMAT, "image: kind %u is no payload", h->kind);
    }
    if (h->compression > IMAGE_COMPRESSION_ZSTD) {
        return refusal_set(why, STATUS_BAD_FORMAT, "image: unknown compression %u", h->compression);
    }
    if (h->zero != 0) {
        return refusal_set(why, STATUS_BAD_FORMAT, "image: reserved field is %u, not 0", h->zero);
    }
    return STATUS_OK;
}

static status_t check_sizes(const struct image_header *h, size_t size, struct refusal *why) {
    if (h->packed_size > IMAGE_MAX_PACKED || h->packed_size == 0) {
        return refusal_set(why, STATUS_LIMIT, "image: packed size %llu out of bounds",
                           (unsigned long long)h->packed_size);
    }
    if (h->unpacked_size > IMAGE_MAX_UNPACKED || h->unpacked_size == 0) {
        return refusal_set(why, STATUS_LIMIT, "image: unpacked size %llu out of bounds",
                           (unsigned long long)h->unpacked_size);
    }
    if (h->packed_size != size - IMAGE_HEADER_SIZE - IMAGE_SIGNATURE_SIZE) {
        return refusal_set(why, STATUS_BAD_FORMAT, "image: packed size %llu, but there are %llu",
                           (unsigned long long)h->packed_size,
                           (unsigned long long)(size - IMAGE_HEADER_SIZE - IMAGE_SIGNATURE_SIZE));
    }
    if (h->compression == IMAGE_COMPRESSION_NONE && h->packed_size != h->unpacked_size) {
        return refusal_set(why, STATUS_BAD_FORMAT,
                           "image: sizes %llu packed, %llu unpacked differ without compression",
                           (unsigned long long)h->packed_size,
                           (unsigned long long)h->unpacked_size);
    }
    return STATUS_OK;
}

static const uint8_t *find_key(const struct trust *trust, uint32_t key_id) {
    for (uint32_t i = 0; i < trust->keys_len; i++) {
        if (memcmp(trust->keys[i], &key_id, sizeof(key_id)) == 0) {
            return trust->keys[i];
        }
    }
    return NULL;
}

static uint32_t lowest_version(const struct trust *trust) {
    uint32_t stored = trust->stored_floor == NULL ? 0 : trust->stored_floor();
    return stored > trust->security_floor ? stored : trust->security_floor;
}

status_t image_verify(const void *bytes, size_t size, const struct trust *trust,
                      struct image *image_out, struct refusal *why) {
    if (size < IMAGE_HEADER_SIZE + IMAGE_SIGNATURE_SIZE) {
        return refusal_set(why, STATUS_BAD_FORMAT, "image: truncated, %llu bytes in all",
                           (unsigned long long)size);
    }
    struct image_header h;
    read_header(&h, bytes);
    TRY(check_fields(&h, why));
    TRY(check_sizes(&h, size, why));
    const uint8_t *key = find_key(trust, h.key_id);
    if (key == NULL) {
        return refusal_set(why, STATUS_UNTRUSTED, "image: key %08x is not trusted", h.key_id);
    }
    if (trust->release && key < trust->keys[trust->debug_keys_len]) {
        return refusal_set(why, STATUS_UNTRUSTED,
                           "image: key %08x is for debugging, this is a release loader", h.key_id);
    }
    size_t message_size = size - IMAGE_SIGNATURE_SIZE;
    const uint8_t *signature = (const uint8_t *)bytes + message_size;
    if (crypto_sign_ed25519_verify_detached(signature, bytes, message_size, key) != 0) {
        return refusal_set(why, STATUS_UNTRUSTED, "image: bad signature");
    }
    uint32_t floor = lowest_version(trust);
    if (h.security_version < floor) {
        return refusal_set(why, STATUS_UNTRUSTED, "image: security version %u is below %u",
                           h.security_version, floor);
    }
    *image_out = (struct image){
        .packed = (const uint8_t *)bytes + IMAGE_HEADER_SIZE,
        .packed_size = h.packed_size,
        .unpacked_size = h.unpacked_size,
        .compression = h.compression,
        .security_version = h.security_version,
    };
    return STATUS_OK;
}

size_t image_scratch_size(const struct image *image) {
    return image->compression == IMAGE_COMPRESSION_ZSTD ? ZSTD_estimateDCtxSize() : 0;
}

/* What comes out, or a number that is no size of an image. */
static size_t decompress(const struct image *image, void *out, void *scratch) {
    if (image->compression == IMAGE_COMPRESSION_ZSTD) {
        ZSTD_DCtx *context = ZSTD_initStaticDCtx(scratch, image_scratch_size(image));
        return context == NULL ? SIZE_MAX
                               : ZSTD_decompressDCtx(context, out, image->unpacked_size,
                                                     image->packed, image->packed_size);
    }
    /* Both sizes are below 2^31 by check_sizes(). */
    return (size_t)LZ4_decompress_safe((const char *)image->packed, out, (int)image->packed_size,
                                       (int)image->unpacked_size);
}

status_t image_unpack(const struct image *image, void *out, void *scratch, struct refusal *why) {
    if (image->compression == IMAGE_COMPRESSION_NONE) {
        memcpy(out, image->packed, image->unpacked_size);
    } else if (decompress(image, out, scratch) != image->unpacked_size) {
        return refusal_set(why, STATUS_BAD_FORMAT, "image: packed data is malformed");
    }
    return STATUS_OK;
}
