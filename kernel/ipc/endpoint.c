/*
 * Endpoints.
 *
 * A thread in an operation sleeps in one of two queues of its endpoint, or in none, by its phase. Whoever brings
 * the operation to its end takes it out of the queue, says how it went, and wakes it:
 *
 *     endpoint_call     CALLING ── a server receives ──> SERVED ── the answer ──> DONE
 *     endpoint_receive  RECEIVING ── a call ──> DONE
 *
 * Invariants, under the endpoint's lock: not both callers and receivers are queued; a thread is
 * SERVED exactly while one server (caller->ipc.server) or one reply (caller->ipc.reply) points back, and
 * in no queue then. Receivers and the served have no payload; queued callers may.
 *
 * endpoint_call_fast() and endpoint_reply_receive_fast() are the same operations without their rare cases, for
 * the speed of those who do little else. Their conditions stand before them.
 *
 * Locks: the endpoint's, inside it a run queue's; a handle table's alone. A thread keeps a reference to
 * the endpoint that it called or served last, and what it knows of the handle, so that the next call by
 * the same handle finds it without the table.
 */
#include "kernel/ipc/endpoint.h"

#include "abi/syscall.h"
#include "kernel/assert.h"
#include "kernel/ipc/payload.h"
#include "kernel/mm/heap.h"
#include "kernel/program.h"
#include "kernel/sched.h"
#include "kernel/sync.h"
#include "kernel/thread.h"

enum { HANDLE = 0, INFO = 1, WORDS = 2, DEADLINE = 6, BADGE = 6 };

/* The handle was revoked, or another one was: look again. */
#define STATUS_AGAIN STATUS_WOULD_BLOCK

struct endpoint {
    struct kobject object;
    struct spinlock lock;
    struct list callers;   /* CALLING, in the order of arrival; threads by their wait_node */
    struct list receivers; /* RECEIVING */
};

/* A debt that is a handle's. */
struct reply {
    struct kobject object;
    struct endpoint *endpoint; /* a reference */
    struct thread *caller;     /* under its lock; NULL when answered or gone */
};

static struct thread *first(struct list *queue) {
    return list_empty(queue) ? NULL : list_entry(queue->next, struct thread, wait_node);
}

/* ---- under the endpoint's lock ---- */

/* The operation of a sleeping thread is over; it is still to be woken. */
static inline void complete(struct thread *thread, status_t status) {
    list_remove(&thread->wait_node);
    thread->ipc.status = status;
    thread->ipc.phase = IPC_DONE;
}

static void complete_all(struct list *queue, status_t status) {
    for (struct thread *thread = first(queue); thread; thread = first(queue)) {
        complete(thread, status);
        sched_wake(thread);
    }
}

static inline void move_words(struct thread *to, const struct thread *from, uint64_t badge) {
    uint64_t *out = to->ipc.args;
    const uint64_t *in = from->ipc.args;
    out[INFO] = in[INFO];
    out[WORDS] = in[WORDS];
    out[WORDS + 1] = in[WORDS + 1];
    out[WORDS + 2] = in[WORDS + 2];
    out[WORDS + 3] = in[WORDS + 3];
    out[BADGE] = badge;
}

static void move_message(struct thread *to, struct thread *from, uint64_t badge) {
    move_words(to, from, badge);
    to->ipc.payload = from->ipc.payload;
    from->ipc.payload = NULL;
}

/* The server owes the caller, which is in no queue, an answer. */
static inline void owe(struct thread *server, struct thread *caller) {
    server->ipc.caller = caller;
    caller->ipc.server = server;
    caller->ipc.phase = IPC_SERVED;
}

/* The server has the caller's request. */
static void serve(struct thread *caller, struct thread *server) {
    move_message(server, caller, caller->ipc.calls_by.badge);
    owe(server, caller);
}

/* A server's answer is with the caller, which is in no queue. */
static inline void end_debt(struct thread *caller) {
    caller->ipc.server = NULL;
    caller->ipc.status = STATUS_OK;
    caller->ipc.phase = IPC_DONE;
}

/* The thread that is owed an answer gets the one in self's registers. */
static inline void answer(struct thread *self, struct thread *caller) {
    move_message(caller, self, 0);
    caller->ipc.reply = NULL;
    end_debt(caller);
}

