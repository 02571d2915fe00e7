/*
 * virtio-console with VIRTIO_CONSOLE_F_MULTIPORT. Queues 2 and 3 carry control messages, by which
 * the host adds, names, opens and closes ports; each port has a queue to receive and one to
 * transmit.
 *
 *     we: DEVICE_READY      host: PORT_ADD n, ...
 *     we: PORT_READY n      host: PORT_NAME n "stdin", PORT_OPEN n 1
 *     we: PORT_OPEN n 1     host: may send
 *
 * Buffers are the driver's own, one a descriptor. Received bytes stay in their buffer until
 * they are read, so the host is held back when nobody reads.
 *
 * Locks: one spinlock a device guards queues and port states. Bytes are copied outside of it: one
 * reader and one writer a port.
 */
#include "drivers/virtio_console.h"

#include "drivers/virtio.h"
#include "kernel/arch.h"
#include "kernel/limits.h"
#include "kernel/log.h"
#include "kernel/mm/frame.h"
#include "kernel/sync.h"
#include "kernel/time.h"

#include <string.h>

enum {
    EVENT_DEVICE_READY = 0,
    EVENT_PORT_ADD = 1,
    EVENT_PORT_REMOVE = 2,
    EVENT_PORT_READY = 3,
    EVENT_PORT_OPEN = 6,
    EVENT_PORT_NAME = 7,

    CONFIG_MAX_PORTS = 4,
    QUEUE_CONTROL_IN = 2,
    QUEUE_CONTROL_OUT = 3,
    BUFFERS = 16,      /* a queue */
    CONTROL_SIZE = 64, /* of one control message, name included */
    OUT_ORDER = 2, /* a buffer to send is so many pages, by powers of two: QEMU writes it at once */
    OUT_SIZE = PAGE_SIZE << OUT_ORDER,
};

#define FEATURE_MULTIPORT (UINT64_C(1) << 1)
/* For the host to name its ports and to open them. It does so at once, unless it is very busy. */
#define HOST_TIMEOUT_NS 5000000000ul
#define POLL_NS         1000000ul /* between looks at a device without an interrupt */

struct control {
    uint32_t port;
    uint16_t event, value;
};

struct virtio_port {
    struct virtqueue in, out;
    struct waitqueue readers, writers;
    struct list watches; /* struct watch.link */
    char name[VIRTIO_CONSOLE_NAME_SIZE];
    bool exists, ready, named;
    bool host_open, was_open;
    paddr_t in_page[BUFFERS], out_buffer[BUFFERS];
    bool room_wanted; /* there was none when somebody asked: the device is to say when there is */
    bool have;        /* a received buffer is being read: */
    uint16_t have_id;
    uint32_t have_size, have_at;
};

static struct spinlock lock = SPINLOCK_INIT(LOCK_DEVICE);
static struct virtio_device *device;
static bool broken;
static bool polled; /* no interrupt: waiting is looking again */
static uint32_t ports_len;
static struct virtio_port ports[VIRTIO_CONSOLE_MAX_PORTS];
static struct virtqueue control_in, control_out;
static paddr_t control_page; /* BUFFERS messages in, then BUFFERS out */
static struct waitqueue changed = WAITQUEUE_INIT(changed); /* a port was named or opened */

static paddr_t control_buffer(unsigned slot) {
    return control_page + slot * CONTROL_SIZE;
}

/* Under the lock. Messages are few and the host takes them at once; one that finds no room is lost,
 * which the initialization notices by its time-out. */
static void send_control(uint32_t port, uint16_t event, uint16_t value) {
    uint16_t id;
    uint32_t size;
    while (virtqueue_take(&control_out, &id, &size)) {
    }
    if (!virtqueue_free(&control_out, &id)) {
        return;
    }
    struct control message = {.port = port, .event = event, .value = value};
    paddr_t buffer = control_buffer(BUFFERS + id);
    memcpy(frame_pointer(buffer), &message, sizeof(message));
    virtqueue_add(&control_out, id, buffer, sizeof(message), false);
    virtqueue_kick(&control_out);
}

static status_t get_buffers(paddr_t *buffers, unsigned order) {
    for (unsigned i = 0; i < BUFFERS; i++) {
        TRY(frame_alloc(order, NULL, &buffers[i]));
    }
    return STATUS_OK;
}

/* Under the lock: a port the host told us about gets its buffers, and the host learns that it may
 * name it. */
