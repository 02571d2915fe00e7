/*
 * mkimage: makes, shows and verifies signed payload images (abi/image.h), and makes their keys.
 *
 * A key pair is two text files: NAME.key, the 32-byte Ed25519 seed in hexadecimal, mode 0600; and
 * NAME.pub, the public key in hexadecimal. Raw bytes (32, or 64 as libsodium has them) are read too.
 * `pubkey` prints public keys as the C initializer that the loader is built with.
 *
 * The same ELF, key and options give the same bytes: there is no time, name or random number in an
 * image, and Ed25519 signatures are deterministic.
 *
 * Errors are one line on stderr; exit status 1 for a bad input, 2 for bad usage.
 */
#include "abi/image.h"
#include "base/elf.h"

#include <fcntl.h>
#include <lz4.h>
#include <lz4hc.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

enum { EXIT_BAD_INPUT = 1, EXIT_BAD_USAGE = 2, KEY_TEXT_CAP = 256 };

struct blob {
    uint8_t *bytes;
    size_t size;
};

struct options {
    const char *key;
    uint32_t security_version;
    uint32_t compression;
    bool unchecked;
    char **files;
    int files_len;
};

static const char usage_text[] =
    "usage: mkimage pack --key FILE.key [options] PAYLOAD.elf FILE.img\n"
    "       mkimage info FILE.img\n"
    "       mkimage verify --key FILE.pub FILE.img\n"
    "       mkimage keygen FILE.key FILE.pub   FILE.key gets mode 0600, and must not exist\n"
    "       mkimage pubkey FILE.pub...         prints a C initializer of trusted keys\n"
    "options of pack:\n"
    "  --compression lz4|zstd|none   default lz4\n"
    "  --security-version N     default 0\n"
    "  --unchecked              sign what is no valid payload (for tests)\n";

static _Noreturn void usage(void) {
    fputs(usage_text, stderr);
    exit(EXIT_BAD_USAGE);
}

static _Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
static _Noreturn void fail(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fputs("mkimage: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(EXIT_BAD_INPUT);
}

/* --- files ------------------------------------------------------------------------------------ */

static struct blob read_file(const char *path, size_t max) {
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        fail("%s: cannot open", path);
    }
    struct blob b = {.bytes = malloc(max + 1)};
    if (b.bytes == NULL) {
        fail("%s: out of memory", path);
    }
    b.size = fread(b.bytes, 1, max + 1, f);
    if (ferror(f) != 0) {
        fail("%s: cannot read", path);
    }
    if (b.size > max) {
        fail("%s: larger than %zu bytes", path, max);
    }
    fclose(f);
    return b;
}

/* `mode` holds whatever the umask; an existing file is replaced only when `replace`. */
static void write_file(const char *path, const void *bytes, size_t size, mode_t mode,
                       bool replace) {
    int flags = O_WRONLY | O_CREAT | (replace ? O_TRUNC : O_EXCL);
    int fd = open(path, flags, mode);
    if (fd < 0) {
        fail("%s: cannot create%s", path, replace ? "" : " (it may exist already)");
    }
    const uint8_t *at = bytes;
    while (size > 0) {
        ssize_t n = write(fd, at, size);
        if (n <= 0) {
            fail("%s: cannot write", path);
        }
        at += n;
        size -= (size_t)n;
    }
    if (close(fd) != 0) {
        fail("%s: cannot write", path);
    }
}

/* --- keys ------------------------------------------------------------------------------------- */

