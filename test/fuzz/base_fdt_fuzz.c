/*
 * Device trees of arbitrary bytes: whatever fdt_open() accepts can be read whole.
 */
#include "base/fdt.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void read_props(const struct fdt *fdt, struct fdt_node node) {
    struct fdt_prop prop;
    uint32_t cursor = 0, cell;
    while (fdt_next_prop(fdt, node, &cursor, &prop)) {
        for (uint32_t i = 0; i < 64 && fdt_prop_string(&prop, i); i++) {
        }
        for (uint32_t i = 0; fdt_prop_cell(&prop, i, &cell); i++) {
        }
        (void)fdt_prop_has_string(&prop, "ns16550a");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct fdt fdt;
    if (fdt_open(&fdt, bytes, size) != STATUS_OK) {
        return 0;
    }
    unsigned depth = 0;
    for (struct fdt_node n = fdt_root(&fdt); fdt_exists(n); n = fdt_next(&fdt, n, &depth)) {
        struct fdt_range range;
        if (depth >= FDT_MAX_DEPTH) {
            abort();
        }
        read_props(&fdt, n);
        for (uint32_t i = 0; i < 16 && fdt_reg(&fdt, n, i, &range); i++) {
        }
    }
    (void)fdt_find(&fdt, "serial0:115200n8");
    (void)fdt_find(&fdt, "/cpus/cpu@0/interrupt-controller");
    (void)fdt_find_compatible(&fdt, FDT_NONE, "sifive,test0");
    return 0;
}
