/*
 * Validation of the instructions that came with garbage collection (core 3.0, 3.4.6 to 3.4.8):
 * structures, arrays, i31, casts, conversions between internal and external references.
 */
#include "wasm/module/validator.h"

#include "wasm/limits.h"

#include <assert.h>

/* ---- types */

static valtype_t concrete(struct validator *v, uint32_t type_index, bool is_nullable) {
    return VALTYPE_REF(HEAP_CONCRETE + v->m->type_ids[type_index], is_nullable);
}

/* The definition of that kind, or NULL and an error. */
static const struct type_def *type_of_kind(struct validator *v, uint32_t index,
                                           enum type_kind kind) {
    if (index >= v->m->type_count) {
        validator_unknown(v, "type", index);
        return NULL;
    }
    const struct type_def *type = types_get(v->m->types, v->m->type_ids[index]);
    if (type->kind != kind) {
        validator_invalid(v, "type mismatch: type %u is not %s", index,
                          kind == TYPE_STRUCT ? "a struct" : "an array");
        return NULL;
    }
    return type;
}

/* The element of an array type, or NULL and an error. */
static const struct field_type *array_elem(struct validator *v, uint32_t index) {
    const struct type_def *type = type_of_kind(v, index, TYPE_ARRAY);
    return type ? &type->fields[0] : NULL;
}

static bool is_packed(valtype_t type) {
    return type == VAL_I8 || type == VAL_I16;
}

/* The type of a field's value on the stack. */
static valtype_t unpacked(valtype_t type) {
    return is_packed(type) ? VALTYPE_I32 : type;
}

static bool is_defaultable(valtype_t type) {
    return !valtype_is_ref(type) || valtype_is_nullable(type);
}

static void check_mutable(struct validator *v, const struct field_type *field, const char *what) {
    if (!field->is_mutable) {
        validator_invalid(v, "immutable %s", what);
    }
}

/* Packed fields are read with a sign, others without. */
static void check_signed(struct validator *v, const struct field_type *field, bool has_sign) {
    if (is_packed(field->type) != has_sign) {
        validator_invalid(v, "type mismatch: field is %s", has_sign ? "unpacked" : "packed");
    }
}

static void expect_i32(struct validator *v, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        validator_expect(v, VALTYPE_I32);
    }
}

/* ---- structures */

static void check_struct_new(struct validator *v) {
    const struct type_def *type = type_of_kind(v, v->in.index, TYPE_STRUCT);
    if (!type) {
        return;
    }
    validator_poll(v, type->field_count);
    for (uint32_t i = type->field_count; i > 0 && validator_ok(v); i--) {
        valtype_t field = type->fields[i - 1].type;
        if (v->in.op == INSTR_STRUCT_NEW) {
            validator_expect(v, unpacked(field));
        } else if (!is_defaultable(field)) {
            validator_invalid(v, "type mismatch: field %u is not defaultable", i - 1);
        }
    }
    validator_push(v, concrete(v, v->in.index, false));
}

static const struct field_type *field_at(struct validator *v) {
    const struct type_def *type = type_of_kind(v, v->in.index, TYPE_STRUCT);
    if (type && v->in.index2 >= type->field_count) {
        validator_unknown(v, "field", v->in.index2);
        return NULL;
    }
    return type ? &type->fields[v->in.index2] : NULL;
}

static void check_struct_get(struct validator *v) {
    const struct field_type *field = field_at(v);
    if (field) {
        check_signed(v, field, v->in.op != INSTR_STRUCT_GET);
        validator_expect(v, concrete(v, v->in.index, true));
        validator_push(v, unpacked(field->type));
    }
}

static void check_struct_set(struct validator *v) {
    const struct field_type *field = field_at(v);
    if (field) {
        check_mutable(v, field, "field");
        validator_expect(v, unpacked(field->type));
        validator_expect(v, concrete(v, v->in.index, true));
    }
}

/* ---- arrays */

static void check_array_new(struct validator *v) {
    const struct field_type *elem = array_elem(v, v->in.index);
    if (!elem) {
        return;
    }
    validator_expect(v, VALTYPE_I32);
    if (v->in.op == INSTR_ARRAY_NEW) {
        validator_expect(v, unpacked(elem->type));
    } else if (!is_defaultable(elem->type)) {
        validator_invalid(v, "type mismatch: array type is not defaultable");
    }
    validator_push(v, concrete(v, v->in.index, false));
}

