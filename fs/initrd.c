/*
 * The newc format: each entry is a head of 110 characters, all numbers in eight hexadecimal digits,
 * then the name with its terminator, padded to four bytes from the head on, then the data, padded to
 * four. The entry "TRAILER!!!" ends the archive; archives may follow each other with zero bytes in
 * between, as the Linux kernel allows.
 */
#include "fs/initrd.h"

#include <string.h>

enum {
    HEAD_SIZE = 110,
    FIELD_SIZE = 8,
    FIELD_MODE = 1,
    FIELD_MTIME = 5,
    FIELD_FILE_SIZE = 6,
    FIELD_NAME_SIZE = 11,
    MAX_NAME = 4096, /* with its terminator */
    MAX_ENTRIES = 1 << 20,
    MODE_TYPE = 0170000,
    MODE_REGULAR = 0100000,
};

/* What one step over the archive found. */
enum step { STEP_ENTRY, STEP_END, STEP_BAD };

static bool hex_field(const uint8_t *head, unsigned field, uint32_t *out) {
    const uint8_t *at = head + 6 + field * FIELD_SIZE;
    uint32_t value = 0;
    for (unsigned i = 0; i < FIELD_SIZE; i++) {
        uint8_t c = at[i];
        uint8_t lower = c | 0x20;
        uint32_t digit;
        if (c >= '0' && c <= '9') {
            digit = (uint32_t)(c - '0');
        } else if (lower >= 'a' && lower <= 'f') {
            digit = (uint32_t)(lower - 'a') + 10;
        } else {
            return false;
        }
        value = value << 4 | digit;
    }
    *out = value;
    return true;
}

static size_t pad4(size_t size) {
    return (size + 3) & ~(size_t)3;
}

static const char *plain_name(const char *name) {
    while (name[0] == '/' || (name[0] == '.' && name[1] == '/')) {
        name++;
    }
    return name;
}

/* The entry at `at`, which is inside the archive, and where the next one starts. */
static enum step read_entry(const struct initrd *initrd, size_t at, struct initrd_entry *out,
                            size_t *next_out) {
    const uint8_t *head = initrd->bytes + at;
    size_t left = initrd->size - at;
    uint32_t name_size, file_size, mtime;
    if (left < HEAD_SIZE || (memcmp(head, "070701", 6) != 0 && memcmp(head, "070702", 6) != 0) ||
        !hex_field(head, FIELD_NAME_SIZE, &name_size) ||
        !hex_field(head, FIELD_FILE_SIZE, &file_size) || !hex_field(head, FIELD_MODE, &out->mode) ||
        !hex_field(head, FIELD_MTIME, &mtime)) {
        return STEP_BAD;
    }
    size_t data = pad4((size_t)HEAD_SIZE + name_size);
    if (name_size == 0 || name_size > MAX_NAME || data > left || file_size > left - data ||
        head[HEAD_SIZE + name_size - 1] != 0) {
        return STEP_BAD;
    }
    const char *name = (const char *)head + HEAD_SIZE;
    out->name = plain_name(name);
    out->bytes = head + data;
    out->size = file_size;
    out->mtime = mtime;
    size_t end = data + pad4(file_size);
    *next_out = at + (end < left ? end : left);
    return !strcmp(name, "TRAILER!!!") ? STEP_END : STEP_ENTRY;
}

/* The first byte at or after `at` that is no padding between archives. */
static size_t skip_zeros(const struct initrd *initrd, size_t at) {
    while (at < initrd->size && initrd->bytes[at] == 0) {
        at++;
    }
    return at;
}

/* The next entry from *cursor on, over the ends of concatenated archives. */
static enum step next_entry(const struct initrd *initrd, size_t *cursor, struct initrd_entry *out) {
    for (;;) {
        size_t at = skip_zeros(initrd, *cursor);
        if (at >= initrd->size) {
            *cursor = initrd->size;
            return STEP_END;
        }
        enum step step = read_entry(initrd, at, out, cursor);
        if (step != STEP_END) {
            return step;
        }
    }
}

status_t initrd_open(struct initrd *initrd, const void *bytes, size_t size) {
    struct initrd whole = {.bytes = bytes, .size = size};
    struct initrd_entry entry;
    size_t cursor = 0;
    for (uint32_t entries = 0; entries <= MAX_ENTRIES; entries++) {
        enum step step = next_entry(&whole, &cursor, &entry);
        if (step != STEP_ENTRY) {
            *initrd = step == STEP_END ? whole : (struct initrd){.bytes = bytes, .size = 0};
            return step == STEP_END ? STATUS_OK : STATUS_BAD_FORMAT;
        }
    }
    *initrd = (struct initrd){.bytes = bytes, .size = 0};
    return STATUS_LIMIT;
}

bool initrd_next(const struct initrd *initrd, size_t *cursor, struct initrd_entry *out) {
    return next_entry(initrd, cursor, out) == STEP_ENTRY;
}

status_t initrd_find(const struct initrd *initrd, const char *name, struct initrd_entry *out) {
    size_t cursor = 0;
    const char *wanted = plain_name(name);
    while (initrd_next(initrd, &cursor, out)) {
        if ((out->mode & MODE_TYPE) == MODE_REGULAR && !strcmp(out->name, wanted)) {
            return STATUS_OK;
        }
    }
    return STATUS_NOT_FOUND;
}
