/*
 * Memory objects as kernel objects.
 */
#include "kernel/ipc/memory.h"

#include "abi/syscall.h"
#include "kernel/devices.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/object.h"
#include "kernel/mm/space.h"
#include "kernel/program.h"

struct memory {
    struct kobject object;
    struct object *memory;
};

static void free_memory(struct kobject *object) {
    struct memory *memory = (struct memory *)object;
    object_put(memory->memory);
    heap_free(memory);
}

const struct kobject_kind memory_kind = {
    .name = "memory",
    .rights = RIGHT_READ | RIGHT_WRITE | RIGHT_DUPLICATE | RIGHT_TRANSFER | RIGHT_REVOKE,
    .free = free_memory,
};

status_t memory_new(struct object *shared, struct kobject **out) {
    struct memory *memory = heap_new_for(program_quota(), struct memory);
    if (!memory) {
        return STATUS_NO_MEMORY;
    }
    kobject_init(&memory->object, &memory_kind);
    memory->memory = shared;
    *out = &memory->object;
    return STATUS_OK;
}

status_t memory_new_device(const struct device *device, struct kobject **out) {
    paddr_t start = frame_address((const void *)device->registers);
    struct object *registers;
    if (start % PAGE_SIZE || device->size % PAGE_SIZE) {
        return STATUS_BAD_RANGE;
    }
    TRY(object_new_device(program_quota(), start, device->size, &registers));
    status_t status = memory_new(registers, out);
    if (status != STATUS_OK) {
        object_put(registers);
    }
    return status;
}

status_t memory_map(struct kobject *memory, struct space *space, uint64_t offset, uint64_t size,
                    unsigned prot, vaddr_t *out) {
    return space_map(space, ((struct memory *)memory)->memory, offset, size, prot, out);
}
