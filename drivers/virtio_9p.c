/*
 * Request i of a device has the descriptors 4i to 4i+3, and buffers that are made when they are first needed
 * and kept: two small ones for heads of messages and a large one for data, each one run of frames, so a
 * request is a chain of two or three descriptors.
 *
 *     | out, small | data, if it goes out | in, small | data, if it comes in |
 *
 * Locks: one spinlock a device guards the queue and the states of requests. A request's buffers belong to
 * whoever began it, but for the time that the device has them; a device that is silent is stopped before they
 * are given back.
 */
#include "drivers/virtio_9p.h"

#include "drivers/virtio.h"
#include "kernel/assert.h"
#include "kernel/limits.h"
#include "kernel/log.h"
#include "kernel/mm/frame.h"
#include "kernel/sync.h"
#include "kernel/time.h"

#include <string.h>

enum {
    CHAIN = 4, /* descriptors of a request */
    QUEUE = 0,
    CONFIG_TAG_LEN = 0, /* two bytes */
    CONFIG_TAG = 2,
    HEAD_ORDER = 2, /* both small buffers */
    FEATURE_MOUNT_TAG = 1,
};
_Static_assert(VIRTIO_9P_REQUESTS *CHAIN <= VIRTQUEUE_MAX_LEN, "descriptors for all");
_Static_assert((PAGE_SIZE << HEAD_ORDER) == 2 * VIRTIO_9P_HEAD_SIZE, "two small buffers");

/* A request whose owner was killed and did not get an answer is LEFT until its owner ends it, and then LOST
 * until the device answers. */
enum state { STATE_FREE, STATE_OWNED, STATE_SENT, STATE_DONE, STATE_LEFT, STATE_LOST };

struct request {
    struct virtio_9p_request public;
    enum state state;
    paddr_t heads, data; /* 0: not there yet */
    unsigned data_order;
    size_t answer_size;
    struct waitqueue waiter;
};

struct virtio_9p {
    struct virtio_device *device;
    struct virtqueue queue;
    struct spinlock lock;
    bool broken;
    struct waitqueue idle; /* who wants a request */
    uint32_t abandoned;    /* requests LEFT and LOST */
    uint32_t requests_len;
    char tag[VIRTIO_9P_TAG_SIZE];
    struct request requests[VIRTIO_9P_REQUESTS];
};

static struct virtio_9p devices[VIRTIO_9P_MAX_DEVICES];
static uint32_t devices_len;

/* Under the lock: the device is done with a request that nobody waits for. */
static void reclaim(struct virtio_9p *p, struct request *r) {
    if (r->state == STATE_LEFT || r->state == STATE_LOST) {
        r->state = r->state == STATE_LEFT ? STATE_OWNED : STATE_FREE;
        p->abandoned--;
        waitqueue_wake_one(&p->idle);
    }
}

/* Under the lock. */
static void fail(struct virtio_9p *p, const char *why) {
    if (p->broken) {
        return;
    }
    log_error("virtio-9p", "%s: %s", p->tag, why);
    p->broken = true;
    virtio_stop(p->device);
    waitqueue_wake_all(&p->idle);
    for (uint32_t i = 0; i < p->requests_len; i++) {
        waitqueue_wake_all(&p->requests[i].waiter);
        reclaim(p, &p->requests[i]);
    }
}

static void interrupt(void *ctx) {
    struct virtio_9p *p = ctx;
    uint16_t id;
    uint32_t size;
    bool failed = virtio_failed(p->device); /* registers are slow: not under the lock */
    spinlock_lock(&p->lock);
    while (!p->broken && virtqueue_take(&p->queue, &id, &size)) {
        struct request *r = &p->requests[id / CHAIN];
        if (r->state == STATE_SENT) {
            r->answer_size = size;
            r->state = STATE_DONE;
            waitqueue_wake_all(&r->waiter);
        }
        reclaim(p, r);
    }
    if (failed) {
        fail(p, "the device failed");
    }
    spinlock_unlock(&p->lock);
}

/* ---- starting ------------------------------------------------------------------------------ */

static status_t read_tag(struct virtio_9p *p) {
    size_t len = virtio_config_u8(p->device, CONFIG_TAG_LEN) |
                 (size_t)virtio_config_u8(p->device, CONFIG_TAG_LEN + 1) << 8;
    if (len >= sizeof(p->tag)) {
        return STATUS_LIMIT;
    }
    for (size_t i = 0; i < len; i++) {
        p->tag[i] = (char)virtio_config_u8(p->device, CONFIG_TAG + i);
    }
    return STATUS_OK;
}

