/*
 * A sticky reader over bytes. Reading past the end, or a malformed number, yields zero and sets
 * `fault` with its offset; all later reads yield zero too, so the caller may look once at the end.
 * The reader owns nothing; the bytes must outlive it.
 */
#ifndef BASE_READER_H
#define BASE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reader {
    const uint8_t *at; /* next byte */
    const uint8_t *end;
    const uint8_t *start; /* offsets count from here */
    const char *fault;    /* first fault, a static string, or NULL */
    size_t fault_offset;
};

void reader_init(struct reader *r, const void *bytes, size_t size);

static inline size_t reader_offset(const struct reader *r) {
    return (size_t)(r->at - r->start);
}
static inline size_t reader_left(const struct reader *r) {
    return (size_t)(r->end - r->at);
}
static inline bool reader_ok(const struct reader *r) {
    return r->fault == NULL;
}

/* The fault of reading past the end. */
extern const char reader_unexpected_end[];

/* Records a fault at the present offset unless there is one already, and moves to the end. */
void reader_fail(struct reader *r, const char *fault);

static inline uint8_t reader_u8(struct reader *r) {
    if (r->at < r->end) {
        return *r->at++;
    }
    reader_fail(r, reader_unexpected_end);
    return 0;
}
uint16_t reader_le16(struct reader *r);
uint32_t reader_le32(struct reader *r);
uint64_t reader_le64(struct reader *r);
uint32_t reader_be32(struct reader *r);
uint64_t reader_be64(struct reader *r);

/* LEB128 as WebAssembly has it (core 3.0, 5.2.2): at most ceil(N/7) bytes, unused bits of the last
 * byte zero or the sign. Faults: "unexpected end", "integer representation too long",
 * "integer too large". */
uint32_t reader_leb_u32(struct reader *r);
int32_t reader_leb_s32(struct reader *r);
uint64_t reader_leb_u64(struct reader *r);
int64_t reader_leb_s64(struct reader *r);
int64_t reader_leb_s33(struct reader *r);

/* The next `size` bytes, skipped; NULL and a fault if there are fewer. */
const uint8_t *reader_bytes(struct reader *r, size_t size);

/* A reader of the next `size` bytes alone, with offsets of the outer one; the outer skips them. */
struct reader reader_sub(struct reader *r, size_t size);

#endif