/* The calling thread gives its operation up. */
static void withdraw(struct thread *self, status_t status) {
    list_remove(&self->wait_node);
    if (self->ipc.server) {
        self->ipc.server->ipc.caller = NULL;
        self->ipc.server = NULL;
    }
    if (self->ipc.reply) {
        self->ipc.reply->caller = NULL;
        self->ipc.reply = NULL;
    }
    self->ipc.status = status;
    self->ipc.phase = IPC_DONE;
}

/* Whether a thread that slept is through: else it was killed or too late, or its call goes on. Whoever is
 * about to end the operation nevertheless has the lock, so that it is looked at again under that. */
static inline bool is_over(const struct thread *self) {
    return self->woke == STATUS_OK && self->ipc.phase == IPC_DONE;
}

/* After a sleep that did not end the operation: locks the endpoint, and if the thread was killed or too late,
 * the operation is given up. */
static void lock_awake(struct endpoint *endpoint, struct thread *self) {
    spinlock_enter(&endpoint->lock);
    if (self->woke != STATUS_OK && self->ipc.phase != IPC_DONE) {
        withdraw(self, self->woke);
    }
}

/* With self in the queue of its phase and the endpoint locked, which is free on return: sleeps until the
 * operation is over, at the latest by its being given up. */
static __attribute__((noinline)) void sleep(struct endpoint *endpoint, struct thread *self,
                                            uint64_t deadline_ns) {
    while (self->ipc.phase != IPC_DONE) {
        bool sleeps = sched_prepare_sleep(deadline_ns, true);
        spinlock_leave(&endpoint->lock);
        if (sleeps) {
            sched_switch();
        }
        if (is_over(self)) {
            return;
        }
        lock_awake(endpoint, self);
    }
    spinlock_leave(&endpoint->lock);
}

/* After sched_exchange() with another one, whose operation was over: as sleep(). */
static __attribute__((noinline)) void end_hand_over(struct endpoint *endpoint, struct thread *self,
                                                    uint64_t deadline_ns) {
    if (!is_over(self)) {
        lock_awake(endpoint, self);
        sleep(endpoint, self, deadline_ns);
    }
}

/* ---- endpoints as objects ---- */

static struct endpoint *endpoint_of(struct kobject *object) {
    return (struct endpoint *)object;
}

static void free_endpoint(struct kobject *object) {
    heap_free(object);
}

static void fail_callers(struct kobject *object) {
    struct endpoint *endpoint = endpoint_of(object);
    spinlock_lock(&endpoint->lock);
    complete_all(&endpoint->callers, STATUS_PEER_GONE);
    spinlock_unlock(&endpoint->lock);
}

static void recheck(struct kobject *object) {
    struct endpoint *endpoint = endpoint_of(object);
    spinlock_lock(&endpoint->lock);
    complete_all(&endpoint->callers, STATUS_AGAIN);
    complete_all(&endpoint->receivers, STATUS_AGAIN);
    spinlock_unlock(&endpoint->lock);
}

static const struct kobject_kind endpoint_kind = {
    .name = "endpoint",
    .rights = RIGHT_SEND | RIGHT_RECEIVE | RIGHT_DUPLICATE | RIGHT_TRANSFER | RIGHT_REVOKE,
    .free = free_endpoint,
    .unserved = fail_callers,
    .recheck = recheck,
};

status_t endpoint_new(struct kobject **out) {
    struct endpoint *endpoint = heap_new_for(program_quota(), struct endpoint);
    if (!endpoint) {
        return STATUS_NO_MEMORY;
    }
    kobject_init(&endpoint->object, &endpoint_kind);
    spinlock_init(&endpoint->lock, LOCK_IPC);
    list_init(&endpoint->callers);
    list_init(&endpoint->receivers);
    *out = &endpoint->object;
    return STATUS_OK;
}

/* ---- finding and remembering ---- */

static void remember(struct endpoint **place, struct endpoint *endpoint) {
    struct endpoint *old = *place;
    if (old != endpoint) {
        kobject_get(&endpoint->object);
        *place = endpoint;
        kobject_put(old ? &old->object : NULL);
    }
}

