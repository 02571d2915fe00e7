/*
 * Device tree to struct machine (boot/machine.h). base/fdt has checked the tree's form; here its
 * meaning is: every number may still be absurd, so each range and count is bounded where it is read.
 */
#include "boot/machine.h"

#include "base/fdt.h"

#include <stdbool.h>
#include <string.h>

static status_t add_range(struct range *ranges, uint32_t *len, struct fdt_range r, const char *what,
                          struct refusal *why) {
    if (r.size == 0) {
        return STATUS_OK;
    }
    if (*len == MACHINE_MAX_RANGES) {
        return refusal_set(why, STATUS_LIMIT, "device tree: more than %d ranges of %s",
                           MACHINE_MAX_RANGES, what);
    }
    ranges[(*len)++] = (struct range){r.base, r.base + r.size};
    return STATUS_OK;
}

static status_t read_memory(struct machine *m, const struct fdt *fdt, struct refusal *why) {
    fdt_each_child(fdt, fdt_root(fdt), node) {
        const char *type = fdt_get_text(fdt, node, "device_type");
        if (type == NULL || strcmp(type, "memory") != 0 || !fdt_enabled(fdt, node)) {
            continue;
        }
        struct fdt_range r;
        for (uint32_t i = 0; fdt_reg(fdt, node, i, &r); i++) {
            TRY(add_range(m->memory, &m->memory_len, r, "memory", why));
        }
    }
    if (m->memory_len == 0) {
        return refusal_set(why, STATUS_NOT_FOUND, "device tree: no memory");
    }
    return STATUS_OK;
}

/* Nodes without `reg` ask the system to choose a place, which concerns nobody before the payload. */
static status_t read_reserved(struct machine *m, const struct fdt *fdt, struct refusal *why) {
    struct fdt_range r;
    for (uint32_t i = 0; fdt_reservation(fdt, i, &r); i++) {
        TRY(add_range(m->reserved, &m->reserved_len, r, "reserved memory", why));
    }
    struct fdt_node parent = fdt_find(fdt, "/reserved-memory");
    if (!fdt_exists(parent)) {
        return STATUS_OK;
    }
    fdt_each_child(fdt, parent, node) {
        for (uint32_t i = 0; fdt_enabled(fdt, node) && fdt_reg(fdt, node, i, &r); i++) {
            TRY(add_range(m->reserved, &m->reserved_len, r, "reserved memory", why));
        }
    }
    return STATUS_OK;
}

/* Appends to a terminated text as far as it fits with its terminator; false if it did not. */
static bool append(char *text, size_t cap, const char *more, size_t len) {
    size_t at = strlen(text);
    if (at + len >= cap) {
        return false;
    }
    memcpy(text + at, more, len);
    text[at + len] = '\0';
    return true;
}

/* "riscv,isa" as it is, cut after the last extension that fits; in lower case. */
static void copy_isa(char *out, const char *isa) {
    size_t len = strlen(isa);
    if (len >= BOOT_ISA_TEXT_SIZE) {
        len = BOOT_ISA_TEXT_SIZE - 1;
        while (len > 0 && isa[len] != '_') {
            len--;
        }
    }
    for (size_t i = 0; i < len; i++) {
        out[i] = (char)(isa[i] >= 'A' && isa[i] <= 'Z' ? isa[i] - 'A' + 'a' : isa[i]);
    }
    out[len] = '\0';
}

/* The newer form, "riscv,isa-base" = "rv64i" and a list of extensions, joined into the older one:
 * single letters first, then the others with '_' between. */
static bool join_isa(char *out, const struct fdt *fdt, struct fdt_node node) {
    const char *base = fdt_get_text(fdt, node, "riscv,isa-base");
    struct fdt_prop list;
    if (base == NULL || !fdt_get(fdt, node, "riscv,isa-extensions", &list)) {
        return false;
    }
    copy_isa(out, base);
    const char *name;
    for (uint32_t i = 0; (name = fdt_prop_string(&list, i)) != NULL; i++) {
        if (name[0] != '\0' && name[1] == '\0' && name[0] != 'i') {
            append(out, BOOT_ISA_TEXT_SIZE, name, 1);
        }
    }
    for (uint32_t i = 0; (name = fdt_prop_string(&list, i)) != NULL; i++) {
        size_t len = strlen(name);
        if (len > 1 && strlen(out) + 1 + len < BOOT_ISA_TEXT_SIZE) {
            append(out, BOOT_ISA_TEXT_SIZE, "_", 1);
            append(out, BOOT_ISA_TEXT_SIZE, name, len);
        }
    }
    return true;
}

