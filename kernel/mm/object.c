/*
 * Memory objects. Zero-fill objects and clones keep their frames in a tree of tables, as high as the
 * size asks for, an entry 0 where there is no page yet:
 *
 *     root -> | table | -> ... -> | frame | frame | 0 | frame | ...      512 entries each
 *
 * A page is looked for in the object, then in its source, in the source's source, and so on; what none of
 * them has is zero. Pages and tables only come, until the object goes, and a frozen object gets at
 * most zero pages; so sources are read without their locks.
 */
#include "kernel/mm/object.h"

#include "kernel/assert.h"
#include "kernel/limits.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/quota.h"
#include "kernel/sync.h"

#include <string.h>

enum { TABLE_BITS = 9, TABLE_LEN = 1 << TABLE_BITS };

enum kind { KIND_ZERO, KIND_WIRED, KIND_DEVICE };

struct object {
    struct mutex mutex;
    uint32_t refs;
    enum kind kind;
    uint64_t id;
    uint64_t size;
    struct quota *quota;
    paddr_t start;         /* wired, device */
    paddr_t root;          /* zero: the highest table, or 0 */
    unsigned levels;       /* of tables */
    struct object *source; /* of a clone */
    unsigned depth;        /* how many sources there are, one behind the other */
    bool frozen;
    uint32_t mappings, writers; /* writers: mappings that are writable */
};

static uint32_t count;
static uint64_t last_id;

/* ---- life ---- */

static status_t create(enum kind kind, struct quota *quota, uint64_t size, struct object **out) {
    if (size == 0 || size % PAGE_SIZE || size > OBJECT_MAX_SIZE) {
        return STATUS_BAD_ARGUMENT;
    }
    struct object *object = heap_new_for(quota, struct object);
    if (!object) {
        return STATUS_NO_MEMORY;
    }
    mutex_init(&object->mutex, LOCK_OBJECT);
    object->refs = 1;
    object->kind = kind;
    object->id = __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED);
    object->size = size;
    object->quota = quota;
    object->levels = 1;
    while (((size >> PAGE_SHIFT) - 1) >> (TABLE_BITS * object->levels)) {
        object->levels++;
    }
    __atomic_fetch_add(&count, 1, __ATOMIC_RELAXED);
    *out = object;
    return STATUS_OK;
}

/* Frees the tree: always the first table or page found, until there is none. */
static void free_pages(struct object *object) {
    paddr_t tables[OBJECT_MAX_LEVELS];
    unsigned at[OBJECT_MAX_LEVELS];
    unsigned depth = 0; /* tables on the way from the root */
    if (object->root) {
        tables[0] = object->root;
        at[0] = 0;
        depth = 1;
    }
    while (depth > 0) {
        unsigned top = depth - 1;
        if (at[top] == TABLE_LEN) {
            frame_free(tables[top], 0);
            depth--;
            continue;
        }
        paddr_t frame = ((paddr_t *)frame_pointer(tables[top]))[at[top]++];
        if (frame && depth == object->levels) {
            frame_free(frame, 0);
        } else if (frame) {
            tables[depth] = frame;
            at[depth++] = 0;
        }
    }
}

static void destroy(struct object *object) {
    if (object->kind == KIND_ZERO) {
        free_pages(object);
    } else if (object->kind == KIND_WIRED) {
        frame_free_pages(object->start);
    }
    heap_free(object);
    __atomic_fetch_sub(&count, 1, __ATOMIC_RELAXED);
}

static void get(struct object *object) {
    __atomic_fetch_add(&object->refs, 1, __ATOMIC_RELAXED);
}

void object_put(struct object *object) {
    while (object && __atomic_sub_fetch(&object->refs, 1, __ATOMIC_ACQ_REL) == 0) {
        struct object *source = object->source;
        assert(object->mappings == 0);
        destroy(object);
        object = source;
    }
}

status_t object_new(struct quota *quota, uint64_t size, struct object **out) {
    return create(KIND_ZERO, quota, size, out);
}

