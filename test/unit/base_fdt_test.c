/*
 * base/fdt: a tree built here, read back; then every truncation and every changed byte of it.
 */
#include "base/fdt.h"
#include "test/support/check.h"

enum { CAP = 4096 };

/* A writer of trees, enough for tests. */
struct builder {
    uint8_t structure[CAP], strings[CAP];
    size_t structure_size, strings_size;
    uint8_t tree[CAP];
    size_t size;
};

static void put32(uint8_t *p, uint32_t x) {
    for (int i = 0; i < 4; i++) {
        p[i] = (uint8_t)(x >> (24 - 8 * i));
    }
}

static void token(struct builder *b, uint32_t x) {
    put32(b->structure + b->structure_size, x);
    b->structure_size += 4;
}

static void bytes(struct builder *b, const void *p, size_t size) {
    memcpy(b->structure + b->structure_size, p, size);
    b->structure_size = (b->structure_size + size + 3) & ~(size_t)3;
}

static void begin(struct builder *b, const char *name) {
    token(b, 1);
    bytes(b, name, strlen(name) + 1);
}

static void end(struct builder *b) {
    token(b, 2);
}

static void prop(struct builder *b, const char *name, const void *value, size_t size) {
    token(b, 3);
    token(b, (uint32_t)size);
    token(b, (uint32_t)b->strings_size);
    memcpy(b->strings + b->strings_size, name, strlen(name) + 1);
    b->strings_size += strlen(name) + 1;
    bytes(b, value, size);
}

static void prop_cells(struct builder *b, const char *name, int len, const uint32_t *cells) {
    uint8_t value[64];
    for (int i = 0; i < len; i++) {
        put32(value + 4 * i, cells[i]);
    }
    prop(b, name, value, (size_t)len * 4);
}
#define CELLS(b, name, ...)                                                                        \
    prop_cells(b, name, sizeof((uint32_t[]){__VA_ARGS__}) / 4, (uint32_t[]){__VA_ARGS__})
#define TEXT(b, name, text) prop(b, name, text, sizeof(text))

static void finish(struct builder *b) {
    token(b, 9);
    uint8_t *t = b->tree;
    size_t reservations = 40, structure = reservations + 32;
    size_t strings = structure + b->structure_size;
    b->size = strings + b->strings_size;
    uint32_t header[10] = {0xd00dfeed,
                           (uint32_t)b->size,
                           (uint32_t)structure,
                           (uint32_t)strings,
                           (uint32_t)reservations,
                           17,
                           16,
                           0,
                           (uint32_t)b->strings_size,
                           (uint32_t)b->structure_size};
    for (int i = 0; i < 10; i++) {
        put32(t + 4 * i, header[i]);
    }
    put32(t + reservations + 4, 0x80000000);
    put32(t + reservations + 12, 0x1000);
    memcpy(t + structure, b->structure, b->structure_size);
    memcpy(t + strings, b->strings, b->strings_size);
}

static void build(struct builder *b) {
    *b = (struct builder){0};
    token(b, 4);
    begin(b, "");
    CELLS(b, "#address-cells", 2);
    CELLS(b, "#size-cells", 2);
    TEXT(b, "compatible", "test,machine\0riscv-virtio");
    begin(b, "aliases");
    TEXT(b, "serial0", "/soc/serial@10000000");
    end(b);
    begin(b, "chosen");
    TEXT(b, "stdout-path", "serial0:115200n8");
    prop(b, "rng-seed", "0123456789abcdef", 16);
    end(b);
    token(b, 4);
    begin(b, "memory@80000000");
    TEXT(b, "device_type", "memory");
    CELLS(b, "reg", 0, 0x80000000, 0, 0x8000000, 1, 0, 0, 0x1000);
    end(b);
    begin(b, "cpus");
    CELLS(b, "#address-cells", 1);
    CELLS(b, "#size-cells", 0);
    CELLS(b, "timebase-frequency", 10000000);
    begin(b, "cpu@0");
    CELLS(b, "reg", 0);
    CELLS(b, "phandle", 5);
    end(b);
    begin(b, "cpu@1");
    CELLS(b, "reg", 1);
    TEXT(b, "status", "disabled");
    end(b);
    end(b);
    begin(b, "soc");
    CELLS(b, "#address-cells", 3);
    CELLS(b, "#size-cells", 1);
    begin(b, "serial@10000000");
    TEXT(b, "compatible", "ns16550a");
    CELLS(b, "reg", 0, 0, 0x10000000, 0x100);
    prop(b, "odd", "xy", 2);
    end(b);
    begin(b, "wide@1");
    CELLS(b, "reg", 1, 0, 0, 0x100);
    end(b);
    end(b);
    end(b);
    finish(b);
}