/* The key's bytes, 32 or 64 of them, whether the file holds them raw or in hexadecimal. */
static size_t read_key(const char *path, uint8_t key[64]) {
    struct blob b = read_file(path, KEY_TEXT_CAP);
    if (b.size == 32 || b.size == 64) {
        size_t hex_size;
        if (sodium_hex2bin(key, 64, (const char *)b.bytes, b.size, "\n", &hex_size, NULL) != 0 ||
            hex_size != 32) {
            memcpy(key, b.bytes, b.size);
            hex_size = b.size;
        }
        sodium_memzero(b.bytes, b.size);
        free(b.bytes);
        return hex_size;
    }
    size_t size = 0;
    const char *end = NULL;
    if (sodium_hex2bin(key, 64, (const char *)b.bytes, b.size, " \r\n", &size, &end) != 0 ||
        end != (const char *)b.bytes + b.size || (size != 32 && size != 64)) {
        fail("%s: not a key (32 or 64 bytes, raw or hexadecimal)", path);
    }
    sodium_memzero(b.bytes, b.size);
    free(b.bytes);
    return size;
}

static void read_secret_key(const char *path, uint8_t secret[64], uint8_t public[32]) {
    struct stat st;
    if (stat(path, &st) == 0 && (st.st_mode & 077) != 0) {
        fail("%s: a secret key that others can read (mode %04o, want 0600)", path,
             (unsigned)(st.st_mode & 07777));
    }
    uint8_t key[64];
    read_key(path, key);
    crypto_sign_seed_keypair(public, secret, key); /* the seed is the first half of both forms */
    sodium_memzero(key, sizeof(key));
}

static void read_public_key(const char *path, uint8_t public[32]) {
    uint8_t key[64];
    if (read_key(path, key) != 32) {
        fail("%s: not a public key", path);
    }
    memcpy(public, key, 32);
}

static uint32_t key_id(const uint8_t public[32]) {
    uint32_t id;
    memcpy(&id, public, sizeof(id));
    return id;
}

static void write_key(const char *path, const uint8_t key[32], mode_t mode, bool replace) {
    char hex[2 * 32 + 2];
    sodium_bin2hex(hex, sizeof(hex), key, 32);
    hex[64] = '\n';
    write_file(path, hex, 65, mode, replace);
    sodium_memzero(hex, sizeof(hex));
}

static int keygen(const struct options *o) {
    if (o->files_len != 2) {
        usage();
    }
    uint8_t seed[32], secret[64], public[32];
    randombytes_buf(seed, sizeof(seed));
    crypto_sign_seed_keypair(public, secret, seed);
    write_key(o->files[0], seed, 0600, false);
    write_key(o->files[1], public, 0644, true);
    sodium_memzero(seed, sizeof(seed));
    sodium_memzero(secret, sizeof(secret));
    return 0;
}

static int pubkey(const struct options *o) {
    if (o->files_len == 0) {
        usage();
    }
    for (int i = 0; i < o->files_len; i++) {
        uint8_t public[32];
        read_public_key(o->files[i], public);
        for (int j = 0; j < 32; j++) {
            printf("%s0x%02x", j == 0 ? (i == 0 ? "{" : ", {") : ", ", public[j]);
        }
        printf("}");
    }
    printf("\n");
    return 0;
}

/* --- images ----------------------------------------------------------------------------------- */

static struct blob compress_lz4(struct blob in) {
    struct blob out = {.bytes = malloc((size_t)LZ4_compressBound((int)in.size))};
    if (out.bytes == NULL) {
        fail("out of memory");
    }
    out.size = (size_t)LZ4_compress_HC((const char *)in.bytes, (char *)out.bytes, (int)in.size,
                                       LZ4_compressBound((int)in.size), LZ4HC_CLEVEL_MAX);
    if (out.size == 0) {
        fail("compression failed");
    }
    return out;
}

static struct blob compress_zstd(struct blob in) {
    struct blob out = {.bytes = malloc(ZSTD_compressBound(in.size))};
    if (out.bytes == NULL) {
        fail("out of memory");
    }
    out.size =
        ZSTD_compress(out.bytes, ZSTD_compressBound(in.size), in.bytes, in.size, ZSTD_maxCLevel());
    if (ZSTD_isError(out.size) != 0) {
        fail("compression failed: %s", ZSTD_getErrorName(out.size));
    }
    return out;
}

