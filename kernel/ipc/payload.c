/*
 * Bytes and handles of messages.
 */
#include "kernel/ipc/payload.h"

#include "abi/syscall.h"
#include "kernel/ipc/handle.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/space.h"
#include "kernel/program.h"
#include "kernel/thread.h"

enum { INFO = 1, PARCEL = 5 };

struct payload {
    struct handle_passed handles[SYSCALL_MAX_HANDLES];
    uint32_t len;
    uint32_t size;
    unsigned char bytes[];
};

void payload_free(struct payload *payload) {
    for (uint32_t i = 0; payload && i < payload->len; i++) {
        handle_drop(&payload->handles[i]);
    }
    heap_free(payload);
}

/* The bytes first: taking handles cannot be undone. */
static status_t fill(struct thread *self, struct payload *payload,
                     const struct syscall_parcel *parcel, uint32_t handle_len) {
    if (payload->size > 0) {
        TRY(space_copy_in(self->space, payload->bytes, parcel->bytes, payload->size));
    }
    for (; payload->len < handle_len; payload->len++) {
        TRY(handle_take(self->ipc.handles, parcel->handles[payload->len],
                        &payload->handles[payload->len]));
    }
    return STATUS_OK;
}

static status_t pack(struct thread *self) {
    uint64_t *args = self->ipc.args;
    struct syscall_parcel parcel;
    uint32_t handle_len = SYSCALL_INFO_HANDLES(args[INFO]);
    uint64_t size = SYSCALL_INFO_BYTES(args[INFO]);
    if (handle_len > SYSCALL_MAX_HANDLES || size > SYSCALL_MAX_LENGTH) {
        return STATUS_BAD_ARGUMENT;
    }
    TRY(space_copy_in(self->space, &parcel, args[PARCEL], sizeof(parcel)));
    struct payload *payload = heap_alloc_for(program_quota(), sizeof(*payload) + size);
    if (!payload) {
        return STATUS_NO_MEMORY;
    }
    payload->size = (uint32_t)size;
    status_t status = fill(self, payload, &parcel, handle_len);
    if (status != STATUS_OK) {
        payload_free(payload);
        return status;
    }
    args[PARCEL] = 0;
    self->ipc.payload = payload;
    return STATUS_OK;
}

status_t payload_pack(struct thread *self) {
    arch_irq_on();
    status_t status = pack(self);
    arch_irq_off();
    return status;
}

/* Into the table as far as there is room; the others are dropped with the payload. */
static uint32_t put_handles(struct thread *self, struct payload *payload,
                            struct syscall_parcel *parcel) {
    uint32_t len = 0;
    for (uint32_t i = 0; i < payload->len; i++) {
        if (handle_put(self->ipc.handles, &payload->handles[i], &parcel->handles[len]) ==
            STATUS_OK) {
            len++;
        }
    }
    return len;
}

static void close_all(struct thread *self, const struct syscall_parcel *parcel, uint32_t len) {
    for (uint32_t i = 0; i < len; i++) {
        (void)!handle_close(self->ipc.handles, parcel->handles[i]);
    }
}

static status_t unpack(struct thread *self, struct payload *payload) {
    uint64_t *args = self->ipc.args;
    struct syscall_parcel parcel = {.bytes = self->ipc.buffer + sizeof(parcel)};
    uint64_t size = 0;
    uint32_t len = 0;
    status_t status = STATUS_OK;
    if (self->ipc.buffer_size >= sizeof(parcel)) {
        uint64_t room = self->ipc.buffer_size - sizeof(parcel);
        size = payload->size < room ? payload->size : room;
        len = put_handles(self, payload, &parcel);
        status = space_copy_out(self->space, self->ipc.buffer, &parcel, sizeof(parcel));
        if (status == STATUS_OK && size > 0) {
            status = space_copy_out(self->space, parcel.bytes, payload->bytes, size);
        }
    }
    if (status != STATUS_OK) {
        close_all(self, &parcel, len);
        size = len = 0;
    }
    args[INFO] = SYSCALL_INFO(args[INFO], len, size);
    return status;
}

status_t payload_unpack(struct thread *self) {
    struct payload *payload = self->ipc.payload;
    self->ipc.payload = NULL;
    arch_irq_on();
    status_t status = unpack(self, payload);
    payload_free(payload);
    arch_irq_off();
    return status;
}
