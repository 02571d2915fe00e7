/*
 * Somebody who waits for one of several things at once: enters a watch with each of them, and is told
 * when something may have happened to one.
 */
#ifndef BASE_WATCH_H
#define BASE_WATCH_H

#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>

struct watch {
    struct list link; /* the watched one's */
    /* In any context, with locks of the watched one held: must not sleep, nor end the watch. */
    void (*notify)(struct watch *watch);
};

/* What is known of one direction of what may be waited for. */
struct readiness {
    bool now;       /* a byte, the end or an error could be had without waiting */
    bool hung_up;   /* nobody is at the other end, and nothing that he sent is left */
    uint64_t bytes; /* so many can be moved without waiting, if now */
};

/* That of what nobody ever waits for. */
#define READINESS_ALWAYS ((struct readiness){.now = true, .bytes = UINT64_MAX})

#endif
