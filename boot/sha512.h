/*
 * libsodium's SHA-512, built twice: for every RV64 hart, and with the rotations of Zbb, which save a
 * quarter of the instructions (42 and 31 a byte). All of libsodium that hashes, and boot/random.c, go
 * through whichever is in use.
 */
#ifndef BOOT_SHA512_H
#define BOOT_SHA512_H

#include <stdbool.h>

/* Without Zbb until told otherwise. `zbb` only on a hart that has it. */
void sha512_use_zbb(bool zbb);

#endif