static struct builder builder;
static struct fdt fdt;

static void open_tree(void) {
    build(&builder);
    CHECK_EQ(fdt_open(&fdt, builder.tree, builder.size), STATUS_OK);
}

TEST(paths_and_aliases) {
    open_tree();
    CHECK_EQ(fdt_claimed_size(builder.tree), builder.size);
    CHECK_TEXT(fdt_name(&fdt, fdt_root(&fdt)), "");
    CHECK_TEXT(fdt_name(&fdt, fdt_find(&fdt, "/cpus/cpu@1")), "cpu@1");
    CHECK_TEXT(fdt_name(&fdt, fdt_find(&fdt, "/cpus/cpu")), "cpu@0");
    CHECK_TEXT(fdt_name(&fdt, fdt_find(&fdt, "/memory")), "memory@80000000");
    CHECK(!fdt_exists(fdt_find(&fdt, "/cpus/cpu@")));
    CHECK(!fdt_exists(fdt_find(&fdt, "/mem")));
    CHECK(!fdt_exists(fdt_find(&fdt, "serial1")));
    CHECK(!fdt_exists(fdt_find(&fdt, "")));
    CHECK(fdt_exists(fdt_find(&fdt, "/")));
    const char *path = fdt_get_text(&fdt, fdt_find(&fdt, "/chosen"), "stdout-path");
    CHECK_TEXT(path, "serial0:115200n8");
    CHECK_TEXT(fdt_name(&fdt, fdt_find(&fdt, path)), "serial@10000000");
    CHECK_TEXT(fdt_name(&fdt, fdt_by_phandle(&fdt, 5)), "cpu@0");
    CHECK(!fdt_exists(fdt_by_phandle(&fdt, 6)));
}

TEST(walks) {
    open_tree();
    const char *want[] = {"",      "aliases", "chosen", "memory@80000000", "cpus",
                          "cpu@0", "cpu@1",   "soc",    "serial@10000000", "wide@1"};
    unsigned depths[] = {0, 1, 1, 1, 1, 2, 2, 1, 2, 2}, depth = 0, i = 0;
    for (struct fdt_node n = fdt_root(&fdt); fdt_exists(n); n = fdt_next(&fdt, n, &depth)) {
        CHECK_TEXT(fdt_name(&fdt, n), want[i]);
        CHECK_EQ(depth, depths[i]);
        i++;
    }
    CHECK_EQ(i, 10);
    i = 0;
    fdt_each_child(&fdt, fdt_root(&fdt), child) {
        CHECK_EQ(fdt_parent(&fdt, child).offset, fdt_root(&fdt).offset);
        i++;
    }
    CHECK_EQ(i, 5);
    CHECK(!fdt_exists(fdt_parent(&fdt, fdt_root(&fdt))));
}

TEST(properties) {
    open_tree();
    struct fdt_node root = fdt_root(&fdt), serial = fdt_find(&fdt, "serial0");
    struct fdt_prop p;
    CHECK(fdt_get(&fdt, root, "compatible", &p));
    CHECK_TEXT(fdt_prop_string(&p, 1), "riscv-virtio");
    CHECK(fdt_prop_string(&p, 2) == NULL);
    CHECK(fdt_prop_has_string(&p, "riscv-virtio"));
    CHECK(!fdt_prop_has_string(&p, "riscv"));
    CHECK(!fdt_prop_has_string(&p, "virtio"));
    CHECK(fdt_get(&fdt, serial, "odd", &p));
    CHECK_EQ(p.size, 2);
    CHECK(fdt_prop_string(&p, 0) == NULL);
    uint32_t x;
    uint64_t y;
    CHECK(!fdt_prop_cell(&p, 0, &x));
    CHECK(!fdt_get_u32(&fdt, serial, "odd", &x));
    CHECK(!fdt_get_u32(&fdt, serial, "none", &x));
    CHECK(fdt_get_u64(&fdt, fdt_find(&fdt, "/cpus"), "timebase-frequency", &y));
    CHECK_EQ(y, 10000000);
    CHECK(fdt_find_compatible(&fdt, FDT_NONE, "ns16550a").offset == serial.offset);
    CHECK(!fdt_exists(fdt_find_compatible(&fdt, serial, "ns16550a")));
    CHECK(fdt_enabled(&fdt, fdt_find(&fdt, "/cpus/cpu@0")));
    CHECK(!fdt_enabled(&fdt, fdt_find(&fdt, "/cpus/cpu@1")));
}

