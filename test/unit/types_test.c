/*
 * The registry of types: equal groups get equal ids, and only those; subtyping.
 */
#include "test/support/check.h"
#include "test/support/heap.h"
#include "wasm/limits.h"
#include "wasm/module/types.h"

#define CONCRETE(id, nullable) VALTYPE_REF(HEAP_CONCRETE + (id), nullable)

static struct arena arena;

static struct types *new_registry(void) {
    arena_init(&arena, &heap_source);
    struct types *types = types_new(&arena, 0);
    CHECK(types != NULL);
    return types;
}

static struct type_def func(const valtype_t *params, uint32_t param_count, const valtype_t *results,
                            uint32_t result_count) {
    return (struct type_def){.kind = TYPE_FUNC,
                             .is_final = true,
                             .super = TYPE_ID_NONE,
                             .params = params,
                             .param_count = param_count,
                             .results = results,
                             .result_count = result_count};
}

static struct type_def structure(const struct field_type *fields, uint32_t count) {
    return (struct type_def){
        .kind = TYPE_STRUCT, .super = TYPE_ID_NONE, .fields = fields, .field_count = count};
}

static type_id_t intern(struct types *types, const struct type_def *defs, uint32_t n) {
    type_id_t id;
    CHECK_EQ(types_intern(types, defs, n, &id), STATUS_OK);
    return id;
}

TEST(equal_functions_share_an_id) {
    struct types *types = new_registry();
    valtype_t list[] = {VALTYPE_I32, VALTYPE_F64};
    struct type_def a = func(list, 2, list, 1), b = func(list, 1, list, 2),
                    c = func(list, 2, list, 1);
    CHECK_EQ(intern(types, &a, 1), 0);
    CHECK_EQ(intern(types, &b, 1), 1);
    CHECK_EQ(intern(types, &c, 1), 0);
    CHECK_EQ(types_get(types, 1)->result_count, 2);
    CHECK_EQ(types_get(types, 1)->results[1], VALTYPE_F64);
    arena_fini(&arena);
}

TEST(definitions_are_copied_and_stay) {
    struct types *types = new_registry();
    valtype_t list[] = {VALTYPE_I64};
    struct type_def a = func(list, 1, NULL, 0);
    const struct type_def *first = types_get(types, intern(types, &a, 1));
    list[0] = VALTYPE_F32;
    for (uint32_t i = 2; i < 1000; i++) {
        static valtype_t many[1000];
        struct type_def def = func(many, i, NULL, 0);
        intern(types, &def, 1);
    }
    CHECK_EQ(first->params[0], VALTYPE_I64);
    CHECK(types_get(types, 0) == first);
    arena_fini(&arena);
}

TEST(recursion_is_equal_by_position) {
    struct types *types = new_registry();
    /* (rec (struct (field (ref null 0)))): a reference to itself */
    struct field_type self[] = {{CONCRETE(TYPE_REC_BASE, true), false}};
    struct type_def list = structure(self, 1);
    type_id_t a = intern(types, &list, 1);
    CHECK_EQ(types_get(types, a)->fields[0].type, CONCRETE(a, true));
    CHECK_EQ(intern(types, &list, 1), a);
    /* The same, but referring to the one above: unrolled once, so another type. */
    struct field_type other[] = {{CONCRETE(a, true), false}};
    struct type_def unrolled = structure(other, 1);
    type_id_t b = intern(types, &unrolled, 1);
    CHECK(a != b);
    CHECK_EQ(intern(types, &unrolled, 1), b);
    arena_fini(&arena);
}

TEST(groups_differ_from_their_members_alone) {
    struct types *types = new_registry();
    struct type_def empty = structure(NULL, 0);
    struct type_def pair[] = {empty, empty};
    type_id_t single = intern(types, &empty, 1), first = intern(types, pair, 2);
    CHECK(single != first && single != first + 1);
    CHECK_EQ(intern(types, pair, 2), first);
    arena_fini(&arena);
}

TEST(supers_are_by_position_too) {
    struct types *types = new_registry();
    struct type_def pair[] = {structure(NULL, 0), structure(NULL, 0)};
    pair[1].super = TYPE_REC_BASE;
    type_id_t a = intern(types, pair, 2);
    CHECK_EQ(types_get(types, a + 1)->super, a);
    CHECK_EQ(intern(types, pair, 2), a);
    CHECK(types_is_sub_def(types, a + 1, a));
    CHECK(!types_is_sub_def(types, a, a + 1));
    CHECK(types_is_valid_sub(types, a + 1));
    arena_fini(&arena);
}

TEST(what_a_subtype_declares_must_match) {
    struct types *types = new_registry();
    struct field_type narrow[] = {{VALTYPE_I32, false}},
                      wide[] = {{VALTYPE_I32, false}, {VALTYPE_I64, true}};
    struct field_type wrong[] = {{VALTYPE_I32, true}};
    struct type_def base = structure(narrow, 1), sub = structure(wide, 2),
                    bad = structure(wrong, 1);
    sub.super = bad.super = intern(types, &base, 1);
    CHECK(types_is_valid_sub(types, intern(types, &sub, 1)));
    CHECK(!types_is_valid_sub(types, intern(types, &bad, 1)));
    struct type_def final = base;
    final.is_final = true;
    sub.super = intern(types, &final, 1);
    CHECK(!types_is_valid_sub(types, intern(types, &sub, 1)));
    arena_fini(&arena);
}

