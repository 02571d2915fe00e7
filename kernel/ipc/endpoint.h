/*
 * Endpoints: synchronous call and answer between threads, mostly of different domains.
 *
 * A call waits in the order of arrival until some server receives it, and then until it is answered.
 * The server that receives owes the caller an answer, by message_reply() or, put off, by a handle that
 * message_keep() makes of the debt. Either answers at most once. A server that ends, closes that handle
 * or receives again without having answered fails the caller with PEER_GONE; so does the end of the last
 * handle that may receive. A caller that is killed or whose deadline passes leaves wherever it waits.
 *
 * When the other side waits already, nothing is queued: the registers are handed over and the hart with
 * them, for the rest of the slice (sched_exchange).
 *
 * The form of messages is that of abi/syscall.h; self->ipc.args are the registers. All functions
 * are called by the thread itself with interrupts off, may sleep, and return with interrupts off.
 */
#ifndef KERNEL_IPC_ENDPOINT_H
#define KERNEL_IPC_ENDPOINT_H

#include "base/status.h"
#include "kernel/ipc/handle.h"

struct thread;

status_t endpoint_new(struct kobject **out) MUST_CHECK;

/* PEER_GONE, TIMED_OUT, KILLED, or what is wrong with handle or parcel. The handles of a parcel are
 * gone from the caller in any case. */
status_t endpoint_call(struct thread *self) MUST_CHECK;

status_t endpoint_receive(struct thread *self) MUST_CHECK;

/* PEER_GONE: nobody is owed an answer, any more. */
status_t endpoint_reply(struct thread *self) MUST_CHECK;

/* Both at once; that nobody was owed an answer is no error. */
status_t endpoint_reply_receive(struct thread *self) MUST_CHECK;

/* The same two, if nothing out of the ordinary is to be done; ENDPOINT_NOT_FAST: something is, and nothing was
 * done, so that the call is still to be made. It is no operation's own result. */
#define ENDPOINT_NOT_FAST STATUS_UNSUPPORTED
status_t endpoint_call_fast(struct thread *self) MUST_CHECK;
status_t endpoint_reply_receive_fast(struct thread *self) MUST_CHECK;

/* The debt of the calling thread becomes a handle, for endpoint_answer() of any thread that has it. */
status_t endpoint_keep(struct thread *self, handle_t *out) MUST_CHECK;
status_t endpoint_answer(struct thread *self) MUST_CHECK;

/* The thread will make no more calls. Interrupts on. */
void endpoint_leave(struct thread *self);

#endif