/* The endpoint of the handle in self's registers is *place, of self, from now on. */
static __attribute__((noinline)) status_t look_up(struct thread *self, uint32_t right,
                                                  struct endpoint **place,
                                                  struct ipc_found *found) {
    struct handle_table *table = self->ipc.handles;
    struct handle_entry *entry;
    uint64_t handle = self->ipc.args[HANDLE];
    uint64_t revocations = __atomic_load_n(&handle_revocations, __ATOMIC_SEQ_CST);
    found->epoch = 0;
    TRY(handle_enter(table, (handle_t)handle, &endpoint_kind, right, &entry));
    remember(place, endpoint_of(entry->object));
    *found = (struct ipc_found){
        .handle = handle, .epoch = table->epoch, .revocations = revocations, .badge = entry->badge};
    handle_leave(table);
    return STATUS_OK;
}

/* Whether the handle in self's registers is still what was found. */
static inline bool is_known(const struct thread *self, const struct ipc_found *found) {
    return found->handle == self->ipc.args[HANDLE] &&
           found->epoch == __atomic_load_n(&self->ipc.handles->epoch, __ATOMIC_RELAXED);
}

/* Under the endpoint's lock: who is revoked from now on is also sent to look again from now on. */
static inline bool is_unrevoked(const struct ipc_found *found) {
    return found->revocations == __atomic_load_n(&handle_revocations, __ATOMIC_RELAXED);
}

/* The endpoint of the handle in self's registers, locked. */
static inline status_t lock_endpoint(struct thread *self, uint32_t right, struct endpoint **place,
                                     struct ipc_found *found) {
    for (;;) {
        if (!is_known(self, found)) {
            TRY(look_up(self, right, place, found));
        }
        spinlock_enter(&(*place)->lock);
        if (is_unrevoked(found)) {
            return STATUS_OK;
        }
        spinlock_leave(&(*place)->lock);
        found->epoch = 0;
    }
}

/* Whoever is owed an answer by self does not get one. */
static void abandon(struct thread *self) {
    struct endpoint *endpoint = self->ipc.serves;
    if (!self->ipc.caller) {
        return;
    }
    spinlock_enter(&endpoint->lock);
    struct thread *caller = self->ipc.caller;
    self->ipc.caller = NULL;
    if (caller) {
        caller->ipc.server = NULL;
        complete(caller, STATUS_PEER_GONE);
        sched_wake(caller);
    }
    spinlock_leave(&endpoint->lock);
}

static void drop_payload(struct thread *self) {
    struct payload *payload = self->ipc.payload;
    self->ipc.payload = NULL;
    if (payload) {
        arch_irq_on();
        payload_free(payload);
        arch_irq_off();
    }
}

/* What is left to do by the thread whose operation is over, no lock held. */
static __attribute__((noinline)) status_t finish_payload(struct thread *self) {
    status_t status = self->ipc.status;
    if (status == STATUS_OK) {
        return payload_unpack(self);
    }
    if (status != STATUS_AGAIN) {
        drop_payload(self);
    }
    return status;
}

static inline status_t finish(struct thread *self) {
    return self->ipc.payload ? finish_payload(self) : self->ipc.status;
}

/* After an operation that failed: a message that is not sent leaves nothing behind, nor does a handle
 * that was revoked. */
static __attribute__((noinline, cold)) status_t give_up(struct thread *self, status_t status) {
    drop_payload(self);
    arch_irq_on();
    handle_reap(self->ipc.handles, (handle_t)self->ipc.args[HANDLE]);
    arch_irq_off();
    return status;
}

/* ---- calls ---- */

/* No server waits; the endpoint is locked, and free on return. */
static __attribute__((noinline)) status_t queue_call(struct thread *self) {
    struct endpoint *endpoint = self->ipc.calls;
    if (endpoint->object.receivers == 0) {
        spinlock_leave(&endpoint->lock);
        return STATUS_PEER_GONE;
    }
    self->ipc.phase = IPC_CALLING;
    list_push_back(&endpoint->callers, &self->wait_node);
    sleep(endpoint, self, self->ipc.args[DEADLINE]);
    return finish(self);
}

