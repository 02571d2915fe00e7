/*
 * An arena source over malloc for host programs, so that a sanitizer watches each chunk; and one that
 * fails on purpose after so many chunks, for tests of running out.
 */
#ifndef TEST_SUPPORT_HEAP_H
#define TEST_SUPPORT_HEAP_H

#include "base/arena.h"

/* Held by nobody: the source has no state. */
extern const struct arena_source heap_source;

struct heap_limited {
    struct arena_source source;
    int left; /* chunks it still gives */
    int held; /* chunks not given back */
};

/* `heap` must stay in place as long as an arena uses heap->source. */
void heap_limit(struct heap_limited *heap, int chunks);

#endif
