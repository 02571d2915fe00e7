/*
 * The sections of a module, in their order (core 3.0, 5.5), each read and validated against what
 * came before it. The type section is in rec.c; function bodies and constant expressions in
 * validate.c.
 *
 * Invariant: the module's arrays and counts hold exactly what has been read so far, so that an
 * index checked against a count is checked against what the specification lets it name.
 */
#include "wasm/module/internal.h"

#include "wasm/limits.h"

#include <string.h>

#define TABLE32_MAX    UINT32_MAX
#define MEMORY64_PAGES (1ull << 48)

/* ---- pieces of several sections */

static uint8_t read_u8(struct loader *ld) {
    uint8_t byte = reader_u8(&ld->r);
    load_check_reader(ld, &ld->r);
    return byte;
}

static uint32_t read_u32(struct loader *ld) {
    uint32_t value = reader_leb_u32(&ld->r);
    load_check_reader(ld, &ld->r);
    return value;
}

/* Everything that makes an index in an array of `count` unknown ends here. */
static bool check_index(struct loader *ld, uint32_t index, uint32_t count, const char *what,
                        size_t offset) {
    if (index >= count && load_ok(ld)) {
        load_fail(ld, STATUS_INVALID, offset, "unknown %s %u", what, index);
    }
    return load_ok(ld);
}

static uint32_t read_index(struct loader *ld, uint32_t count, const char *what) {
    size_t offset = reader_offset(&ld->r);
    uint32_t index = read_u32(ld);
    return check_index(ld, index, count, what, offset) ? index : 0;
}

enum { LIMITS_HAS_MAX = 1, LIMITS_SHARED = 2, LIMITS_64 = 4 };

static struct limits read_limits(struct loader *ld) {
    size_t offset = reader_offset(&ld->r);
    uint8_t flags = read_u8(ld);
    if (flags > (LIMITS_HAS_MAX | LIMITS_SHARED | LIMITS_64)) {
        load_fail(ld, STATUS_BAD_FORMAT, offset, "malformed limits flags 0x%02x", flags);
    }
    struct limits limits = {.max = UINT64_MAX};
    limits.has_max = (flags & LIMITS_HAS_MAX) != 0;
    limits.is_shared = (flags & LIMITS_SHARED) != 0;
    limits.is_64 = (flags & LIMITS_64) != 0;
    if (limits.is_64) {
        load_need(ld, WASM_FEATURE_MEMORY64, offset, "64-bit addresses");
    }
    if (limits.is_shared) {
        load_need(ld, WASM_FEATURE_THREADS, offset, "shared memory");
    }
    limits.min = reader_leb_u64(&ld->r);
    if (limits.has_max) {
        limits.max = reader_leb_u64(&ld->r);
    }
    load_check_reader(ld, &ld->r);
    return limits;
}

static void check_limits(struct loader *ld, struct limits limits, uint64_t range, const char *what,
                         size_t offset) {
    if (limits.min > range || (limits.has_max && limits.max > range)) {
        load_fail(ld, STATUS_INVALID, offset, "%s size must be at most %llu", what,
                  (unsigned long long)range);
    } else if (limits.has_max && limits.min > limits.max) {
        load_fail(ld, STATUS_INVALID, offset, "size minimum must not be greater than maximum");
    }
}

static struct table_decl read_table_type(struct loader *ld) {
    struct table_decl table = {0};
    table.elem = load_reftype(ld, &ld->r);
    size_t offset = reader_offset(&ld->r);
    table.limits = read_limits(ld);
    if (table.limits.is_shared) {
        load_fail(ld, STATUS_BAD_FORMAT, offset, "malformed limits flags: shared table");
    }
    check_limits(ld, table.limits, table.limits.is_64 ? UINT64_MAX : TABLE32_MAX, "table", offset);
    return table;
}

static struct memory_decl read_memory_type(struct loader *ld) {
    size_t offset = reader_offset(&ld->r);
    struct memory_decl memory = {read_limits(ld)};
    if (memory.limits.is_shared && !memory.limits.has_max) {
        load_fail(ld, STATUS_INVALID, offset, "shared memory must have maximum");
    }
    check_limits(ld, memory.limits, memory.limits.is_64 ? MEMORY64_PAGES : LIMIT_MEMORY32_PAGES,
                 "memory", offset);
    return memory;
}

