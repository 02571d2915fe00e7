/*
 * SHA-512 for libsodium's Ed25519 and for boot/random.c: 23 instructions a byte with Zbb, 54 without
 * (libsodium's own takes 31 and 42, and six times the space).
 */
#ifndef BOOT_SHA512_H
#define BOOT_SHA512_H

#include <stdbool.h>

/* Without Zbb until told otherwise. `zbb` only on a hart that has it. */
void sha512_use_zbb(bool zbb);

#endif
