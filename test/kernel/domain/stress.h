/*
 * What the payload stress and its domains agree on: how a domain is told to behave, and the page of
 * counts that all of them add to.
 */
#ifndef TEST_KERNEL_DOMAIN_STRESS_H
#define TEST_KERNEL_DOMAIN_STRESS_H

#include <stdint.h>

/* What domains do, each with a count. */
#define STRESS_COUNTS(X)                                                                           \
    X(CALLS, "calls answered")                                                                     \
    X(UNANSWERED, "calls that ended otherwise")                                                    \
    X(RECEIVED, "requests received")                                                               \
    X(ANSWERED, "requests answered")                                                               \
    X(PARCELS, "messages with bytes or handles received")                                          \
    X(HANDLES, "handles received")                                                                 \
    X(SIGNALS, "signals sent")                                                                     \
    X(WAITS, "signals taken")                                                                      \
    X(DERIVED, "handles derived")                                                                  \
    X(REVOKED, "handles revoked")                                                                  \
    X(SHARED, "shared memory mapped and touched")                                                  \
    X(FUTEX_WAITS, "futex waits")                                                                  \
    X(FUTEX_WOKEN, "threads woken at futexes")                                                     \
    X(SLEEPS, "sleeps")                                                                            \
    X(MAPPED, "pages mapped and touched")                                                          \
    X(FAULTS, "faults handled by the domain")                                                      \
    X(THREADS, "threads started")                                                                  \
    X(NO_MEMORY, "calls refused for lack of memory")

enum stress_count {
#define X(name, text) STRESS_##name,
    STRESS_COUNTS(X)
#undef X
        STRESS_COUNT_LEN
};

struct stress_counts {
    uint64_t of[STRESS_COUNT_LEN];
    uint64_t wrong; /* the line of a check that failed */
};

/* How a domain may exit by itself. */
enum stress_exit {
    STRESS_EXIT_DONE,
    STRESS_EXIT_NO_COUNTS = 1, /* the page could not be mapped */
    STRESS_EXIT_WRONG = 99,
};

#endif
