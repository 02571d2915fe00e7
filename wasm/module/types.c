/*
 * The canonical registry of types. See types.h.
 *
 * A group is looked up by a hash over its definitions as given, members named by position; a stored
 * group is compared by turning its canonical references to its own members back into positions.
 *
 *     defs    [ group 0 | group 1 ....... | group 2 | ]    by id; a group's ids are consecutive
 *     groups  {first, count, hash, next}                   chained from buckets by hash
 *
 * Memory: everything a group needs is allocated before the registry changes, so that running out
 * leaves it as it was. Sections: core 3.0, 2.3, 3.2 and 3.3.
 */
#include "wasm/module/types.h"

#include "base/fmt.h"
#include "wasm/limits.h"

#include <assert.h>
#include <string.h>

_Static_assert(HEAP_CONCRETE + TYPE_REC_BASE + LIMIT_TYPES < 1u << 23, "a heap type has 23 bits");
_Static_assert(LIMIT_TYPES < TYPE_REC_BASE, "ids and positions do not overlap");
_Static_assert(HEAP_BOTTOM < HEAP_CONCRETE, "abstract heap types come first");

struct group {
    type_id_t first;
    uint32_t count;
    uint64_t hash;
    uint32_t next; /* in its bucket; plus one, 0 ends */
};

struct types {
    struct arena *arena;
    uint64_t seed;
    const struct type_def **defs;
    uint32_t len, cap;
    struct group *groups;
    uint32_t group_len, group_cap;
    uint32_t *buckets;   /* group plus one, or 0 */
    uint32_t bucket_cap; /* a power of two */
};

struct types *types_new(struct arena *arena, uint64_t seed) {
    struct types *types = arena_new(arena, struct types);
    if (types) {
        types->arena = arena;
        types->seed = seed;
    }
    return types;
}

uint64_t types_seed(const struct types *types) {
    return types->seed;
}

const struct type_def *types_get(const struct types *types, type_id_t id) {
    assert(id < types->len);
    return types->defs[id];
}

/* ---- positions and ids */

static bool is_concrete(valtype_t type) {
    return valtype_is_ref(type) && valtype_heap(type) >= HEAP_CONCRETE;
}

static type_id_t concrete(valtype_t type) {
    return valtype_heap(type) - HEAP_CONCRETE;
}

static valtype_t with_id(valtype_t type, type_id_t id) {
    return VALTYPE_REF(HEAP_CONCRETE + id, valtype_is_nullable(type));
}

/* The canonical id `id` as a member of the group would name it. */
static type_id_t id_to_position(const struct group *group, type_id_t id) {
    return id - group->first < group->count ? TYPE_REC_BASE + (id - group->first) : id;
}

static valtype_t type_to_position(const struct group *group, valtype_t type) {
    return is_concrete(type) ? with_id(type, id_to_position(group, concrete(type))) : type;
}

static type_id_t id_from_position(type_id_t first, type_id_t id) {
    return id != TYPE_ID_NONE && id >= TYPE_REC_BASE ? first + (id - TYPE_REC_BASE) : id;
}

static valtype_t type_from_position(type_id_t first, valtype_t type) {
    return is_concrete(type) ? with_id(type, id_from_position(first, concrete(type))) : type;
}

/* ---- finding a group */

static uint64_t mix(uint64_t hash, uint64_t value) {
    return hash_u64(hash ^ value) + 0x9e3779b97f4a7c15ull;
}

static uint64_t hash_def(uint64_t hash, const struct type_def *def) {
    hash = mix(hash, (uint64_t)def->kind << 32 | def->is_final);
    hash = mix(hash, def->super);
    hash = mix(hash, (uint64_t)def->param_count << 32 | def->result_count);
    for (uint32_t i = 0; i < def->param_count; i++) {
        hash = mix(hash, def->params[i]);
    }
    for (uint32_t i = 0; i < def->result_count; i++) {
        hash = mix(hash, def->results[i]);
    }
    for (uint32_t i = 0; i < def->field_count; i++) {
        hash = mix(hash, (uint64_t)def->fields[i].type << 1 | def->fields[i].is_mutable);
    }
    return mix(hash, def->field_count);
}

static bool equal_list(const struct group *group, const valtype_t *stored, const valtype_t *given,
                       uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        if (type_to_position(group, stored[i]) != given[i]) {
            return false;
        }
    }
    return true;
}

