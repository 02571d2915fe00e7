/*
 * Somebody who waits for one of several things at once: enters a watch with each of them, and is told
 * when something may have happened to one.
 */
#ifndef BASE_WATCH_H
#define BASE_WATCH_H

#include "base/list.h"

struct watch {
    struct list link; /* the watched one's */
    /* In any context, with locks of the watched one held: must not sleep, nor end the watch. */
    void (*notify)(struct watch *watch);
};

#endif