TEST(functions_are_contravariant) {
    struct types *types = new_registry();
    valtype_t any = VALTYPE_REF(HEAP_ANY, true), eq = VALTYPE_REF(HEAP_EQ, true);
    struct type_def base = func(&eq, 1, &any, 1), sub = func(&any, 1, &eq, 1);
    base.is_final = false;
    sub.super = intern(types, &base, 1);
    CHECK(types_is_valid_sub(types, intern(types, &sub, 1)));
    struct type_def wrong = func(&eq, 1, &any, 1);
    wrong.is_final = false;
    wrong.super = intern(types, &sub, 1); /* final */
    CHECK(!types_is_valid_sub(types, intern(types, &wrong, 1)));
    arena_fini(&arena);
}

TEST(heap_types_are_ordered) {
    struct types *types = new_registry();
    struct type_def f = func(NULL, 0, NULL, 0), s = structure(NULL, 0);
    type_id_t fid = intern(types, &f, 1), sid = intern(types, &s, 1);
    static const enum heap_type below_any[] = {HEAP_EQ, HEAP_I31, HEAP_STRUCT, HEAP_ARRAY,
                                               HEAP_NONE};
    for (unsigned i = 0; i < 5; i++) {
        CHECK(types_is_sub(types, VALTYPE_REF(below_any[i], true), VALTYPE_REF(HEAP_ANY, true)));
        CHECK(!types_is_sub(types, VALTYPE_REF(HEAP_ANY, true), VALTYPE_REF(below_any[i], true)));
        CHECK(!types_is_sub(types, VALTYPE_REF(below_any[i], true), VALTYPE_FUNCREF));
    }
    CHECK(types_is_sub(types, CONCRETE(fid, false), VALTYPE_FUNCREF));
    CHECK(types_is_sub(types, CONCRETE(fid, false), CONCRETE(fid, true)));
    CHECK(!types_is_sub(types, CONCRETE(fid, true), CONCRETE(fid, false)));
    CHECK(!types_is_sub(types, VALTYPE_FUNCREF, CONCRETE(fid, true)));
    CHECK(types_is_sub(types, VALTYPE_REF(HEAP_NOFUNC, true), CONCRETE(fid, true)));
    CHECK(!types_is_sub(types, VALTYPE_REF(HEAP_NONE, true), CONCRETE(fid, true)));
    CHECK(types_is_sub(types, VALTYPE_REF(HEAP_NONE, true), CONCRETE(sid, true)));
    CHECK(types_is_sub(types, CONCRETE(sid, false), VALTYPE_REF(HEAP_EQ, false)));
    CHECK(!types_is_sub(types, CONCRETE(sid, false), VALTYPE_REF(HEAP_ARRAY, false)));
    CHECK(types_is_sub(types, VALTYPE_REF(HEAP_BOTTOM, false), CONCRETE(sid, false)));
    CHECK(types_is_sub(types, VAL_BOTTOM, VALTYPE_I32));
    CHECK(!types_is_sub(types, VALTYPE_I32, VALTYPE_I64));
    CHECK(!types_is_sub(types, VALTYPE_EXTERNREF, VALTYPE_FUNCREF));
    arena_fini(&arena);
}

TEST(no_memory_leaves_the_registry_as_it_was) {
    for (int chunks = 1; chunks < 40; chunks++) {
        struct heap_limited heap;
        heap_limit(&heap, chunks);
        arena_init(&arena, &heap.source);
        struct types *types = types_new(&arena, 0);
        static valtype_t list[LIMIT_PARAMS];
        uint32_t added = 0;
        status_t status = STATUS_OK;
        for (uint32_t i = 0; types && i < LIMIT_PARAMS && status == STATUS_OK; i++) {
            struct type_def def = func(list, i, NULL, 0);
            type_id_t id;
            status = types_intern(types, &def, 1, &id);
            added += status == STATUS_OK;
        }
        CHECK(status == STATUS_OK || status == STATUS_NO_MEMORY);
        for (uint32_t i = 0; i < added; i++) {
            struct type_def def = func(list, i, NULL, 0);
            CHECK_EQ(intern(types, &def, 1), i);
        }
        arena_fini(&arena);
        CHECK_EQ(heap.held, 0);
    }
}

TEST(names) {
    char buf[32];
    CHECK_TEXT(types_name(VALTYPE_I32, buf, sizeof(buf)), "i32");
    CHECK_TEXT(types_name(VALTYPE_FUNCREF, buf, sizeof(buf)), "funcref");
    CHECK_TEXT(types_name(CONCRETE(7, true), buf, sizeof(buf)), "(ref null 7)");
    CHECK_TEXT(types_name(VALTYPE_REF(HEAP_EXTERN, false), buf, sizeof(buf)), "(ref extern)");
    CHECK_TEXT(types_name(VALTYPE_REF(HEAP_NOFUNC, true), buf, sizeof(buf)), "nullfuncref");
}

CHECK_MAIN