static uint32_t paging_levels(const struct fdt *fdt, struct fdt_node node) {
    const char *type = fdt_get_text(fdt, node, "mmu-type");
    if (type == NULL || strcmp(type, "riscv,sv57") == 0) {
        return 5;
    }
    if (strcmp(type, "riscv,sv48") == 0) {
        return 4;
    }
    return strcmp(type, "riscv,sv39") == 0 ? 3 : 0;
}

static void read_hart(struct boot_hart *hart, const struct fdt *fdt, struct fdt_node node,
                      uint64_t id) {
    *hart = (struct boot_hart){.id = id};
    fdt_get_u32(fdt, node, "riscv,cbom-block-size", &hart->cbom_size);
    fdt_get_u32(fdt, node, "riscv,cboz-block-size", &hart->cboz_size);
    const char *isa = fdt_get_text(fdt, node, "riscv,isa");
    if (!join_isa(hart->isa, fdt, node) && isa != NULL) {
        copy_isa(hart->isa, isa);
    }
}

/* Harts in the tree's order. One that is disabled, has no id or no MMU is left out, and so are those
 * past BOOT_MAX_HARTS; only the hart we run on must be there. */
static status_t read_harts(struct machine *m, const struct fdt *fdt, struct refusal *why) {
    struct fdt_node cpus = fdt_find(fdt, "/cpus");
    if (!fdt_exists(cpus)) {
        return refusal_set(why, STATUS_NOT_FOUND, "device tree: no /cpus");
    }
    fdt_get_u64(fdt, cpus, "timebase-frequency", &m->timebase_hz);
    uint32_t boot_levels = 0, least_levels = 5;
    fdt_each_child(fdt, cpus, node) {
        const char *type = fdt_get_text(fdt, node, "device_type");
        struct fdt_range reg;
        if (type == NULL || strcmp(type, "cpu") != 0 || !fdt_enabled(fdt, node) ||
            !fdt_reg(fdt, node, 0, &reg)) {
            continue;
        }
        uint32_t levels = paging_levels(fdt, node);
        bool is_boot = reg.base == m->boot_hart;
        if (levels == 0 || (m->harts_len == BOOT_MAX_HARTS && !is_boot)) {
            continue;
        }
        uint32_t i = m->harts_len < BOOT_MAX_HARTS ? m->harts_len++ : BOOT_MAX_HARTS - 1;
        read_hart(&m->harts[i], fdt, node, reg.base);
        if (m->timebase_hz == 0) {
            fdt_get_u64(fdt, node, "timebase-frequency", &m->timebase_hz);
        }
        least_levels = levels < least_levels ? levels : least_levels;
        boot_levels = is_boot ? levels : boot_levels;
    }
    if (boot_levels == 0) {
        return refusal_set(why, STATUS_NOT_FOUND,
                           "device tree: hart %llu, on which we run, is not a usable one in /cpus",
                           (unsigned long long)m->boot_hart);
    }
    if (m->timebase_hz == 0) {
        return refusal_set(why, STATUS_NOT_FOUND, "device tree: no timebase-frequency");
    }
    /* Our own hart is asked directly which modes it has (paging_probe), which is more than trees
     * say; the others count only where they state less than ours does. */
    m->paging_levels = least_levels < boot_levels ? least_levels : 5;
    return STATUS_OK;
}

static status_t read_initrd(struct machine *m, const struct fdt *fdt, struct fdt_node chosen,
                            struct refusal *why) {
    bool has_start = fdt_get_u64(fdt, chosen, "linux,initrd-start", &m->initrd.start);
    bool has_end = fdt_get_u64(fdt, chosen, "linux,initrd-end", &m->initrd.end);
    if (!has_start || !has_end || m->initrd.start == m->initrd.end) {
        m->initrd = (struct range){0, 0};
        return STATUS_OK;
    }
    if (m->initrd.start > m->initrd.end) {
        return refusal_set(why, STATUS_BAD_FORMAT, "device tree: initrd ends before it starts");
    }
    return STATUS_OK;
}

static void take_seed(struct machine *m, const struct fdt *fdt, struct fdt_node chosen,
                      void *tree) {
    struct fdt_prop seed;
    if (!fdt_get(fdt, chosen, "rng-seed", &seed)) {
        return;
    }
    m->seed_size = seed.size < MACHINE_MAX_SEED ? seed.size : MACHINE_MAX_SEED;
    memcpy(m->seed, seed.bytes, m->seed_size);
    fdt_wipe(fdt, tree, chosen, "rng-seed");
}

