/*
 * Counted kernel objects.
 */
#include "kernel/ipc/kobject.h"

#include "kernel/assert.h"

#include <stddef.h>

static uint32_t alive;

void kobject_init(struct kobject *object, const struct kobject_kind *kind) {
    object->kind = kind;
    object->refs = 1;
    object->receivers = 0;
    __atomic_fetch_add(&alive, 1, __ATOMIC_RELAXED);
}

void kobject_put(struct kobject *object) {
    if (!object) {
        return;
    }
    uint32_t before = __atomic_fetch_sub(&object->refs, 1, __ATOMIC_ACQ_REL);
    assert(before > 0);
    if (before == 1) {
        __atomic_fetch_sub(&alive, 1, __ATOMIC_RELAXED);
        object->kind->free(object);
    }
}

void kobject_add_receiver(struct kobject *object) {
    __atomic_fetch_add(&object->receivers, 1, __ATOMIC_RELAXED);
}

void kobject_drop_receivers(struct kobject *object, uint32_t len) {
    uint32_t before = __atomic_fetch_sub(&object->receivers, len, __ATOMIC_ACQ_REL);
    assert(before >= len);
    if (len > 0 && before == len && object->kind->unserved) {
        object->kind->unserved(object);
    }
}

uint32_t kobject_count(void) {
    return __atomic_load_n(&alive, __ATOMIC_RELAXED);
}
