/*
 * A decoded and validated module: what the bytes say, in arrays, and nothing that changes later.
 *
 * Everything lives in the module's own arena but for names, data bytes and function bodies, which
 * point into the module's bytes; the owner keeps those for as long as the module. In each index
 * space the imported entries come first. Whatever a struct module holds is valid in the sense of
 * core 3.0 chapter 3, function bodies included: later stages assert and do not check again.
 */
#ifndef WASM_MODULE_MODULE_H
#define WASM_MODULE_MODULE_H

#include "base/arena.h"
#include "base/map.h"
#include "base/status.h"
#include "wasm/module/feature.h"
#include "wasm/module/types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INDEX_NONE UINT32_MAX

/* What went wrong with a module, and where. `feature` names the missing feature when the status
 * is UNSUPPORTED ("simd", "gc", ...), else it is NULL. */
struct wasm_error {
    status_t status;
    size_t offset;       /* byte of the module; 0 when it does not apply */
    const char *feature; /* static */
    char text[192];
};

struct name {
    const char *at; /* UTF-8, not terminated */
    uint32_t size;
};

enum extern_kind { EXTERN_FUNC, EXTERN_TABLE, EXTERN_MEMORY, EXTERN_GLOBAL, EXTERN_TAG };

struct limits {
    uint64_t min, max; /* max is UINT64_MAX when there is none */
    bool has_max;
    bool is_64; /* i64 addresses */
    bool is_shared;
};

/* A constant expression: its bytes with the final `end`, validated. */
struct const_expr {
    const uint8_t *at;
    uint32_t size;
};

struct import {
    struct name module, field;
    enum extern_kind kind;
    uint32_t index; /* in its index space */
};

struct func_decl {
    type_id_t type;      /* canonical */
    const uint8_t *body; /* locals and code; NULL for an import */
    uint32_t body_size;
    uint32_t body_offset; /* of body in the module's bytes */
    struct name name;     /* from the name section; size 0 if it has none */
    bool is_escaping;     /* exported, in an element segment, or the operand of ref.func */
};

struct table_decl {
    valtype_t elem;
    struct limits limits;   /* in elements */
    struct const_expr init; /* size 0: null */
};

struct memory_decl {
    struct limits limits; /* in pages of 64 KiB */
};

struct global_decl {
    valtype_t type;
    bool is_mutable;
    struct const_expr init; /* size 0 for an import */
};

struct tag_decl {
    type_id_t type; /* a function type without results */
};

struct export {
    struct name name;
    enum extern_kind kind;
    uint32_t index;
};

enum segment_mode { SEGMENT_ACTIVE, SEGMENT_PASSIVE, SEGMENT_DECLARED };

/* Items are function indices (type is then `(ref func)`), or constant expressions, never both. */
struct elem_segment {
    enum segment_mode mode;
    valtype_t type;
    uint32_t table;           /* active */
    struct const_expr offset; /* active */
    uint32_t count;
    const uint32_t *funcs;          /* or NULL */
    const struct const_expr *exprs; /* or NULL */
};

struct data_segment {
    enum segment_mode mode;
    uint32_t memory;
    struct const_expr offset;
    const uint8_t *bytes;
    uint32_t size;
};

struct module {
    struct arena arena;
    struct types *types; /* the registry, not owned */
    const uint8_t *bytes;
    size_t size;
    struct name name;

    uint32_t type_count;
    const type_id_t *type_ids; /* type index -> canonical id */
    uint32_t import_count;
    const struct import *imports;

    uint32_t func_count, func_imports;
    struct func_decl *funcs;
    uint32_t table_count, table_imports;
    struct table_decl *tables;
    uint32_t memory_count, memory_imports;
    struct memory_decl *memories;
    uint32_t global_count, global_imports;
    struct global_decl *globals;

    uint32_t tag_count, tag_imports;
    struct tag_decl *tags;

    uint32_t export_count;
    const struct export *exports;
    struct map export_map; /* hash of the name, plus one a collision, to the export's index */
    uint32_t start;        /* function index or INDEX_NONE */
    uint32_t elem_count;
    const struct elem_segment *elems;
    uint32_t data_count;
    const struct data_segment *datas;
    uint64_t code_size; /* bytes of the code section */
};

/*
 * Decodes and validates `bytes`, which must outlive the module. Memory comes from `source`.
 * On failure *error_out is filled, nothing is kept, and the status says which kind it was:
 * BAD_FORMAT (malformed), INVALID, UNSUPPORTED (with the feature's name), LIMIT, NO_MEMORY.
 */
MUST_CHECK status_t module_load(struct module **module_out, const struct arena_source *source,
                                struct types *types, const void *bytes, size_t size,
                                struct wasm_error *error_out);
/* As module_load(), with other features than those that are enabled: for tests of the validator,
 * which is ahead of what follows it. */
MUST_CHECK status_t module_load_with(struct module **module_out, const struct arena_source *source,
                                     struct types *types, const void *bytes, size_t size,
                                     wasm_features_t features, struct wasm_error *error_out);
void module_free(struct module *module);

static inline const struct type_def *module_func_type(const struct module *m, uint32_t func) {
    return types_get(m->types, m->funcs[func].type);
}

/* The canonical form of a type read from the module's bytes, which names its defined type by the
 * module's type index (instr.h). The index has been checked. */
static inline valtype_t module_resolve(const struct module *m, valtype_t type) {
    if (!valtype_is_ref(type) || valtype_heap(type) < HEAP_CONCRETE) {
        return type;
    }
    return VALTYPE_REF(HEAP_CONCRETE + m->type_ids[valtype_heap(type) - HEAP_CONCRETE],
                       valtype_is_nullable(type));
}

/* The function's name for people: from the name section, else from an export, else "func[12]".
 * Into buf, terminated, cut at cap - 1 bytes, control characters replaced; returns buf. */
const char *module_func_name(const struct module *module, uint32_t func, char *buf, size_t cap);

/* The export of that name, or NULL. */
const struct export *module_find_export(const struct module *module, const char *name, size_t size);

#endif
