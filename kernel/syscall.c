/*
 * System calls: found by number in a table made from abi/syscalls.def, arguments checked as the table
 * says, then made. The result, or the negative code of the error, goes to the guest's a0.
 *
 * A call that is `quick` runs with interrupts off from trap to return: the calls that hand messages
 * over. All others run with interrupts on and may sleep.
 */
#include "kernel/syscall.h"

#include "abi/syscall.h"
#include "kernel/futex.h"
#include "kernel/harts.h"
#include "kernel/ipc/endpoint.h"
#include "kernel/ipc/handle.h"
#include "kernel/ipc/interrupt.h"
#include "kernel/ipc/memory.h"
#include "kernel/ipc/notification.h"
#include "kernel/limits.h"
#include "kernel/log.h"
#include "kernel/mm/object.h"
#include "kernel/mm/space.h"
#include "kernel/native.h"
#include "kernel/program.h"
#include "kernel/sched.h"
#include "kernel/thread.h"
#include "kernel/time.h"

/* What an argument must be, by the words of abi/syscalls.def. */
enum kind {
    NOT_LOOKED_AT,
    WORD,
    COUNT,
    HANDLE,
    RIGHTS,
    PROT,
    ADDRESS,
    FUTEX,
    PAGE,
    SIZE,
    OFFSET,
    LENGTH
};

enum { KINDS_MAX = 4, NUMBER = 7 };

/* As the guest sees it, negative. */
static __attribute__((noinline)) int64_t error_of(status_t status) {
    switch (status) {
    case STATUS_BAD_ARGUMENT:
        return -SYSCALL_BAD_ARGUMENT;
    case STATUS_BAD_RANGE:
    case STATUS_FAULT:
        return -SYSCALL_BAD_ADDRESS;
    case STATUS_NOT_FOUND:
        return -SYSCALL_BAD_HANDLE;
    case STATUS_DENIED:
        return -SYSCALL_DENIED;
    case STATUS_NO_MEMORY:
    case STATUS_NO_SPACE:
        return -SYSCALL_NO_MEMORY;
    case STATUS_LIMIT:
        return -SYSCALL_LIMIT;
    case STATUS_TIMED_OUT:
        return -SYSCALL_TIMED_OUT;
    case STATUS_PEER_GONE:
        return -SYSCALL_PEER_GONE;
    case STATUS_WOULD_BLOCK:
        return -SYSCALL_WOULD_BLOCK;
    case STATUS_KILLED:
        return -SYSCALL_KILLED;
    case STATUS_EXISTS:
        return -SYSCALL_EXISTS;
    default:
        return -SYSCALL_FAILED;
    }
}

/* ---- the calls, by the names of abi/syscalls.def; *out is 0 until they say otherwise ---- */

static status_t call_nothing(struct thread *self, int64_t *out) {
    (void)self;
    (void)out;
    return STATUS_OK;
}

static status_t call_exit(struct thread *self, int64_t *out) {
    (void)out;
    native_exit(self, (int)self->ipc.args[0]);
    return STATUS_OK;
}

static status_t call_yield(struct thread *self, int64_t *out) {
    (void)self;
    (void)out;
    sched_yield();
    return STATUS_OK;
}

static status_t call_clock(struct thread *self, int64_t *out) {
    (void)self;
    *out = (int64_t)time_now_ns();
    return STATUS_OK;
}

static status_t call_sleep(struct thread *self, int64_t *out) {
    struct spinlock lock = SPINLOCK_INIT(LOCK_WAIT);
    struct waitqueue queue;
    (void)out;
    waitqueue_init(&queue);
    spinlock_lock(&lock);
    while (waitqueue_sleep_killable(&queue, &lock, self->ipc.args[0]) == STATUS_OK) {
    }
    spinlock_unlock(&lock);
    return STATUS_OK;
}

