/*
 * fs/platform.h over the kernel.
 */
#include "drivers/rtc.h"
#include "fs/platform.h"
#include "kernel/mm/heap.h"
#include "kernel/program.h"
#include "kernel/sync.h"
#include "kernel/thread.h"

struct fs_lock {
    struct mutex mutex;
};

void *fs_alloc(size_t size) {
    return heap_alloc_for(program_quota(), size);
}

void *fs_alloc_raw(size_t size) {
    return heap_alloc_raw(program_quota(), size);
}

void fs_free(void *p) {
    heap_free(p);
}

struct fs_lock *fs_lock_new(void) {
    struct fs_lock *lock = heap_new_for(program_quota(), struct fs_lock);
    if (lock) {
        mutex_init(&lock->mutex, LOCK_FILES);
    }
    return lock;
}

void fs_lock_free(struct fs_lock *lock) {
    heap_free(lock);
}

void fs_lock_lock(struct fs_lock *lock) {
    mutex_lock(&lock->mutex);
}

bool fs_lock_try(struct fs_lock *lock) {
    return mutex_try(&lock->mutex);
}

void fs_lock_unlock(struct fs_lock *lock) {
    mutex_unlock(&lock->mutex);
}

struct fs_event {
    struct spinlock lock;
    struct waitqueue waiters;
    bool is_set;
};

struct fs_event *fs_event_new(void) {
    struct fs_event *event = heap_new_for(program_quota(), struct fs_event);
    if (event) {
        spinlock_init(&event->lock, LOCK_THREAD);
        waitqueue_init(&event->waiters);
    }
    return event;
}

void fs_event_free(struct fs_event *event) {
    heap_free(event);
}

void fs_event_set(struct fs_event *event) {
    spinlock_lock(&event->lock);
    event->is_set = true;
    waitqueue_wake_all(&event->waiters);
    spinlock_unlock(&event->lock);
}

status_t fs_event_wait(struct fs_event *event, uint64_t deadline_ns) {
    status_t status = STATUS_OK;
    spinlock_lock(&event->lock);
    while (!event->is_set && status == STATUS_OK) {
        status = waitqueue_sleep_killable(&event->waiters, &event->lock, deadline_ns);
    }
    event->is_set = false;
    spinlock_unlock(&event->lock);
    return status == STATUS_KILLED ? STATUS_KILLED : STATUS_OK;
}

bool fs_killed(void) {
    return thread_killed();
}

uint64_t fs_now_ns(void) {
    return rtc_now_ns();
}
