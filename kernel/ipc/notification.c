/*
 * Notifications. One signal wakes one waiter, which takes all the bits.
 */
#include "kernel/ipc/notification.h"

#include "abi/syscall.h"
#include "kernel/mm/heap.h"
#include "kernel/program.h"
#include "kernel/sync.h"
#include "kernel/thread.h"

struct notification {
    struct kobject object;
    struct spinlock lock;
    struct waitqueue waiters;
    uint64_t bits;
    uint64_t rechecks; /* how often waiters were sent away to look at their handles */
};

static void free_notification(struct kobject *object) {
    heap_free(object);
}

static void recheck(struct kobject *object) {
    struct notification *notification = (struct notification *)object;
    spinlock_lock(&notification->lock);
    notification->rechecks++;
    waitqueue_wake_all(&notification->waiters);
    spinlock_unlock(&notification->lock);
}

const struct kobject_kind notification_kind = {
    .name = "notification",
    .rights = RIGHT_SEND | RIGHT_RECEIVE | RIGHT_DUPLICATE | RIGHT_TRANSFER | RIGHT_REVOKE,
    .free = free_notification,
    .recheck = recheck,
};

status_t notification_new(struct kobject **out) {
    struct notification *notification = heap_new_for(program_quota(), struct notification);
    if (!notification) {
        return STATUS_NO_MEMORY;
    }
    kobject_init(&notification->object, &notification_kind);
    spinlock_init(&notification->lock, LOCK_IPC);
    waitqueue_init(&notification->waiters);
    *out = &notification->object;
    return STATUS_OK;
}

void notification_signal(struct kobject *object, uint64_t bits) {
    struct notification *notification = (struct notification *)object;
    spinlock_lock(&notification->lock);
    notification->bits |= bits;
    if (bits) {
        waitqueue_wake_one(&notification->waiters);
    }
    spinlock_unlock(&notification->lock);
}

/* Under the lock. */
static status_t wait(struct notification *notification, uint64_t deadline_ns) {
    uint64_t rechecks = notification->rechecks;
    while (notification->bits == 0) {
        if (rechecks != notification->rechecks) {
            return STATUS_WOULD_BLOCK;
        }
        TRY(waitqueue_sleep_killable(&notification->waiters, &notification->lock, deadline_ns));
    }
    return STATUS_OK;
}

status_t notification_wait(struct kobject *object, uint64_t deadline_ns, uint64_t *bits_out) {
    struct notification *notification = (struct notification *)object;
    spinlock_lock(&notification->lock);
    status_t status = wait(notification, deadline_ns);
    if (status == STATUS_OK) {
        *bits_out = notification->bits;
        notification->bits = 0;
    } else if (notification->bits) {
        waitqueue_wake_one(&notification->waiters); /* the wake-up may have been for another one */
    }
    spinlock_unlock(&notification->lock);
    return status;
}
