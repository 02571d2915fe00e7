/*
 * Device trees of arbitrary bytes, as the loader reads them; and the memory map made of what it read,
 * which must come out sorted and disjoint.
 */
#include "boot/machine.h"
#include "boot/memory.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static struct refusal why;
static struct machine machine;

static status_t map(struct memory *memory) {
    for (uint32_t i = 0; i < machine.memory_len; i++) {
        TRY(memory_add(memory, machine.memory[i].start, machine.memory[i].end, &why));
    }
    for (uint32_t i = 0; i < machine.reserved_len; i++) {
        TRY(memory_mark(memory, machine.reserved[i].start, machine.reserved[i].end,
                        BOOT_MEMORY_FIRMWARE, &why));
    }
    return STATUS_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct memory memory = {0};
    uint8_t *copy = aligned_alloc(16, (size + 16) & ~(size_t)15);
    memcpy(copy, bytes, size);
    if (machine_read(&machine, copy, size, 0x1000, 0, &why) == STATUS_OK &&
        map(&memory) == STATUS_OK) {
        for (uint32_t i = 0; i < memory.len; i++) {
            const struct boot_region *r = &memory.regions[i];
            if (r->start >= r->end || (i > 0 && r[-1].end > r->start)) {
                abort();
            }
        }
    }
    free(copy);
    return 0;
}