static struct global_decl read_global_type(struct loader *ld) {
    struct global_decl global = {0};
    global.type = load_valtype(ld, &ld->r);
    size_t offset = reader_offset(&ld->r);
    uint8_t mutability = read_u8(ld);
    if (mutability > 1) {
        load_fail(ld, STATUS_BAD_FORMAT, offset, "malformed mutability");
    }
    global.is_mutable = mutability == 1;
    return global;
}

static struct tag_decl read_tag_type(struct loader *ld) {
    size_t offset = reader_offset(&ld->r);
    load_need(ld, WASM_FEATURE_EXCEPTIONS, offset, "tag");
    if (read_u8(ld) != 0) {
        load_fail(ld, STATUS_BAD_FORMAT, offset, "malformed tag attribute");
    }
    uint32_t index = read_u32(ld);
    const struct type_def *type = load_func_type(ld, index, offset);
    if (type && type->result_count > 0) {
        load_fail(ld, STATUS_INVALID, offset, "non-empty tag result type");
    }
    return (struct tag_decl){load_ok(ld) ? ld->m->type_ids[index] : 0};
}

/* ---- the index spaces: an entry more, imported or defined */

static void add_func(struct loader *ld) {
    size_t offset = reader_offset(&ld->r);
    uint32_t index = read_u32(ld);
    if (!load_func_type(ld, index, offset)) {
        return;
    }
    struct func_decl func = {.type = ld->m->type_ids[index]};
    vec_push(&ld->m->arena, &ld->funcs, func);
    ld->m->funcs = ld->funcs.at;
    ld->m->func_count = ld->funcs.len;
}

static void add_table(struct loader *ld, struct table_decl table) {
    if (ld->tables.len == 1) {
        load_need(ld, WASM_FEATURE_REFERENCE_TYPES, reader_offset(&ld->r), "multiple tables");
    }
    vec_push(&ld->m->arena, &ld->tables, table);
    ld->m->tables = ld->tables.at;
    ld->m->table_count = ld->tables.len;
}

static void add_memory(struct loader *ld, struct memory_decl memory) {
    if (ld->memories.len == 1) {
        load_need(ld, WASM_FEATURE_MULTI_MEMORY, reader_offset(&ld->r), "multiple memories");
    }
    vec_push(&ld->m->arena, &ld->memories, memory);
    ld->m->memories = ld->memories.at;
    ld->m->memory_count = ld->memories.len;
}

static void add_global(struct loader *ld, struct global_decl global) {
    vec_push(&ld->m->arena, &ld->globals, global);
    ld->m->globals = ld->globals.at;
    ld->m->global_count = ld->globals.len;
}

static void add_tag(struct loader *ld, struct tag_decl tag) {
    vec_push(&ld->m->arena, &ld->tags, tag);
    ld->m->tags = ld->tags.at;
    ld->m->tag_count = ld->tags.len;
}

/* Imported and defined together may not pass a limit; load_count() bounds each vector alone. */
static void check_space(struct loader *ld, uint32_t count, uint32_t limit, const char *what) {
    if (count > limit) {
        load_fail(ld, STATUS_LIMIT, reader_offset(&ld->r), "too many %s: the limit is %u", what,
                  limit);
    }
}

static void check_spaces(struct loader *ld) {
    check_space(ld, ld->m->func_count, LIMIT_FUNCTIONS, "functions");
    check_space(ld, ld->m->table_count, LIMIT_TABLES, "tables");
    check_space(ld, ld->m->memory_count, LIMIT_MEMORIES, "memories");
    check_space(ld, ld->m->global_count, LIMIT_GLOBALS, "globals");
    check_space(ld, ld->m->tag_count, LIMIT_GLOBALS, "tags");
}

/* ---- import, function, table, memory, tag, global */

static void read_import(struct loader *ld, struct import *import) {
    struct module *m = ld->m;
    import->module = load_name(ld, &ld->r);
    import->field = load_name(ld, &ld->r);
    size_t offset = reader_offset(&ld->r);
    uint8_t kind = read_u8(ld);
    import->kind = (enum extern_kind)kind;
    switch (kind) {
    case EXTERN_FUNC:
        import->index = m->func_imports++;
        add_func(ld);
        break;
    case EXTERN_TABLE:
        import->index = m->table_imports++;
        add_table(ld, read_table_type(ld));
        break;
    case EXTERN_MEMORY:
        import->index = m->memory_imports++;
        add_memory(ld, read_memory_type(ld));
        break;
    case EXTERN_GLOBAL:
        import->index = m->global_imports++;
        add_global(ld, read_global_type(ld));
        break;
    case EXTERN_TAG:
        import->index = m->tag_imports++;
        add_tag(ld, read_tag_type(ld));
        break;
    default:
        load_fail(ld, STATUS_BAD_FORMAT, offset, "malformed import kind 0x%02x", kind);
    }
}