static struct blob compress(struct blob in, uint32_t compression) {
    switch (compression) {
    case IMAGE_COMPRESSION_LZ4:
        return compress_lz4(in);
    case IMAGE_COMPRESSION_ZSTD:
        return compress_zstd(in);
    default:
        return in;
    }
}

static bool unpacks(const struct image_header *h, const uint8_t *packed) {
    uint8_t *out = malloc(h->unpacked_size);
    size_t n = h->packed_size;
    if (out != NULL && h->compression == IMAGE_COMPRESSION_LZ4) {
        n = (size_t)LZ4_decompress_safe((const char *)packed, (char *)out, (int)h->packed_size,
                                        (int)h->unpacked_size);
    } else if (out != NULL && h->compression == IMAGE_COMPRESSION_ZSTD) {
        n = ZSTD_decompress(out, h->unpacked_size, packed, h->packed_size);
    }
    free(out);
    return out != NULL && h->compression <= IMAGE_COMPRESSION_ZSTD && n == h->unpacked_size;
}

static int pack(const struct options *o) {
    if (o->key == NULL || o->files_len != 2) {
        usage();
    }
    uint8_t secret[64], public[32];
    read_secret_key(o->key, secret, public);
    struct blob in = read_file(o->files[0], IMAGE_MAX_UNPACKED);
    struct elf elf;
    if (!o->unchecked && elf_open(&elf, in.bytes, in.size) != STATUS_OK) {
        fail("%s: not a payload: %s", o->files[0], elf.error);
    }
    struct blob data = compress(in, o->compression);
    if (data.size > IMAGE_MAX_PACKED) {
        fail("%s: %zu bytes packed, at most %u fit an image", o->files[0], data.size,
             IMAGE_MAX_PACKED);
    }
    struct image_header header = {
        .magic = IMAGE_MAGIC,
        .version = IMAGE_VERSION,
        .security_version = o->security_version,
        .kind = IMAGE_KIND_PAYLOAD,
        .compression = o->compression,
        .key_id = key_id(public),
        .packed_size = data.size,
        .unpacked_size = in.size,
    };
    size_t message_size = sizeof(header) + data.size;
    uint8_t *image = malloc(message_size + IMAGE_SIGNATURE_SIZE);
    if (image == NULL) {
        fail("out of memory");
    }
    memcpy(image, &header, sizeof(header));
    memcpy(image + sizeof(header), data.bytes, data.size);
    crypto_sign_detached(image + message_size, NULL, image, message_size, secret);
    sodium_memzero(secret, sizeof(secret));
    write_file(o->files[1], image, message_size + IMAGE_SIGNATURE_SIZE, 0644, true);
    return 0;
}

/* The image's header, once its fixed fields and sizes fit the file. */
static struct image_header read_header(const char *path, struct blob image) {
    struct image_header h;
    if (image.size < sizeof(h) + IMAGE_SIGNATURE_SIZE) {
        fail("%s: too short for an image: %zu bytes", path, image.size);
    }
    memcpy(&h, image.bytes, sizeof(h));
    if (h.magic != IMAGE_MAGIC) {
        fail("%s: not an image: magic %016llx", path, (unsigned long long)h.magic);
    }
    if (h.version != IMAGE_VERSION) {
        fail("%s: image version %u, this tool knows %u", path, h.version, IMAGE_VERSION);
    }
    if (h.packed_size != image.size - sizeof(h) - IMAGE_SIGNATURE_SIZE) {
        fail("%s: header says %llu packed bytes, the file has %zu", path,
             (unsigned long long)h.packed_size, image.size - sizeof(h) - IMAGE_SIGNATURE_SIZE);
    }
    if (h.unpacked_size == 0 || h.unpacked_size > IMAGE_MAX_UNPACKED) {
        fail("%s: unpacked size %llu out of bounds", path, (unsigned long long)h.unpacked_size);
    }
    return h;
}

static const char *compression_name(uint32_t compression) {
    static const char *const names[] = {"none", "lz4", "zstd"};
    return compression < sizeof(names) / sizeof(names[0]) ? names[compression] : "unknown";
}

