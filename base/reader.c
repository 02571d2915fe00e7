/*
 * The sticky reader: after the first fault `at` equals `end`, so that every later read fails the same
 * bounds check as a read at the end and yields zero.
 */
#include "base/reader.h"

const char reader_unexpected_end[] = "unexpected end";
static const char too_long[] = "integer representation too long";
static const char too_large[] = "integer too large";

void reader_init(struct reader *r, const void *bytes, size_t size) {
    const uint8_t *start = bytes ? bytes : (const uint8_t *)"";
    *r = (struct reader){.at = start, .end = start + size, .start = start};
}

void reader_fail(struct reader *r, const char *fault) {
    if (!r->fault) {
        r->fault = fault;
        r->fault_offset = reader_offset(r);
    }
    r->at = r->end;
}

static bool has(struct reader *r, size_t size) {
    if (reader_left(r) >= size) {
        return true;
    }
    reader_fail(r, reader_unexpected_end);
    return false;
}

static uint64_t little(struct reader *r, unsigned size) {
    uint64_t value = 0;
    if (has(r, size)) {
        for (unsigned i = 0; i < size; i++) {
            value |= (uint64_t)r->at[i] << (8 * i);
        }
        r->at += size;
    }
    return value;
}

static uint64_t big(struct reader *r, unsigned size) {
    uint64_t value = 0;
    if (has(r, size)) {
        for (unsigned i = 0; i < size; i++) {
            value = value << 8 | r->at[i];
        }
        r->at += size;
    }
    return value;
}

uint16_t reader_le16(struct reader *r) {
    return (uint16_t)little(r, 2);
}
uint32_t reader_le32(struct reader *r) {
    return (uint32_t)little(r, 4);
}
uint64_t reader_le64(struct reader *r) {
    return little(r, 8);
}
uint32_t reader_be32(struct reader *r) {
    return (uint32_t)big(r, 4);
}
uint64_t reader_be64(struct reader *r) {
    return big(r, 8);
}

/* The last byte allowed holds bits - shift bits of the number; what lies above them in the 7 must be
 * zero, or for a signed number all equal to its sign bit. */
static bool last_byte_fits(uint8_t byte, unsigned used_bits, bool is_signed) {
    unsigned rest = (byte & 0x7fu) >> (used_bits - (is_signed ? 1 : 0));
    unsigned all_ones = 0x7fu >> (used_bits - (is_signed ? 1 : 0));
    return rest == 0 || (is_signed && rest == all_ones);
}

/* The number as its low 64 bits, sign-extended from its last byte if it is signed. A fault is
 * recorded at the byte that is wrong. */
static inline uint64_t leb(struct reader *r, unsigned bits, bool is_signed) {
    uint64_t value = 0;
    unsigned shift = 0;
    for (const uint8_t *at = r->at; at < r->end; at++) {
        uint8_t byte = *at;
        value |= (uint64_t)(byte & 0x7f) << shift;
        shift += 7;
        bool is_last = byte < 0x80;
        if (shift >= bits && !(is_last && last_byte_fits(byte, bits - (shift - 7), is_signed))) {
            r->at = at;
            reader_fail(r, is_last ? too_large : too_long);
            return 0;
        }
        if (is_last) {
            r->at = at + 1;
            bool negative = is_signed && (byte & 0x40);
            return negative && shift < 64 ? value | ~(uint64_t)0 << shift : value;
        }
    }
    r->at = r->end;
    reader_fail(r, reader_unexpected_end);
    return 0;
}

uint32_t reader_leb_u32(struct reader *r) {
    return (uint32_t)leb(r, 32, false);
}
int32_t reader_leb_s32(struct reader *r) {
    return (int32_t)(uint32_t)leb(r, 32, true);
}
uint64_t reader_leb_u64(struct reader *r) {
    return leb(r, 64, false);
}
int64_t reader_leb_s64(struct reader *r) {
    return (int64_t)leb(r, 64, true);
}
int64_t reader_leb_s33(struct reader *r) {
    return (int64_t)leb(r, 33, true);
}

const uint8_t *reader_bytes(struct reader *r, size_t size) {
    if (!has(r, size)) {
        return NULL;
    }
    const uint8_t *bytes = r->at;
    r->at += size;
    return bytes;
}

struct reader reader_sub(struct reader *r, size_t size) {
    struct reader sub = *r;
    if (has(r, size)) {
        r->at += size;
        sub.end = r->at;
    } else {
        sub = *r;
    }
    return sub;
}
