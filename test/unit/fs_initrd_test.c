/*
 * The reader of cpio archives: what it finds in good ones, and that it stays inside broken ones.
 */
#include "fs/initrd.h"
#include "test/support/check.h"

static char archive[65536];
static size_t archive_size;

static void pad(void) {
    while (archive_size % 4) {
        archive[archive_size++] = 0;
    }
}

static void add(const char *name, uint32_t mode, const void *bytes, size_t size) {
    size_t name_size = strlen(name) + 1;
    archive_size += (size_t)snprintf(
        archive + archive_size, 111, "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x",
        1u, mode, 0u, 0u, 1u, 0x5f000000u, size, 0u, 0u, 0u, 0u, name_size, 0u);
    memcpy(archive + archive_size, name, name_size);
    archive_size += name_size;
    pad();
    if (size) {
        memcpy(archive + archive_size, bytes, size);
        archive_size += size;
    }
    pad();
}

static void make(void) {
    archive_size = 0;
    add(".", 0040755, NULL, 0);
    add("args", 0100644, "a\0b c", 6);
    add("./dir/module.wasm", 0100644, "\0asm", 4);
    add("empty", 0100600, NULL, 0);
    add("link", 0120777, "args", 4);
    add("TRAILER!!!", 0, NULL, 0);
}

/* A copy of exactly `size` bytes on the heap, so that a read past its end is seen. */
static status_t open_copy(const char *bytes, size_t size, unsigned *entries_out) {
    struct initrd initrd;
    struct initrd_entry entry;
    size_t cursor = 0;
    char *copy = malloc(size ? size : 1);
    memcpy(copy, bytes, size);
    status_t status = initrd_open(&initrd, copy, size);
    *entries_out = 0;
    while (initrd_next(&initrd, &cursor, &entry)) {
        volatile size_t touched = strlen(entry.name);
        for (size_t i = 0; i < entry.size; i++) {
            touched += entry.bytes[i];
        }
        ++*entries_out;
    }
    status_t found = initrd_find(&initrd, "no such file", &entry);
    free(copy);
    return found == STATUS_NOT_FOUND ? status : found;
}

TEST(finds) {
    struct initrd initrd;
    struct initrd_entry entry;
    make();
    CHECK_EQ(initrd_open(&initrd, archive, archive_size), STATUS_OK);
    CHECK_EQ(initrd_find(&initrd, "args", &entry), STATUS_OK);
    CHECK_EQ(entry.size, 6);
    CHECK_EQ(entry.mode, 0100644);
    CHECK_EQ(entry.mtime, 0x5f000000);
    CHECK(!memcmp(entry.bytes, "a\0b c", 6));
    CHECK_EQ(initrd_find(&initrd, "/dir/module.wasm", &entry), STATUS_OK);
    CHECK_TEXT(entry.name, "dir/module.wasm");
    CHECK_EQ(initrd_find(&initrd, "empty", &entry), STATUS_OK);
    CHECK_EQ(entry.size, 0);
    CHECK_EQ(initrd_find(&initrd, "link", &entry), STATUS_NOT_FOUND);
    CHECK_EQ(initrd_find(&initrd, "arg", &entry), STATUS_NOT_FOUND);
    CHECK_EQ(initrd_find(&initrd, "TRAILER!!!", &entry), STATUS_NOT_FOUND);
}

TEST(walks) {
    unsigned entries;
    make();
    CHECK_EQ(open_copy(archive, archive_size, &entries), STATUS_OK);
    CHECK_EQ(entries, 5);
    CHECK_EQ(open_copy("", 0, &entries), STATUS_OK);
    CHECK_EQ(entries, 0);
}

TEST(archives_follow_each_other) {
    struct initrd initrd;
    struct initrd_entry entry;
    make();
    memset(archive + archive_size, 0, 512);
    archive_size += 512;
    add("second", 0100644, "2", 1);
    add("TRAILER!!!", 0, NULL, 0);
    CHECK_EQ(initrd_open(&initrd, archive, archive_size), STATUS_OK);
    CHECK_EQ(initrd_find(&initrd, "second", &entry), STATUS_OK);
}

TEST(truncated_everywhere) {
    make();
    for (size_t size = 0; size < archive_size; size++) {
        unsigned entries;
        status_t status = open_copy(archive, size, &entries);
        CHECK(status == STATUS_OK || status == STATUS_BAD_FORMAT);
        CHECK(status == STATUS_OK || entries == 0);
    }
}

TEST(any_byte_changed) {
    static const unsigned char values[] = {0, 1, '0', 'f', '/', 0x7f, 0x80, 0xff};
    make();
    for (size_t i = 0; i < archive_size; i++) {
        for (size_t v = 0; v < sizeof(values); v++) {
            unsigned entries;
            char old = archive[i];
            archive[i] = (char)values[v];
            (void)open_copy(archive, archive_size, &entries);
            CHECK(entries <= 6);
            archive[i] = old;
        }
    }
}

TEST(sizes_that_wrap) {
    unsigned entries;
    static const size_t fields[] = {6 + 6 * 8, 6 + 11 * 8};
    for (size_t i = 0; i < 2; i++) {
        make();
        memcpy(archive + fields[i], "ffffffff", 8);
        CHECK_EQ(open_copy(archive, archive_size, &entries), STATUS_BAD_FORMAT);
        CHECK_EQ(entries, 0);
    }
}

CHECK_MAIN
