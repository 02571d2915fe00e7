/*
 * Growing arrays in an arena. The elements move when the array grows, so keep indices, not
 * pointers. Nothing is freed before the arena is. The arena must have `exhausted` set (or a source that
 * never runs dry): a push has no way to say that it failed. Where memory may run out, vec_try_reserve()
 * first.
 *
 *     VEC(uint32_t) list = {0};
 *     vec_push(arena, &list, 7);
 *     for (uint32_t i = 0; i < list.len; i++) use(list.at[i]);
 */
#ifndef BASE_VEC_H
#define BASE_VEC_H

#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define VEC(type)                                                                                  \
    struct {                                                                                       \
        type *at;                                                                                  \
        uint32_t len, cap;                                                                         \
    }

/* Room for `want` elements in all; returns the array, moved or not. Used by the macros. */
void *vec_reserve_(struct arena *arena, void *at, uint32_t *cap, uint32_t want, size_t elem_size);

#define vec_reserve(arena, v, want)                                                                \
    ((v)->cap >= (want)                                                                            \
         ? (void)0                                                                                 \
         : (void)((v)->at = vec_reserve_((arena), (v)->at, &(v)->cap, (want), sizeof(*(v)->at))))

/* An empty vector with room for `n` elements, of which the arena must not be short. */
#define vec_start(arena, v, n)                                                                     \
    ((v)->len = 0, (v)->cap = (n),                                                                 \
     (v)->at = arena_alloc_raw((arena), sizeof(*(v)->at) * (size_t)(v)->cap))

/* As vec_reserve(), where the arena may say no: false, and the array is as it was. */
bool vec_try_reserve_(struct arena *arena, void **at, uint32_t *cap, uint32_t want,
                      size_t elem_size);

#define vec_try_reserve(arena, v, want)                                                            \
    vec_try_reserve_((arena), (void **)&(v)->at, &(v)->cap, (want), sizeof(*(v)->at))

#define vec_push(arena, v, elem)                                                                   \
    do {                                                                                           \
        vec_reserve((arena), (v), (v)->len + 1);                                                   \
        (v)->at[(v)->len++] = (elem);                                                              \
    } while (0)

/* Sets len to n, the new elements zeroed. */
#define vec_resize(arena, v, n)                                                                    \
    do {                                                                                           \
        uint32_t vec_len_ = (n);                                                                   \
        vec_reserve((arena), (v), vec_len_);                                                       \
        if (vec_len_ > (v)->len) {                                                                 \
            memset((v)->at + (v)->len, 0, (vec_len_ - (v)->len) * sizeof(*(v)->at));               \
        }                                                                                          \
        (v)->len = vec_len_;                                                                       \
    } while (0)

#define vec_pop(v)   ((v)->at[--(v)->len])
#define vec_last(v)  ((v)->at[(v)->len - 1])
#define vec_clear(v) ((void)((v)->len = 0))

#endif
