/*
 * poll_oneoff: waits until one of the subscriptions has something to say, then says all that have.
 *
 * One pass over the subscriptions finds out whether one is ready and until when to wait at most; after
 * the wait a second pass writes the events. Only what cannot be ready at once is waited for: clocks, and
 * streams that have no input or no room. Each such descriptor gets a watch that sets the program's event, and the
 * thread sleeps until that is set, the first clock's deadline, or its end. Nothing is allocated but the event,
 * once.
 */
#include "fs/platform.h"
#include "wasi/internal.h"

enum tag { TAG_CLOCK, TAG_FD_READ, TAG_FD_WRITE };
enum { CLOCK_ABSTIME = 1 };
enum { EVENT_HANGUP = 1 };

/* The layouts of `subscription`, and of wasi_unstable's. */
struct subscription {
    uint64_t userdata;
    uint8_t tag;
    uint8_t pad[7];
    union {
        uint32_t fd;
        struct {
            uint32_t id, pad;
            uint64_t timeout, precision;
            uint16_t flags;
            uint8_t pad2[6];
        } clock;
    };
};
_Static_assert(sizeof(struct subscription) == 48, "as the specification lays it out");

struct subscription_unstable {
    uint64_t userdata;
    uint8_t tag;
    uint8_t pad[7];
    union {
        uint32_t fd;
        struct {
            uint64_t identifier;
            uint32_t id, pad;
            uint64_t timeout, precision;
            uint16_t flags;
            uint8_t pad2[6];
        } clock;
    };
};
_Static_assert(sizeof(struct subscription_unstable) == 56, "as the specification lays it out");

struct event {
    uint64_t userdata;
    uint16_t error;
    uint8_t type;
    uint8_t pad[5];
    uint64_t nbytes;
    uint16_t flags;
    uint8_t pad2[6];
};
_Static_assert(sizeof(struct event) == 32, "as the specification lays it out");

struct poll {
    struct wasi_call *call;
    uint32_t in, out, count;
    uint64_t monotonic, realtime; /* when the call began */
    uint64_t deadline;            /* monotonic; of the clocks */
    bool ready;
    struct wasi_file *watched; /* a list of those that are not ready yet */
    uint32_t events;           /* written */
};

static enum wasi_errno get_subscription(const struct poll *p, uint32_t i,
                                        struct subscription *out) {
    if (!p->call->unstable) {
        return wasi_get(p->call, p->in + i * (uint32_t)sizeof(*out), out, sizeof(*out));
    }
    struct subscription_unstable old;
    WASI_TRY(wasi_get(p->call, p->in + i * (uint32_t)sizeof(old), &old, sizeof(old)));
    *out = (struct subscription){.userdata = old.userdata, .tag = old.tag};
    if (old.tag == TAG_CLOCK) {
        out->clock.id = old.clock.id;
        out->clock.timeout = old.clock.timeout;
        out->clock.flags = old.clock.flags;
    } else {
        out->fd = old.fd;
    }
    return WASI_SUCCESS;
}

/* The moment of a clock subscription on the monotonic clock. */
static enum wasi_errno clock_deadline(const struct poll *p, const struct subscription *s,
                                      uint64_t *out) {
    uint64_t timeout = s->clock.timeout, start = 0;
    if (s->clock.id > CLOCK_THREAD_CPUTIME || (s->clock.flags & ~CLOCK_ABSTIME)) {
        return WASI_EINVAL;
    }
    if (s->clock.id > CLOCK_MONOTONIC) {
        return WASI_ENOTSUP;
    }
    if (!(s->clock.flags & CLOCK_ABSTIME)) {
        start = p->monotonic;
    } else if (s->clock.id == CLOCK_REALTIME) {
        start = p->monotonic;
        timeout = timeout > p->realtime ? timeout - p->realtime : 0;
    }
    *out = timeout > UINT64_MAX - 1 - start ? UINT64_MAX - 1 : start + timeout;
    return WASI_SUCCESS;
}

static enum wasi_errno find_file(const struct poll *p, const struct subscription *s,
                                 struct wasi_file **out) {
    *out = wasi_file(p->call->wasi, s->fd);
    if (!*out) {
        return WASI_EBADF;
    }
    uint64_t right = s->tag == TAG_FD_READ ? RIGHT_FD_READ : RIGHT_FD_WRITE;
    return wasi_file_need(*out, RIGHT_POLL_FD_READWRITE | right);
}

static enum node_access access_of(const struct subscription *s) {
    return s->tag == TAG_FD_READ ? NODE_READ : NODE_WRITE;
}

static void await(struct poll *p, struct wasi_file *file, enum node_access access) {
    if (!file->awaited) {
        file->next_watched = p->watched;
        p->watched = file;
    }
    file->awaited |= (uint8_t)access;
}

/* What the subscription waits for. */
static void look(struct poll *p, const struct subscription *s) {
    struct wasi_file *file;
    uint64_t deadline;
    if (s->tag == TAG_CLOCK) {
        if (clock_deadline(p, s, &deadline) != WASI_SUCCESS) {
            p->ready = true;
        } else if (deadline < p->deadline) {
            p->deadline = deadline;
        }
    } else if (find_file(p, s, &file) != WASI_SUCCESS || node_ready(file->node, access_of(s)).now) {
        p->ready = true;
    } else {
        await(p, file, access_of(s));
    }
}