static void add_port(uint32_t number) {
    struct virtio_port *port = &ports[number];
    if (port->exists) {
        return;
    }
    port->exists = true;
    if (get_buffers(port->in_page, 0) != STATUS_OK ||
        get_buffers(port->out_buffer, OUT_ORDER) != STATUS_OK) {
        log_warn("virtio-console", "no memory for port %u", number);
        return;
    }
    for (uint16_t i = 0; i < port->in.len; i++) {
        virtqueue_add(&port->in, i, port->in_page[i], PAGE_SIZE, true);
    }
    virtqueue_set_interrupts(&port->out, false);
    virtqueue_kick(&port->in);
    port->ready = true;
    send_control(number, EVENT_PORT_READY, 1);
    send_control(number, EVENT_PORT_OPEN, 1);
}

static void name_port(struct virtio_port *port, const char *name, size_t size) {
    size_t len = strnlen(name, size);
    len = len < sizeof(port->name) - 1 ? len : sizeof(port->name) - 1;
    memcpy(port->name, name, len);
    port->name[len] = 0;
    port->named = true;
}

/* Under the lock: one message of `size` bytes from the host. */
static void take_control(const char *bytes, size_t size) {
    struct control message;
    if (size < sizeof(message)) {
        return;
    }
    memcpy(&message, bytes, sizeof(message));
    if (message.port >= ports_len) {
        return;
    }
    struct virtio_port *port = &ports[message.port];
    switch (message.event) {
    case EVENT_PORT_ADD:
        add_port(message.port);
        break;
    case EVENT_PORT_REMOVE:
        port->host_open = false;
        break;
    case EVENT_PORT_NAME:
        name_port(port, bytes + sizeof(message), size - sizeof(message));
        break;
    case EVENT_PORT_OPEN:
        port->host_open = message.value != 0;
        port->was_open = port->was_open || port->host_open;
        break;
    default:
        break;
    }
    waitqueue_wake_all(&changed);
}

static void tell_watches(struct virtio_port *port) {
    for (struct list *at = port->watches.next; at != &port->watches; at = at->next) {
        struct watch *watch = list_entry(at, struct watch, link);
        watch->notify(watch);
    }
}

/* Under the lock: descriptors that the device is done with become free. */
static void reclaim_out(struct virtio_port *port) {
    uint16_t id;
    uint32_t size;
    while (virtqueue_take(&port->out, &id, &size)) {
    }
}

/* Under the lock: bytes that can be written at once. */
static size_t room(struct virtio_port *port) {
    reclaim_out(port);
    return (port->out.len - (size_t)__builtin_popcountll(port->out.busy)) * OUT_SIZE;
}

/* Under the lock: interrupts of the queue to send are on only while somebody waits. */
static void forget_room(struct virtio_port *port) {
    if (port->room_wanted && room(port) > 0) {
        port->room_wanted = false;
        virtqueue_set_interrupts(&port->out, false);
    }
}

/* Under the lock: everything the device has to say. */
static void service(void) {
    uint16_t id;
    uint32_t size;
    bool any = false;
    while (virtqueue_take(&control_in, &id, &size)) {
        paddr_t buffer = control_buffer(id);
        take_control(frame_pointer(buffer), size < CONTROL_SIZE ? size : CONTROL_SIZE);
        virtqueue_add(&control_in, id, buffer, CONTROL_SIZE, true);
        any = true;
    }
    if (any) {
        virtqueue_kick(&control_in);
    }
    for (uint32_t i = 0; i < ports_len; i++) {
        waitqueue_wake_all(&ports[i].readers);
        waitqueue_wake_all(&ports[i].writers);
        forget_room(&ports[i]);
        tell_watches(&ports[i]);
    }
}

static void interrupt(void *ctx) {
    (void)ctx;
    spinlock_lock(&lock);
    service();
    spinlock_unlock(&lock);
}

/* Under the lock: sleeps until the device has something new, or the deadline. */
static status_t wait(struct waitqueue *queue, uint64_t deadline_ns) {
    if (!polled) {
        return waitqueue_sleep_killable(queue, &lock, deadline_ns);
    }
    uint64_t look = time_now_ns() + POLL_NS;
    look = look < deadline_ns ? look : deadline_ns;
    status_t status = waitqueue_sleep_killable(queue, &lock, look);
    service();
    return status == STATUS_TIMED_OUT && look < deadline_ns ? STATUS_OK : status;
}

