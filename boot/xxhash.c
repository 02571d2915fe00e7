/*
 * What zstd wants for its optional checksum: 1.6 KiB of code for bytes whose signature has just been
 * verified. mkimage writes none, and with these a frame that has one is malformed.
 */
#include <stddef.h>
#include <stdint.h>

uint64_t ZSTD_XXH64(const void *bytes, size_t size, uint64_t seed);
int ZSTD_XXH64_reset(void *state, uint64_t seed);
int ZSTD_XXH64_update(void *state, const void *bytes, size_t size);
uint64_t ZSTD_XXH64_digest(const void *state);

/* Of a dictionary's number, and there are no dictionaries. */
uint64_t ZSTD_XXH64(const void *bytes, size_t size, uint64_t seed) {
    (void)bytes;
    (void)size;
    return seed;
}

int ZSTD_XXH64_reset(void *state, uint64_t seed) {
    (void)state;
    (void)seed;
    return 0;
}

int ZSTD_XXH64_update(void *state, const void *bytes, size_t size) {
    (void)state;
    (void)bytes;
    (void)size;
    return 0;
}

uint64_t ZSTD_XXH64_digest(const void *state) {
    (void)state;
    return UINT64_MAX; /* the checksum on file has 32 bits, and is compared with these */
}
