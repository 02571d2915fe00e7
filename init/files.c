/*
 * fs/platform.h over the kernel.
 */
#include "drivers/rtc.h"
#include "fs/platform.h"
#include "kernel/mm/heap.h"
#include "kernel/program.h"
#include "kernel/sync.h"

struct fs_lock {
    struct mutex mutex;
};

void *fs_alloc(size_t size) {
    return heap_alloc_for(program_quota(), size);
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

uint64_t fs_now_ns(void) {
    return rtc_now_ns();
}