static void decode_imports(struct loader *ld) {
    uint32_t count = load_count(ld, LIMIT_IMPORTS, "imports");
    struct import *imports = arena_array(&ld->m->arena, struct import, count);
    for (uint32_t i = 0; load_goes_on(ld, i, count); i++) {
        read_import(ld, &imports[i]);
    }
    ld->m->imports = imports;
    ld->m->import_count = count;
    check_spaces(ld);
}

static void decode_functions(struct loader *ld) {
    uint32_t count = load_count(ld, LIMIT_FUNCTIONS, "functions");
    vec_reserve(&ld->m->arena, &ld->funcs, ld->funcs.len + count);
    for (uint32_t i = 0; load_goes_on(ld, i, count); i++) {
        add_func(ld);
    }
    check_spaces(ld);
}

enum { TABLE_WITH_INIT = 0x40 };

static void decode_table(struct loader *ld) {
    size_t offset = reader_offset(&ld->r);
    bool has_init = reader_left(&ld->r) > 0 && *ld->r.at == TABLE_WITH_INIT;
    if (has_init) {
        load_need(ld, WASM_FEATURE_FUNCTION_REFERENCES, offset, "table with initializer");
        if (read_u8(ld), read_u8(ld) != 0) {
            load_fail(ld, STATUS_BAD_FORMAT, offset, "malformed table: zero byte expected");
        }
    }
    struct table_decl table = read_table_type(ld);
    if (has_init) {
        table.init = validate_const(ld, table.elem);
    } else if (load_ok(ld) && !valtype_is_nullable(table.elem)) {
        load_fail(ld, STATUS_INVALID, offset, "type mismatch: table needs an initializer");
    }
    add_table(ld, table);
}

static void decode_tables(struct loader *ld) {
    uint32_t count = load_count(ld, LIMIT_TABLES, "tables");
    for (uint32_t i = 0; load_goes_on(ld, i, count); i++) {
        decode_table(ld);
    }
    check_spaces(ld);
}

static void decode_memories(struct loader *ld) {
    uint32_t count = load_count(ld, LIMIT_MEMORIES, "memories");
    for (uint32_t i = 0; load_goes_on(ld, i, count); i++) {
        add_memory(ld, read_memory_type(ld));
    }
    check_spaces(ld);
}

static void decode_tags(struct loader *ld) {
    load_need(ld, WASM_FEATURE_EXCEPTIONS, reader_offset(&ld->r), "tag section");
    uint32_t count = load_count(ld, LIMIT_GLOBALS, "tags");
    for (uint32_t i = 0; load_goes_on(ld, i, count); i++) {
        add_tag(ld, read_tag_type(ld));
    }
    check_spaces(ld);
}

static void decode_globals(struct loader *ld) {
    uint32_t count = load_count(ld, LIMIT_GLOBALS, "globals");
    vec_reserve(&ld->m->arena, &ld->globals, ld->globals.len + count);
    for (uint32_t i = 0; load_goes_on(ld, i, count); i++) {
        struct global_decl global = read_global_type(ld);
        global.init = validate_const(ld, global.type);
        add_global(ld, global);
    }
    check_spaces(ld);
}

/* ---- export, start */

/* Puts the export in the map, or finds its name there already. */
static void add_export_name(struct loader *ld, const struct export *exports, uint32_t index,
                            size_t offset) {
    struct map *map = &ld->m->export_map;
    struct name name = exports[index].name;
    uint64_t key = hash_bytes(name.at, name.size, types_seed(ld->m->types));
    for (uint32_t other; map_get(map, key, &other); key++) {
        struct name taken = exports[other].name;
        if (taken.size == name.size && memcmp(taken.at, name.at, name.size) == 0) {
            load_fail(ld, STATUS_INVALID, offset, "duplicate export name");
            return;
        }
    }
    map_put(map, key, index);
}

