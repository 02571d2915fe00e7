/*
 * What the loader reads from a device tree: QEMU's own form, newer forms, odd machines and absurd
 * ones. Trees are written by hand with the few functions below.
 */
#include "boot/machine.h"
#include "test/support/check.h"

#include <endian.h>

enum { TREE_CAP = 64 << 10, STRINGS_CAP = 16 << 10, HEADER = 40, RESERVATIONS = 32 };

/* A tree being written: header and one reservation, structure, and at the end the strings. */
struct tree {
    _Alignas(8) uint8_t bytes[TREE_CAP];
    size_t at;
    char strings[STRINGS_CAP];
    size_t strings_size;
};

static struct tree tree;
static struct machine machine;
static struct refusal why;

static void put(uint32_t cell) {
    cell = htobe32(cell);
    memcpy(tree.bytes + tree.at, &cell, 4);
    tree.at += 4;
}

static void put_bytes(const void *bytes, size_t size) {
    memcpy(tree.bytes + tree.at, bytes, size);
    tree.at += (size + 3) & ~(size_t)3;
}

static void begin(const char *name) {
    put(1);
    put_bytes(name, strlen(name) + 1);
}

static void end(void) {
    put(2);
}

static void prop(const char *name, const void *bytes, size_t size) {
    put(3);
    put((uint32_t)size);
    put((uint32_t)tree.strings_size);
    put_bytes(bytes, size);
    memcpy(tree.strings + tree.strings_size, name, strlen(name) + 1);
    tree.strings_size += strlen(name) + 1;
}

static void text(const char *name, const char *value) {
    prop(name, value, strlen(value) + 1);
}

