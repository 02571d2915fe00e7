/*
 * Where a loader that was built without an image finds one: the initrd is the image, or it is a cpio
 * archive (newc) whose first member is. Of the archive nothing but that member's head is looked at.
 */
#ifndef BOOT_INITRD_H
#define BOOT_INITRD_H

#include "boot/refusal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool initrd_is_archive(const uint8_t *bytes, size_t size);

/* The first member's data. BAD_FORMAT. */
MUST_CHECK status_t initrd_first(const uint8_t *bytes, size_t size, const uint8_t **data_out,
                                 size_t *size_out, struct refusal *why);

#endif