status_t object_new_wired(struct quota *quota, uint64_t size, struct object **out) {
    struct object *object;
    TRY(create(KIND_WIRED, quota, size, &object));
    status_t status = frame_alloc_pages(size >> PAGE_SHIFT, quota, &object->start);
    if (status != STATUS_OK) {
        object->kind = KIND_DEVICE; /* there is nothing to free */
        object_put(object);
        return status;
    }
    memset(frame_pointer(object->start), 0, size);
    *out = object;
    return STATUS_OK;
}

status_t object_new_device(struct quota *quota, paddr_t start, uint64_t size, struct object **out) {
    if (start % PAGE_SIZE || start > UINT64_MAX - size) {
        return STATUS_BAD_ARGUMENT;
    }
    if (frame_is_memory(start, size)) {
        return STATUS_DENIED;
    }
    TRY(create(KIND_DEVICE, quota, size, out));
    (*out)->start = start;
    return STATUS_OK;
}

static status_t freeze(struct object *source) {
    status_t status = STATUS_OK;
    mutex_lock(&source->mutex);
    if (source->kind != KIND_ZERO) {
        status = STATUS_BAD_ARGUMENT;
    } else if (source->depth + 1 > OBJECT_MAX_DEPTH) {
        status = STATUS_LIMIT;
    } else if (source->writers > 0) {
        status = STATUS_BUSY;
    } else {
        source->frozen = true;
    }
    mutex_unlock(&source->mutex);
    return status;
}

status_t object_clone(struct object *source, struct quota *quota, struct object **out) {
    struct object *object;
    TRY(create(KIND_ZERO, quota, source->size, &object));
    status_t status = freeze(source);
    if (status != STATUS_OK) {
        object_put(object);
        return status;
    }
    get(source);
    object->source = source;
    object->depth = source->depth + 1;
    *out = object;
    return STATUS_OK;
}

uint64_t object_id(const struct object *object) {
    return object->id;
}

uint32_t object_count(void) {
    return __atomic_load_n(&count, __ATOMIC_RELAXED);
}

bool object_is_fixed(const struct object *object) {
    return object->kind != KIND_ZERO;
}

void *object_pointer(const struct object *object) {
    return object->kind == KIND_WIRED ? frame_pointer(object->start) : NULL;
}

/* ---- pages ---- */

static paddr_t *entry_of(paddr_t table, uint64_t index, unsigned level) {
    return (paddr_t *)frame_pointer(table) + (index >> (TABLE_BITS * level) & (TABLE_LEN - 1));
}

/* The frame of a page, or 0. */
static paddr_t find_page(const struct object *object, uint64_t index) {
    paddr_t frame = __atomic_load_n(&object->root, __ATOMIC_ACQUIRE);
    for (unsigned level = object->levels; frame && level-- > 0;) {
        frame = __atomic_load_n(entry_of(frame, index, level), __ATOMIC_ACQUIRE);
    }
    return frame;
}

/* That of the nearest source that has the page, or 0. */
static paddr_t find_in_sources(const struct object *object, uint64_t index) {
    paddr_t frame = 0;
    for (object = object->source; object && !frame; object = object->source) {
        frame = find_page(object, index);
    }
    return frame;
}

/* Under the mutex: the lowest entry of a page, its tables made where they are missing. */
static status_t make_entry(struct object *object, uint64_t index, paddr_t **entry_out) {
    paddr_t *entry = &object->root;
    for (unsigned level = object->levels; level-- > 0;) {
        if (*entry == 0) {
            paddr_t table;
            TRY(frame_alloc_zeroed(object->quota, &table));
            __atomic_store_n(entry, table, __ATOMIC_RELEASE);
        }
        entry = entry_of(*entry, index, level);
    }
    *entry_out = entry;
    return STATUS_OK;
}

/* Under the mutex: a page that the object has not, as its source has it. */
static status_t make_page(struct object *object, uint64_t index, paddr_t source,
                          paddr_t *frame_out) {
    paddr_t *entry;
    TRY(make_entry(object, index, &entry));
    if (source) {
        TRY(frame_alloc(0, object->quota, frame_out));
        memcpy(frame_pointer(*frame_out), frame_pointer(source), PAGE_SIZE);
    } else {
        TRY(frame_alloc_zeroed(object->quota, frame_out));
    }
    __atomic_store_n(entry, *frame_out, __ATOMIC_RELEASE);
    return STATUS_OK;
}