static void check_array_new_fixed(struct validator *v) {
    const struct field_type *elem = array_elem(v, v->in.index);
    if (!elem) {
        return;
    }
    if (v->in.index2 > LIMIT_ARRAY_NEW_FIXED) {
        load_fail(v->ld, STATUS_LIMIT, v->in.offset, "array.new_fixed too long: the limit is %u",
                  LIMIT_ARRAY_NEW_FIXED);
        return;
    }
    validator_poll(v, v->in.index2);
    for (uint32_t i = 0; i < v->in.index2 && validator_ok(v); i++) {
        validator_expect(v, unpacked(elem->type));
    }
    validator_push(v, concrete(v, v->in.index, false));
}

/* Whether data bytes, or items of an element segment, may become elements of the array. */
static void check_source(struct validator *v, const struct field_type *elem, bool is_data) {
    if (is_data) {
        validator_check_data(v, v->in.index2);
        if (valtype_is_ref(elem->type)) {
            validator_invalid(v, "type mismatch: array type is not numeric or vector");
        }
        return;
    }
    const struct elem_segment *segment = validator_elem(v, v->in.index2);
    if (segment && !types_is_sub(v->m->types, segment->type, elem->type)) {
        validator_mismatch(v, elem->type, segment->type);
    }
}

static void check_array_new_segment(struct validator *v) {
    const struct field_type *elem = array_elem(v, v->in.index);
    if (elem) {
        check_source(v, elem, v->in.op == INSTR_ARRAY_NEW_DATA);
        expect_i32(v, 2);
        validator_push(v, concrete(v, v->in.index, false));
    }
}

static void check_array_init(struct validator *v) {
    const struct field_type *elem = array_elem(v, v->in.index);
    if (elem) {
        check_mutable(v, elem, "array");
        check_source(v, elem, v->in.op == INSTR_ARRAY_INIT_DATA);
        expect_i32(v, 3);
        validator_expect(v, concrete(v, v->in.index, true));
    }
}

static void check_array_get(struct validator *v) {
    const struct field_type *elem = array_elem(v, v->in.index);
    if (elem) {
        check_signed(v, elem, v->in.op != INSTR_ARRAY_GET);
        validator_expect(v, VALTYPE_I32);
        validator_expect(v, concrete(v, v->in.index, true));
        validator_push(v, unpacked(elem->type));
    }
}

/* array.set and array.fill, which has a count on top. */
static void check_array_set(struct validator *v) {
    const struct field_type *elem = array_elem(v, v->in.index);
    if (elem) {
        check_mutable(v, elem, "array");
        expect_i32(v, v->in.op == INSTR_ARRAY_FILL ? 1 : 0);
        validator_expect(v, unpacked(elem->type));
        validator_expect(v, VALTYPE_I32);
        validator_expect(v, concrete(v, v->in.index, true));
    }
}

static void check_array_copy(struct validator *v) {
    const struct field_type *to = array_elem(v, v->in.index);
    const struct field_type *from = to ? array_elem(v, v->in.index2) : NULL;
    if (!from) {
        return;
    }
    check_mutable(v, to, "array");
    if (!types_is_sub(v->m->types, from->type, to->type)) {
        validator_invalid(v, "array types do not match");
    }
    expect_i32(v, 2);
    validator_expect(v, concrete(v, v->in.index2, true));
    expect_i32(v, 1);
    validator_expect(v, concrete(v, v->in.index, true));
}

/* ---- casts and conversions */

/* The nullable reference to the top of the type's hierarchy. */
static valtype_t top_type(const struct validator *v, valtype_t type) {
    static const enum heap_type tops[] = {HEAP_FUNC, HEAP_EXTERN, HEAP_ANY, HEAP_EXN};
    for (unsigned i = 0; i < sizeof(tops) / sizeof(tops[0]); i++) {
        if (types_is_sub(v->m->types, type, VALTYPE_REF(tops[i], true))) {
            return VALTYPE_REF(tops[i], true);
        }
    }
    return VAL_BOTTOM; /* after an error */
}

static void check_ref_test(struct validator *v, bool is_cast) {
    valtype_t type = load_resolve(v->ld, v->in.type, v->in.offset);
    if (validator_ok(v)) {
        validator_expect(v, top_type(v, type));
        validator_push(v, is_cast ? type : VALTYPE_I32);
    }
}

/* Where the cast to `to` fails: what `from` still may be. */
static valtype_t without(valtype_t from, valtype_t to) {
    return valtype_is_nullable(to) ? validator_non_null(from) : from;
}

