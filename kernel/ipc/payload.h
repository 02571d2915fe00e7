/*
 * The part of a message that registers do not hold: bytes and handles, in the kernel's hands between
 * sender and receiver, each of which touches its own memory and handles alone.
 */
#ifndef KERNEL_IPC_PAYLOAD_H
#define KERNEL_IPC_PAYLOAD_H

#include "base/status.h"

struct payload;
struct thread;

/* Whether the message in self's registers has one. */
#define PAYLOAD_PRESENT(info) ((info) >> 32 != 0)

/* From the calling thread's memory and handles, as its registers say, to self->ipc.payload. On failure
 * the handles taken so far are closed. Interrupts are off before and after, and on in between. */
status_t payload_pack(struct thread *self) MUST_CHECK;

/* From self->ipc.payload to the calling thread's buffer and handles; says in its registers what came.
 * What finds no room is dropped. FAULT when the buffer cannot be written. As payload_pack(). */
status_t payload_unpack(struct thread *self) MUST_CHECK;

/* NULL is allowed. Interrupts on. */
void payload_free(struct payload *payload);

#endif