TEST(ranges) {
    open_tree();
    struct fdt_range r;
    struct fdt_node memory = fdt_find(&fdt, "/memory");
    CHECK(fdt_reg(&fdt, memory, 1, &r));
    CHECK_EQ(r.base, 0x100000000);
    CHECK_EQ(r.size, 0x1000);
    CHECK(!fdt_reg(&fdt, memory, 2, &r));
    CHECK(fdt_reg(&fdt, fdt_find(&fdt, "/cpus/cpu@1"), 0, &r));
    CHECK_EQ(r.base, 1);
    CHECK_EQ(r.size, 0);
    CHECK(fdt_reg(&fdt, fdt_find(&fdt, "serial0"), 0, &r));
    CHECK_EQ(r.base, 0x10000000);
    CHECK(!fdt_reg(&fdt, fdt_find(&fdt, "/soc/wide"), 0, &r));
    CHECK(!fdt_reg(&fdt, fdt_root(&fdt), 0, &r));
    CHECK(fdt_reservation(&fdt, 0, &r));
    CHECK_EQ(r.base, 0x80000000);
    CHECK(!fdt_reservation(&fdt, 1, &r));
}

TEST(wiping) {
    open_tree();
    struct fdt_node chosen = fdt_find(&fdt, "/chosen");
    CHECK(fdt_wipe(&fdt, builder.tree, chosen, "rng-seed"));
    CHECK(!fdt_wipe(&fdt, builder.tree, chosen, "none"));
    struct fdt_prop p;
    CHECK(fdt_get(&fdt, chosen, "rng-seed", &p));
    CHECK_EQ(p.size, 16);
    CHECK_BYTES(p.bytes, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    CHECK_EQ(fdt_open(&fdt, builder.tree, builder.size), STATUS_OK);
}

/* Calls everything on everything; only the sanitizers judge. */
static void use(const struct fdt *tree) {
    fdt_each_node(tree, node) {
        struct fdt_prop p;
        struct fdt_range r;
        uint32_t cursor = 0, x;
        uint64_t y;
        while (fdt_next_prop(tree, node, &cursor, &p)) {
            for (uint32_t i = 0; fdt_prop_string(&p, i); i++) {
            }
            (void)fdt_prop_has_string(&p, "riscv-virtio");
            (void)fdt_get_u32(tree, node, p.name, &x);
            (void)fdt_get_u64(tree, node, p.name, &y);
        }
        for (uint32_t i = 0; fdt_reg(tree, node, i, &r) && i < 100; i++) {
        }
        (void)fdt_enabled(tree, node);
    }
    (void)fdt_find(tree, "serial0:1");
    (void)fdt_find(tree, "/cpus/cpu");
}

static void use_copy(const uint8_t *tree, size_t size) {
    uint8_t *copy = malloc(size ? size : 1);
    memcpy(copy, tree, size);
    struct fdt f;
    if (fdt_open(&f, copy, size) == STATUS_OK) {
        use(&f);
    } else {
        CHECK(f.error != NULL);
    }
    free(copy);
}

TEST(every_truncation_is_refused) {
    open_tree();
    for (size_t size = 0; size < builder.size; size++) {
        uint8_t *copy = malloc(size ? size : 1);
        memcpy(copy, builder.tree, size);
        CHECK(fdt_open(&fdt, copy, size) != STATUS_OK);
        if (size >= 40) { /* and with a header that says so */
            put32(copy + 4, (uint32_t)size);
            CHECK(fdt_open(&fdt, copy, size) != STATUS_OK);
        }
        free(copy);
    }
}

TEST(every_changed_byte_is_survived) {
    open_tree();
    static const uint8_t values[] = {0, 1, 2, 3, 4, 9, 0x7f, 0x80, 0xff};
    for (size_t i = 0; i < builder.size; i++) {
        uint8_t old = builder.tree[i];
        for (size_t v = 0; v < sizeof(values); v++) {
            builder.tree[i] = values[v];
            use_copy(builder.tree, builder.size);
        }
        builder.tree[i] = old;
    }
}

TEST(depth_is_bounded) {
    struct builder b = {0};
    for (int i = 0; i < FDT_MAX_DEPTH; i++) {
        begin(&b, i ? "n" : "");
    }
    struct builder more = b;
    for (int i = 0; i < FDT_MAX_DEPTH; i++) {
        end(&b);
    }
    finish(&b);
    CHECK_EQ(fdt_open(&fdt, b.tree, b.size), STATUS_OK);
    use(&fdt);
    begin(&more, "n");
    for (int i = 0; i <= FDT_MAX_DEPTH; i++) {
        end(&more);
    }
    finish(&more);
    CHECK_EQ(fdt_open(&fdt, more.tree, more.size), STATUS_LIMIT);
}

CHECK_MAIN