static void read_export(struct loader *ld, struct export *export) {
    struct module *m = ld->m;
    export->name = load_name(ld, &ld->r);
    size_t offset = reader_offset(&ld->r);
    uint8_t kind = read_u8(ld);
    export->kind = (enum extern_kind)kind;
    switch (kind) {
    case EXTERN_FUNC:
        export->index = read_index(ld, m->func_count, "function");
        if (load_ok(ld)) {
            m->funcs[export->index].is_escaping = true;
        }
        break;
    case EXTERN_TABLE:
        export->index = read_index(ld, m->table_count, "table");
        break;
    case EXTERN_MEMORY:
        export->index = read_index(ld, m->memory_count, "memory");
        break;
    case EXTERN_GLOBAL:
        export->index = read_index(ld, m->global_count, "global");
        break;
    case EXTERN_TAG:
        export->index = read_index(ld, m->tag_count, "tag");
        break;
    default:
        load_fail(ld, STATUS_BAD_FORMAT, offset, "malformed export kind 0x%02x", kind);
    }
}

static void decode_exports(struct loader *ld) {
    uint32_t count = load_count(ld, LIMIT_EXPORTS, "exports");
    struct export *exports = arena_array(&ld->m->arena, struct export, count);
    for (uint32_t i = 0; load_goes_on(ld, i, count); i++) {
        size_t offset = reader_offset(&ld->r);
        read_export(ld, &exports[i]);
        if (load_ok(ld)) {
            add_export_name(ld, exports, i, offset);
        }
    }
    ld->m->exports = exports;
    ld->m->export_count = count;
}

static void decode_start(struct loader *ld) {
    size_t offset = reader_offset(&ld->r);
    uint32_t func = read_index(ld, ld->m->func_count, "function");
    if (!load_ok(ld)) {
        return;
    }
    const struct type_def *type = module_func_type(ld->m, func);
    if (type->param_count > 0 || type->result_count > 0) {
        load_fail(ld, STATUS_INVALID, offset, "start function must have no parameters and results");
    }
    ld->m->start = func;
}

/* ---- element and data segments */

static valtype_t address_type(struct limits limits) {
    return limits.is_64 ? VALTYPE_I64 : VALTYPE_I32;
}

enum { ELEM_NOT_ACTIVE = 1, ELEM_INDEX_OR_DECLARED = 2, ELEM_EXPRS = 4 };

static void read_elem_funcs(struct loader *ld, struct elem_segment *segment) {
    uint32_t *funcs = arena_array(&ld->m->arena, uint32_t, segment->count);
    for (uint32_t i = 0; load_goes_on(ld, i, segment->count); i++) {
        funcs[i] = read_index(ld, ld->m->func_count, "function");
        if (load_ok(ld)) {
            ld->m->funcs[funcs[i]].is_escaping = true;
        }
    }
    segment->funcs = funcs;
}

static void read_elem_exprs(struct loader *ld, struct elem_segment *segment) {
    struct const_expr *exprs = arena_array(&ld->m->arena, struct const_expr, segment->count);
    for (uint32_t i = 0; load_goes_on(ld, i, segment->count); i++) {
        exprs[i] = validate_const(ld, segment->type);
    }
    segment->exprs = exprs;
}

/* The type of the items: stated as a kind, as a type, or not at all. */
static valtype_t read_elem_type(struct loader *ld, uint32_t flags) {
    bool has_exprs = (flags & ELEM_EXPRS) != 0;
    if ((flags & (ELEM_NOT_ACTIVE | ELEM_INDEX_OR_DECLARED)) == 0) {
        return VALTYPE_REF(HEAP_FUNC, has_exprs);
    }
    if (has_exprs) {
        return load_reftype(ld, &ld->r);
    }
    size_t offset = reader_offset(&ld->r);
    if (read_u8(ld) != 0) {
        load_fail(ld, STATUS_BAD_FORMAT, offset, "malformed element kind");
    }
    return VALTYPE_REF(HEAP_FUNC, false);
}

static void check_elem_type(struct loader *ld, const struct elem_segment *segment, size_t offset) {
    if (!load_ok(ld) || segment->mode != SEGMENT_ACTIVE) {
        return;
    }
    if (!types_is_sub(ld->m->types, segment->type, ld->m->tables[segment->table].elem)) {
        load_fail(ld, STATUS_INVALID, offset, "type mismatch: element segment and table");
    }
}

