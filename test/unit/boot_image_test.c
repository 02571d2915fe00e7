/*
 * Signed images: a good one unpacks to what was packed; every flipped bit, every truncation, every
 * extension, a foreign key and an old version are refused, and the reason names the right step.
 */
#include "boot/image.h"
#include "test/support/check.h"

#include <lz4.h>
#include <sodium.h>
#include <zstd.h>

enum { CONTENT_SIZE = 600 };

struct made {
    uint8_t bytes[2048];
    size_t size;
    uint8_t content[CONTENT_SIZE];
};

static uint8_t public[1][IMAGE_KEY_SIZE], secret[64];
static const struct trust trust = {.keys = public, .keys_len = 1, .security_floor = 3};
static struct refusal why;

static void sign(struct made *m, size_t message_size) {
    crypto_sign_detached(m->bytes + message_size, NULL, m->bytes, message_size, secret);
    m->size = message_size + IMAGE_SIGNATURE_SIZE;
}

static struct image_header *header(struct made *m) {
    return (struct image_header *)(void *)m->bytes;
}

static void make(struct made *m, uint32_t compression) {
    uint8_t seed[32] = {1, 2, 3};
    crypto_sign_seed_keypair(public[0], secret, seed);
    for (int i = 0; i < CONTENT_SIZE; i++) {
        m->content[i] = (uint8_t)(i / 7);
    }
    uint8_t *data = m->bytes + IMAGE_HEADER_SIZE;
    int packed = CONTENT_SIZE;
    memcpy(data, m->content, CONTENT_SIZE);
    if (compression == IMAGE_COMPRESSION_LZ4) {
        packed = LZ4_compress_default((const char *)m->content, (char *)data, CONTENT_SIZE, 1000);
    } else if (compression == IMAGE_COMPRESSION_ZSTD) {
        packed = (int)ZSTD_compress(data, 1000, m->content, CONTENT_SIZE, 19);
    }
    *header(m) = (struct image_header){.magic = IMAGE_MAGIC,
                                       .version = IMAGE_VERSION,
                                       .security_version = 3,
                                       .kind = IMAGE_KIND_PAYLOAD,
                                       .compression = compression,
                                       .packed_size = (uint64_t)packed,
                                       .unpacked_size = CONTENT_SIZE};
    memcpy(&header(m)->key_id, public[0], 4);
    sign(m, IMAGE_HEADER_SIZE + (size_t)packed);
}

static uint64_t scratch[40000]; /* for zstd */

/* From a block of exactly that size, so that ASan sees any read past it. */
static status_t verify(const void *bytes, size_t size, struct image *image) {
    uint8_t *copy = malloc(size + 1);
    memcpy(copy, bytes, size);
    status_t status = image_verify(copy, size, &trust, image, &why);
    free(copy);
    return status;
}

static void check_good(uint32_t compression) {
    struct made m;
    struct image image;
    uint8_t out[CONTENT_SIZE];
    make(&m, compression);
    CHECK_EQ(image_verify(m.bytes, m.size, &trust, &image, &why), STATUS_OK);
    CHECK_EQ(image.unpacked_size, CONTENT_SIZE);
    CHECK_EQ(image_unpack(&image, out, scratch, &why), STATUS_OK);
    CHECK(memcmp(out, m.content, CONTENT_SIZE) == 0);
}

TEST(good_images_unpack) {
    check_good(IMAGE_COMPRESSION_NONE);
    check_good(IMAGE_COMPRESSION_LZ4);
    check_good(IMAGE_COMPRESSION_ZSTD);
}

TEST(every_flipped_bit_is_refused) {
    struct made m;
    struct image image;
    make(&m, IMAGE_COMPRESSION_LZ4);
    for (size_t i = 0; i < m.size; i++) {
        for (int bit = 0; bit < 8; bit++) {
            m.bytes[i] ^= (uint8_t)(1 << bit);
            CHECK(verify(m.bytes, m.size, &image) != STATUS_OK);
            m.bytes[i] ^= (uint8_t)(1 << bit);
        }
    }
    CHECK_EQ(verify(m.bytes, m.size, &image), STATUS_OK);
}

TEST(every_truncation_and_extension_is_refused) {
    struct made m;
    struct image image;
    make(&m, IMAGE_COMPRESSION_LZ4);
    for (size_t size = 0; size < m.size; size++) {
        CHECK(verify(m.bytes, size, &image) != STATUS_OK);
    }
    for (size_t size = m.size + 1; size < m.size + 100; size++) {
        CHECK(verify(m.bytes, size, &image) != STATUS_OK);
    }
}

