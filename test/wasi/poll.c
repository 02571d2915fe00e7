/*
 * poll_oneoff on a standard input that is silent first, then has a line, then ends (test/wasi/run sends
 * it), and clocks of processor time, which stand still while the program waits.
 */
#include "test/wasi/check.h"

#define MS 1000000ull

static __wasi_timestamp_t clock_now(__wasi_clockid_t id) {
    __wasi_timestamp_t now = 0;
    GOOD(__wasi_clock_time_get(id, 1, &now));
    return now;
}

/* Waits for stdin twice, stdout if asked, and a clock. Returns how many events there were. */
static __wasi_size_t wait_for(uint64_t timeout, bool out, __wasi_event_t events[4]) {
    __wasi_subscription_t s[4] = {0};
    __wasi_size_t n = 0;
    s[0].userdata = 10;
    s[0].u.tag = __WASI_EVENTTYPE_CLOCK;
    s[0].u.u.clock.id = __WASI_CLOCKID_MONOTONIC;
    s[0].u.u.clock.timeout = timeout;
    for (unsigned i = 1; i < 4; i++) {
        s[i].userdata = 10 + i;
        s[i].u.tag = i == 3 ? __WASI_EVENTTYPE_FD_WRITE : __WASI_EVENTTYPE_FD_READ;
        s[i].u.u.fd_read.file_descriptor = i == 3;
    }
    GOOD(__wasi_poll_oneoff(s, events, out ? 4 : 3, &n));
    return n;
}

/* A second of waiting. Where the host gives the machine little time, the program's own may seem long: so once in
 * ten times will do. */
static void wait_idly(__wasi_event_t events[4]) {
    bool all_waited = true, was_idle = false;
    for (unsigned i = 0; i < 10 && !was_idle; i++) {
        uint64_t start = clock_now(__WASI_CLOCKID_MONOTONIC);
        uint64_t cpu = clock_now(__WASI_CLOCKID_PROCESS_CPUTIME_ID);
        SAME(wait_for(1000 * MS, false, events), 1);
        uint64_t waited = clock_now(__WASI_CLOCKID_MONOTONIC) - start;
        uint64_t used = clock_now(__WASI_CLOCKID_THREAD_CPUTIME_ID) - cpu;
        all_waited = all_waited && waited >= 1000 * MS;
        was_idle = used < waited - 500 * MS;
    }
    CHECK_LINE(all_waited, true, "the clock was waited for");
    CHECK_LINE(was_idle, true, "waiting takes no processor time");
}

int main(void) {
    __wasi_event_t events[4];
    char text[16];
    __wasi_size_t n;
    SAME(wait_for(100000 * MS, true, events), 1);
    SAME(events[0].userdata, 13);
    wait_idly(events);
    SAME(events[0].userdata, 10);
    SAME(events[0].error, 0);
    __wasi_fdstat_t stat;
    GOOD(__wasi_fd_fdstat_set_flags(0, __WASI_FDFLAGS_NONBLOCK));
    BAD(AGAIN, read_some(0, text, sizeof(text), &n));
    GOOD(__wasi_fd_fdstat_get(0, &stat));
    SAME(stat.fs_flags, __WASI_FDFLAGS_NONBLOCK);
    GOOD(__wasi_fd_fdstat_set_flags(0, 0));
    printf("ready\n");
    fflush(stdout);
    SAME(wait_for(100000 * MS, false, events), 2);
    SAME(events[0].userdata, 11);
    SAME(events[0].fd_readwrite.nbytes, 5);
    SAME(events[0].fd_readwrite.flags, 0);
    SAME(events[1].userdata, 12);
    GOOD(read_some(0, text, sizeof(text), &n));
    SAME(n, 5);
    SAME(memcmp(text, "line\n", 5), 0);
    SAME(wait_for(100000 * MS, false, events), 2);
    SAME(events[0].fd_readwrite.nbytes, 0);
    CHECK_LINE(events[0].fd_readwrite.flags, __WASI_EVENTRWFLAGS_FD_READWRITE_HANGUP,
               "the end hangs up");
    GOOD(read_some(0, text, sizeof(text), &n));
    SAME(n, 0);
    uint64_t start, cpu = clock_now(__WASI_CLOCKID_PROCESS_CPUTIME_ID);
    for (start = clock_now(__WASI_CLOCKID_THREAD_CPUTIME_ID); start < cpu + 20 * MS;) {
        (void)!__wasi_clock_time_get(__WASI_CLOCKID_THREAD_CPUTIME_ID, 1, &start);
    }
    CHECK_LINE(start >= cpu + 20 * MS, true, "work takes processor time");
    return check_sum();
}
