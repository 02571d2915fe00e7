/*
 * Copies between the kernel and guests. For the space of the calling thread, by the guest's own addresses
 * and with its rights (arch_copy_in(), arch_copy_out()); what cannot be had so, a page at a time through
 * the physical map, which makes the page or says what is wrong.
 */
#include "kernel/mm/frame.h"
#include "kernel/mm/internal.h"
#include "kernel/mm/space.h"
#include "kernel/thread.h"

#include <string.h>

/* Whether the hart, wherever the calling thread is, translates through the space. */
static bool is_active(const struct space *space) {
    return thread_current()->space == space;
}

/* Within one page, which is made if it is not there. Under the mutex: once that is given back its frame may be
 * anybody's. */
static status_t copy_part(struct space *space, vaddr_t addr, void *kernel, size_t size,
                          unsigned access) {
    paddr_t frame;
    TRY(pages_find(space, addr, access, &frame));
    if (!frame_is_memory(frame, PAGE_SIZE)) {
        return STATUS_FAULT; /* a device answers as it likes, or not at all */
    }
    char *guest = (char *)frame_pointer(frame) + addr % PAGE_SIZE;
    memcpy(access == PROT_WRITE ? guest : kernel, access == PROT_WRITE ? kernel : guest, size);
    return STATUS_OK;
}

/* The rest of a copy, a page through the physical map and then what can be had directly, by turns. Not
 * inline, so that the short way saves no registers for it. */
static __attribute__((noinline)) status_t copy(struct space *space, vaddr_t addr, void *kernel,
                                               size_t size, unsigned access) {
    bool all = false;
    while (!all) {
        size_t left = PAGE_SIZE - addr % PAGE_SIZE, len = size < left ? size : left;
        mutex_lock(&space->mutex);
        status_t status = copy_part(space, addr, kernel, len, access);
        mutex_unlock(&space->mutex);
        TRY(status);
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