static inline status_t call(struct thread *self) {
    TRY(lock_endpoint(self, RIGHT_SEND, &self->ipc.calls, &self->ipc.calls_by));
    struct endpoint *endpoint = self->ipc.calls;
    struct thread *server = first(&endpoint->receivers);
    if (!server) {
        return queue_call(self);
    }
    uint64_t deadline = self->ipc.args[DEADLINE];
    serve(self, server);
    complete(server, STATUS_OK);
    sched_exchange(server, deadline, &endpoint->lock);
    end_hand_over(endpoint, self, deadline);
    return finish(self);
}

/* After a first try: again, as long as some handle was revoked meanwhile. */
static __attribute__((noinline)) status_t call_again(struct thread *self, status_t status) {
    while (status == STATUS_AGAIN) {
        status = call(self);
    }
    return status == STATUS_OK ? status : give_up(self, status);
}

static __attribute__((noinline)) status_t call_with_payload(struct thread *self) {
    TRY(payload_pack(self));
    return call_again(self, STATUS_AGAIN);
}

status_t endpoint_call(struct thread *self) {
    if (PAYLOAD_PRESENT(self->ipc.args[INFO])) {
        return call_with_payload(self);
    }
    status_t status = call(self);
    return status == STATUS_OK ? status : call_again(self, status);
}

/* ---- receiving and answering ---- */

/* Somebody has called; the endpoint that self serves is locked, and free on return. */
static __attribute__((noinline)) void take_call(struct thread *self, struct thread *caller,
                                                struct thread *answered) {
    struct endpoint *endpoint = self->ipc.serves;
    list_remove(&caller->wait_node);
    serve(caller, self);
    self->ipc.status = STATUS_OK;
    if (answered) {
        sched_wake(answered);
    }
    spinlock_leave(&endpoint->lock);
}

/* With the endpoint that self serves locked, and free on return: takes the first call, or waits for one;
 * `answered` has its answer and is to go on. */
static inline status_t receive_locked(struct thread *self, struct thread *answered) {
    struct endpoint *endpoint = self->ipc.serves;
    struct thread *caller = first(&endpoint->callers);
    if (caller) {
        take_call(self, caller, answered);
        return finish(self);
    }
    uint64_t deadline = self->ipc.args[DEADLINE];
    self->ipc.phase = IPC_RECEIVING;
    list_push_back(&endpoint->receivers, &self->wait_node);
    if (answered) {
        sched_exchange(answered, deadline, &endpoint->lock);
        end_hand_over(endpoint, self, deadline);
    } else {
        sleep(endpoint, self, deadline);
    }
    return finish(self);
}

static status_t receive(struct thread *self) {
    status_t status = STATUS_AGAIN;
    while (status == STATUS_AGAIN) {
        abandon(self);
        status = lock_endpoint(self, RIGHT_RECEIVE, &self->ipc.serves, &self->ipc.serves_by);
        if (status == STATUS_OK) {
            status = receive_locked(self, NULL);
        }
    }
    return status;
}

status_t endpoint_receive(struct thread *self) {
    status_t status = receive(self);
    return status == STATUS_OK ? status : give_up(self, status);
}

/* The message in self's registers goes to whom self owes an answer. */
static status_t reply(struct thread *self) {
    struct endpoint *endpoint = self->ipc.serves;
    struct thread *caller = NULL;
    if (self->ipc.caller) {
        spinlock_enter(&endpoint->lock);
        caller = self->ipc.caller;
        self->ipc.caller = NULL;
        if (caller) {
            answer(self, caller);
            sched_wake(caller);
        }
        spinlock_leave(&endpoint->lock);
    }
    drop_payload(self);
    return caller ? STATUS_OK : STATUS_PEER_GONE;
}

status_t endpoint_reply(struct thread *self) {
    if (PAYLOAD_PRESENT(self->ipc.args[INFO])) {
        TRY(payload_pack(self));
    }
    return reply(self);
}

/* Not the usual case: a payload, another endpoint than the one of the caller that is owed an answer, or
 * nobody is; or a first try that failed. */
static __attribute__((noinline)) status_t reply_then_receive(struct thread *self) {
    if (PAYLOAD_PRESENT(self->ipc.args[INFO])) {
        TRY(payload_pack(self));
    }
    struct handle_entry *entry;
    status_t status = handle_enter(self->ipc.handles, (handle_t)self->ipc.args[HANDLE],
                                   &endpoint_kind, RIGHT_RECEIVE, &entry);
    if (status == STATUS_OK) {
        handle_leave(self->ipc.handles);
        (void)!reply(self);
        status = receive(self);
    }
    return status == STATUS_OK ? status : give_up(self, status);
}

