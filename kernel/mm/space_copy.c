/*
 * Copies between the kernel and guests. For the space of the calling thread, by the guest's own addresses
 * and with its rights (arch_copy_in(), arch_copy_out()); what cannot be had so, a page at a time through
 * the physical map, which makes the page or says what is wrong.
 */
#include "kernel/mm/internal.h"
#include "kernel/mm/space.h"
#include "kernel/thread.h"

/* Whether the hart, wherever the calling thread is, translates through the space. */
static bool is_active(const struct space *space) {
    return thread_current()->space == space;
}

/* The rest of a copy, a page through the physical map and then what can be had directly, by turns. Not
 * inline, so that the short way saves no registers for it. */
static __attribute__((noinline)) status_t copy(struct space *space, vaddr_t addr, void *kernel,
                                               size_t size, unsigned access) {
    bool all = false;
    while (!all) {
        size_t len;
        TRY(space_copy_part(space, addr, kernel, size, access, &len));
        addr += len;
        kernel = (char *)kernel + len;
        size -= len;
        all = size == 0;
        if (!all && is_active(space)) {
            all = access == PROT_WRITE ? arch_copy_out(&addr, (const void **)&kernel, &size)
                                       : arch_copy_in(&kernel, &addr, &size);
        }
    }
    return STATUS_OK;
}

status_t space_copy_in(struct space *space, void *to, vaddr_t from, size_t size) {
    if (size == 0 || (is_active(space) && arch_copy_in(&to, &from, &size))) {
        return STATUS_OK;
    }
    return copy(space, from, to, size, PROT_READ);
}

status_t space_copy_out(struct space *space, vaddr_t to, const void *from, size_t size) {
    if (size == 0 || (is_active(space) && arch_copy_out(&to, &from, &size))) {
        return STATUS_OK;
    }
    return copy(space, to, (void *)from, size, PROT_WRITE);
}

bool space_copy_try_in(const struct space *space, void *to, vaddr_t from, size_t size) {
    return is_active(space) && arch_copy_in(&to, &from, &size);
}

bool space_copy_try_out(const struct space *space, vaddr_t to, const void *from, size_t size) {
    return is_active(space) && arch_copy_out(&to, &from, &size);
}
