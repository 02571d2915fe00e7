/*
 * The first member of a newc archive (boot/initrd.h): a head of 110 characters, numbers in eight
 * hexadecimal digits; the name with its terminator, padded to four bytes from the head on; the data.
 */
#include "boot/initrd.h"

#include <string.h>

enum { MAGIC_SIZE = 6, HEAD_SIZE = 110, FILE_SIZE_AT = 6 + 6 * 8, NAME_SIZE_AT = 6 + 11 * 8 };

bool initrd_is_archive(const uint8_t *bytes, size_t size) {
    return size >= MAGIC_SIZE && memcmp(bytes, "070701", MAGIC_SIZE) == 0;
}

/* More than 32 bits can hold if it is no number. */
static uint64_t read_hex(const uint8_t *at) {
    uint64_t n = 0;
    for (int i = 0; i < 8; i++) {
        uint8_t c = at[i], lower = c | 0x20;
        if (c >= '0' && c <= '9') {
            n = n << 4 | (uint64_t)(c - '0');
        } else if (lower >= 'a' && lower <= 'f') {
            n = n << 4 | (uint64_t)(lower - 'a' + 10);
        } else {
            return UINT64_MAX;
        }
    }
    return n;
}

status_t initrd_first(const uint8_t *bytes, size_t size, const uint8_t **data_out, size_t *size_out,
                      struct refusal *why) {
    uint64_t file_size = size >= HEAD_SIZE ? read_hex(bytes + FILE_SIZE_AT) : UINT64_MAX;
    uint64_t name_size = size >= HEAD_SIZE ? read_hex(bytes + NAME_SIZE_AT) : UINT64_MAX;
    uint64_t start = name_size > size ? size : (HEAD_SIZE + name_size + 3) & ~(uint64_t)3;
    if (start > size || file_size > size - start) {
        return refusal_set(why, STATUS_BAD_FORMAT, "initrd: its first member is cut off");
    }
    *data_out = bytes + start;
    *size_out = file_size;
    return STATUS_OK;
}
