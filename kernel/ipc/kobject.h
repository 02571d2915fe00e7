/*
 * What handles refer to: a counted kernel object of some kind. A kind is a table of what differs; the
 * object itself is the first member of the struct that it is the head of.
 *
 * Two counts. `refs` keeps the memory: every handle, every handle on its way in a message and every
 * thread that is inside an operation has one. `receivers` counts the handles that may receive and are not dead:
 * when the last of them is gone nobody will ever answer, and the kind is told so.
 */
#ifndef KERNEL_IPC_KOBJECT_H
#define KERNEL_IPC_KOBJECT_H

#include <stdint.h>

struct kobject;

struct kobject_kind {
    const char *name;
    uint32_t rights; /* those that mean something */
    void (*free)(struct kobject *object);
    /* The last handle that may receive is gone. NULL: of no interest. Any thread context. */
    void (*unserved)(struct kobject *object);
    /* Some handles were revoked: whoever sleeps in an operation must look its handle up again. NULL:
     * nobody sleeps in this kind. */
    void (*recheck)(struct kobject *object);
    /* A handle that had given something is gone. NULL: of no interest. Any thread context. */
    void (*closed)(struct kobject *object);
};

struct kobject {
    const struct kobject_kind *kind;
    uint32_t refs;
    uint32_t receivers;
};

/* With one reference, the caller's. */
void kobject_init(struct kobject *object, const struct kobject_kind *kind);

static inline void kobject_get(struct kobject *object) {
    __atomic_fetch_add(&object->refs, 1, __ATOMIC_RELAXED);
}

/* The last one frees it. Thread context, no lock held. NULL is allowed. */
void kobject_put(struct kobject *object);

/* A handle with RIGHT_RECEIVE came into being; so many are gone or dead. The latter: no lock held. */
void kobject_add_receiver(struct kobject *object);
void kobject_drop_receivers(struct kobject *object, uint32_t len);

/* Objects that exist, for tests that account for all. */
uint32_t kobject_count(void);

#endif
