/*
 * The driver of virtio-9p when the server is silent, and when it dies: who is killed comes free, others are
 * served, and no request is lost. And, on a directory of the host, ten threads at once, each with its own files,
 * one killed in the middle. test/kernel/virtio_9p.py is the server behind QEMU's, and looks at the directory.
 */
#include "drivers/virtio_9p.h"
#include "abi/boot.h"
#include "base/fmt.h"
#include "fs/node.h"
#include "init/hostdirs.h"
#include "init/machine.h"
#include "kernel/limits.h"
#include "kernel/thread.h"
#include "kernel/time.h"
#include "test/support/payload.h"

#include <string.h>

enum { RLERROR = 7, TVERSION = 100, TATTACH = 104, TCLUNK = 120 };

static struct virtio_9p *device;

/* Sends a message of that type; the answer's type, or the status as a negative number. */
static int call(uint8_t type, const void *params, size_t params_size) {
    struct virtio_9p_request *r;
    struct virtio_9p_sizes sizes = {.out = 7 + params_size, .in = VIRTIO_9P_HEAD_SIZE};
    size_t size = 0;
    status_t status = virtio_9p_begin(device, 0, &r);
    if (status != STATUS_OK) {
        return -(int)status;
    }
    uint8_t head[7] = {(uint8_t)sizes.out, 0, 0, 0, type, (uint8_t)r->number, 0};
    if (type == TVERSION) {
        head[5] = head[6] = 0xff;
    }
    memcpy(r->out, head, sizeof(head));
    memcpy(r->out + sizeof(head), params, params_size);
    status = virtio_9p_run(device, r, &sizes, &size);
    int answer = status != STATUS_OK ? -(int)status : size >= 7 ? r->in[4] : 0;
    virtio_9p_end(device, r);
    return answer;
}

static int version(void) {
    return call(TVERSION, "\0\0\10\0\10\0009P2000.L", 14);
}

/* The server asks the silent one behind it for this. Each has a fid of its own. */
static int attach(uint8_t fid) {
    const uint8_t params[16] = {fid, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0};
    return call(TATTACH, params, sizeof(params));
}

static int clunk(void) {
    return call(TCLUNK, "\5\0\0\0", 4);
}

struct attempt {
    uint8_t fid;
    int answer;
    uint64_t ended_ns;
};

static void attempt(void *arg) {
    struct attempt *a = arg;
    a->answer = attach(a->fid);
    a->ended_ns = time_now_ns();
}

/* Kills a thread that waits for an answer; how long that took. */
static uint64_t kill_one(struct attempt *a) {
    struct thread *thread;
    PAYLOAD_CHECK_EQ(thread_start("waiting", attempt, a, NULL, &thread), STATUS_OK);
    thread_sleep_ns(50000000);
    PAYLOAD_CHECK_EQ(clunk(), RLERROR); /* others are served meanwhile */
    uint64_t from = time_now_ns();
    thread_kill(thread);
    thread_join(thread);
    return a->ended_ns - from;
}

/* All at the same time: none is lost to those who were killed. */
static void take_all(void) {
    struct virtio_9p_request *r[VIRTIO_9P_REQUESTS];
    unsigned good = 0;
    for (unsigned i = 0; i < VIRTIO_9P_REQUESTS; i++) {
        good += virtio_9p_begin(device, 1000u << i, &r[i]) == STATUS_OK && r[i]->data_cap > 0 &&
                r[i]->data_cap <= VIRTIO_9P_DATA_MAX;
    }
    PAYLOAD_CHECK_EQ(good, VIRTIO_9P_REQUESTS);
    for (unsigned i = 0; i < good; i++) {
        virtio_9p_end(device, r[i]);
    }
}

/* ---- ten at once ------------------------------------------------------------------------------ */

enum { WORKERS = 10, FILES = 8, FILE_SIZE = 2000 };

struct worker {
    struct thread *thread;
    struct node *dir;
    unsigned number, done;
    bool wrong;
};

