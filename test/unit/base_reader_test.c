/*
 * base/reader and base/status.
 */
#include "base/reader.h"
#include "base/status.h"
#include "test/support/check.h"

#define READER(r, ...)                                                                             \
    const uint8_t r##_bytes[] = {__VA_ARGS__};                                                     \
    struct reader r;                                                                               \
    reader_init(&r, r##_bytes, sizeof(r##_bytes))

TEST(fixed_sizes) {
    READER(r, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24,
           25, 26, 27);
    CHECK_EQ(reader_u8(&r), 1);
    CHECK_EQ(reader_le16(&r), 0x0302);
    CHECK_EQ(reader_le32(&r), 0x07060504);
    CHECK_EQ(reader_le64(&r), 0x0f0e0d0c0b0a0908);
    CHECK_EQ(reader_be32(&r), 0x10111213);
    CHECK_EQ(reader_be64(&r), 0x1415161718191a1b);
    CHECK(reader_ok(&r));
    CHECK_EQ(reader_left(&r), 0);
}

TEST(the_first_fault_stays) {
    READER(r, 1, 2, 3);
    CHECK_EQ(reader_u8(&r), 1);
    CHECK_EQ(reader_le32(&r), 0);
    CHECK_TEXT(r.fault, "unexpected end");
    CHECK_EQ(r.fault_offset, 1);
    CHECK_EQ(reader_u8(&r), 0);
    CHECK(reader_bytes(&r, 1) == NULL);
    reader_fail(&r, "other");
    CHECK_TEXT(r.fault, "unexpected end");
    CHECK_EQ(r.fault_offset, 1);
}

TEST(sub_readers) {
    READER(r, 1, 2, 3, 4);
    reader_u8(&r);
    struct reader sub = reader_sub(&r, 2);
    CHECK_EQ(reader_left(&sub), 2);
    CHECK_EQ(reader_offset(&sub), 1);
    CHECK_EQ(reader_u8(&r), 4);
    CHECK_EQ(reader_le16(&sub), 0x0302);
    struct reader bad = reader_sub(&r, 1);
    CHECK(!reader_ok(&bad) && !reader_ok(&r));
    CHECK_EQ(reader_left(&bad), 0);
    struct reader none;
    reader_init(&none, NULL, 0);
    CHECK_EQ(reader_u8(&none), 0);
    CHECK(!reader_ok(&none));
}

enum kind { U32, S32, S33, U64, S64 };

static uint64_t leb(enum kind kind, struct reader *r) {
    switch (kind) {
    case U32:
        return reader_leb_u32(r);
    case S32:
        return (uint64_t)reader_leb_s32(r);
    case S33:
        return (uint64_t)reader_leb_s33(r);
    case U64:
        return reader_leb_u64(r);
    default:
        return (uint64_t)reader_leb_s64(r);
    }
}

/* fault: 0 none, 'e' unexpected end, 'l' too long, 't' too large */
static const struct {
    enum kind kind;
    const char *hex;
    uint64_t value;
    char fault;
} lebs[] = {
    {U32, "00", 0, 0},
    {U32, "e58e26", 624485, 0},
    {U32, "ffffffff0f", 0xffffffff, 0},
    {U32, "ffffffff1f", 0, 't'},
    {U32, "ffffffff7f", 0, 't'},
    {U32, "8080808000", 0, 0},
    {U32, "808080808000", 0, 'l'},
    {U32, "80", 0, 'e'},
    {U32, "", 0, 'e'},
    {S32, "7f", (uint64_t)-1, 0},
    {S32, "c0bb78", (uint64_t)-123456, 0},
    {S32, "ffffffff07", 0x7fffffff, 0},
    {S32, "8080808078", (uint64_t)INT32_MIN, 0},
    {S32, "ffffffff0f", 0, 't'},
    {S32, "8080808008", 0, 't'},
    {S32, "8080808070", 0, 't'},
    {S32, "ffffffffff7f", 0, 'l'},
    {S33, "40", (uint64_t)-64, 0},
    {S33, "ffffffff0f", 0xffffffff, 0},
    {S33, "8080808070", (uint64_t)-4294967296ll, 0},
    {S33, "ffffffff1f", 0, 't'},
    {U64, "ffffffffffffffffff01", UINT64_MAX, 0},
    {U64, "ffffffffffffffffff02", 0, 't'},
    {U64, "8080808080808080808000", 0, 'l'},
    {S64, "8080808080808080807f", (uint64_t)INT64_MIN, 0},
    {S64, "ffffffffffffffffff00", INT64_MAX, 0},
    {S64, "ffffffffffffffffff7f", UINT64_MAX, 0},
    {S64, "80808080808080808001", 0, 't'},
    {S64, "8080808080808080807e", 0, 't'},
    {S64, "ffffffffffffffffffff7f", 0, 'l'},
};

TEST(leb128) {
    for (size_t i = 0; i < sizeof(lebs) / sizeof(lebs[0]); i++) {
        size_t size = strlen(lebs[i].hex) / 2;
        uint8_t *bytes = malloc(size ? size : 1);
        for (size_t b = 0; b < size; b++) {
            char digits[3] = {lebs[i].hex[b * 2], lebs[i].hex[b * 2 + 1], 0};
            bytes[b] = (uint8_t)strtoul(digits, NULL, 16);
        }
        struct reader r;
        reader_init(&r, bytes, size);
        CHECK_EQ(leb(lebs[i].kind, &r), lebs[i].value);
        const char *fault = lebs[i].fault == 'e'   ? "unexpected end"
                            : lebs[i].fault == 'l' ? "integer representation too long"
                            : lebs[i].fault == 't' ? "integer too large"
                                                   : "none";
        CHECK_TEXT(r.fault ? r.fault : "none", fault);
        CHECK(r.fault || reader_left(&r) == 0);
        free(bytes);
    }
}

TEST(status_texts) {
    CHECK_TEXT(status_text(STATUS_OK), "ok");
    CHECK_TEXT(status_text(STATUS_UNTRUSTED), "signature or key not accepted");
    CHECK_TEXT(status_text((status_t)1000), "unknown status");
    CHECK_TEXT(status_text((status_t)-1), "unknown status");
}

CHECK_MAIN
