/*
 * The type section: recursion groups of function, structure and array types (core 3.0, 5.3.9 to
 * 5.3.12 and 5.5.4), interned one group after the other.
 *
 * While a group is read its own members are known by position only, so a reference in it is
 * resolved here and not by load_resolve(): to an id when it points before the group, to
 * TYPE_REC_BASE plus the position when it points into it.
 */
#include "wasm/module/internal.h"

#include "wasm/limits.h"

enum {
    CODE_FUNC = 0x60,
    CODE_STRUCT = 0x5f,
    CODE_ARRAY = 0x5e,
    CODE_SUB = 0x50,
    CODE_SUB_FINAL = 0x4f,
    CODE_REC = 0x4e
};

struct rec {
    struct loader *ld;
    uint32_t first, count; /* type indices of the group */
};

static type_id_t resolve_index(struct rec *rec, uint32_t index, size_t offset) {
    if (index < rec->first) {
        return rec->ld->m->type_ids[index];
    }
    if (index - rec->first < rec->count) {
        return TYPE_REC_BASE + (index - rec->first);
    }
    load_fail(rec->ld, STATUS_INVALID, offset, "unknown type %u", index);
    return 0;
}

static valtype_t resolve(struct rec *rec, valtype_t raw, size_t offset) {
    if (!valtype_is_ref(raw) || valtype_heap(raw) < HEAP_CONCRETE) {
        return load_resolve(rec->ld, raw, offset);
    }
    load_need(rec->ld, WASM_FEATURE_FUNCTION_REFERENCES, offset, "typed reference");
    type_id_t id = resolve_index(rec, valtype_heap(raw) - HEAP_CONCRETE, offset);
    return VALTYPE_REF(HEAP_CONCRETE + id, valtype_is_nullable(raw));
}

static const valtype_t *read_list(struct rec *rec, uint32_t limit, const char *what,
                                  uint32_t *count_out) {
    struct loader *ld = rec->ld;
    uint32_t count = load_count(ld, limit, what);
    valtype_t *list = arena_array(&ld->scratch, valtype_t, count);
    for (uint32_t i = 0; load_goes_on(ld, i, count); i++) {
        size_t offset = reader_offset(&ld->r);
        list[i] = resolve(rec, instr_read_valtype(&ld->r), offset);
        load_check_reader(ld, &ld->r);
    }
    *count_out = count;
    return list;
}

static struct field_type read_field(struct rec *rec) {
    struct loader *ld = rec->ld;
    size_t offset = reader_offset(&ld->r);
    struct field_type field = {0};
    field.type = resolve(rec, instr_read_storage(&ld->r), offset);
    uint8_t mutability = reader_u8(&ld->r);
    if (mutability > 1) {
        reader_fail(&ld->r, "malformed mutability");
    }
    field.is_mutable = mutability == 1;
    load_check_reader(ld, &ld->r);
    return field;
}

static void read_fields(struct rec *rec, struct type_def *def, uint32_t count) {
    struct field_type *fields = arena_array(&rec->ld->scratch, struct field_type, count);
    for (uint32_t i = 0; load_goes_on(rec->ld, i, count); i++) {
        fields[i] = read_field(rec);
    }
    def->field_count = count;
    def->fields = fields;
}

static void read_composite(struct rec *rec, struct type_def *def, uint8_t code, size_t offset) {
    struct loader *ld = rec->ld;
    switch (code) {
    case CODE_FUNC:
        def->kind = TYPE_FUNC;
        def->params = read_list(rec, LIMIT_PARAMS, "parameters", &def->param_count);
        def->results = read_list(rec, LIMIT_RESULTS, "results", &def->result_count);
        break;
    case CODE_STRUCT:
        load_need(ld, WASM_FEATURE_GC, offset, "struct type");
        def->kind = TYPE_STRUCT;
        read_fields(rec, def, load_count(ld, LIMIT_STRUCT_FIELDS, "fields"));
        break;
    case CODE_ARRAY:
        load_need(ld, WASM_FEATURE_GC, offset, "array type");
        def->kind = TYPE_ARRAY;
        read_fields(rec, def, 1);
        break;
    default:
        load_fail(ld, STATUS_BAD_FORMAT, offset, "malformed type: form 0x%02x", code);
    }
}

