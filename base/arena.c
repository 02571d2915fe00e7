/*
 * Arena: chunks from the source in a chain, newest first; objects are carved upwards from the newest.
 *
 *     chunk -> [older, size | object | object | ... next -> free ... end]
 *
 * Invariant: next and end are inside the newest chunk and 16-aligned, or both NULL with no chunk.
 */
#include "base/arena.h"

#include <string.h>

enum {
    ALIGN = ARENA_ALIGN,
    CHUNK_MIN = 4096,
    CHUNK_MAX = 1 << 20, /* chunks double up to here, so that big arenas have few of them */
};

struct arena_chunk {
    struct arena_chunk *older;
    size_t size; /* as asked from the source, this header included */
};

_Static_assert(sizeof(struct arena_chunk) % ALIGN == 0, "objects start right behind the header");

static void *exhaust(const struct arena *arena) {
    if (arena->exhausted) {
        arena->exhausted(arena->exhausted_ctx);
    }
    return NULL;
}

bool arena_is_killed(const struct arena *arena) {
    return arena->source->is_killed && arena->source->is_killed(arena->source->ctx);
}

void arena_poll(const struct arena *arena) {
    if (arena_is_killed(arena)) {
        (void)exhaust(arena);
    }
}

static size_t chunk_size(const struct arena *arena, size_t object_size) {
    size_t size = arena->chunk ? arena->chunk->size : CHUNK_MIN / 2;
    size = size >= CHUNK_MAX / 2 ? CHUNK_MAX : size * 2;
    size_t need = object_size + sizeof(struct arena_chunk);
    return need > size ? need : size;
}

static bool fits(const struct arena *arena, size_t size) {
    return arena->limit == 0 || (arena->used <= arena->limit && size <= arena->limit - arena->used);
}

/* Near the limit, or when the source runs dry, settle for a chunk of just the object. */
static struct arena_chunk *get_chunk(struct arena *arena, size_t object_size, size_t *size_out) {
    size_t exact = object_size + sizeof(struct arena_chunk);
    for (size_t size = chunk_size(arena, object_size);; size = exact) {
        struct arena_chunk *chunk = NULL;
        if (fits(arena, size)) {
            chunk = arena->source->get(arena->source->ctx, size);
        }
        if (chunk || size == exact) {
            *size_out = size;
            return chunk;
        }
    }
}

static bool add_chunk(struct arena *arena, size_t object_size) {
    size_t size;
    struct arena_chunk *chunk = get_chunk(arena, object_size, &size);
    if (!chunk) {
        return false;
    }
    chunk->older = arena->chunk;
    chunk->size = size;
    arena->chunk = chunk;
    arena->used += size;
    arena->next = (char *)(chunk + 1);
    arena->end = (char *)chunk + size / ALIGN * ALIGN;
    return true;
}

static void drop_chunk(struct arena *arena) {
    struct arena_chunk *chunk = arena->chunk;
    arena->chunk = chunk->older;
    arena->used -= chunk->size;
    arena->source->put(arena->source->ctx, chunk, chunk->size);
}

static size_t round_up(size_t size) {
    return (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

void arena_init(struct arena *arena, const struct arena_source *source) {
    *arena = (struct arena){.source = source};
}

void arena_fini(struct arena *arena) {
    while (arena->chunk) {
        drop_chunk(arena);
    }
    arena->next = arena->end = NULL;
}

void *arena_alloc_slowly(struct arena *arena, size_t size) {
    if (size > SIZE_MAX / 2) {
        return exhaust(arena);
    }
    size_t rounded = size ? round_up(size) : ALIGN;
    if ((size_t)(arena->end - arena->next) < rounded && !add_chunk(arena, rounded)) {
        return exhaust(arena);
    }
    char *object = arena->next;
    arena->next += rounded;
#if K23_DEBUG
    memset(object, 0xdd, rounded);
#endif
    return object;
}

void *arena_grow(struct arena *arena, void *old, size_t old_size, size_t new_size) {
    if (old && new_size <= old_size) {
        return old;
    }
    size_t old_rounded = old_size ? round_up(old_size) : ALIGN;
    bool newest = old && (char *)old + old_rounded == arena->next;
    if (newest && new_size <= (size_t)(arena->end - (char *)old)) {
        arena->next = (char *)old + round_up(new_size);
#if K23_DEBUG
        memset((char *)old + old_size, 0xdd, new_size - old_size);
#endif
        return old;
    }
    char *grown = arena_alloc_raw(arena, new_size);
    return grown && old_size > 0 ? memcpy(grown, old, old_size) : grown;
}

void *arena_copy(struct arena *arena, const void *from, size_t size) {
    void *copy = arena_alloc_raw(arena, size);
    if (copy && size > 0) {
        memcpy(copy, from, size);
    }
    return copy;
}

char *arena_strndup(struct arena *arena, const char *text, size_t len) {
    if (len == SIZE_MAX) {
        return exhaust(arena);
    }
    char *copy = arena_alloc_raw(arena, len + 1);
    if (copy) {
        if (len > 0) {
            memcpy(copy, text, len);
        }
        copy[len] = '\0';
    }
    return copy;
}

struct arena_mark arena_mark(const struct arena *arena) {
    return (struct arena_mark){arena->chunk, arena->next};
}

void arena_reset(struct arena *arena, struct arena_mark mark) {
    if (!mark.chunk) {
        arena_fini(arena);
        return;
    }
    while (arena->chunk != mark.chunk) {
        drop_chunk(arena);
    }
    arena->next = mark.next;
    arena->end = (char *)arena->chunk + arena->chunk->size / ALIGN * ALIGN;
}