static void check_br_on_cast(struct validator *v) {
    valtype_t from = load_resolve(v->ld, v->in.cast.from, v->in.offset);
    valtype_t to = load_resolve(v->ld, v->in.cast.to, v->in.offset);
    if (!validator_ok(v)) {
        return;
    }
    if (!types_is_sub(v->m->types, to, from)) {
        validator_mismatch(v, from, to);
        return;
    }
    bool is_fail = v->in.op == INSTR_BR_ON_CAST_FAIL;
    valtype_t taken = is_fail ? without(from, to) : to;
    struct type_list rest;
    if (validator_label_takes(v, v->in.index, taken, &rest)) {
        validator_expect(v, from);
        validator_pop_list(v, rest);
        validator_push_list(v, rest);
        validator_push(v, is_fail ? to : without(from, to));
    }
}

static void check_convert(struct validator *v, enum heap_type from, enum heap_type to) {
    valtype_t ref = validator_pop_ref(v);
    if (!types_is_sub(v->m->types, ref, VALTYPE_REF(from, true))) {
        validator_mismatch(v, VALTYPE_REF(from, true), ref);
    }
    validator_push(v, VALTYPE_REF(to, valtype_is_nullable(ref)));
}

static void check_ref_eq(struct validator *v) {
    validator_expect(v, VALTYPE_REF(HEAP_EQ, true));
    validator_expect(v, VALTYPE_REF(HEAP_EQ, true));
    validator_push(v, VALTYPE_I32);
}

static void check_i31(struct validator *v) {
    bool is_new = v->in.op == INSTR_REF_I31;
    validator_expect(v, is_new ? VALTYPE_I32 : VALTYPE_REF(HEAP_I31, true));
    validator_push(v, is_new ? VALTYPE_REF(HEAP_I31, false) : VALTYPE_I32);
}

void aggregate_check(struct validator *v) {
    switch (v->in.op) {
    case INSTR_STRUCT_NEW:
    case INSTR_STRUCT_NEW_DEFAULT:
        check_struct_new(v);
        break;
    case INSTR_STRUCT_GET:
    case INSTR_STRUCT_GET_S:
    case INSTR_STRUCT_GET_U:
        check_struct_get(v);
        break;
    case INSTR_STRUCT_SET:
        check_struct_set(v);
        break;
    case INSTR_ARRAY_NEW:
    case INSTR_ARRAY_NEW_DEFAULT:
        check_array_new(v);
        break;
    case INSTR_ARRAY_NEW_FIXED:
        check_array_new_fixed(v);
        break;
    case INSTR_ARRAY_NEW_DATA:
    case INSTR_ARRAY_NEW_ELEM:
        check_array_new_segment(v);
        break;
    case INSTR_ARRAY_INIT_DATA:
    case INSTR_ARRAY_INIT_ELEM:
        check_array_init(v);
        break;
    case INSTR_ARRAY_GET:
    case INSTR_ARRAY_GET_S:
    case INSTR_ARRAY_GET_U:
        check_array_get(v);
        break;
    case INSTR_ARRAY_SET:
    case INSTR_ARRAY_FILL:
        check_array_set(v);
        break;
    case INSTR_ARRAY_COPY:
        check_array_copy(v);
        break;
    case INSTR_ARRAY_LEN:
        validator_expect(v, VALTYPE_REF(HEAP_ARRAY, true));
        validator_push(v, VALTYPE_I32);
        break;
    case INSTR_REF_TEST:
    case INSTR_REF_TEST_NULL:
        check_ref_test(v, false);
        break;
    case INSTR_REF_CAST:
    case INSTR_REF_CAST_NULL:
        check_ref_test(v, true);
        break;
    case INSTR_BR_ON_CAST:
    case INSTR_BR_ON_CAST_FAIL:
        check_br_on_cast(v);
        break;
    case INSTR_ANY_CONVERT_EXTERN:
        check_convert(v, HEAP_EXTERN, HEAP_ANY);
        break;
    case INSTR_EXTERN_CONVERT_ANY:
        check_convert(v, HEAP_ANY, HEAP_EXTERN);
        break;
    case INSTR_REF_EQ:
        check_ref_eq(v);
        break;
    case INSTR_REF_I31:
    case INSTR_I31_GET_S:
    case INSTR_I31_GET_U:
        check_i31(v);
        break;
    default:
        assert(false); /* it has a signature, or a case in validate.c */
    }
}