/* The node that stdout-path names, by path or alias; options such as the speed follow a colon. */
static struct fdt_node stdout_node(const struct fdt *fdt, struct fdt_node chosen) {
    char path[MACHINE_MAX_PATH];
    const char *text = fdt_get_text(fdt, chosen, "stdout-path");
    if (text == NULL || strcspn(text, ":") >= sizeof(path)) {
        return FDT_NONE;
    }
    memcpy(path, text, strcspn(text, ":"));
    path[strcspn(text, ":")] = '\0';
    if (path[0] == '/') {
        return fdt_find(fdt, path);
    }
    struct fdt_node aliases = fdt_find(fdt, "/aliases");
    const char *meant = fdt_exists(aliases) ? fdt_get_text(fdt, aliases, path) : NULL;
    return meant == NULL ? FDT_NONE : fdt_find(fdt, meant);
}

static void read_uart(struct machine *m, const struct fdt *fdt, struct fdt_node chosen) {
    struct fdt_node node = stdout_node(fdt, chosen);
    struct fdt_prop list;
    struct fdt_range r;
    if (!fdt_exists(node) || !fdt_get(fdt, node, "compatible", &list) ||
        !fdt_reg(fdt, node, 0, &r)) {
        return;
    }
    uint32_t shift = 0, width = 1;
    fdt_get_u32(fdt, node, "reg-shift", &shift);
    fdt_get_u32(fdt, node, "reg-io-width", &width);
    const char *name;
    for (uint32_t i = 0; (name = fdt_prop_string(&list, i)) != NULL; i++) {
        bool known = strcmp(name, "ns16550a") == 0 || strcmp(name, "ns16550") == 0 ||
                     strcmp(name, "snps,dw-apb-uart") == 0;
        if (known && shift <= 3 && (width == 1 || width == 4) && r.size >= (uint64_t)8 << shift) {
            m->uart = (struct machine_uart){r.base, shift, width};
        }
    }
}

/* "paging=sv39" or "paging=sv48" in the boot arguments: no larger address space than that, for tests. */
static void limit_paging(struct machine *m) {
    static const char *const names[] = {"paging=sv39", "paging=sv48"};
    for (uint32_t i = 0; i < 2; i++) {
        if (strstr(m->bootargs, names[i]) != NULL && m->paging_levels > 3 + i) {
            m->paging_levels = 3 + i;
        }
    }
}

static status_t read_chosen(struct machine *m, const struct fdt *fdt, void *tree,
                            struct refusal *why) {
    struct fdt_node chosen = fdt_find(fdt, "/chosen");
    if (!fdt_exists(chosen)) {
        return STATUS_OK;
    }
    const char *bootargs = fdt_get_text(fdt, chosen, "bootargs");
    if (bootargs != NULL) {
        m->bootargs = bootargs;
        limit_paging(m);
    }
    read_uart(m, fdt, chosen);
    take_seed(m, fdt, chosen, tree);
    return read_initrd(m, fdt, chosen, why);
}

static void read_test_device(struct machine *m, const struct fdt *fdt) {
    struct fdt_node node = fdt_find_compatible(fdt, FDT_NONE, "sifive,test0");
    struct fdt_range r;
    if (fdt_exists(node) && fdt_enabled(fdt, node) && fdt_reg(fdt, node, 0, &r) && r.size >= 4) {
        m->test_device = r.base;
    }
}

status_t machine_read(struct machine *machine, void *tree, size_t max_size, uint64_t tree_phys,
                      uint64_t boot_hart, struct refusal *why) {
    memset(machine, 0, sizeof(*machine));
    machine->boot_hart = boot_hart;
    machine->bootargs = "";
    struct fdt fdt;
    if (fdt_open(&fdt, tree, max_size) != STATUS_OK) {
        return refusal_set(why, STATUS_BAD_FORMAT, "device tree: %s", fdt.error);
    }
    machine->tree = (struct range){tree_phys, tree_phys + fdt.size};
    read_test_device(machine, &fdt); /* first: a refusal ends the machine through it */
    TRY(read_memory(machine, &fdt, why));
    TRY(read_reserved(machine, &fdt, why));
    TRY(read_harts(machine, &fdt, why));
    return read_chosen(machine, &fdt, tree, why);
}

bool machine_has_extension(const struct boot_hart *hart, const char *name) {
    size_t len = strlen(name);
    for (const char *at = strchr(hart->isa, '_'); at != NULL; at = strchr(at + 1, '_')) {
        if (strncmp(at + 1, name, len) == 0 && (at[1 + len] == '_' || at[1 + len] == '\0')) {
            return true;
        }
    }
    return false;
}

const struct boot_hart *machine_boot_hart(const struct machine *machine) {
    uint32_t i = 0;
    while (machine->harts[i].id != machine->boot_hart) {
        i++; /* it is there: machine_read() refuses otherwise */
    }
    return &machine->harts[i];
}