static status_t start_queues(void) {
    TRY(frame_alloc(0, NULL, &control_page));
    TRY(virtio_queue_init(device, QUEUE_CONTROL_IN, BUFFERS, &control_in));
    TRY(virtio_queue_init(device, QUEUE_CONTROL_OUT, BUFFERS, &control_out));
    for (uint32_t i = 0; i < ports_len; i++) {
        uint32_t queue = i == 0 ? 0 : 2 * i + 2;
        waitqueue_init(&ports[i].readers);
        waitqueue_init(&ports[i].writers);
        list_init(&ports[i].watches);
        TRY(virtio_queue_init(device, queue, BUFFERS, &ports[i].in));
        TRY(virtio_queue_init(device, queue + 1, BUFFERS, &ports[i].out));
    }
    for (uint16_t i = 0; i < control_in.len; i++) {
        virtqueue_add(&control_in, i, control_buffer(i), CONTROL_SIZE, true);
    }
    return STATUS_OK;
}

static status_t start(void) {
    uint64_t features;
    TRY(virtio_start(device, FEATURE_MULTIPORT, &features));
    if (!(features & FEATURE_MULTIPORT)) {
        return STATUS_UNSUPPORTED;
    }
    ports_len = virtio_config_u32(device, CONFIG_MAX_PORTS);
    if (ports_len > VIRTIO_CONSOLE_MAX_PORTS) {
        ports_len = VIRTIO_CONSOLE_MAX_PORTS;
    }
    return start_queues();
}

/* Every port that the host added has a name, if it is to have one. */
static bool settled(void) {
    bool any = false;
    for (uint32_t i = 0; i < ports_len; i++) {
        if (ports[i].ready && !ports[i].named && !ports[i].was_open) { /* the name comes first */
            return false;
        }
        any = any || ports[i].ready;
    }
    return any;
}

static void wait_for_ports(void) {
    uint64_t deadline = time_now_ns() + HOST_TIMEOUT_NS;
    spinlock_lock(&lock);
    virtqueue_set_interrupts(&control_out, false);
    virtqueue_kick(&control_in);
    send_control(0, EVENT_DEVICE_READY, 1);
    if (polled) {
        service();
    }
    while (!settled() && wait(&changed, deadline) == STATUS_OK) {
    }
    bool all = settled();
    spinlock_unlock(&lock);
    if (!all) {
        log_warn("virtio-console", "the host did not say which ports there are");
    }
}

void virtio_console_init(void) {
    device = virtio_find(VIRTIO_ID_CONSOLE);
    if (!device) {
        return;
    }
    status_t status = start();
    if (status != STATUS_OK) {
        log_warn("virtio-console", "not usable: %s", status_text(status));
        broken = true;
        ports_len = 0;
        return;
    }
    polled = !virtio_ready(device, interrupt, NULL);
    wait_for_ports();
}

struct virtio_port *virtio_console_find(const char *name) {
    for (uint32_t i = 0; i < ports_len; i++) {
        if (ports[i].named && !strcmp(ports[i].name, name)) {
            return &ports[i];
        }
    }
    return NULL;
}

/* ---- writing ---- */

/* Under the lock: waits for the device to be done with a buffer. */
static status_t wait_for_writer(struct virtio_port *port) {
    status_t status = STATUS_OK;
    virtqueue_kick(&port->out);
    virtqueue_set_interrupts(&port->out, true);
    uint64_t busy = port->out.busy;
    reclaim_out(port);
    if (port->out.busy == busy) {
        status = wait(&port->writers, WAIT_FOREVER);
        reclaim_out(port);
    }
    virtqueue_set_interrupts(&port->out, port->room_wanted);
    return status;
}

/* Under the lock: a free buffer, after waiting for one. */
static status_t get_out_buffer(struct virtio_port *port, uint16_t *id_out) {
    reclaim_out(port);
    while (!virtqueue_free(&port->out, id_out)) {
        TRY(wait_for_writer(port));
    }
    return STATUS_OK;
}

status_t virtio_port_write(struct virtio_port *port, const void *bytes, size_t size) {
    const char *at = bytes;
    if (broken) {
        return STATUS_IO;
    }
    while (size > 0) {
        size_t len = size < OUT_SIZE ? size : OUT_SIZE;
        spinlock_lock(&lock);
        uint16_t id;
        status_t status = get_out_buffer(port, &id);
        spinlock_unlock(&lock);
        if (status != STATUS_OK) {
            return status;
        }
        memcpy(frame_pointer(port->out_buffer[id]), at, len);
        spinlock_lock(&lock);
        virtqueue_add(&port->out, id, port->out_buffer[id], (uint32_t)len, false);
        at += len;
        size -= len;
        if (size == 0) {
            virtqueue_kick(&port->out);
        }
        spinlock_unlock(&lock);
    }
    return STATUS_OK;
}

