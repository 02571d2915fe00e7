/*
 * Handles for memory objects (kernel/mm/object.h), so that domains can share memory: RIGHT_READ and
 * RIGHT_WRITE say how the holder may map it. A mapping keeps the memory; revoking a handle takes no
 * mapping away that was made by it.
 */
#ifndef KERNEL_IPC_MEMORY_H
#define KERNEL_IPC_MEMORY_H

#include "base/status.h"
#include "kernel/ipc/kobject.h"
#include "kernel/types.h"

struct device;
struct object;
struct space;

extern const struct kobject_kind memory_kind;

/* Takes over the caller's count of `memory` on success. NO_MEMORY. */
status_t memory_new(struct object *memory, struct kobject **out) MUST_CHECK;

/* The registers of a device: the first range of its node, whole pages, as memory that nobody keeps in caches or
 * copies. For the kernel, who decides which domain has which device. BAD_RANGE: they are a part of a page, where
 * those of others may be beside them. NO_MEMORY. */
status_t memory_new_device(const struct device *device, struct kobject **out) MUST_CHECK;

/* As space_map(). */
status_t memory_map(struct kobject *memory, struct space *space, uint64_t offset, uint64_t size,
                    unsigned prot, vaddr_t *out) MUST_CHECK;

#endif