static void read_elem(struct loader *ld, struct elem_segment *segment) {
    size_t offset = reader_offset(&ld->r);
    uint32_t flags = read_u32(ld);
    if (flags > (ELEM_NOT_ACTIVE | ELEM_INDEX_OR_DECLARED | ELEM_EXPRS)) {
        load_fail(ld, STATUS_BAD_FORMAT, offset, "malformed elements segment kind %u", flags);
        return;
    }
    if ((flags & ELEM_NOT_ACTIVE) != 0) {
        bool is_declared = (flags & ELEM_INDEX_OR_DECLARED) != 0;
        segment->mode = is_declared ? SEGMENT_DECLARED : SEGMENT_PASSIVE;
    } else {
        uint32_t index = (flags & ELEM_INDEX_OR_DECLARED) != 0 ? read_u32(ld) : 0;
        if (!check_index(ld, index, ld->m->table_count, "table", offset)) {
            return;
        }
        segment->table = index;
        segment->offset = validate_const(ld, address_type(ld->m->tables[index].limits));
    }
    segment->type = read_elem_type(ld, flags);
    check_elem_type(ld, segment, offset);
    segment->count = load_count(ld, LIMIT_ELEM_SEGMENTS, "elements");
    if ((flags & ELEM_EXPRS) != 0) {
        read_elem_exprs(ld, segment);
    } else {
        read_elem_funcs(ld, segment);
    }
}

static void decode_elems(struct loader *ld) {
    uint32_t count = load_count(ld, LIMIT_ELEM_SEGMENTS, "element segments");
    struct elem_segment *elems = arena_array(&ld->m->arena, struct elem_segment, count);
    for (uint32_t i = 0; load_goes_on(ld, i, count); i++) {
        read_elem(ld, &elems[i]);
    }
    ld->m->elems = elems;
    ld->m->elem_count = count;
}

static void decode_data_count(struct loader *ld) {
    size_t offset = reader_offset(&ld->r);
    ld->m->data_count = read_u32(ld);
    ld->has_data_count = true;
    if (ld->m->data_count > LIMIT_DATA_SEGMENTS) {
        load_fail(ld, STATUS_LIMIT, offset, "too many data segments: %u, the limit is %u",
                  ld->m->data_count, LIMIT_DATA_SEGMENTS);
    }
}

enum { DATA_ACTIVE = 0, DATA_PASSIVE = 1, DATA_ACTIVE_INDEX = 2 };

static void read_data(struct loader *ld, struct data_segment *segment) {
    size_t offset = reader_offset(&ld->r);
    uint32_t flags = read_u32(ld);
    if (flags > DATA_ACTIVE_INDEX) {
        load_fail(ld, STATUS_BAD_FORMAT, offset, "malformed data segment kind %u", flags);
        return;
    }
    segment->mode = SEGMENT_PASSIVE;
    if (flags != DATA_PASSIVE) {
        uint32_t index = flags == DATA_ACTIVE_INDEX ? read_u32(ld) : 0;
        if (!check_index(ld, index, ld->m->memory_count, "memory", offset)) {
            return;
        }
        segment->mode = SEGMENT_ACTIVE;
        segment->memory = index;
        segment->offset = validate_const(ld, address_type(ld->m->memories[index].limits));
    }
    segment->size = read_u32(ld);
    segment->bytes = reader_bytes(&ld->r, segment->size);
    load_check_reader(ld, &ld->r);
}

static void decode_datas(struct loader *ld) {
    size_t offset = reader_offset(&ld->r);
    uint32_t count = load_count(ld, LIMIT_DATA_SEGMENTS, "data segments");
    if (ld->has_data_count && count != ld->m->data_count) {
        load_fail(ld, STATUS_BAD_FORMAT, offset,
                  "data count and data section have inconsistent lengths");
    }
    struct data_segment *datas = arena_array(&ld->m->arena, struct data_segment, count);
    for (uint32_t i = 0; load_goes_on(ld, i, count); i++) {
        read_data(ld, &datas[i]);
    }
    ld->m->datas = datas;
    ld->m->data_count = count;
}

/* ---- code */

static void decode_body(struct loader *ld, uint32_t index) {
    size_t offset = reader_offset(&ld->r);
    uint32_t size = reader_leb_u32(&ld->r);
    struct reader section = ld->r;
    struct reader body = reader_sub(&section, size);
    load_check_reader(ld, &ld->r);
    load_check_reader(ld, &section);
    if (size > LIMIT_FUNCTION_SIZE) {
        load_fail(ld, STATUS_LIMIT, offset, "function too large: %u bytes, the limit is %u", size,
                  LIMIT_FUNCTION_SIZE);
    }
    if (!load_ok(ld)) {
        return;
    }
    struct func_decl *func = &ld->m->funcs[index];
    func->body = body.at;
    func->body_size = size;
    func->body_offset = (uint32_t)reader_offset(&body);
    arena_poll(&ld->scratch);
    ld->r = body;
    ld->func = index;
    validate_body(ld, index);
    ld->func = INDEX_NONE;
    ld->instr = NULL;
    ld->r = section;
}