static struct fs_name name_of(char *buf, const char *kind, unsigned worker, unsigned file) {
    return (struct fs_name){buf, fmt_text(buf, 32, "%s-%u-%u", kind, worker, file)};
}

/* A file that is written, read again and only then gets its name. */
static status_t make_file(struct worker *w, unsigned number, struct node **out) {
    char name[32], done_name[32];
    static const unsigned spread = 7;
    uint8_t bytes[256], back[256];
    size_t n;
    for (unsigned i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(i * spread + w->number + number);
    }
    struct fs_name temporary = name_of(name, "part", w->number, number);
    TRY(node_create(w->dir, temporary, out));
    for (uint64_t at = 0; at < FILE_SIZE; at += n) {
        struct node_bytes from = node_bytes_from(bytes), to = node_bytes_to(back);
        size_t size = FILE_SIZE - at < sizeof(bytes) ? (size_t)(FILE_SIZE - at) : sizeof(bytes);
        TRY(node_write(*out, &at, size, &from.io, &n));
        TRY(node_read(*out, at, n, &to.io, &n));
        if (memcmp(bytes, back, n) != 0) {
            return STATUS_IO;
        }
    }
    return node_rename(w->dir, temporary, w->dir, name_of(done_name, "done", w->number, number));
}

static void work(void *arg) {
    struct worker *w = arg;
    for (unsigned i = 0; i < FILES && !thread_killed(); i++) {
        struct node *file = NULL;
        status_t status = make_file(w, i, &file);
        node_put(file);
        w->wrong = w->wrong || (status != STATUS_OK && !thread_killed());
        w->done += status == STATUS_OK;
    }
}

static _Noreturn void many(void) {
    static struct worker workers[WORKERS];
    struct node *dir;
    unsigned wrong = 0, done = 0;
    PAYLOAD_CHECK_EQ(hostdirs_open("host", 022, &dir), STATUS_OK);
    for (unsigned i = 0; i < WORKERS; i++) {
        workers[i] = (struct worker){.dir = dir, .number = i};
        if (thread_start("worker", work, &workers[i], NULL, &workers[i].thread) != STATUS_OK) {
            payload_exit(1);
        }
    }
    while (__atomic_load_n(&workers[0].done, __ATOMIC_RELAXED) < 2) {
        thread_sleep_ns(1000000);
    }
    thread_kill(workers[0].thread);
    for (unsigned i = 0; i < WORKERS; i++) {
        thread_join(workers[i].thread);
        wrong += workers[i].wrong;
        done += i > 0 ? workers[i].done : 0;
    }
    PAYLOAD_CHECK_EQ(wrong, 0);
    PAYLOAD_CHECK_EQ(done, (WORKERS - 1) * FILES);
    PAYLOAD_CHECK(workers[0].done < FILES);
    node_put(dir);
    payload_end();
}

static _Noreturn void test(size_t hart, const struct boot_info *info) {
    static struct attempt first = {.fid = 1}, second = {.fid = 2};
    machine_init(hart, info);
    payload_begin(info);
    PAYLOAD_CHECK(virtio_9p_find("other") == NULL);
    if (virtio_9p_find("host")) {
        many();
    }
    device = virtio_9p_find("silent");
    if (!PAYLOAD_CHECK(device != NULL)) {
        payload_end();
    }
    PAYLOAD_CHECK_EQ(version(), TVERSION + 1);
    PAYLOAD_CHECK(kill_one(&first) < 5 * VIRTIO_9P_KILLED_NS);
    PAYLOAD_CHECK_EQ(first.answer, -(int)STATUS_KILLED);
    PAYLOAD_CHECK(kill_one(&second) < VIRTIO_9P_KILLED_NS); /* the first has found out */
    PAYLOAD_CHECK_EQ(second.answer, -(int)STATUS_KILLED);
    payload_print("# let the server die\n");
    PAYLOAD_CHECK_EQ(attach(3), RLERROR);
    take_all();
    payload_end();
}

LOADER_ENTRY(test, .stack_pages = 16);
