/*
 * The signed image in which a payload travels: header, packed data, signature. All fields are
 * little-endian. The Ed25519 signature covers all that stands before it, header and data, as one
 * contiguous message; so `head -c -64` is the message and `tail -c 64` the signature.
 *
 *      0        8         12         16     20            24       28     32            40
 *     | magic  | version | security | kind | compression | key_id | zero | packed_size | ...
 *      40              48                  48 + packed_size      48 + packed_size + 64
 *     | unpacked_size | packed data ...   | signature           |
 */
#ifndef ABI_IMAGE_H
#define ABI_IMAGE_H

#include <stdint.h>

#define IMAGE_MAGIC          0x314745524d49323bull
#define IMAGE_VERSION        1u
#define IMAGE_HEADER_SIZE    48u
#define IMAGE_SIGNATURE_SIZE 64u
#define IMAGE_KEY_SIZE       32u /* a public key */
#define IMAGE_MAX_PACKED     (64u << 20)
#define IMAGE_MAX_UNPACKED   (256u << 20)

enum image_kind { IMAGE_KIND_PAYLOAD = 1 };
enum image_compression {
    IMAGE_COMPRESSION_NONE = 0, /* packed_size == unpacked_size */
    IMAGE_COMPRESSION_LZ4 = 1,  /* one LZ4 block */
    IMAGE_COMPRESSION_ZSTD = 2
};

struct image_header {
    uint64_t magic;
    uint32_t version;
    uint32_t security_version; /* refused when below the loader's floor */
    uint32_t kind;
    uint32_t compression;
    uint32_t key_id; /* first four bytes of the public key */
    uint32_t zero;
    uint64_t packed_size;
    uint64_t unpacked_size;
};

_Static_assert(sizeof(struct image_header) == IMAGE_HEADER_SIZE, "the layout drawn above");

#endif