/* Under the mutex. */
static status_t page_of(struct object *object, uint64_t index, bool write, paddr_t *frame_out,
                        bool *own_out) {
    *own_out = true;
    *frame_out = find_page(object, index);
    if (*frame_out) {
        return STATUS_OK;
    }
    paddr_t source = find_in_sources(object, index);
    if (source && !write) {
        *own_out = false;
        *frame_out = source;
        return STATUS_OK;
    }
    return make_page(object, index, source, frame_out);
}

status_t object_page(struct object *object, uint64_t index, bool write, paddr_t *frame_out,
                     bool *own_out) {
    assert(index < object->size >> PAGE_SHIFT);
    if (object_is_fixed(object)) {
        *own_out = true;
        *frame_out = object->start + index * PAGE_SIZE;
        return STATUS_OK;
    }
    mutex_lock(&object->mutex);
    status_t status = page_of(object, index, write, frame_out, own_out);
    mutex_unlock(&object->mutex);
    return status;
}

/* ---- mappings ---- */

static status_t check_map(const struct object *object, bool writable) {
    if (writable && object->frozen) {
        return STATUS_DENIED;
    }
    bool changes = object->source && !object->frozen;
    return changes && object->mappings > 0 ? STATUS_BUSY : STATUS_OK;
}

status_t object_map(struct object *object, uint64_t offset, uint64_t size, bool writable) {
    if (size > object->size || offset > object->size - size) {
        return STATUS_BAD_RANGE;
    }
    mutex_lock(&object->mutex);
    status_t status = check_map(object, writable);
    if (status == STATUS_OK) {
        object->mappings++;
        object->writers += writable;
        get(object);
    }
    mutex_unlock(&object->mutex);
    return status;
}

void object_map_part(struct object *object, bool writable) {
    mutex_lock(&object->mutex);
    object->mappings++;
    object->writers += writable;
    get(object);
    mutex_unlock(&object->mutex);
}

void object_unmap(struct object *object, bool writable) {
    mutex_lock(&object->mutex);
    assert(object->mappings > 0 && object->writers >= writable);
    object->mappings--;
    object->writers -= writable;
    mutex_unlock(&object->mutex);
    object_put(object);
}

/* ---- the kernel's own access ---- */

/* Under the mutex. */
static status_t check_access(const struct object *object, uint64_t offset, size_t size,
                             bool write) {
    if (size > object->size || offset > object->size - size) {
        return STATUS_BAD_RANGE;
    }
    if (object->kind == KIND_DEVICE) {
        return STATUS_FAULT;
    }
    if (write && object->frozen) {
        return STATUS_DENIED;
    }
    return write && object->source && object->mappings > 0 ? STATUS_BUSY : STATUS_OK;
}

/* Under the mutex. */
static status_t access(struct object *object, uint64_t offset, char *kernel, size_t size,
                       bool write) {
    TRY(check_access(object, offset, size, write));
    while (size > 0) {
        size_t at = offset % PAGE_SIZE;
        size_t len = size < PAGE_SIZE - at ? size : PAGE_SIZE - at;
        paddr_t frame = object->start + PAGE_ALIGN_DOWN(offset);
        bool own;
        if (object->kind == KIND_ZERO) {
            TRY(page_of(object, offset >> PAGE_SHIFT, write, &frame, &own));
        }
        char *bytes = (char *)frame_pointer(frame) + at;
        memcpy(write ? bytes : kernel, write ? kernel : bytes, len);
        offset += len;
        kernel += len;
        size -= len;
    }
    return STATUS_OK;
}

status_t object_read(struct object *object, uint64_t offset, void *to, size_t size) {
    mutex_lock(&object->mutex);
    status_t status = access(object, offset, to, size, false);
    mutex_unlock(&object->mutex);
    return status;
}

status_t object_write(struct object *object, uint64_t offset, const void *from, size_t size) {
    mutex_lock(&object->mutex);
    status_t status = access(object, offset, (char *)from, size, true);
    mutex_unlock(&object->mutex);
    return status;
}
