/*
 * fs/platform.h over the C library, with a clock that goes on at each look, and memory that can be
 * made to run out.
 */
#include "test/support/fs_platform.h"

#include "fs/platform.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct fs_lock {
    bool held;
};

int64_t fs_platform_allocs_left = INT64_MAX;
int64_t fs_platform_held;

void *fs_alloc(size_t size) {
    if (fs_platform_allocs_left <= 0) {
        return NULL;
    }
    fs_platform_allocs_left--;
    fs_platform_held++;
    return calloc(1, size ? size : 1);
}

void *fs_alloc_raw(size_t size) {
    void *p = fs_alloc(size);
    if (p) {
        memset(p, 0xa5, size);
    }
    return p;
}

void fs_free(void *p) {
    fs_platform_held -= p != NULL;
    free(p);
}

struct fs_lock *fs_lock_new(void) {
    return fs_alloc(sizeof(struct fs_lock));
}

void fs_lock_free(struct fs_lock *lock) {
    assert(!lock || !lock->held);
    fs_free(lock);
}

void fs_lock_lock(struct fs_lock *lock) {
    assert(!lock->held);
    lock->held = true;
}

bool fs_lock_try(struct fs_lock *lock) {
    bool was_free = !lock->held;
    lock->held = true;
    return was_free;
}

void fs_lock_unlock(struct fs_lock *lock) {
    assert(lock->held);
    lock->held = false;
}

bool fs_killed(void) {
    return false;
}

uint64_t fs_now_ns(void) {
    static uint64_t now = 1000000000;
    return now += 1000;
}

/* Nobody waits in unit tests. */
struct fs_event *fs_event_new(void) {
    return NULL;
}

void fs_event_free(struct fs_event *event) {
    (void)event;
}

void fs_event_set(struct fs_event *event) {
    (void)event;
}

status_t fs_event_wait(struct fs_event *event, uint64_t deadline_ns) {
    (void)event, (void)deadline_ns;
    return STATUS_UNSUPPORTED;
}
