/*
 * Loading and relocating a payload: RELA and RELR by value; each wrong wish, relocation and entry is
 * refused by name; damage is refused or survived.
 */
#include "boot/payload.h"
#include "test/support/check.h"

/*
 * A payload of two segments, written by hand:
 *
 *     0x0000  R X   headers; code at 0x800
 *     0x1000  RW    record at 0x1000, words at 0x1100, dynamic at 0x1200, RELA at 0x1300, RELR at
 *                   0x1400, thread-local template at 0x1500; bss from 0x1600 to 0x2800
 */
enum {
    CODE = 0x800,
    RECORD = 0x1000,
    WORDS = 0x1100,
    DYNAMIC = 0x1200,
    RELA = 0x1300,
    RELR = 0x1400,
    TLS = 0x1500,
    FILE_END = 0x1600,
    MEMORY_END = 0x2800,
    SECTIONS = 0x1600,
    FILE_SIZE = 0x1800,
    NAMES = 0x17c0,
};

struct made {
    _Alignas(16) uint8_t bytes[FILE_SIZE];
};

static struct refusal why;
static _Alignas(16) uint8_t memory[MEMORY_END + 0x800];
static const uint64_t virt = 0xffffffc012345000;

static struct loader_config *config(struct made *m) {
    return (struct loader_config *)(void *)(m->bytes + RECORD);
}
static struct elf64_rela *rela(struct made *m) {
    return (struct elf64_rela *)(void *)(m->bytes + RELA);
}
static uint64_t *words_at(struct made *m, size_t offset) {
    return (uint64_t *)(void *)(m->bytes + offset);
}
static struct elf64_phdr *phdr(struct made *m, int i) {
    return (struct elf64_phdr *)(void *)(m->bytes + sizeof(struct elf64_ehdr)) + i;
}
static struct elf64_ehdr *ehdr(struct made *m) {
    return (struct elf64_ehdr *)(void *)m->bytes;
}

static void make_headers(struct made *m) {
    *ehdr(m) = (struct elf64_ehdr){.ident = {0x7f, 'E', 'L', 'F', ELF_CLASS64, ELF_DATA_LE, 1},
                                   .type = ELF_TYPE_DYN,
                                   .machine = ELF_MACHINE_RISCV,
                                   .version = ELF_VERSION,
                                   .entry = CODE,
                                   .phoff = sizeof(struct elf64_ehdr),
                                   .shoff = SECTIONS,
                                   .ehsize = sizeof(struct elf64_ehdr),
                                   .phentsize = sizeof(struct elf64_phdr),
                                   .phnum = 4,
                                   .shentsize = sizeof(struct elf64_shdr),
                                   .shnum = 3,
                                   .shstrndx = 2};
    *phdr(m, 0) =
        (struct elf64_phdr){ELF_PT_LOAD, ELF_PF_R | ELF_PF_X, 0, 0, 0, RECORD, RECORD, 4096};
    *phdr(m, 1) =
        (struct elf64_phdr){ELF_PT_LOAD,       ELF_PF_R | ELF_PF_W, RECORD, RECORD, RECORD,
                            FILE_END - RECORD, MEMORY_END - RECORD, 4096};
    *phdr(m, 2) =
        (struct elf64_phdr){ELF_PT_DYNAMIC, ELF_PF_R, DYNAMIC, DYNAMIC, DYNAMIC, 7 * 16, 7 * 16, 8};
    *phdr(m, 3) = (struct elf64_phdr){ELF_PT_TLS, ELF_PF_R, TLS, TLS, TLS, 8, 24, 16};
    struct elf64_shdr *sections = (struct elf64_shdr *)(void *)(m->bytes + SECTIONS);
    sections[1] = (struct elf64_shdr){.name = 1,
                                      .type = ELF_SHT_PROGBITS,
                                      .flags = 3,
                                      .addr = RECORD,
                                      .offset = RECORD,
                                      .size = sizeof(struct loader_config),
                                      .addralign = 8};
    sections[2] = (struct elf64_shdr){
        .name = 16, .type = ELF_SHT_STRTAB, .offset = NAMES, .size = 32, .addralign = 1};
    memcpy(m->bytes + NAMES, "\0.loader_config\0.shstrtab", 26);
}