static bool equal_fields(const struct group *group, const struct type_def *stored,
                         const struct type_def *given) {
    for (uint32_t i = 0; i < stored->field_count; i++) {
        const struct field_type *a = &stored->fields[i], *b = &given->fields[i];
        if (type_to_position(group, a->type) != b->type || a->is_mutable != b->is_mutable) {
            return false;
        }
    }
    return true;
}

static bool equal_def(const struct group *group, const struct type_def *stored,
                      const struct type_def *given) {
    return stored->kind == given->kind && stored->is_final == given->is_final &&
           stored->param_count == given->param_count &&
           stored->result_count == given->result_count &&
           stored->field_count == given->field_count &&
           (stored->super == TYPE_ID_NONE ? given->super == TYPE_ID_NONE
                                          : id_to_position(group, stored->super) == given->super) &&
           equal_list(group, stored->params, given->params, stored->param_count) &&
           equal_list(group, stored->results, given->results, stored->result_count) &&
           equal_fields(group, stored, given);
}

static bool equal_group(const struct types *types, const struct group *group,
                        const struct type_def *defs, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        if (!equal_def(group, types->defs[group->first + i], &defs[i])) {
            return false;
        }
    }
    return true;
}

static const struct group *find(const struct types *types, uint64_t hash,
                                const struct type_def *defs, uint32_t n) {
    if (types->bucket_cap == 0) {
        return NULL;
    }
    uint32_t next = types->buckets[hash & (types->bucket_cap - 1)];
    while (next != 0) {
        const struct group *group = &types->groups[next - 1];
        if (group->hash == hash && group->count == n && equal_group(types, group, defs, n)) {
            return group;
        }
        next = group->next;
    }
    return NULL;
}

/* ---- adding one */

static void *grow_array(struct types *types, void *at, uint32_t *cap, uint32_t want, size_t size) {
    if (want <= *cap) {
        return at;
    }
    uint32_t next = *cap + *cap / 2 + 16;
    next = next < want ? want : next;
    void *grown = arena_grow(types->arena, at, *cap * size, next * size);
    if (grown) {
        *cap = next;
    }
    return grown;
}

static status_t grow_buckets(struct types *types) {
    if (types->group_len + 1 < types->bucket_cap) {
        return STATUS_OK;
    }
    uint32_t cap = types->bucket_cap ? types->bucket_cap * 2 : 64;
    uint32_t *buckets = arena_array(types->arena, uint32_t, cap);
    if (!buckets) {
        return STATUS_NO_MEMORY;
    }
    for (uint32_t i = 0; i < types->group_len; i++) {
        uint32_t *bucket = &buckets[types->groups[i].hash & (cap - 1)];
        types->groups[i].next = *bucket;
        *bucket = i + 1;
    }
    types->buckets = buckets;
    types->bucket_cap = cap;
    return STATUS_OK;
}

static status_t make_room(struct types *types, uint32_t n) {
    if (n > LIMIT_TYPES || types->len > LIMIT_TYPES - n) {
        return STATUS_LIMIT;
    }
    const struct type_def **defs =
        grow_array(types, types->defs, &types->cap, types->len + n, sizeof(*defs));
    if (!defs) {
        return STATUS_NO_MEMORY;
    }
    types->defs = defs;
    struct group *groups =
        grow_array(types, types->groups, &types->group_cap, types->group_len + 1, sizeof(*groups));
    if (!groups) {
        return STATUS_NO_MEMORY;
    }
    types->groups = groups;
    return grow_buckets(types);
}

static const valtype_t *copy_list(struct types *types, type_id_t first, const valtype_t *from,
                                  uint32_t count) {
    valtype_t *list = arena_array(types->arena, valtype_t, count);
    for (uint32_t i = 0; list && i < count; i++) {
        list[i] = type_from_position(first, from[i]);
    }
    return list;
}

static const struct field_type *copy_fields(struct types *types, type_id_t first,
                                            const struct type_def *from) {
    struct field_type *fields = arena_array(types->arena, struct field_type, from->field_count);
    for (uint32_t i = 0; fields && i < from->field_count; i++) {
        fields[i] = from->fields[i];
        fields[i].type = type_from_position(first, from->fields[i].type);
    }
    return fields;
}