static void cells(const char *name, const uint32_t *values, size_t len) {
    uint32_t big[64];
    for (size_t i = 0; i < len; i++) {
        big[i] = htobe32(values[i]);
    }
    prop(name, big, 4 * len);
}
#define CELLS(name, ...)                                                                           \
    cells((name), (const uint32_t[]){__VA_ARGS__},                                                 \
          sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static void start_tree(void) {
    memset(&tree, 0, sizeof(tree));
    tree.at = HEADER + RESERVATIONS;
    begin("");
    CELLS("#address-cells", 2);
    CELLS("#size-cells", 2);
}

static void finish_tree(uint64_t reserved, uint64_t reserved_size) {
    end();
    put(9);
    size_t structure_end = tree.at;
    memcpy(tree.bytes + tree.at, tree.strings, tree.strings_size);
    size_t total = tree.at + tree.strings_size;
    tree.at = 0;
    const uint32_t header[] = {0xd00dfeed,
                               (uint32_t)total,
                               HEADER + RESERVATIONS,
                               (uint32_t)structure_end,
                               HEADER,
                               17,
                               16,
                               0,
                               (uint32_t)tree.strings_size,
                               (uint32_t)structure_end - HEADER - RESERVATIONS,
                               (uint32_t)(reserved >> 32),
                               (uint32_t)reserved,
                               (uint32_t)(reserved_size >> 32),
                               (uint32_t)reserved_size};
    for (size_t i = 0; i < sizeof(header) / sizeof(header[0]); i++) {
        put(header[i]);
    }
}

static void memory(uint32_t base, uint32_t size) {
    begin("memory@1");
    text("device_type", "memory");
    CELLS("reg", 0, base, 0, size);
    end();
}

static void start_cpus(void) {
    begin("cpus");
    CELLS("#address-cells", 1);
    CELLS("#size-cells", 0);
    CELLS("timebase-frequency", 10000000);
}

static void cpu(uint32_t id, const char *isa, const char *status, const char *mmu) {
    begin("cpu");
    text("device_type", "cpu");
    CELLS("reg", id);
    text("riscv,isa", isa);
    text("status", status);
    if (mmu != NULL) {
        text("mmu-type", mmu);
    }
    CELLS("riscv,cboz-block-size", 64);
    end();
}

static status_t read_tree(uint64_t boot_hart) {
    return machine_read(&machine, tree.bytes, sizeof(tree.bytes), 0x1000, boot_hart, &why);
}

static void check_refused(uint64_t boot_hart, const char *reason) {
    CHECK(read_tree(boot_hart) != STATUS_OK);
    if (strstr(why.text, reason) == NULL) {
        FAIL("refused for \"%s\", not for \"%s\"", why.text, reason);
    }
}

TEST(a_whole_machine) {
    start_tree();
    begin("chosen");
    text("bootargs", "log=debug");
    prop("rng-seed", "0123456789abcdef0123456789abcdef", 32);
    CELLS("linux,initrd-start", 0, 0x84000000); /* either width */
    CELLS("linux,initrd-end", 0x84001234);
    end();
    memory(0x80000000, 0x10000000);
    memory(0xc0000000, 0x1000);
    begin("reserved-memory");
    CELLS("#address-cells", 2);
    CELLS("#size-cells", 2);
    begin("mmode@80000000");
    CELLS("reg", 0, 0x80000000, 0, 0x80000);
    end();
    begin("placed-later");
    CELLS("size", 0, 0x1000);
    end();
    end();
    start_cpus();
    cpu(0, "rv64imafdc", "disabled", "riscv,sv48");
    cpu(7, "RV64IMAC_Zba", "okay", "riscv,sv48");
    cpu(300, "rv64imac", "okay", "riscv,sv39");
    cpu(9, "rv64imac", "okay", "riscv,none");
    end();
    begin("test@100000");
    prop("compatible", "sifive,test1\0sifive,test0\0syscon", 32);
    CELLS("reg", 0, 0x100000, 0, 0x1000);
    end();
    finish_tree(0x87000000, 0x2000);

    CHECK_EQ(read_tree(7), STATUS_OK);
    CHECK_EQ(machine.memory_len, 2);
    CHECK_EQ(machine.memory[1].end, 0xc0001000);
    CHECK_EQ(machine.reserved_len, 2);
    CHECK_EQ(machine.reserved[0].end, 0x87002000);
    CHECK_EQ(machine.reserved[1].start, 0x80000000);
    CHECK_EQ(machine.harts_len, 2);
    CHECK_EQ(machine.harts[0].id, 7);
    CHECK(strcmp(machine.harts[0].isa, "rv64imac_zba") == 0);
    CHECK_EQ(machine.harts[0].cboz_size, 64);
    CHECK_EQ(machine.harts[1].id, 300);
    CHECK_EQ(machine.paging_levels, 3);
    CHECK_EQ(machine.timebase_hz, 10000000);
    CHECK_EQ(machine.initrd.start, 0x84000000);
    CHECK_EQ(machine.initrd.end, 0x84001234);
    CHECK_EQ(machine.test_device, 0x100000);
    CHECK(strcmp(machine.bootargs, "log=debug") == 0);
    CHECK_EQ(machine.seed_size, 32);
    CHECK(memcmp(machine.seed, "0123456789abcdef", 16) == 0);
    CHECK(memmem(tree.bytes, sizeof(tree.bytes), "89abcdef", 8) == NULL); /* wiped */

    CHECK_EQ(read_tree(300), STATUS_OK); /* our hart states the least: it is asked itself */
    CHECK_EQ(machine.paging_levels, 5);
    check_refused(0, "hart 0, on which we run"); /* disabled */
    check_refused(9, "hart 9, on which we run"); /* no MMU */
}

TEST(paging_by_boot_arguments) {
    static const struct {
        const char *bootargs;
        uint32_t levels;
    } cases[] = {
        {"log=debug paging=sv39", 3}, {"paging=sv48 x", 4}, {"paging=sv57", 5}, {"sv39", 5}};
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        start_tree();
        begin("chosen");
        text("bootargs", cases[i].bootargs);
        end();
        memory(0x80000000, 0x10000000);
        start_cpus();
        cpu(0, "rv64imac", "okay", NULL);
        end();
        finish_tree(0x87000000, 0x2000);
        CHECK_EQ(read_tree(0), STATUS_OK);
        CHECK_EQ(machine.paging_levels, cases[i].levels);
    }
}

TEST(newer_isa_form) {
    start_tree();
    memory(0x80000000, 0x1000000);
    start_cpus();
    begin("cpu@0");
    text("device_type", "cpu");
    CELLS("reg", 0);
    text("riscv,isa", "rv64i");
    text("riscv,isa-base", "rv64i");
    prop("riscv,isa-extensions", "i\0zba\0m\0a\0sstc\0c", 17);
    end();
    end();
    finish_tree(0, 0);
    CHECK_EQ(read_tree(0), STATUS_OK);
    CHECK(strcmp(machine.harts[0].isa, "rv64imac_zba_sstc") == 0);
}

