/*
 * Archives of arbitrary bytes: whatever initrd_open() accepts can be read whole.
 */
#include "fs/initrd.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct initrd initrd;
    struct initrd_entry entry;
    size_t cursor = 0;
    if (initrd_open(&initrd, bytes, size) != STATUS_OK) {
        return 0;
    }
    volatile size_t touched = 0;
    while (initrd_next(&initrd, &cursor, &entry)) {
        touched += strlen(entry.name);
        for (size_t i = 0; i < entry.size; i++) {
            touched += entry.bytes[i];
        }
    }
    volatile status_t found = initrd_find(&initrd, "module", &entry);
    (void)found;
    return 0;
}