static void check_reason(struct made *m, const char *text) {
    struct image image;
    CHECK(verify(m->bytes, m->size, &image) != STATUS_OK);
    if (strstr(why.text, text) == NULL) {
        FAIL("refused for \"%s\", not for \"%s\"", why.text, text);
    }
}

/* Signed by the right key, so that nothing but the named fault stands in the way. */
TEST(the_reason_is_named) {
    struct made m;
    size_t message_size;
#define CASE(change, text)                                                                         \
    make(&m, IMAGE_COMPRESSION_LZ4);                                                               \
    message_size = m.size - IMAGE_SIGNATURE_SIZE;                                                  \
    change;                                                                                        \
    sign(&m, message_size);                                                                        \
    check_reason(&m, text)

    CASE(header(&m)->magic++, "magic");
    CASE(header(&m)->version++, "version 2");
    CASE(header(&m)->kind = 9, "kind 9");
    CASE(header(&m)->compression = 7, "compression 7");
    CASE(header(&m)->zero = 1, "reserved");
    CASE(header(&m)->key_id ^= 1, "not trusted");
    CASE(header(&m)->packed_size = 0, "packed size 0");
    CASE(header(&m)->packed_size = UINT64_MAX, "out of bounds");
    CASE(header(&m)->packed_size++, "but there are");
    CASE(header(&m)->unpacked_size = 0, "unpacked size 0");
    CASE(header(&m)->unpacked_size = IMAGE_MAX_UNPACKED + 1, "out of bounds");
    CASE(header(&m)->security_version = 2, "security version 2 is below 3");
    CASE(header(&m)->compression = IMAGE_COMPRESSION_NONE, "differ without compression");
#undef CASE
}

TEST(a_foreign_key_is_refused) {
    struct made m;
    struct image image;
    make(&m, IMAGE_COMPRESSION_LZ4);
    uint8_t seed[32] = {9}, foreign[32];
    crypto_sign_seed_keypair(foreign, secret, seed);
    sign(&m, m.size - IMAGE_SIGNATURE_SIZE); /* with our key's id */
    CHECK_EQ(verify(m.bytes, m.size, &image), STATUS_UNTRUSTED);
    CHECK(strstr(why.text, "bad signature") != NULL);
    memcpy(&header(&m)->key_id, foreign, 4);
    sign(&m, m.size - IMAGE_SIGNATURE_SIZE); /* with its own */
    CHECK_EQ(verify(m.bytes, m.size, &image), STATUS_UNTRUSTED);
}

static uint32_t counter(void) {
    return 4;
}

TEST(release_loaders_and_counters) {
    struct made m;
    struct image image;
    make(&m, IMAGE_COMPRESSION_NONE);
    struct trust other = trust;
    other.debug_keys_len = 1;
    CHECK_EQ(image_verify(m.bytes, m.size, &other, &image, &why), STATUS_OK);
    other.release = true;
    CHECK_EQ(image_verify(m.bytes, m.size, &other, &image, &why), STATUS_UNTRUSTED);
    CHECK(strstr(why.text, "is for debugging") != NULL);
    other.debug_keys_len = 0;
    CHECK_EQ(image_verify(m.bytes, m.size, &other, &image, &why), STATUS_OK);
    other.stored_floor = counter;
    CHECK_EQ(image_verify(m.bytes, m.size, &other, &image, &why), STATUS_UNTRUSTED);
    CHECK(strstr(why.text, "version 3 is below 4") != NULL);
}

/* Even what is signed unpacks to its stated size or not at all. */
static void check_bounded(uint32_t compression) {
    struct made m;
    struct image image;
    uint8_t *out = malloc(CONTENT_SIZE);
    make(&m, compression);
    header(&m)->unpacked_size = CONTENT_SIZE - 1;
    sign(&m, m.size - IMAGE_SIGNATURE_SIZE);
    CHECK_EQ(image_verify(m.bytes, m.size, &trust, &image, &why), STATUS_OK);
    CHECK_EQ(image_unpack(&image, out, scratch, &why), STATUS_BAD_FORMAT);
    make(&m, compression);
    CHECK_EQ(image_verify(m.bytes, m.size, &trust, &image, &why), STATUS_OK);
    srand(2);
    for (int i = 0; i < 20000; i++) {
        m.bytes[IMAGE_HEADER_SIZE + (size_t)rand() % image.packed_size] = (uint8_t)rand();
        (void)!image_unpack(&image, out, scratch, &why); /* ASan is the judge */
    }
    free(out);
}

TEST(unpacking_is_bounded) {
    check_bounded(IMAGE_COMPRESSION_LZ4);
    check_bounded(IMAGE_COMPRESSION_ZSTD);
}
CHECK_MAIN
