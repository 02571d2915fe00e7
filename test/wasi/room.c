/*
 * A standard output whose reader does not read until he is told: it has room for less than is written, then
 * none, and poll_oneoff waits until it has again. What was taken, and only that, must arrive: each byte tells
 * its place. Results go to standard error, which is read all the time; test/wasi/run is the reader.
 */
#include "test/wasi/check.h"

#define MS   1000000ull
#define SIZE (1u << 20) /* more than anybody keeps for a reader at once */

static uint8_t block[SIZE];
static uint64_t total;  /* bytes taken */
static __wasi_fd_t out; /* standard output; 1 is standard error, for what is printed */

static uint8_t byte_at(uint64_t place) {
    return (uint8_t)((place * 2654435761u) >> 13);
}

/* Of 1 MiB. */
static __wasi_errno_t write_on(__wasi_size_t *done) {
    __wasi_ciovec_t v = {block, SIZE};
    for (uint32_t i = 0; i < SIZE; i++) {
        block[i] = byte_at(total + i);
    }
    *done = 0;
    __wasi_errno_t error = __wasi_fd_write(out, &v, 1, done);
    total += error == 0 ? *done : 0;
    return error;
}

/* Until stdout has room, or the time is over: how many events, of which the first is given. */
static __wasi_size_t wait_for_room(uint64_t timeout, __wasi_event_t *first) {
    __wasi_subscription_t s[2] = {0};
    __wasi_event_t events[2];
    __wasi_size_t n = 0;
    s[0].userdata = 1;
    s[0].u.tag = __WASI_EVENTTYPE_FD_WRITE;
    s[0].u.u.fd_write.file_descriptor = out;
    s[1].userdata = 2;
    s[1].u.tag = __WASI_EVENTTYPE_CLOCK;
    s[1].u.u.clock.id = __WASI_CLOCKID_MONOTONIC;
    s[1].u.u.clock.timeout = timeout;
    CHECK_LINE(__wasi_poll_oneoff(s, events, 2, &n), 0, "a poll for room succeeds");
    *first = events[0];
    return n;
}

static void take_stdout(void) {
    __wasi_fd_t tmp = preopened("/tmp"), one;
    if (open_at(tmp, "a", __WASI_OFLAGS_CREAT, WRITE_RIGHTS, &out) || __wasi_fd_renumber(1, out) ||
        open_at(tmp, "b", __WASI_OFLAGS_CREAT, WRITE_RIGHTS, &one) || one != 1 ||
        __wasi_fd_renumber(2, 1)) {
        exit(2);
    }
}

int main(void) {
    __wasi_event_t event;
    __wasi_size_t done;
    take_stdout();
    GOOD(__wasi_fd_fdstat_set_flags(out, __WASI_FDFLAGS_NONBLOCK));
    GOOD(write_on(&done));
    CHECK_LINE(done > 0 && done < SIZE, true, "of much that is written a part is taken");
    bool again = false, waited = false;
    while (!again || !waited) { /* what is on its way to the host makes room for a while */
        __wasi_errno_t error = write_on(&done);
        CHECK_LINE(error == 0 || error == __WASI_ERRNO_AGAIN, true,
                   "a write takes some or nothing");
        again = again || error == __WASI_ERRNO_AGAIN;
        if (error) {
            __wasi_size_t n = wait_for_room(100 * MS, &event);
            waited = n == 1 && event.userdata == 2;
        }
    }
    CHECK_LINE(again && waited, true, "in the end there is no room");
    printf("full\n");
    fflush(stdout);
    do { /* there may be room for a moment without the reader */
        CHECK_LINE(wait_for_room(100000 * MS, &event), 1, "room comes before the clock");
        SAME(event.userdata, 1);
        SAME(event.error, 0);
        CHECK_LINE(event.fd_readwrite.nbytes > 0, true, "it is known how much");
        SAME(event.fd_readwrite.flags, 0);
        GOOD(write_on(&done));
        CHECK_LINE(done >= event.fd_readwrite.nbytes, true, "so much is taken");
    } while (total < 16 * (uint64_t)SIZE);
    printf("%llu bytes\n", (unsigned long long)total);
    return check_sum();
}
