/*
 * All that fs/ asks of its host: memory, a lock, the time. init/files.c answers over the kernel,
 * test/support/fs_platform.c over the C library.
 */
#ifndef FS_PLATFORM_H
#define FS_PLATFORM_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed, 16-aligned; NULL when there is no more. Freed by the address. NULL may be freed. */
void *fs_alloc(size_t size);
void *fs_alloc_raw(size_t size); /* the same, with whatever was in it */
void fs_free(void *p);

/* A lock that may be held across sleeps; not recursive. NULL when memory is out. */
struct fs_lock;
struct fs_lock *fs_lock_new(void);
void fs_lock_free(struct fs_lock *lock); /* not held; NULL is allowed */
void fs_lock_lock(struct fs_lock *lock);
bool fs_lock_try(struct fs_lock *lock); /* never sleeps; in a thread, interrupts on or off */
void fs_lock_unlock(struct fs_lock *lock);

/* What a thread waits for, and others set: it stays set until it was waited for. NULL when memory is
 * out. */
struct fs_event;
struct fs_event *fs_event_new(void);
void fs_event_free(struct fs_event *event); /* nobody sets it any more; NULL is allowed */
void fs_event_set(struct fs_event *event);  /* any context */
/* Sleeps until it is set, or the monotonic clock reaches the deadline, or the thread is to end: KILLED. */
MUST_CHECK status_t fs_event_wait(struct fs_event *event, uint64_t deadline_ns);

/* Whether the thread is to end: long work looks now and then. */
bool fs_killed(void);

/* Time of day, nanoseconds since 1970. Any context. */
uint64_t fs_now_ns(void);

#endif