static status_t call_print(struct thread *self, int64_t *out) {
    char text[SYSCALL_PRINT_MAX];
    size_t len = self->ipc.args[1] < sizeof(text) ? self->ipc.args[1] : sizeof(text);
    TRY(space_copy_in(self->space, text, self->ipc.args[0], len));
    for (size_t i = 0; i < len; i++) {
        text[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '.';
    }
    log_debug("native", "%s: %.*s", self->name, (int)len, text);
    *out = (int64_t)len;
    return STATUS_OK;
}

static status_t call_thread_start(struct thread *self, int64_t *out) {
    (void)out;
    return native_add_thread(self, self->ipc.args[0], self->ipc.args[1], self->ipc.args[2]);
}

static status_t call_thread_exit(struct thread *self, int64_t *out) {
    (void)out;
    native_leave(self);
    return STATUS_OK;
}

static status_t call_futex_wait(struct thread *self, int64_t *out) {
    const uint64_t *args = self->ipc.args;
    (void)out;
    return futex_wait(args[0], args[1], sizeof(uint32_t), args[2]);
}

static status_t call_futex_wake(struct thread *self, int64_t *out) {
    *out = futex_wake(self->space, self->ipc.args[0], (uint32_t)self->ipc.args[1]);
    return STATUS_OK;
}

static status_t call_futex_swap(struct thread *self, int64_t *out) {
    const uint64_t *args = self->ipc.args;
    (void)out;
    return futex_swap(args[0], args[1], args[2], sizeof(uint32_t), args[3]);
}

static status_t call_memory_map(struct thread *self, int64_t *out) {
    vaddr_t addr;
    TRY(space_allocate(self->space, self->ipc.args[0], (unsigned)self->ipc.args[1], &addr));
    *out = (int64_t)addr;
    return STATUS_OK;
}

static status_t call_memory_unmap(struct thread *self, int64_t *out) {
    (void)out;
    return space_unmap(self->space, self->ipc.args[0], self->ipc.args[1]);
}

static status_t call_memory_protect(struct thread *self, int64_t *out) {
    (void)out;
    return space_protect(self->space, self->ipc.args[0], self->ipc.args[1],
                         (unsigned)self->ipc.args[2]);
}

/* A first handle, with all rights, for an object just made. */
static status_t give(struct thread *self, struct kobject *object, int64_t *out) {
    handle_t handle;
    status_t status = handle_add(self->ipc.handles, object, RIGHT_ALL, 0, &handle);
    if (status != STATUS_OK) {
        kobject_put(object);
        return status;
    }
    *out = handle;
    return STATUS_OK;
}

static status_t call_memory_create(struct thread *self, int64_t *out) {
    struct object *memory;
    struct kobject *object;
    TRY(object_new(program_quota(), self->ipc.args[0], &memory));
    status_t status = memory_new(memory, &object);
    if (status != STATUS_OK) {
        object_put(memory);
        return status;
    }
    return give(self, object, out);
}

static status_t call_memory_share(struct thread *self, int64_t *out) {
    const uint64_t *args = self->ipc.args;
    unsigned prot = (unsigned)args[3];
    uint32_t rights = RIGHT_READ | (prot & PROT_WRITE ? (uint32_t)RIGHT_WRITE : 0);
    struct kobject *memory;
    vaddr_t addr;
    TRY(handle_get(self->ipc.handles, (handle_t)args[0], &memory_kind, rights, &memory));
    status_t status = memory_map(memory, self->space, args[1], args[2], prot, &addr);
    kobject_put(memory);
    TRY(status);
    *out = (int64_t)addr;
    return STATUS_OK;
}

static status_t call_handle_duplicate(struct thread *self, int64_t *out) {
    const uint64_t *args = self->ipc.args;
    handle_t handle;
    TRY(handle_duplicate(self->ipc.handles, (handle_t)args[0], (uint32_t)args[1], args[2],
                         &handle));
    *out = handle;
    return STATUS_OK;
}

static status_t call_handle_close(struct thread *self, int64_t *out) {
    (void)out;
    return handle_close(self->ipc.handles, (handle_t)self->ipc.args[0]);
}

static status_t call_handle_revoke(struct thread *self, int64_t *out) {
    (void)out;
    return handle_revoke(self->ipc.handles, (handle_t)self->ipc.args[0]);
}

static status_t call_endpoint_create(struct thread *self, int64_t *out) {
    struct kobject *endpoint;
    TRY(endpoint_new(&endpoint));
    return give(self, endpoint, out);
}

static status_t call_message_call(struct thread *self, int64_t *out) {
    (void)out;
    return endpoint_call(self);
}

static status_t call_message_receive(struct thread *self, int64_t *out) {
    (void)out;
    return endpoint_receive(self);
}

static status_t call_message_reply(struct thread *self, int64_t *out) {
    (void)out;
    return endpoint_reply(self);
}

static status_t call_message_reply_receive(struct thread *self, int64_t *out) {
    (void)out;
    return endpoint_reply_receive(self);
}

static status_t call_message_keep(struct thread *self, int64_t *out) {
    handle_t handle;
    TRY(endpoint_keep(self, &handle));
    *out = handle;
    return STATUS_OK;
}

static status_t call_message_answer(struct thread *self, int64_t *out) {
    (void)out;
    return endpoint_answer(self);
}

static status_t call_message_buffer(struct thread *self, int64_t *out) {
    (void)out;
    self->ipc.buffer = self->ipc.args[0];
    self->ipc.buffer_size = self->ipc.args[1];
    return STATUS_OK;
}

static status_t call_notification_create(struct thread *self, int64_t *out) {
    struct kobject *notification;
    TRY(notification_new(&notification));
    return give(self, notification, out);
}

static status_t call_notification_signal(struct thread *self, int64_t *out) {
    struct kobject *notification;
    (void)out;
    TRY(handle_get(self->ipc.handles, (handle_t)self->ipc.args[0], &notification_kind, RIGHT_SEND,
                   &notification));
    notification_signal(notification, self->ipc.args[1]);
    kobject_put(notification);
    return STATUS_OK;
}

static status_t call_notification_wait(struct thread *self, int64_t *out) {
    status_t status = STATUS_WOULD_BLOCK;
    (void)out;
    while (status == STATUS_WOULD_BLOCK) {
        struct kobject *notification;
        TRY(handle_get(self->ipc.handles, (handle_t)self->ipc.args[0], &notification_kind,
                       RIGHT_RECEIVE, &notification));
        status = notification_wait(notification, self->ipc.args[1], &self->ipc.args[1]);
        kobject_put(notification);
    }
    return status;
}

static status_t call_fault_handler(struct thread *self, int64_t *out) {
    (void)out;
    self->ipc.fault_handler = self->ipc.args[0];
    return STATUS_OK;
}

static status_t call_interrupt_bind(struct thread *self, int64_t *out) {
    const uint64_t *args = self->ipc.args;
    struct kobject *interrupt, *notification;
    struct grant *grant;
    (void)out;
    TRY(handle_get(self->ipc.handles, (handle_t)args[1], &notification_kind, RIGHT_SEND,
                   &notification));
    status_t status = handle_get_grant(self->ipc.handles, (handle_t)args[0], &interrupt_kind,
                                       RIGHT_RECEIVE, &interrupt, &grant);
    if (status == STATUS_OK) {
        status = interrupt_bind(interrupt, grant, notification, args[2]);
        handle_put_grant(grant);
        kobject_put(interrupt);
    }
    kobject_put(notification);
    return status;
}

static status_t call_interrupt_acknowledge(struct thread *self, int64_t *out) {
    struct kobject *interrupt;
    (void)out;
    TRY(handle_get(self->ipc.handles, (handle_t)self->ipc.args[0], &interrupt_kind, RIGHT_RECEIVE,
                   &interrupt));
    interrupt_acknowledge(interrupt);
    kobject_put(interrupt);
    return STATUS_OK;
}

/* ---- the table ---- */

struct call {
    status_t (*fn)(struct thread *self, int64_t *out);
    uint8_t kinds[KINDS_MAX];
};

static const struct call calls[] = {
#define KINDS(...)                   {__VA_ARGS__}
#define SYSCALL(number, name, kinds) [number] = {call_##name, KINDS kinds},
#include "abi/syscalls.def"
#undef SYSCALL
};

/* Those from trap to return with interrupts off. */
#define QUICK_CALLS                                                                                \
    (UINT64_C(1) << SYSCALL_message_call | UINT64_C(1) << SYSCALL_message_receive |                \
     UINT64_C(1) << SYSCALL_message_reply | UINT64_C(1) << SYSCALL_message_reply_receive |         \
     UINT64_C(1) << SYSCALL_message_keep | UINT64_C(1) << SYSCALL_message_answer |                 \
     UINT64_C(1) << SYSCALL_nothing)

_Static_assert(sizeof(calls) / sizeof(calls[0]) <= 64, "QUICK_CALLS is a word");

static bool is_user(uint64_t addr) {
    return addr >= ARCH_USER_START && addr < arch_user_end();
}

static bool is_futex(uint64_t addr) {
    return is_user(addr) && addr % sizeof(uint32_t) == 0;
}

static bool is_size(uint64_t size) {
    return size > 0 && size % PAGE_SIZE == 0 && size < arch_user_end();
}

/* The error of an argument that is not what its kind demands; 0: it is. */
static unsigned check(enum kind kind, uint64_t arg) {
    switch (kind) {
    case NOT_LOOKED_AT:
    case WORD:
        return 0;
    case COUNT:
        return arg <= UINT32_MAX ? 0 : SYSCALL_BAD_ARGUMENT;
    case HANDLE:
        return arg <= UINT32_MAX ? 0 : SYSCALL_BAD_HANDLE;
    case RIGHTS:
        return arg <= RIGHT_ALL ? 0 : SYSCALL_BAD_ARGUMENT;
    case PROT:
        return arg == PROT_NONE || arg == PROT_READ || arg == (PROT_READ | PROT_WRITE)
                   ? 0
                   : SYSCALL_BAD_ARGUMENT;
    case ADDRESS:
        return is_user(arg) ? 0 : SYSCALL_BAD_ADDRESS;
    case FUTEX:
        return is_futex(arg) ? 0 : SYSCALL_BAD_ADDRESS;
    case PAGE:
        return is_user(arg) && arg % PAGE_SIZE == 0 ? 0 : SYSCALL_BAD_ADDRESS;
    case SIZE:
        return is_size(arg) ? 0 : SYSCALL_BAD_ARGUMENT;
    case OFFSET:
        return arg % PAGE_SIZE == 0 ? 0 : SYSCALL_BAD_ARGUMENT;
    case LENGTH:
        return arg <= SYSCALL_MAX_LENGTH ? 0 : SYSCALL_BAD_ARGUMENT;
    }
    return SYSCALL_FAILED;
}

static unsigned check_all(const struct call *call, const uint64_t *args) {
    unsigned error = 0;
    for (unsigned i = 0; i < KINDS_MAX && call->kinds[i] != NOT_LOOKED_AT && error == 0; i++) {
        error = check(call->kinds[i], args[i]);
    }
    return error;
}

static int64_t make(struct thread *self, const struct call *call) {
    int64_t result = 0;
    status_t status = call->fn(self, &result);
    return status == STATUS_OK ? result : error_of(status);
}

static int64_t dispatch(struct thread *self, uint64_t number) {
    const struct call *call = number < sizeof(calls) / sizeof(calls[0]) ? &calls[number] : NULL;
    if (!call || !call->fn) {
        return -SYSCALL_BAD_NUMBER;
    }
    unsigned error = check_all(call, self->ipc.args);
    if (error) {
        return -(int64_t)error;
    }
    if (QUICK_CALLS >> number & 1) {
        return make(self, call);
    }
    arch_irq_on();
    int64_t result = make(self, call);
    arch_irq_off();
    return result;
}

/* The result of a call that did not simply succeed; or it is made now, the ordinary way. */
static __attribute__((noinline)) void go_on(status_t status) {
    struct thread *self = thread_current();
    uint64_t *args = self->ipc.args;
    int64_t result = status == ENDPOINT_NOT_FAST ? dispatch(self, args[NUMBER]) : error_of(status);
    args[0] = (uint64_t)result;
}

/* With interrupts off and without the table, if the arguments are what it demands and the word can be read so. */
static __attribute__((noinline)) status_t swap_fast(const struct thread *self) {
    const uint64_t *args = self->ipc.args;
    uint64_t wake_addr = args[0], addr = args[1], expected = args[2];
    if (!is_futex(wake_addr) || !is_futex(addr) || expected > UINT32_MAX) {
        return ENDPOINT_NOT_FAST;
    }
    status_t status = futex_swap_quick(wake_addr, addr, expected, sizeof(uint32_t), args[3]);
    return status == STATUS_UNSUPPORTED ? ENDPOINT_NOT_FAST : status;
}

/* Three calls have a way of their own, without table and checks. What is needed after it is read again, so that
 * nothing is saved for that on the stack. */
bool syscall_enter(struct user_regs *regs) {
    struct thread *self = thread_current();
    uint64_t number = self->ipc.args[NUMBER];
    status_t status = ENDPOINT_NOT_FAST;
    (void)regs;
    if (number == SYSCALL_message_call) {
        status = endpoint_call_fast(self);
    } else if (number == SYSCALL_message_reply_receive) {
        status = endpoint_reply_receive_fast(self);
    } else if (number == SYSCALL_futex_swap) {
        status = swap_fast(self);
    }
    if (__builtin_expect(status == STATUS_OK, 1)) {
        thread_current()->ipc.args[0] = 0;
    } else {
        go_on(status);
    }
    if (hart_self()->need_switch) {
        sched_preempt();
    }
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* as in thread.c: it may have moved */
    return !__atomic_load_n(&thread_current()->kill, __ATOMIC_RELAXED);
}