/* At most one, and only an earlier type. */
static type_id_t read_super(struct rec *rec, uint32_t position, size_t offset) {
    struct loader *ld = rec->ld;
    uint32_t count = load_count(ld, LIMIT_TYPES, "super types");
    if (count == 0) {
        return TYPE_ID_NONE;
    }
    load_need(ld, WASM_FEATURE_GC, offset, "super type");
    uint32_t index = reader_leb_u32(&ld->r);
    if (count > 1) {
        load_fail(ld, STATUS_INVALID, offset, "sub type: more than one super type");
    } else if (index >= rec->first + position) {
        load_fail(ld, STATUS_INVALID, offset, "unknown type %u: super type", index);
        return TYPE_ID_NONE;
    }
    return resolve_index(rec, index, offset);
}

static struct type_def read_sub(struct rec *rec, uint8_t code, uint32_t position, size_t offset) {
    struct loader *ld = rec->ld;
    struct type_def def = {.is_final = true, .super = TYPE_ID_NONE};
    if (code == CODE_SUB || code == CODE_SUB_FINAL) {
        if (code == CODE_SUB) {
            load_need(ld, WASM_FEATURE_GC, offset, "open type");
        }
        def.is_final = code == CODE_SUB_FINAL;
        def.super = read_super(rec, position, offset);
        code = reader_u8(&ld->r);
    }
    read_composite(rec, &def, code, offset);
    return def;
}

/* Gives the group's members their type indices. */
static void intern(struct rec *rec, const struct type_def *defs, size_t offset) {
    struct loader *ld = rec->ld;
    type_id_t first = 0;
    status_t status = types_intern(ld->m->types, defs, rec->count, &first);
    if (status != STATUS_OK) {
        load_fail(ld, status, offset, "types: %s", status_text(status));
        return;
    }
    for (uint32_t i = 0; i < rec->count; i++) {
        vec_push(&ld->m->arena, &ld->type_ids, first + i);
    }
    ld->m->type_ids = ld->type_ids.at;
    ld->m->type_count = ld->type_ids.len;
    for (uint32_t i = 0; i < rec->count; i++) {
        if (!types_is_valid_sub(ld->m->types, first + i)) {
            load_fail(ld, STATUS_INVALID, offset, "sub type %u does not match super type",
                      rec->first + i);
        }
    }
}

static void read_group(struct loader *ld, uint32_t count, bool is_rec, uint8_t code,
                       size_t offset) {
    struct rec rec = {ld, ld->type_ids.len, count};
    if (count > LIMIT_TYPES - ld->type_ids.len) {
        load_fail(ld, STATUS_LIMIT, offset, "too many types: the limit is %u", LIMIT_TYPES);
        return;
    }
    struct arena_mark mark = arena_mark(&ld->scratch);
    struct type_def *defs = arena_array(&ld->scratch, struct type_def, count);
    for (uint32_t i = 0; load_goes_on(ld, i, count); i++) {
        size_t at = reader_offset(&ld->r);
        defs[i] = read_sub(&rec, is_rec ? reader_u8(&ld->r) : code, i, at);
        load_check_reader(ld, &ld->r);
    }
    if (load_ok(ld) && count > 0) {
        intern(&rec, defs, offset);
    }
    arena_reset(&ld->scratch, mark);
}

void rec_decode(struct loader *ld) {
    uint32_t count = load_count(ld, LIMIT_REC_GROUPS, "types");
    for (uint32_t i = 0; load_goes_on(ld, i, count); i++) {
        size_t offset = reader_offset(&ld->r);
        uint8_t code = reader_u8(&ld->r);
        bool is_rec = code == CODE_REC;
        uint32_t members = is_rec ? load_count(ld, LIMIT_TYPES, "types") : 1;
        if (members != 1) {
            load_need(ld, WASM_FEATURE_GC, offset, "recursion group");
        }
        read_group(ld, members, is_rec, code, offset);
    }
}
