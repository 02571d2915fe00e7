/*
 * An arena source over malloc for host programs, so that a sanitizer watches each chunk; and one that
 * fails on purpose after so many chunks, or says that its user is to end after so many looks, for tests
 * of running out and of being killed.
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
    unsigned looks;
    unsigned killed_at; /* the look from which on the answer is yes; 0, as at first: none */
};

/* `heap` must stay in place as long as an arena uses heap->source. */
void heap_limit(struct heap_limited *heap, int chunks);

#endif