static __attribute__((noinline)) status_t receive_again(struct thread *self, status_t status) {
    if (status == STATUS_AGAIN) {
        status = receive(self);
    }
    return status == STATUS_OK ? status : give_up(self, status);
}

status_t endpoint_reply_receive(struct thread *self) {
    struct endpoint *endpoint = self->ipc.serves;
    if (PAYLOAD_PRESENT(self->ipc.args[INFO]) || !self->ipc.caller ||
        !is_known(self, &self->ipc.serves_by)) {
        return reply_then_receive(self);
    }
    spinlock_enter(&endpoint->lock);
    struct thread *caller = self->ipc.caller;
    if (!caller || !is_unrevoked(&self->ipc.serves_by)) {
        spinlock_leave(&endpoint->lock);
        return reply_then_receive(self);
    }
    self->ipc.caller = NULL;
    answer(self, caller);
    status_t status = receive_locked(self, caller);
    return status == STATUS_OK ? status : receive_again(self, status);
}

/* ---- the fast ways ---- */

/*
 * Both hand the registers and the hart to a thread that sleeps for them, and sleep in its place. That takes
 *
 *   - a message that is in registers alone, each way;
 *   - the handle that self used the last time, in a table none of whose handles has ceased to be since, and
 *     nothing revoked anywhere since;
 *   - an endpoint that nobody has locked;
 *   - for a call, a server that waits; for an answer, a caller that waits and no other one that has called.
 *
 * If one of these is missing nothing is done, and the ordinary ways say what is to be. They do not need, but are fast
 * only by, what sched_exchange() asks: no deadline, both on this hart, self not killed.
 *
 * Little is remembered across the switch, so that little is saved on the stack for it.
 */

/* Locks the endpoint if the handle in self's registers is still what was found; else false. */
static inline bool lock_known(struct thread *self, struct endpoint *endpoint,
                              const struct ipc_found *found) {
    if (PAYLOAD_PRESENT(self->ipc.args[INFO]) || !is_known(self, found) ||
        !spinlock_enter_free(&endpoint->lock)) {
        return false;
    }
    if (!is_unrevoked(found)) {
        spinlock_leave(&endpoint->lock);
        return false;
    }
    return true;
}

/* After the switch, if the operation did not end as well as it could: to its end, and what became of it. */
static __attribute__((noinline)) status_t end_exchange(struct thread *self,
                                                       struct endpoint *endpoint) {
    end_hand_over(endpoint, self, self->ipc.args[DEADLINE]);
    return finish(self);
}

static __attribute__((noinline)) status_t end_call(struct thread *self) {
    status_t status = end_exchange(self, self->ipc.calls);
    return status == STATUS_OK ? status : call_again(self, status);
}

static __attribute__((noinline)) status_t end_receive(struct thread *self) {
    status_t status = end_exchange(self, self->ipc.serves);
    return status == STATUS_OK ? status : receive_again(self, status);
}

static inline bool is_done(const struct thread *self) {
    return is_over(self) && self->ipc.status == STATUS_OK && !self->ipc.payload;
}

status_t endpoint_call_fast(struct thread *self) {
    struct endpoint *endpoint = self->ipc.calls;
    if (!lock_known(self, endpoint, &self->ipc.calls_by)) {
        return ENDPOINT_NOT_FAST;
    }
    struct thread *server = first(&endpoint->receivers);
    if (!server) {
        spinlock_leave(&endpoint->lock);
        return ENDPOINT_NOT_FAST;
    }
    move_words(server, self, self->ipc.calls_by.badge);
    owe(server, self);
    complete(server, STATUS_OK);
    sched_exchange(server, self->ipc.args[DEADLINE], &endpoint->lock);
    self = thread_current();
    return is_done(self) ? STATUS_OK : end_call(self);
}