static void make(struct made *m) {
    memset(m, 0, sizeof(*m));
    make_headers(m);
    *config(m) = (struct loader_config){.magic = LOADER_CONFIG_MAGIC,
                                        .version = BOOT_INFO_VERSION,
                                        .size = sizeof(struct loader_config)};
    const uint64_t dynamic[] = {ELF_DT_RELA, RELA, ELF_DT_RELASZ, 48, ELF_DT_RELAENT, 24,
                                ELF_DT_RELR, RELR, ELF_DT_RELRSZ, 16, ELF_DT_RELRENT, 8,
                                ELF_DT_NULL, 0};
    memcpy(m->bytes + DYNAMIC, dynamic, sizeof(dynamic));
    rela(m)[0] = (struct elf64_rela){RECORD + offsetof(struct loader_config, entry),
                                     ELF_R_RISCV_RELATIVE, CODE + 4};
    rela(m)[1] = (struct elf64_rela){0, ELF_R_RISCV_NONE, 0};
    words_at(m, RELR)[0] = WORDS;               /* word 0 */
    words_at(m, RELR)[1] = 1 | 1 << 2 | 1 << 4; /* words 2 and 4: bit 1 is word 1 */
    for (uint64_t i = 0; i < 6; i++) {
        words_at(m, WORDS)[i] = 0x10 * i;
    }
    words_at(m, TLS)[0] = 77;
}

static status_t load(const struct made *m, uint64_t *entry) {
    struct payload p;
    TRY(payload_open(&p, m->bytes, sizeof(m->bytes), &why));
    CHECK(p.size <= sizeof(memory));
    memset(memory, 0xa5, sizeof(memory));
    TRY(payload_load(&p, memory, virt, &why));
    return payload_entry(&p, memory, virt, entry, &why);
}

static void check_refused(const struct made *m, const char *reason) {
    uint64_t entry;
    CHECK(load(m, &entry) != STATUS_OK);
    if (strstr(why.text, reason) == NULL) {
        FAIL("refused for \"%s\", not for \"%s\"", why.text, reason);
    }
}

static uint64_t loaded(size_t at) {
    uint64_t word;
    memcpy(&word, memory + at, sizeof(word));
    return word;
}

TEST(loads_and_relocates) {
    struct made m;
    make(&m);
    uint64_t entry = 0;
    status_t status = load(&m, &entry);
    if (status != STATUS_OK) {
        FAIL("refused: %s", why.text);
    }
    CHECK_EQ(entry, virt + CODE + 4);
    CHECK_EQ(loaded(WORDS), virt);
    CHECK_EQ(loaded(WORDS + 8), 0x10);
    CHECK_EQ(loaded(WORDS + 16), virt + 0x20);
    CHECK_EQ(loaded(WORDS + 24), 0x30);
    CHECK_EQ(loaded(WORDS + 32), virt + 0x40);
    CHECK_EQ(loaded(FILE_END), 0);
    CHECK_EQ(loaded(MEMORY_END), 0); /* the rest of the last page too */
}

TEST(defaults_of_wishes) {
    struct made m;
    struct payload p;
    make(&m);
    CHECK_EQ(payload_open(&p, m.bytes, sizeof(m.bytes), &why), STATUS_OK);
    CHECK_EQ(p.config.stack_pages, 8);
    CHECK_EQ(p.config.stack_guard_pages, 1);
    CHECK_EQ(p.config.memory_mode, 5);
    CHECK_EQ(p.size, 0x3000);
    CHECK(p.tls != NULL && p.tls->memsz == 24);
}

