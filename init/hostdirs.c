/*
 * A transport of fs/ninep.h for each device of drivers/virtio_9p.h, and the table of what is mounted.
 * Locks: one mutex guards the table, and is held while a directory is mounted.
 */
#include "init/hostdirs.h"

#include "drivers/virtio_9p.h"
#include "fs/ninep.h"
#include "kernel/limits.h"
#include "kernel/mm/heap.h"
#include "kernel/sync.h"

_Static_assert(VIRTIO_9P_HEAD_SIZE == NINEP_HEAD_SIZE && VIRTIO_9P_DATA_MAX >= NINEP_DATA_MAX,
               "what the client puts into a request fits");

struct hostdir {
    struct ninep_transport transport;
    struct virtio_9p *device; /* NULL: this place is empty */
    struct ninep *fs;
    struct {
        struct ninep_exchange exchange;
        struct virtio_9p_request *request;
    } slots[VIRTIO_9P_REQUESTS]; /* by the requests' numbers */
};

static struct mutex table_lock;
static struct hostdir *table[VIRTIO_9P_MAX_DEVICES];

static struct hostdir *of(struct ninep_transport *transport) {
    return (struct hostdir *)transport;
}

static status_t begin(struct ninep_transport *transport, size_t data_size,
                      struct ninep_exchange **out) {
    struct hostdir *dir = of(transport);
    struct virtio_9p_request *request;
    TRY(virtio_9p_begin(dir->device, data_size, &request));
    struct ninep_exchange *exchange = &dir->slots[request->number].exchange;
    *exchange = (struct ninep_exchange){.out = request->out,
                                        .in = request->in,
                                        .data = request->data,
                                        .data_cap = request->data_cap,
                                        .tag = request->number};
    dir->slots[request->number].request = request;
    *out = exchange;
    return STATUS_OK;
}

static status_t run(struct ninep_transport *transport, struct ninep_exchange *exchange,
                    const struct ninep_sizes *sizes, size_t *size_out) {
    struct hostdir *dir = of(transport);
    struct virtio_9p_sizes s = {
        .out = sizes->out, .data_out = sizes->data_out, .in = sizes->in, .data_in = sizes->data_in};
    return virtio_9p_run(dir->device, dir->slots[exchange->tag].request, &s, size_out);
}

static void end(struct ninep_transport *transport, struct ninep_exchange *exchange) {
    struct hostdir *dir = of(transport);
    virtio_9p_end(dir->device, dir->slots[exchange->tag].request);
}

static const struct ninep_transport_ops ops = {.begin = begin, .run = run, .end = end};

static status_t mount(struct virtio_9p *device, uint32_t umask, struct hostdir **out) {
    struct hostdir *dir = heap_new(struct hostdir);
    if (!dir) {
        return STATUS_NO_MEMORY;
    }
    dir->transport.ops = &ops;
    dir->device = device;
    status_t status = ninep_mount(&dir->transport, umask, &dir->fs);
    if (status != STATUS_OK) {
        heap_free(dir);
        return status;
    }
    *out = dir;
    return STATUS_OK;
}

static status_t find_or_mount(struct virtio_9p *device, uint32_t umask, struct hostdir **out) {
    for (unsigned i = 0; i < VIRTIO_9P_MAX_DEVICES; i++) {
        if (!table[i]) {
            TRY(mount(device, umask, &table[i]));
        }
        if (table[i]->device == device) {
            *out = table[i];
            return STATUS_OK;
        }
    }
    return STATUS_LIMIT;
}

void hostdirs_init(void) {
    mutex_init(&table_lock, LOCK_FILES);
    virtio_9p_init();
}

status_t hostdirs_open(const char *tag, uint32_t umask, struct node **root_out) {
    struct virtio_9p *device = virtio_9p_find(tag);
    struct hostdir *dir = NULL;
    if (!device) {
        return STATUS_NOT_FOUND;
    }
    mutex_lock(&table_lock);
    status_t status = find_or_mount(device, umask, &dir);
    mutex_unlock(&table_lock);
    if (status == STATUS_OK) {
        *root_out = ninep_root(dir->fs);
    }
    return status;
}
