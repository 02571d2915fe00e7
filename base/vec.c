/*
 * Growth of vectors: by half again, so that a vector which grows at the end of its arena stays in
 * place and one that moves has moved at most twice its size in all.
 */
#include "base/vec.h"

void *vec_reserve_(struct arena *arena, void *at, uint32_t *cap, uint32_t want, size_t elem_size) {
    if (want <= *cap) {
        return at;
    }
    uint64_t grown = (uint64_t)*cap + *cap / 2 + 8;
    uint32_t next = grown > UINT32_MAX ? UINT32_MAX : (uint32_t)grown;
    if (next < want) {
        next = want;
    }
    size_t old_size = (size_t)*cap * elem_size, new_size = (size_t)next * elem_size;
    at = old_size == 0 ? arena_alloc_raw(arena, new_size)
                       : arena_grow(arena, at, old_size, new_size);
    *cap = at ? next : 0;
    return at;
}

bool vec_try_reserve_(struct arena *arena, void **at, uint32_t *cap, uint32_t want,
                      size_t elem_size) {
    uint32_t new_cap = *cap;
    void *moved = vec_reserve_(arena, *at, &new_cap, want, elem_size);
    if (new_cap < want) {
        return false;
    }
    *at = moved;
    *cap = new_cap;
    return true;
}