static enum wasi_errno look_at_all(struct poll *p) {
    struct subscription s;
    for (uint32_t i = 0; i < p->count; i++) {
        WASI_TRY(get_subscription(p, i, &s));
        if (s.tag > TAG_FD_WRITE) {
            return WASI_EINVAL;
        }
        look(p, &s);
    }
    return WASI_SUCCESS;
}

static void set_event(struct watch *watch) {
    fs_event_set(((struct wasi_watch *)watch)->event);
}

static bool is_ready(const struct wasi_file *file, enum node_access access) {
    return (file->awaited & access) && node_ready(file->node, access).now;
}

/* Sleeps until there may be something to say. */
static enum wasi_errno wait(const struct poll *p) {
    for (struct wasi_file *file = p->watched; file; file = file->next_watched) {
        if (is_ready(file, NODE_READ) || is_ready(file, NODE_WRITE)) {
            return WASI_SUCCESS;
        }
    }
    return wasi_from_status(fs_event_wait(p->call->wasi->event, p->deadline));
}

static void watch_all(struct poll *p) {
    for (struct wasi_file *file = p->watched; file; file = file->next_watched) {
        file->watch = (struct wasi_watch){{.notify = set_event}, p->call->wasi->event};
        node_watch(file->node, &file->watch.watch);
    }
}

static void unwatch_all(struct poll *p) {
    for (struct wasi_file *file = p->watched; file; file = file->next_watched) {
        node_unwatch(file->node, &file->watch.watch);
    }
}

static enum wasi_errno make_event(struct wasi *wasi) {
    wasi->event = wasi->event ? wasi->event : fs_event_new();
    return wasi->event ? WASI_SUCCESS : WASI_ENOMEM;
}

/* How much is left of a file. */
static uint64_t bytes_left(const struct wasi_file *file) {
    struct node_attr attr;
    if (node_get_attr(file->node, &attr) != STATUS_OK || attr.size < file->offset) {
        return 0;
    }
    return attr.size - file->offset;
}

/* Of a descriptor. False: it has not happened. How much can be written is known of streams alone. */
static bool fill_file_event(const struct wasi_file *file, const struct subscription *s,
                            struct event *out) {
    struct readiness ready = node_ready(file->node, access_of(s));
    if (s->tag == TAG_FD_READ && file->node->type == NODE_REGULAR) {
        out->nbytes = bytes_left(file);
    } else {
        out->nbytes = ready.bytes == UINT64_MAX ? !ready.hung_up : ready.bytes;
    }
    out->flags = ready.hung_up ? EVENT_HANGUP : 0;
    return ready.now;
}

/* Of anything. */
static bool fill_event(const struct poll *p, const struct subscription *s, uint64_t now,
                       struct event *out) {
    enum wasi_errno error;
    struct wasi_file *file;
    uint64_t deadline = 0;
    *out = (struct event){.userdata = s->userdata, .type = s->tag};
    if (s->tag == TAG_CLOCK) {
        error = clock_deadline(p, s, &deadline);
    } else {
        error = find_file(p, s, &file);
        if (error == WASI_SUCCESS && !fill_file_event(file, s, out)) {
            return false;
        }
    }
    out->error = (uint16_t)error;
    return deadline <= now;
}

static enum wasi_errno put_events(struct poll *p) {
    uint64_t now = p->call->wasi->system->monotonic_ns();
    struct subscription s;
    struct event event;
    for (uint32_t i = 0; i < p->count; i++) {
        WASI_TRY(get_subscription(p, i, &s));
        if (s.tag <= TAG_FD_WRITE && fill_event(p, &s, now, &event)) {
            uint32_t addr = p->out + p->events++ * (uint32_t)sizeof(event);
            WASI_TRY(wasi_put(p->call, addr, &event, sizeof(event)));
        }
    }
    return WASI_SUCCESS;
}

/* Waits as often as it takes. */
static enum wasi_errno wait_for_events(struct poll *p) {
    enum wasi_errno error = make_event(p->call->wasi);
    if (error != WASI_SUCCESS) {
        return error;
    }
    watch_all(p);
    while (error == WASI_SUCCESS && p->events == 0) {
        error = wait(p);
        if (error == WASI_SUCCESS) {
            error = put_events(p);
        }
    }
    unwatch_all(p);
    return error;
}

static enum wasi_errno poll(struct poll *p) {
    enum wasi_errno error = look_at_all(p);
    if (error == WASI_SUCCESS) {
        error = p->ready ? put_events(p) : wait_for_events(p);
    }
    for (struct wasi_file *file = p->watched; file; file = file->next_watched) {
        file->awaited = 0;
    }
    return error;
}

enum wasi_errno wasi_poll_oneoff(struct wasi_call *call) {
    const struct wasi_system *system = call->wasi->system;
    struct poll p = {.call = call,
                     .in = wasi_arg(call, 0),
                     .out = wasi_arg(call, 1),
                     .count = wasi_arg(call, 2),
                     .monotonic = system->monotonic_ns(),
                     .realtime = system->realtime_ns(),
                     .deadline = UINT64_MAX};
    uint64_t in_size =
        call->unstable ? sizeof(struct subscription_unstable) : sizeof(struct subscription);
    uint64_t memory = call->caller->memory_size;
    if (p.count == 0 || p.count > WASI_MAX_SUBSCRIPTIONS) {
        return WASI_EINVAL;
    }
    if (p.in + in_size * p.count > memory || p.out + sizeof(struct event) * p.count > memory) {
        return WASI_EFAULT;
    }
    WASI_TRY(poll(&p));
    return wasi_put_u32(call, wasi_arg(call, 3), p.events);
}
