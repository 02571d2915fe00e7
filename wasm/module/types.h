/*
 * WebAssembly types (core 3.0, 2.3 and 3.3), canonical: two types are equal exactly when their
 * ids are.
 *
 * A registry interns whole recursion groups. Inside a group, references to its own members are
 * compared by position, so that equal groups met in different modules get the same ids; references
 * to types outside are ids already. This is iso-recursive equality as the specification has it.
 * All modules whose instances may exchange references share one registry. Ids are dense and never
 * reused while the registry lives. Compiled code compares ids.
 */
#ifndef WASM_MODULE_TYPES_H
#define WASM_MODULE_TYPES_H

#include "base/arena.h"
#include "base/map.h"
#include "base/status.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stdint.h>

typedef uint32_t type_id_t; /* canonical type in a registry */
#define TYPE_ID_NONE UINT32_MAX

/*
 * A value type in 32 bits:
 *
 *     31           9    8      7      0
 *     | heap type    | null |  kind   |
 *
 * The heap type is one of enum heap_type, or HEAP_CONCRETE + id for a defined type.
 */
typedef uint32_t valtype_t;

enum val_kind {
    VAL_BOTTOM = 0, /* the unknown type of unreachable code; subtype of all */
    VAL_I32,
    VAL_I64,
    VAL_F32,
    VAL_F64,
    VAL_V128,
    VAL_REF,
    VAL_I8, /* packed storage types of fields only */
    VAL_I16
};

enum heap_type {
    HEAP_FUNC,
    HEAP_NOFUNC,
    HEAP_EXTERN,
    HEAP_NOEXTERN,
    HEAP_ANY,
    HEAP_EQ,
    HEAP_I31,
    HEAP_STRUCT,
    HEAP_ARRAY,
    HEAP_NONE,
    HEAP_EXN,
    HEAP_NOEXN,
    HEAP_BOTTOM, /* of a reference whose heap type is not known: below all */
    HEAP_CONCRETE = 16
};

#define VALTYPE_NULLABLE 0x100u
#define VALTYPE_REF(heap, nullable)                                                                \
    ((valtype_t)(VAL_REF | ((nullable) ? VALTYPE_NULLABLE : 0u) | ((uint32_t)(heap) << 9)))
#define VALTYPE_I32       ((valtype_t)VAL_I32)
#define VALTYPE_I64       ((valtype_t)VAL_I64)
#define VALTYPE_F32       ((valtype_t)VAL_F32)
#define VALTYPE_F64       ((valtype_t)VAL_F64)
#define VALTYPE_V128      ((valtype_t)VAL_V128)
#define VALTYPE_FUNCREF   VALTYPE_REF(HEAP_FUNC, true)
#define VALTYPE_EXTERNREF VALTYPE_REF(HEAP_EXTERN, true)

static inline enum val_kind valtype_kind(valtype_t t) {
    return (enum val_kind)(t & 0xff);
}
static inline bool valtype_is_ref(valtype_t t) {
    return valtype_kind(t) == VAL_REF;
}
static inline bool valtype_is_nullable(valtype_t t) {
    return (t & VALTYPE_NULLABLE) != 0;
}
static inline uint32_t valtype_heap(valtype_t t) {
    return t >> 9;
}

enum type_kind { TYPE_FUNC, TYPE_STRUCT, TYPE_ARRAY };

struct field_type {
    valtype_t type; /* may be VAL_I8 or VAL_I16 */
    bool is_mutable;
};

/* One defined type. In a definition given to types_intern(), references to members of the same
 * group are HEAP_CONCRETE + (TYPE_REC_BASE + position). */
#define TYPE_REC_BASE 0x200000u
struct type_def {
    enum type_kind kind;
    bool is_final;
    type_id_t super;                    /* or TYPE_ID_NONE */
    uint32_t param_count, result_count; /* TYPE_FUNC */
    const valtype_t *params, *results;
    uint32_t field_count; /* TYPE_STRUCT; TYPE_ARRAY has one field */
    const struct field_type *fields;
};

struct types; /* the registry */

/* NULL when memory runs out. The seed, which those that make types should not know, is that of all hash tables
 * of modules whose types these are. */
struct types *types_new(struct arena *arena, uint64_t seed);
uint64_t types_seed(const struct types *types);

/* Interns a group of n >= 1 definitions; the canonical id of member i is *first_out + i. The
 * definitions are copied. A super inside the group is TYPE_REC_BASE + position. NO_MEMORY or LIMIT;
 * the registry is then as before. */
MUST_CHECK status_t types_intern(struct types *types, const struct type_def *defs, uint32_t n,
                                 type_id_t *first_out);

/* The definition of an id, with all references canonical. Stays where it is while the registry
 * lives. */
const struct type_def *types_get(const struct types *types, type_id_t id);

/* Whether a is a subtype of b (core 3.0, 3.3.3 to 3.3.5). */
bool types_is_sub(const struct types *types, valtype_t a, valtype_t b);
bool types_is_sub_def(const struct types *types, type_id_t a, type_id_t b);

/* Whether the definition `id` may name its `super` (core 3.0, 3.2.13): the super is not final, of
 * the same kind, and what `id` declares matches it. True when it names none. */
bool types_is_valid_sub(const struct types *types, type_id_t id);

/* "i32", "funcref", "(ref null 7)"; into buf, returns buf. */
const char *types_name(valtype_t type, char *buf, size_t cap);

#endif
