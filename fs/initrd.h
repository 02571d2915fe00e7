/*
 * The initial RAM disk: a cpio archive in the "newc" format (cpio(5)), read in place. Its bytes may
 * be anything: every length is checked against what is left, and names and counts are bounded.
 */
#ifndef FS_INITRD_H
#define FS_INITRD_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct initrd {
    const uint8_t *bytes;
    size_t size;
};

struct initrd_entry {
    const char *name; /* terminated, as in the archive, without leading "./" or "/" */
    const uint8_t *bytes;
    size_t size;
    uint32_t mode;  /* as in stat(2) */
    uint64_t mtime; /* seconds since 1970 */
};

/* Checks the whole archive once; BAD_FORMAT or LIMIT if anything is wrong with it. The bytes must
 * outlive it. size 0 is an empty archive. */
status_t initrd_open(struct initrd *initrd, const void *bytes, size_t size) MUST_CHECK;

/* The next entry; *cursor is 0 at first. False at the end. */
bool initrd_next(const struct initrd *initrd, size_t *cursor, struct initrd_entry *out);

/* The first regular file of that name (leading "./" or "/" ignored). NOT_FOUND. */
status_t initrd_find(const struct initrd *initrd, const char *name,
                     struct initrd_entry *out) MUST_CHECK;

#endif