TEST(what_is_wrong_is_named) {
    struct made m;
#define CASE(change, text)                                                                         \
    make(&m);                                                                                      \
    change;                                                                                        \
    check_refused(&m, text)

    CASE(config(&m)->magic++, "no magic");
    CASE(config(&m)->version = 77, "version 77");
    CASE(config(&m)->size--, "version");
    CASE(config(&m)->stack_pages = UINT32_MAX, "stack");
    CASE(config(&m)->memory_mode = 2, "2 levels");
    CASE(config(&m)->harts = 65, "65 harts");
    CASE(config(&m)->heap_pages = 1 << 19, "heap");
    CASE(m.bytes[NAMES + 3] = 'x', "no section");
    CASE(ehdr(&m)->type = ELF_TYPE_EXEC, "position-independent");
    CASE(ehdr(&m)->machine = ELF_MACHINE_X86_64, "payload: ");
    CASE(phdr(&m, 0)->flags |= ELF_PF_W, "payload: ");
    CASE(phdr(&m, 1)->flags |= ELF_PF_X, "payload: ");
    CASE(phdr(&m, 1)->memsz = UINT64_MAX - RECORD, "payload: ");
    CASE(phdr(&m, 1)->memsz = 1ull << 40, "payload: ");
    CASE(phdr(&m, 3)->align = 1 << 20, "payload: ");
    CASE(rela(&m)[1].info = 2, "relocation type 2");
    CASE(rela(&m)[1].info = 1ull << 32 | ELF_R_RISCV_RELATIVE, "relocation type 3");
    CASE((rela(&m)[1] = (struct elf64_rela){CODE, ELF_R_RISCV_RELATIVE, 0}), "not in its data");
    CASE((rela(&m)[1] = (struct elf64_rela){MEMORY_END - 4, ELF_R_RISCV_RELATIVE, 0}),
         "not in its data");
    CASE((rela(&m)[1] = (struct elf64_rela){UINT64_MAX - 7, ELF_R_RISCV_RELATIVE, 0}),
         "not in its data");
    CASE((rela(&m)[1] = (struct elf64_rela){WORDS, ELF_R_RISCV_RELATIVE, 1 << 20}),
         "outside the image");
    CASE((rela(&m)[1] = (struct elf64_rela){WORDS, ELF_R_RISCV_RELATIVE, -8}), "outside the image");
    CASE(words_at(&m, RELR)[0] = MEMORY_END, "not in its data");
    CASE(words_at(&m, RELR)[0] = UINT64_MAX - 1, "not in its data");
    CASE(words_at(&m, WORDS)[4] = UINT64_MAX, "outside the image");
    CASE(rela(&m)[0].addend = WORDS, "not in its code");
    CASE(rela(&m)[0].addend = CODE + 1, "not in its code");
    CASE(rela(&m)[0].info = ELF_R_RISCV_NONE, "not in its code");
#undef CASE
}

TEST(damage_is_refused_or_survived) {
    srand(4);
    for (int i = 0; i < 40000; i++) {
        struct made m;
        make(&m);
        for (int n = rand() % 3; n >= 0; n--) {
            size_t at = rand() % 2 == 0 ? (size_t)rand() % 0x180
                                        : DYNAMIC + (size_t)rand() % (FILE_SIZE - DYNAMIC);
            m.bytes[at] = (uint8_t)(rand() % 4 == 0 ? 0xff : rand());
        }
        struct payload p;
        uint64_t entry;
        if (payload_open(&p, m.bytes, sizeof(m.bytes), &why) == STATUS_OK) {
            uint8_t *exact = p.size <= 1 << 20 ? malloc(p.size) : NULL;
            if (exact != NULL && payload_load(&p, exact, virt, &why) == STATUS_OK) {
                (void)!payload_entry(&p, exact, virt, &entry, &why);
            }
            free(exact);
        }
    }
}
CHECK_MAIN