static status_t start(struct virtio_9p *p) {
    uint64_t features;
    spinlock_init(&p->lock, LOCK_DEVICE);
    waitqueue_init(&p->idle);
    TRY(virtio_start(p->device, FEATURE_MOUNT_TAG, &features));
    if (!(features & FEATURE_MOUNT_TAG)) {
        return STATUS_UNSUPPORTED;
    }
    TRY(read_tag(p));
    TRY(virtio_queue_init(p->device, QUEUE, VIRTIO_9P_REQUESTS * CHAIN, &p->queue));
    p->requests_len = p->queue.len / CHAIN;
    for (uint32_t i = 0; i < p->requests_len; i++) {
        p->requests[i].public.number = (uint16_t)i;
        waitqueue_init(&p->requests[i].waiter);
    }
    return p->requests_len > 0 && virtio_ready(p->device, interrupt, p) ? STATUS_OK
                                                                        : STATUS_UNSUPPORTED;
}

void virtio_9p_init(void) {
    struct virtio_device *device;
    while (devices_len < VIRTIO_9P_MAX_DEVICES && (device = virtio_find(VIRTIO_ID_9P))) {
        struct virtio_9p *p = &devices[devices_len];
        *p = (struct virtio_9p){.device = device};
        status_t status = start(p);
        if (status == STATUS_OK) {
            devices_len++;
        } else {
            log_warn("virtio-9p", "a device is not usable: %s", status_text(status));
            virtio_stop(device);
        }
    }
}

struct virtio_9p *virtio_9p_find(const char *tag) {
    for (uint32_t i = 0; i < devices_len; i++) {
        if (strcmp(devices[i].tag, tag) == 0) {
            return &devices[i];
        }
    }
    return NULL;
}

/* ---- buffers ------------------------------------------------------------------------------- */

static status_t make_heads(struct request *r) {
    if (r->heads) {
        return STATUS_OK;
    }
    TRY(frame_alloc(HEAD_ORDER, NULL, &r->heads));
    r->public.out = frame_pointer(r->heads);
    r->public.in = r->public.out + VIRTIO_9P_HEAD_SIZE;
    return STATUS_OK;
}

/* A large buffer of at least `size` bytes if possible: one of three sizes, so that a program that reads small
 * pieces does not take a large one. */
static status_t make_data(struct request *r, size_t size) {
    static const unsigned orders[] = {0, 4, 7};
    const int count = sizeof(orders) / sizeof(orders[0]);
    int want = 0;
    if (size <= r->public.data_cap) {
        return STATUS_OK;
    }
    while (want < count - 1 && PAGE_SIZE << orders[want] < size) {
        want++;
    }
    for (; want >= 0 && PAGE_SIZE << orders[want] > r->public.data_cap; want--) {
        paddr_t data;
        if (frame_alloc(orders[want], NULL, &data) == STATUS_OK) {
            if (r->data) {
                frame_free(r->data, r->data_order);
            }
            r->data = data;
            r->data_order = orders[want];
            r->public.data = frame_pointer(data);
            r->public.data_cap = PAGE_SIZE << orders[want];
            break;
        }
    }
    return r->public.data_cap > 0 ? STATUS_OK : STATUS_NO_MEMORY;
}
_Static_assert(PAGE_SIZE << 7 == VIRTIO_9P_DATA_MAX, "the largest size");

/* ---- requests ------------------------------------------------------------------------------ */

/* The first, so that as few as possible get buffers. */
static struct request *find_free(struct virtio_9p *p) {
    for (uint32_t i = 0; i < p->requests_len; i++) {
        if (p->requests[i].state == STATE_FREE) {
            return &p->requests[i];
        }
    }
    return NULL;
}

/* How long somebody has waited and will. Who is killed waits on for a moment, since what he asked for may
 * matter to others, a fid that is clunked for example; but not when others were left without an answer. */
struct patience {
    uint64_t deadline_ns;
    bool killed;
};

/* Under the lock: sleeps once. KILLED, TIMED_OUT: there is no more patience. */
static status_t wait(struct virtio_9p *p, struct waitqueue *queue, struct patience *patience) {
    status_t status = STATUS_KILLED;
    if (!patience->killed) {
        status = waitqueue_sleep_killable(queue, &p->lock, patience->deadline_ns);
        if (status != STATUS_KILLED) {
            return status;
        }
        patience->killed = true;
        patience->deadline_ns = time_now_ns() + (p->abandoned ? 0 : VIRTIO_9P_KILLED_NS);
    }
    return waitqueue_sleep(queue, &p->lock, patience->deadline_ns) ? STATUS_OK : STATUS_KILLED;
}