/* A copy with canonical references; NULL when memory runs out. */
static const struct type_def *copy_def(struct types *types, type_id_t first,
                                       const struct type_def *from) {
    struct type_def *def = arena_new(types->arena, struct type_def);
    if (!def) {
        return NULL;
    }
    *def = *from;
    def->super = id_from_position(first, from->super);
    def->params = copy_list(types, first, from->params, from->param_count);
    def->results = copy_list(types, first, from->results, from->result_count);
    def->fields = copy_fields(types, first, from);
    return def->params && def->results && def->fields ? def : NULL;
}

static status_t add(struct types *types, uint64_t hash, const struct type_def *defs, uint32_t n) {
    TRY(make_room(types, n));
    type_id_t first = types->len;
    for (uint32_t i = 0; i < n; i++) {
        types->defs[first + i] = copy_def(types, first, &defs[i]);
        if (!types->defs[first + i]) {
            return STATUS_NO_MEMORY;
        }
    }
    uint32_t *bucket = &types->buckets[hash & (types->bucket_cap - 1)];
    types->groups[types->group_len] = (struct group){first, n, hash, *bucket};
    *bucket = ++types->group_len;
    types->len += n;
    return STATUS_OK;
}

status_t types_intern(struct types *types, const struct type_def *defs, uint32_t n,
                      type_id_t *first_out) {
    assert(n >= 1);
    uint64_t hash = mix(types->seed, n);
    for (uint32_t i = 0; i < n; i++) {
        hash = hash_def(hash, &defs[i]);
    }
    const struct group *group = find(types, hash, defs, n);
    if (!group) {
        TRY(add(types, hash, defs, n));
        group = &types->groups[types->group_len - 1];
    }
    *first_out = group->first;
    return STATUS_OK;
}

/* ---- subtyping */

bool types_is_sub_def(const struct types *types, type_id_t a, type_id_t b) {
    for (unsigned depth = 0; depth <= LIMIT_SUBTYPE_DEPTH && a != TYPE_ID_NONE; depth++) {
        if (a == b) {
            return true;
        }
        a = types_get(types, a)->super;
    }
    return false;
}

/* The abstract heap type that all of a kind are below. */
static enum heap_type heap_of_kind(enum type_kind kind) {
    switch (kind) {
    case TYPE_FUNC:
        return HEAP_FUNC;
    case TYPE_STRUCT:
        return HEAP_STRUCT;
    case TYPE_ARRAY:
        return HEAP_ARRAY;
    }
    return HEAP_ANY;
}

static bool is_sub_abstract(uint32_t a, uint32_t b) {
    switch (a) {
    case HEAP_BOTTOM:
        return true;
    case HEAP_NOFUNC:
        return b == HEAP_FUNC;
    case HEAP_NOEXTERN:
        return b == HEAP_EXTERN;
    case HEAP_NOEXN:
        return b == HEAP_EXN;
    case HEAP_NONE:
        return b == HEAP_ANY || b == HEAP_EQ || b == HEAP_I31 || b == HEAP_STRUCT ||
               b == HEAP_ARRAY;
    case HEAP_I31:
    case HEAP_STRUCT:
    case HEAP_ARRAY:
        return b == HEAP_ANY || b == HEAP_EQ;
    case HEAP_EQ:
        return b == HEAP_ANY;
    default:
        return false;
    }
}

static bool is_sub_heap(const struct types *types, uint32_t a, uint32_t b) {
    if (a == b || a == HEAP_BOTTOM) {
        return true;
    }
    if (a < HEAP_CONCRETE && b < HEAP_CONCRETE) {
        return is_sub_abstract(a, b);
    }
    if (a < HEAP_CONCRETE) {
        bool is_func = types_get(types, b - HEAP_CONCRETE)->kind == TYPE_FUNC;
        return a == (is_func ? HEAP_NOFUNC : HEAP_NONE);
    }
    if (b < HEAP_CONCRETE) {
        uint32_t above = heap_of_kind(types_get(types, a - HEAP_CONCRETE)->kind);
        return above == b || is_sub_abstract(above, b);
    }
    return types_is_sub_def(types, a - HEAP_CONCRETE, b - HEAP_CONCRETE);
}

