/*
 * The first member of an archive: found, whatever its length; and refused when it is cut off.
 */
#include "boot/initrd.h"
#include "test/support/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct refusal why;

static size_t make(char *out, const char *name, const char *data, size_t size) {
    size_t name_size = strlen(name) + 1;
    int n = sprintf(out, "070701%08X%08X%08X%08X%08X%08X%08zX%08X%08X%08X%08X%08zX%08X", 1, 0100644,
                    0, 0, 1, 0, size, 0, 0, 0, 0, name_size, 0);
    size_t at = (size_t)n;
    memcpy(out + at, name, name_size);
    at = (at + name_size + 3) & ~(size_t)3;
    memcpy(out + at, data, size);
    return at + size;
}

TEST(first_member_is_found) {
    static const char *const names[] = {"a", "ab", "abc", "image.img", "dir/kernel"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char archive[512] = {0};
        size_t size = make(archive, names[i], "the data", 8), found = 0;
        const uint8_t *data = NULL;
        CHECK(initrd_is_archive((uint8_t *)archive, size));
        CHECK_EQ(initrd_first((uint8_t *)archive, size, &data, &found, &why), STATUS_OK);
        CHECK_EQ(found, 8);
        CHECK(memcmp(data, "the data", 8) == 0);
    }
    CHECK(!initrd_is_archive((const uint8_t *)"07070", 5));
}

/* Each length in a block of its own, so that ASan sees a read past it. */
TEST(cut_archives_are_refused) {
    char archive[512] = {0};
    size_t size = make(archive, "name", "the data", 8);
    for (size_t n = 6; n < size; n++) {
        uint8_t *copy = malloc(n);
        const uint8_t *data;
        size_t found;
        memcpy(copy, archive, n);
        CHECK_EQ(initrd_first(copy, n, &data, &found, &why), STATUS_BAD_FORMAT);
        free(copy);
    }
}

TEST(odd_numbers_are_refused) {
    for (int at = 0; at < 16; at++) {
        for (int c = 0; c < 256; c += 5) {
            char archive[512] = {0};
            size_t size = make(archive, "name", "the data", 8), found = 0;
            const uint8_t *data = NULL;
            archive[(at < 8 ? 54 : 86) + at] = (char)c;
            if (initrd_first((uint8_t *)archive, size, &data, &found, &why) == STATUS_OK) {
                CHECK((const char *)data + found <= archive + size);
            }
        }
    }
}

CHECK_MAIN