status_t endpoint_reply_receive_fast(struct thread *self) {
    struct endpoint *endpoint = self->ipc.serves;
    if (!lock_known(self, endpoint, &self->ipc.serves_by)) {
        return ENDPOINT_NOT_FAST;
    }
    struct thread *caller = self->ipc.caller;
    if (!caller || !list_empty(&endpoint->callers)) {
        spinlock_leave(&endpoint->lock);
        return ENDPOINT_NOT_FAST;
    }
    move_words(caller, self, 0);
    self->ipc.caller = NULL;
    end_debt(caller);
    self->ipc.phase = IPC_RECEIVING;
    list_push_back(&endpoint->receivers, &self->wait_node);
    sched_exchange(caller, self->ipc.args[DEADLINE], &endpoint->lock);
    self = thread_current();
    return is_done(self) ? STATUS_OK : end_receive(self);
}

/* ---- answers that are put off ---- */

static void free_reply(struct kobject *object) {
    struct reply *kept = (struct reply *)object;
    struct endpoint *endpoint = kept->endpoint;
    spinlock_lock(&endpoint->lock);
    if (kept->caller) {
        kept->caller->ipc.reply = NULL;
        complete(kept->caller, STATUS_PEER_GONE);
        sched_wake(kept->caller);
    }
    spinlock_unlock(&endpoint->lock);
    kobject_put(&endpoint->object);
    heap_free(kept);
}

static const struct kobject_kind reply_kind = {
    .name = "reply", .rights = RIGHT_SEND | RIGHT_TRANSFER, .free = free_reply};

static status_t reply_new(struct endpoint *endpoint, struct reply **out) {
    struct reply *kept = heap_new_for(program_quota(), struct reply);
    if (!kept) {
        return STATUS_NO_MEMORY;
    }
    kobject_init(&kept->object, &reply_kind);
    kobject_get(&endpoint->object);
    kept->endpoint = endpoint;
    *out = kept;
    return STATUS_OK;
}

/* What self owes is the reply's from now on. */
static void give_debt(struct thread *self, struct reply *kept) {
    spinlock_enter(&kept->endpoint->lock);
    struct thread *caller = self->ipc.caller;
    self->ipc.caller = NULL;
    if (caller) {
        caller->ipc.server = NULL;
        caller->ipc.reply = kept;
        kept->caller = caller;
    }
    spinlock_leave(&kept->endpoint->lock);
}

status_t endpoint_keep(struct thread *self, handle_t *out) {
    struct endpoint *endpoint = self->ipc.serves;
    struct reply *kept;
    if (!self->ipc.caller) {
        return STATUS_PEER_GONE;
    }
    TRY(reply_new(endpoint, &kept));
    kobject_get(&kept->object); /* the other one is the handle's, which another thread may close */
    status_t status = handle_add(self->ipc.handles, &kept->object, RIGHT_ALL, 0, out);
    if (status == STATUS_OK) {
        give_debt(self, kept);
    } else {
        kobject_put(&kept->object);
    }
    arch_irq_on();
    kobject_put(&kept->object);
    arch_irq_off();
    return status;
}

static status_t answer_kept(struct thread *self, struct reply *kept) {
    struct endpoint *endpoint = kept->endpoint;
    spinlock_enter(&endpoint->lock);
    struct thread *caller = kept->caller;
    kept->caller = NULL;
    if (caller) {
        answer(self, caller);
        sched_wake(caller);
    }
    spinlock_leave(&endpoint->lock);
    return caller ? STATUS_OK : STATUS_PEER_GONE;
}

status_t endpoint_answer(struct thread *self) {
    struct kobject *object;
    handle_t handle = (handle_t)self->ipc.args[HANDLE];
    if (PAYLOAD_PRESENT(self->ipc.args[INFO])) {
        TRY(payload_pack(self));
    }
    status_t status = handle_get(self->ipc.handles, handle, &reply_kind, RIGHT_SEND, &object);
    if (status == STATUS_OK) {
        status = answer_kept(self, (struct reply *)object);
        (void)!handle_close(self->ipc.handles, handle);
        kobject_put(object);
    }
    drop_payload(self);
    return status;
}

void endpoint_leave(struct thread *self) {
    struct ipc_state *ipc = &self->ipc;
    if (ipc->serves) {
        arch_irq_off();
        abandon(self);
        arch_irq_on();
        kobject_put(&ipc->serves->object);
    }
    if (ipc->calls) {
        kobject_put(&ipc->calls->object);
    }
    payload_free(ipc->payload);
    *ipc = (struct ipc_state){0};
}