bool types_is_sub(const struct types *types, valtype_t a, valtype_t b) {
    if (a == b || valtype_kind(a) == VAL_BOTTOM) {
        return true;
    }
    if (!valtype_is_ref(a) || !valtype_is_ref(b)) {
        return false;
    }
    if (valtype_is_nullable(a) && !valtype_is_nullable(b)) {
        return false;
    }
    return is_sub_heap(types, valtype_heap(a), valtype_heap(b));
}

static bool matches_func(const struct types *types, const struct type_def *a,
                         const struct type_def *b) {
    if (a->param_count != b->param_count || a->result_count != b->result_count) {
        return false;
    }
    for (uint32_t i = 0; i < a->param_count; i++) {
        if (!types_is_sub(types, b->params[i], a->params[i])) {
            return false;
        }
    }
    for (uint32_t i = 0; i < a->result_count; i++) {
        if (!types_is_sub(types, a->results[i], b->results[i])) {
            return false;
        }
    }
    return true;
}

static bool matches_fields(const struct types *types, const struct type_def *a,
                           const struct type_def *b) {
    if (a->field_count < b->field_count) {
        return false;
    }
    for (uint32_t i = 0; i < b->field_count; i++) {
        struct field_type x = a->fields[i], y = b->fields[i];
        if (x.is_mutable != y.is_mutable || !types_is_sub(types, x.type, y.type)) {
            return false;
        }
        if (x.is_mutable && !types_is_sub(types, y.type, x.type)) {
            return false;
        }
    }
    return true;
}

/* How many supers an id has, or a number past the limit. */
static unsigned depth_of(const struct types *types, type_id_t id) {
    unsigned depth = 0;
    while (depth <= LIMIT_SUBTYPE_DEPTH) {
        id = types_get(types, id)->super;
        if (id == TYPE_ID_NONE) {
            return depth;
        }
        depth++;
    }
    return depth;
}

bool types_is_valid_sub(const struct types *types, type_id_t id) {
    const struct type_def *a = types_get(types, id);
    if (a->super == TYPE_ID_NONE) {
        return true;
    }
    const struct type_def *b = types_get(types, a->super);
    if (b->is_final || a->kind != b->kind || depth_of(types, id) > LIMIT_SUBTYPE_DEPTH) {
        return false;
    }
    return a->kind == TYPE_FUNC ? matches_func(types, a, b) : matches_fields(types, a, b);
}

/* ---- names */

static const char *const kind_names[] = {"bottom", "i32", "i64", "f32", "f64",
                                         "v128",   "ref", "i8",  "i16"};

static const char *const heap_names[HEAP_CONCRETE] = {
    [HEAP_FUNC] = "func",         [HEAP_NOFUNC] = "nofunc", [HEAP_EXTERN] = "extern",
    [HEAP_NOEXTERN] = "noextern", [HEAP_ANY] = "any",       [HEAP_EQ] = "eq",
    [HEAP_I31] = "i31",           [HEAP_STRUCT] = "struct", [HEAP_ARRAY] = "array",
    [HEAP_NONE] = "none",         [HEAP_EXN] = "exn",       [HEAP_NOEXN] = "noexn",
    [HEAP_BOTTOM] = "bottom",
};

/* What `(ref null heap)` is called for short. */
static const char *short_name(uint32_t heap) {
    switch (heap) {
    case HEAP_NONE:
        return "nullref";
    case HEAP_NOFUNC:
        return "nullfuncref";
    case HEAP_NOEXTERN:
        return "nullexternref";
    case HEAP_NOEXN:
        return "nullexnref";
    default:
        return NULL;
    }
}

const char *types_name(valtype_t type, char *buf, size_t cap) {
    uint32_t heap = valtype_heap(type);
    const char *null = valtype_is_nullable(type) ? "null " : "";
    if (!valtype_is_ref(type)) {
        fmt_text(buf, cap, "%s", kind_names[valtype_kind(type)]);
    } else if (heap >= HEAP_CONCRETE) {
        fmt_text(buf, cap, "(ref %s%u)", null, heap - HEAP_CONCRETE);
    } else if (!valtype_is_nullable(type)) {
        fmt_text(buf, cap, "(ref %s)", heap_names[heap]);
    } else if (short_name(heap)) {
        fmt_text(buf, cap, "%s", short_name(heap));
    } else {
        fmt_text(buf, cap, "%sref", heap_names[heap]);
    }
    return buf;
}