static int info(const struct options *o) {
    if (o->files_len != 1) {
        usage();
    }
    struct blob image = read_file(o->files[0], IMAGE_MAX_PACKED + 4096);
    struct image_header h = read_header(o->files[0], image);
    printf("version           %u\n", h.version);
    printf("security version  %u\n", h.security_version);
    printf("kind              %s\n", h.kind == IMAGE_KIND_PAYLOAD ? "payload" : "unknown");
    printf("compression       %s\n", compression_name(h.compression));
    printf("key id            %08x\n", h.key_id);
    printf("packed size       %llu\n", (unsigned long long)h.packed_size);
    printf("unpacked size     %llu\n", (unsigned long long)h.unpacked_size);
    char hex[2 * IMAGE_SIGNATURE_SIZE + 1];
    sodium_bin2hex(hex, sizeof(hex), image.bytes + image.size - IMAGE_SIGNATURE_SIZE,
                   IMAGE_SIGNATURE_SIZE);
    printf("signature         %s\n", hex);
    return 0;
}

static int verify(const struct options *o) {
    if (o->key == NULL || o->files_len != 1) {
        usage();
    }
    const char *path = o->files[0];
    uint8_t public[32];
    read_public_key(o->key, public);
    struct blob image = read_file(path, IMAGE_MAX_PACKED + 4096);
    struct image_header h = read_header(path, image);
    if (h.key_id != key_id(public)) {
        fail("%s: signed by key %08x, not by %08x", path, h.key_id, key_id(public));
    }
    size_t message_size = image.size - IMAGE_SIGNATURE_SIZE;
    if (crypto_sign_verify_detached(image.bytes + message_size, image.bytes, message_size,
                                    public) != 0) {
        fail("%s: bad signature", path);
    }
    if (!unpacks(&h, image.bytes + sizeof(h))) {
        fail("%s: packed data is malformed", path);
    }
    printf("%s: good\n", path);
    return 0;
}

/* --- the command line ------------------------------------------------------------------------- */

static uint32_t parse_u32(const char *text) {
    char *end;
    unsigned long long n = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || n > UINT32_MAX) {
        fail("%s: not a number of 32 bits", text);
    }
    return (uint32_t)n;
}

static uint32_t parse_compression(const char *text) {
    if (strcmp(text, "lz4") == 0) {
        return IMAGE_COMPRESSION_LZ4;
    }
    if (strcmp(text, "zstd") == 0) {
        return IMAGE_COMPRESSION_ZSTD;
    }
    if (strcmp(text, "none") == 0) {
        return IMAGE_COMPRESSION_NONE;
    }
    fail("%s: unknown compression", text);
}

/* Options go to *o; what is left of argv is the files. */
static void parse(struct options *o, int argc, char **argv) {
    o->files = argv;
    for (int i = 0; i < argc; i++) {
        const char *arg = argv[i];
        if (strncmp(arg, "--", 2) != 0) {
            o->files[o->files_len++] = argv[i];
            continue;
        }
        if (strcmp(arg, "--unchecked") == 0) {
            o->unchecked = true;
            continue;
        }
        if (++i == argc) {
            usage();
        }
        if (strcmp(arg, "--key") == 0) {
            o->key = argv[i];
        } else if (strcmp(arg, "--security-version") == 0) {
            o->security_version = parse_u32(argv[i]);
        } else if (strcmp(arg, "--compression") == 0) {
            o->compression = parse_compression(argv[i]);
        } else {
            usage();
        }
    }
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        int (*run)(const struct options *o);
    } commands[] = {
        {"pack", pack}, {"info", info}, {"verify", verify}, {"keygen", keygen}, {"pubkey", pubkey},
    };
    if (argc < 2) {
        usage();
    }
    if (sodium_init() < 0) {
        fail("libsodium does not start");
    }
    struct options o = {.compression = IMAGE_COMPRESSION_LZ4};
    parse(&o, argc - 2, argv + 2);
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            return commands[i].run(&o);
        }
    }
    usage();
}