static void decode_code(struct loader *ld) {
    size_t offset = reader_offset(&ld->r);
    ld->m->code_size = reader_left(&ld->r);
    ld->code_count = load_count(ld, LIMIT_FUNCTIONS, "functions");
    if (ld->code_count != ld->m->func_count - ld->m->func_imports) {
        load_fail(ld, STATUS_BAD_FORMAT, offset,
                  "function and code section have inconsistent lengths");
    }
    for (uint32_t i = 0; load_goes_on(ld, i, ld->code_count); i++) {
        decode_body(ld, ld->m->func_imports + i);
    }
}

/* ---- the module */

static void decode_custom(struct loader *ld) {
    struct name name = load_name(ld, &ld->r);
    if (name.size == 4 && memcmp(name.at, "name", 4) == 0) {
        ld->names = ld->r;
    }
    ld->r.at = ld->r.end;
}

struct section {
    const char *name;
    uint8_t rank; /* position among the sections; 0: anywhere */
    void (*decode)(struct loader *ld);
};

enum { SECTION_CUSTOM = 0, SECTION_COUNT = 14 };

/* By section id (core 3.0, 5.5.2). */
static const struct section sections[SECTION_COUNT] = {
    {"custom", 0, decode_custom},
    {"type", 1, rec_decode},
    {"import", 2, decode_imports},
    {"function", 3, decode_functions},
    {"table", 4, decode_tables},
    {"memory", 5, decode_memories},
    {"global", 7, decode_globals},
    {"export", 8, decode_exports},
    {"start", 9, decode_start},
    {"element", 10, decode_elems},
    {"code", 12, decode_code},
    {"data", 13, decode_datas},
    {"data count", 11, decode_data_count},
    {"tag", 6, decode_tags},
};

/* One section from r; its rank must pass `*rank`. */
static void decode_section(struct loader *ld, struct reader *r, uint8_t *rank) {
    size_t offset = reader_offset(r);
    uint8_t id = reader_u8(r);
    if (id >= SECTION_COUNT) {
        load_fail(ld, STATUS_BAD_FORMAT, offset, "malformed section id %u", id);
        return;
    }
    const struct section *section = &sections[id];
    ld->r = reader_sub(r, reader_leb_u32(r));
    load_check_reader(ld, r);
    if (section->rank != 0 && section->rank <= *rank) {
        load_fail(ld, STATUS_BAD_FORMAT, offset,
                  "unexpected content after last section: %s section", section->name);
    }
    if (!load_ok(ld)) {
        return;
    }
    *rank = section->rank != 0 ? section->rank : *rank;
    section->decode(ld);
    load_check_reader(ld, &ld->r);
    if (reader_left(&ld->r) > 0) {
        load_fail(ld, STATUS_BAD_FORMAT, reader_offset(&ld->r), "section size mismatch: %s section",
                  section->name);
    }
}

/* Sections that belong together may be missing only together. */
static void check_counts(struct loader *ld, size_t offset, bool has_datas) {
    if (ld->code_count != ld->m->func_count - ld->m->func_imports) {
        load_fail(ld, STATUS_BAD_FORMAT, offset,
                  "function and code section have inconsistent lengths");
    }
    if (ld->m->data_count > 0 && !has_datas) {
        load_fail(ld, STATUS_BAD_FORMAT, offset,
                  "data count and data section have inconsistent lengths");
    }
}

void sections_decode(struct loader *ld, struct reader *r) {
    if (reader_le32(r) != 0x6d736100) {
        load_fail(ld, STATUS_BAD_FORMAT, 0, "magic header not detected");
        return;
    }
    if (reader_le32(r) != 1) {
        load_fail(ld, STATUS_BAD_FORMAT, 4, "unknown binary version");
        return;
    }
    uint8_t rank = 0;
    while (load_ok(ld) && reader_left(r) > 0) {
        decode_section(ld, r, &rank);
    }
    check_counts(ld, reader_offset(r), ld->m->datas != NULL);
}
