/*
 * Arguments, environment, clocks, waiting, random numbers, signals that do not end the program.
 * Run with the arguments "one" and "two words" and the environment K=V.
 */
#include "test/wasi/check.h"

static __wasi_size_t n, size;
static __wasi_timestamp_t t0, t1;

static void strings(void) {
    uint8_t *pointers[8], text[256];
    GOOD(__wasi_args_sizes_get(&n, &size));
    SAME(n, 3);
    GOOD(__wasi_args_get(pointers, text));
    SAME(strcmp((char *)pointers[1], "one"), 0);
    SAME(strcmp((char *)pointers[2], "two words"), 0);
    GOOD(__wasi_environ_sizes_get(&n, &size));
    SAME(n, 1);
    SAME(size, 4);
    GOOD(__wasi_environ_get(pointers, text));
    SAME(strcmp((char *)pointers[0], "K=V"), 0);
}

static void clocks(void) {
    for (__wasi_clockid_t id = 0; id < 4; id++) {
        GOOD(__wasi_clock_res_get(id, &t0));
        SAME(t0 > 0 && t0 <= 10000000, 1);
        GOOD(__wasi_clock_time_get(id, 1, &t0));
        GOOD(__wasi_clock_time_get(id, 1, &t1));
        SAME(t1 >= t0, 1);
    }
    BAD(INVAL, __wasi_clock_res_get(77, &t0));
    BAD(INVAL, __wasi_clock_time_get(77, 1, &t0));
    GOOD(__wasi_clock_time_get(__WASI_CLOCKID_REALTIME, 1, &t0));
    SAME(t0 > 1600000000000000000, 1);
}

static __wasi_subscription_t on_clock(uint32_t id, uint64_t timeout, uint16_t flags) {
    __wasi_subscription_t s;
    memset(&s, 0, sizeof(s));
    s.userdata = 1000 + timeout;
    s.u.tag = __WASI_EVENTTYPE_CLOCK;
    s.u.u.clock.id = id;
    s.u.u.clock.timeout = timeout;
    s.u.u.clock.flags = flags;
    return s;
}

static __wasi_subscription_t on_fd(__wasi_fd_t fd, uint8_t tag) {
    __wasi_subscription_t s;
    memset(&s, 0, sizeof(s));
    s.userdata = 5;
    s.u.tag = tag;
    s.u.u.fd_read.file_descriptor = fd;
    return s;
}

static void poll_clocks(void) {
    __wasi_subscription_t s[3];
    __wasi_event_t e[3];
    s[0] = on_clock(__WASI_CLOCKID_MONOTONIC, 30000000, 0);
    s[1] = on_clock(__WASI_CLOCKID_MONOTONIC, 5000000000, 0);
    GOOD(__wasi_clock_time_get(__WASI_CLOCKID_MONOTONIC, 1, &t0));
    GOOD(__wasi_poll_oneoff(s, e, 2, &n));
    GOOD(__wasi_clock_time_get(__WASI_CLOCKID_MONOTONIC, 1, &t1));
    SAME(n, 1);
    SAME(e[0].userdata, 1000 + 30000000);
    SAME(e[0].error, 0);
    SAME(e[0].type, __WASI_EVENTTYPE_CLOCK);
    SAME(t1 - t0 >= 30000000 && t1 - t0 < 4000000000, 1);
    BAD(INVAL, __wasi_poll_oneoff(s, e, 0, &n));
}

static void poll_absolute(void) {
    __wasi_subscription_t s[2];
    __wasi_event_t e[2];
    __wasi_timestamp_t t0, t1;
    GOOD(__wasi_clock_time_get(__WASI_CLOCKID_MONOTONIC, 1, &t1));
    s[0] = on_clock(__WASI_CLOCKID_MONOTONIC, t1 + 20000000,
                    __WASI_SUBCLOCKFLAGS_SUBSCRIPTION_CLOCK_ABSTIME);
    GOOD(__wasi_poll_oneoff(s, e, 1, &n));
    GOOD(__wasi_clock_time_get(__WASI_CLOCKID_MONOTONIC, 1, &t0));
    SAME(n, 1);
    SAME(t0 >= t1 + 20000000, 1);
    GOOD(__wasi_clock_time_get(__WASI_CLOCKID_REALTIME, 1, &t1));
    s[0] = on_clock(__WASI_CLOCKID_REALTIME, t1 + 10000000,
                    __WASI_SUBCLOCKFLAGS_SUBSCRIPTION_CLOCK_ABSTIME);
    GOOD(__wasi_poll_oneoff(s, e, 1, &n));
    SAME(n, 1);
}

static void poll_files(void) {
    __wasi_subscription_t s[3];
    __wasi_event_t e[3];
    s[0] = on_fd(1, __WASI_EVENTTYPE_FD_WRITE);
    s[1] = on_clock(__WASI_CLOCKID_MONOTONIC, 5000000000, 0);
    GOOD(__wasi_poll_oneoff(s, e, 2, &n));
    SAME(n, 1);
    SAME(e[0].userdata, 5);
    SAME(e[0].type, __WASI_EVENTTYPE_FD_WRITE);
    s[0] = on_fd(99, __WASI_EVENTTYPE_FD_READ);
    GOOD(__wasi_poll_oneoff(s, e, 2, &n));
    SAME(n, 1);
    SAME(e[0].error, __WASI_ERRNO_BADF);
    s[0] = on_fd(0, __WASI_EVENTTYPE_FD_READ); /* at its end: the runner gives no input */
    GOOD(__wasi_poll_oneoff(s, e, 2, &n));
    SAME(n, 1);
    SAME(e[0].type, __WASI_EVENTTYPE_FD_READ);
}

static void random_bytes(void) {
    uint8_t a[40] = {0}, b[40] = {0};
    GOOD(__wasi_random_get(a, sizeof(a)));
    GOOD(__wasi_random_get(b, sizeof(b)));
    SAME(memcmp(a, b, sizeof(a)) != 0, 1);
    GOOD(__wasi_random_get(a, 0));
}

/* Not in the header any more, but in the specification. */
__attribute__((import_module("wasi_snapshot_preview1"), import_name("proc_raise"))) uint32_t
proc_raise(uint32_t signal);

int main(int argc, char **argv) {
    if (argc > 2 && strcmp(argv[1], "raise") == 0) {
        proc_raise((uint32_t)atoi(argv[2]));
        return 1;
    }
    strings();
    clocks();
    poll_clocks();
    if (!left_out(preopened("/tmp"), "poll-absolute")) {
        poll_absolute();
    }
    poll_files();
    random_bytes();
    GOOD(__wasi_sched_yield());
    if (!left_out(preopened("/tmp"), "raise")) {
        GOOD(proc_raise(0));
        GOOD(proc_raise(28 - 1));
        BAD(INVAL, proc_raise(31));
        BAD(NOTSUP, proc_raise(18));
    }
    return check_sum();
}