TEST(long_isa_is_cut_at_an_extension) {
    char isa[400] = "rv64imac";
    while (strlen(isa) < 350) {
        strcat(isa, "_zabcdefgh");
    }
    start_tree();
    memory(0x80000000, 0x1000000);
    start_cpus();
    cpu(0, isa, "okay", NULL);
    end();
    finish_tree(0, 0);
    CHECK_EQ(read_tree(0), STATUS_OK);
    size_t len = strlen(machine.harts[0].isa);
    CHECK(len < BOOT_ISA_TEXT_SIZE && len > BOOT_ISA_TEXT_SIZE - 12);
    CHECK(memcmp(isa, machine.harts[0].isa, len) == 0 && isa[len] == '_');
}

TEST(extensions_are_whole_words) {
    struct boot_hart hart = {.isa = "rv64imac_zba_zbbx_zbs"};
    CHECK(machine_has_extension(&hart, "zba"));
    CHECK(machine_has_extension(&hart, "zbs"));
    CHECK(!machine_has_extension(&hart, "zbb"));
    CHECK(!machine_has_extension(&hart, "zb"));
    CHECK(!machine_has_extension(&hart, "rv64imac"));
    CHECK(!machine_has_extension(&(struct boot_hart){.isa = "rv64imac"}, "zba"));
}

/* Harts past the limit are left out; the one we run on is not. */
TEST(many_harts) {
    start_tree();
    memory(0x80000000, 0x1000000);
    start_cpus();
    for (uint32_t i = 0; i < BOOT_MAX_HARTS + 10; i++) {
        cpu(i, "rv64imac", "okay", NULL);
    }
    end();
    finish_tree(0, 0);
    CHECK_EQ(read_tree(BOOT_MAX_HARTS + 3), STATUS_OK);
    CHECK_EQ(machine.harts_len, BOOT_MAX_HARTS);
    CHECK_EQ(machine.harts[BOOT_MAX_HARTS - 1].id, BOOT_MAX_HARTS + 3);
}

TEST(what_is_missing_is_named) {
    start_tree();
    start_cpus();
    cpu(0, "rv64imac", "okay", NULL);
    end();
    finish_tree(0, 0);
    check_refused(0, "no memory");

    start_tree();
    memory(0x80000000, 0x1000000);
    finish_tree(0, 0);
    check_refused(0, "no /cpus");

    start_tree();
    memory(0x80000000, 0x1000000);
    begin("cpus");
    CELLS("#address-cells", 1);
    CELLS("#size-cells", 0);
    cpu(0, "rv64imac", "okay", NULL);
    end();
    finish_tree(0, 0);
    check_refused(0, "no timebase-frequency");

    start_tree();
    for (uint32_t i = 0; i <= MACHINE_MAX_RANGES; i++) {
        memory(0x80000000 + i * 0x10000, 0x1000);
    }
    finish_tree(0, 0);
    check_refused(0, "more than 32 ranges of memory");

    start_tree();
    memory(0x80000000, 0x1000000);
    start_cpus();
    cpu(0, "rv64imac", "okay", NULL);
    end();
    begin("chosen");
    CELLS("linux,initrd-start", 2000);
    CELLS("linux,initrd-end", 1000);
    end();
    finish_tree(0, 0);
    check_refused(0, "initrd ends before it starts");
}

/* Any damage is refused or survived, never followed: ASan and UBSan are the judges. */
TEST(damaged_trees) {
    start_tree();
    begin("chosen");
    text("bootargs", "log=debug");
    prop("rng-seed", "0123456789abcdef", 16);
    end();
    memory(0x80000000, 0x10000000);
    start_cpus();
    cpu(0, "rv64imac", "okay", "riscv,sv48");
    end();
    finish_tree(0x87000000, 0x2000);
    uint32_t size = be32toh(((uint32_t *)(void *)tree.bytes)[1]);
    srand(3);
    for (int i = 0; i < 30000; i++) {
        uint8_t *copy = malloc(size);
        memcpy(copy, tree.bytes, size);
        for (int n = rand() % 3; n >= 0; n--) {
            copy[(size_t)rand() % size] = (uint8_t)(rand() % 4 == 0 ? 0xff : rand());
        }
        (void)!machine_read(&machine, copy, size, 0x1000, 0, &why);
        free(copy);
    }
    for (size_t cut = 0; cut < size; cut++) {
        uint8_t *copy = malloc(cut + 1);
        memcpy(copy, tree.bytes, cut);
        CHECK(machine_read(&machine, copy, cut, 0x1000, 0, &why) != STATUS_OK);
        free(copy);
    }
}
CHECK_MAIN