static status_t take_free(struct virtio_9p *p, struct request **out) {
    struct patience patience = {.deadline_ns = WAIT_FOREVER}; /* those under way end or time out */
    status_t status = STATUS_OK;
    spinlock_lock(&p->lock);
    while (status == STATUS_OK && !p->broken && !(*out = find_free(p))) {
        status = wait(p, &p->idle, &patience);
    }
    if (p->broken) {
        status = STATUS_IO;
    } else if (*out) {
        (*out)->state = STATE_OWNED;
        status = STATUS_OK;
    }
    spinlock_unlock(&p->lock);
    return status;
}

static void give_back(struct virtio_9p *p, struct request *r) {
    spinlock_lock(&p->lock);
    assert(r->state == STATE_OWNED || r->state == STATE_LEFT);
    r->state = r->state == STATE_OWNED ? STATE_FREE : STATE_LOST;
    waitqueue_wake_one(&p->idle);
    spinlock_unlock(&p->lock);
}

status_t virtio_9p_begin(struct virtio_9p *p, size_t data_size, struct virtio_9p_request **out) {
    struct request *r = NULL;
    TRY(take_free(p, &r));
    status_t status = make_heads(r);
    if (status == STATUS_OK && data_size > 0) {
        status = make_data(r, data_size);
    }
    if (status != STATUS_OK) {
        give_back(p, r);
        return status;
    }
    *out = &r->public;
    return STATUS_OK;
}

void virtio_9p_end(struct virtio_9p *p, struct virtio_9p_request *request) {
    give_back(p, &p->requests[request->number]);
}

static void add_buffer(struct virtio_buffer *chain, unsigned *len, paddr_t address, size_t size,
                       bool device_writes) {
    if (size > 0) {
        chain[(*len)++] = (struct virtio_buffer){address, (uint32_t)size, device_writes};
    }
}

/* Under the lock. */
static void send(struct virtio_9p *p, struct request *r, const struct virtio_9p_sizes *sizes) {
    struct virtio_buffer chain[CHAIN];
    unsigned len = 0;
    assert(sizes->out <= VIRTIO_9P_HEAD_SIZE && sizes->in <= VIRTIO_9P_HEAD_SIZE);
    assert(sizes->data_out + sizes->data_in <= r->public.data_cap || sizes->data_out == 0);
    add_buffer(chain, &len, r->heads, sizes->out, false);
    add_buffer(chain, &len, r->data, sizes->data_out, false);
    add_buffer(chain, &len, r->heads + VIRTIO_9P_HEAD_SIZE, sizes->in, true);
    add_buffer(chain, &len, r->data, sizes->data_in, true);
    r->state = STATE_SENT;
    virtqueue_add_chain(&p->queue, (uint16_t)(r->public.number * CHAIN), chain, len);
}

/* Under the lock: until the answer is there, or will not be waited for. */
static status_t await(struct virtio_9p *p, struct request *r) {
    struct patience patience = {.deadline_ns = time_now_ns() + VIRTIO_9P_TIMEOUT_NS};
    status_t status = STATUS_OK;
    while (status == STATUS_OK && r->state == STATE_SENT && !p->broken) {
        status = wait(p, &r->waiter, &patience);
    }
    if (r->state == STATE_DONE) {
        r->state = STATE_OWNED;
        return STATUS_OK;
    }
    if (status == STATUS_KILLED && !p->broken) {
        r->state = STATE_LEFT;
        p->abandoned++;
        return STATUS_KILLED;
    }
    fail(p, "no answer");
    r->state = STATE_OWNED;
    return STATUS_IO;
}

status_t virtio_9p_run(struct virtio_9p *p, struct virtio_9p_request *request,
                       const struct virtio_9p_sizes *sizes, size_t *size_out) {
    struct request *r = &p->requests[request->number];
    status_t status = STATUS_IO;
    spinlock_lock(&p->lock);
    assert(r->state == STATE_OWNED);
    if (!p->broken) {
        send(p, r, sizes);
        spinlock_unlock(&p->lock);
        virtqueue_kick(&p->queue); /* slow, and of no harm to a device that was stopped meanwhile */
        spinlock_lock(&p->lock);
        status = await(p, r);
    }
    *size_out = r->answer_size;
    spinlock_unlock(&p->lock);
    return status;
}