struct readiness virtio_port_writable(struct virtio_port *port) {
    spinlock_lock(&lock);
    bool closed = broken || (port->was_open && !port->host_open);
    size_t bytes = room(port);
    if (bytes == 0 && !closed) {
        port->room_wanted = true;
        virtqueue_kick(&port->out);
        virtqueue_set_interrupts(&port->out, true);
        bytes = room(port);
    }
    spinlock_unlock(&lock);
    return closed ? (struct readiness){.now = true, .hung_up = true, .bytes = UINT64_MAX}
                  : (struct readiness){.now = bytes > 0, .bytes = bytes};
}

static void flush_port(struct virtio_port *port) {
    spinlock_lock(&lock);
    reclaim_out(port);
    while (port->out.busy && wait_for_writer(port) == STATUS_OK) {
    }
    spinlock_unlock(&lock);
}

void virtio_console_flush(void) {
    for (uint32_t i = 0; i < ports_len && !broken; i++) {
        if (ports[i].ready) {
            flush_port(&ports[i]);
        }
    }
}

/* ---- reading ---- */

/* Under the lock: whether a received buffer with bytes in it is at hand. Empty ones go back. */
static bool have_bytes(struct virtio_port *port) {
    while (!port->have) {
        uint32_t size;
        if (!virtqueue_take(&port->in, &port->have_id, &size)) {
            return false;
        }
        port->have_size = size < PAGE_SIZE ? size : PAGE_SIZE;
        port->have_at = 0;
        port->have = port->have_size > 0;
        if (!port->have) {
            virtqueue_add(&port->in, port->have_id, port->in_page[port->have_id], PAGE_SIZE, true);
        }
    }
    return true;
}

/* Under the lock: waits for bytes. *some_out false: the host has closed the port and nothing is left, or
 * it does not open it at all. */
static status_t wait_for_bytes(struct virtio_port *port, bool *some_out) {
    uint64_t open_by = time_now_ns() + HOST_TIMEOUT_NS;
    for (;;) {
        bool closed = !port->host_open;
        /* What was sent before the port was closed is in the queue by now. */
        *some_out = have_bytes(port);
        if (*some_out || (closed && (port->was_open || time_now_ns() >= open_by))) {
            return STATUS_OK;
        }
        status_t status = wait(&port->readers, closed ? open_by : WAIT_FOREVER);
        if (status == STATUS_KILLED) {
            return status;
        }
    }
}

/* Bytes of the buffer at hand. */
static size_t take_bytes(struct virtio_port *port, void *buf, size_t cap) {
    size_t len = port->have_size - port->have_at;
    len = len < cap ? len : cap;
    const char *page = frame_pointer(port->in_page[port->have_id]);
    memcpy(buf, page + port->have_at, len);
    port->have_at += (uint32_t)len;
    return len;
}

/* Under the lock: whether there are more bytes, without waiting. An empty buffer goes back; the device is
 * told later. */
static bool next_buffer(struct virtio_port *port) {
    if (port->have_at < port->have_size) {
        return true;
    }
    port->have = false;
    virtqueue_add(&port->in, port->have_id, port->in_page[port->have_id], PAGE_SIZE, true);
    return have_bytes(port);
}

status_t virtio_port_read(struct virtio_port *port, void *buf, size_t cap, size_t *size_out) {
    char *at = buf;
    bool some = false;
    *size_out = 0;
    if (broken) {
        return STATUS_IO;
    }
    spinlock_lock(&lock);
    status_t status = cap > 0 ? wait_for_bytes(port, &some) : STATUS_OK;
    while (some) {
        spinlock_unlock(&lock);
        *size_out += take_bytes(port, at + *size_out, cap - *size_out);
        spinlock_lock(&lock);
        some = next_buffer(port) && *size_out < cap;
    }
    virtqueue_kick(&port->in);
    spinlock_unlock(&lock);
    return status;
}

struct readiness virtio_port_readable(struct virtio_port *port) {
    spinlock_lock(&lock);
    bool closed = broken || (port->was_open && !port->host_open);
    /* After it: what was sent before the port was closed is in the queue by now. */
    bool some = have_bytes(port);
    struct readiness ready = {.now = some || closed,
                              .hung_up = closed && !some,
                              .bytes = some ? port->have_size - port->have_at : 0};
    spinlock_unlock(&lock);
    return ready;
}

void virtio_port_watch(struct virtio_port *port, struct watch *watch) {
    spinlock_lock(&lock);
    list_push_back(&port->watches, &watch->link);
    spinlock_unlock(&lock);
}

void virtio_port_unwatch(struct virtio_port *port, struct watch *watch) {
    (void)port;
    spinlock_lock(&lock);
    list_remove(&watch->link);
    spinlock_unlock(&lock);
}
