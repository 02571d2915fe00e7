/*
 * Arena: memory with one lifetime. Objects are carved from chunks and all freed at once; a mark
 * can be taken and returned to, which makes the same arena a scratch stack.
 *
 * Chunks come from a source, which the owner of the arena supplies: the kernel's frames, malloc in
 * host tools. When the source has no more, arena_alloc() calls `exhausted` if it is set, which must
 * not return (the compiler's one non-local exit, see wasm/compile.c); otherwise it returns NULL. The same
 * exit is taken by arena_poll(), which long work calls now and then, when the source says that whoever
 * uses its memory is to end.
 * Not thread-safe: an arena has one user at a time.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ARENA_ALIGN 16

struct arena_source {
    void *(*get)(void *ctx, size_t size);         /* at least `size` bytes, 16-aligned, or NULL */
    void (*put)(void *ctx, void *p, size_t size); /* the same p and size as get() was asked for */
    void *ctx;
    bool (*is_killed)(void *ctx); /* whether who uses the memory is to end; NULL: never */
};

struct arena_chunk;

struct arena {
    const struct arena_source *source;
    struct arena_chunk *chunk;    /* newest; linked to older ones */
    char *next, *end;             /* free part of the newest chunk */
    size_t used;                  /* bytes held from the source, for quotas and reports */
    size_t limit;                 /* `used` may not pass this; 0: no limit */
    void (*exhausted)(void *ctx); /* noreturn, or NULL */
    void *exhausted_ctx;
};

struct arena_mark {
    struct arena_chunk *chunk;
    char *next;
};

/* An empty arena over `source`, which must outlive it. Takes no memory yet. */
void arena_init(struct arena *arena, const struct arena_source *source);

/* Gives every chunk back. The arena is empty and usable again. */
void arena_fini(struct arena *arena);

/* Whether the arena's user is to end, as its source has it. */
bool arena_is_killed(const struct arena *arena);

/* If so, takes the exit; without one, goes on. */
void arena_poll(const struct arena *arena);

/* The same for a loop that does little each time: once in so many rounds, the 0th among them. */
#define ARENA_POLL_ROUNDS 1024u
static inline void arena_poll_round(const struct arena *arena, uint32_t round) {
    if (round % ARENA_POLL_ROUNDS == 0) {
        arena_poll(arena);
    }
}

/* For the next function alone: where the newest chunk has no room, or size is 0. */
void *arena_alloc_slowly(struct arena *arena, size_t size);

/* `size` bytes, aligned to 16, that hold anything: for who fills them all. size 0 gives a valid unique
 * pointer. */
__attribute__((alloc_size(2))) static inline void *arena_alloc_raw(struct arena *arena,
                                                                   size_t size) {
    if (size - 1 >= (size_t)(arena->end - arena->next)) {
        return arena_alloc_slowly(arena, size);
    }
    char *object = arena->next;
    arena->next += (size + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
#if K23_DEBUG
    memset(object, 0xdd, size);
#endif
    return object;
}

/* The same, zeroed. */
__attribute__((alloc_size(2))) static inline void *arena_alloc(struct arena *arena, size_t size) {
    void *object = arena_alloc_raw(arena, size);
    return object ? memset(object, 0, size) : NULL;
}

/* Grows the array at `old` (old_size bytes) to new_size, the new part holding anything; in place where
 * it is the newest object. `old` may be NULL. */
void *arena_grow(struct arena *arena, void *old, size_t old_size, size_t new_size);

/* A copy of `size` bytes / of a C string. */
void *arena_copy(struct arena *arena, const void *from, size_t size);
char *arena_strndup(struct arena *arena, const char *text, size_t len);

/* Everything allocated after the mark was taken is freed by arena_reset(). */
struct arena_mark arena_mark(const struct arena *arena);
void arena_reset(struct arena *arena, struct arena_mark mark);

#define arena_new(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
/* `n` must be bounded by the caller (limits.h): n * sizeof(type) may not overflow. */
#define arena_array(arena, type, n) ((type *)arena_alloc((arena), sizeof(type) * (size_t)(n)))
#define arena_array_raw(arena, type, n)                                                            \
    ((type *)arena_alloc_raw((arena), sizeof(type) * (size_t)(n)))

#endif
