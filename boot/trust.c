/*
 * The trusted keys and the lowest security version (boot/trust.h). The build gives the keys, the first
 * of which is for debugging; BOOT_RELEASE=1 makes a loader that refuses it, and BOOT_SECURITY_FLOOR one
 * that refuses older payloads. Compiled once for each kind of loader.
 */
#include "boot/trust.h"

#include <gen/boot_keys.h>

#ifndef BOOT_RELEASE
#define BOOT_RELEASE 0
#endif
#ifndef BOOT_SECURITY_FLOOR
#define BOOT_SECURITY_FLOOR 0
#endif

static const uint8_t keys[][IMAGE_KEY_SIZE] = {BOOT_KEY_BYTES};

const struct trust trust_built_in = {
    .keys = keys,
    .keys_len = sizeof(keys) / sizeof(keys[0]),
    .security_floor = BOOT_SECURITY_FLOOR,
    .debug_keys_len = 1,
    .release = BOOT_RELEASE,
};
