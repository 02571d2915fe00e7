/*
 * Loading modules made by hand: what is in a good one, what is said of bad ones, running out of
 * memory at each allocation, being killed at each look, truncation at each byte. The official suite covers the rules one by one
 * (test/spec/validate_suite.py).
 */
#include "test/support/check.h"
#include "test/support/heap.h"
#include "wasm/limits.h"
#include "wasm/module/module.h"

#include <limits.h>

#define HEAD 0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00

static struct arena types_arena;
static struct wasm_error error;

static struct module *load(const uint8_t *bytes, size_t size) {
    struct module *m = NULL;
    arena_init(&types_arena, &heap_source);
    status_t status =
        module_load(&m, &heap_source, types_new(&types_arena, 0), bytes, size, &error);
    CHECK_EQ(status, error.status);
    return status == STATUS_OK ? m : NULL;
}

static void unload(struct module *m) {
    if (m) {
        module_free(m);
    }
    arena_fini(&types_arena);
}

#define LOAD(...) load((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

/* The module is refused with that status, in those words. */
#define REFUSED(status_, words, ...)                                                               \
    do {                                                                                           \
        struct module *refused_ = LOAD(__VA_ARGS__);                                               \
        unload(refused_);                                                                          \
        CHECK(!refused_);                                                                          \
        if (error.status != (status_) || !strstr(error.text, (words))) {                           \
            FAIL("%s: %s, not \"%s\"", status_text(error.status), error.text, (words));            \
        }                                                                                          \
    } while (0)

/* A module with one of everything that is enabled. */
static const uint8_t whole[] = {
    HEAD,
    /* type: 0 (i32 i32)->(i32), 1 ()->(), 2 (i32)->(i32 i32) */
    0x01, 0x10, 0x03, 0x60, 0x02, 0x7f, 0x7f, 0x01, 0x7f, 0x60, 0x00, 0x00, 0x60, 0x01, 0x7f, 0x02,
    0x7f, 0x7f,
    /* import: "m" "f" func 1, "m" "g" global i32 */
    0x02, 0x0e, 0x02, 0x01, 'm', 0x01, 'f', 0x00, 0x01, 0x01, 'm', 0x01, 'g', 0x03, 0x7f, 0x00,
    /* function: 1 of type 0, 2 of type 1, 3 of type 2 */
    0x03, 0x04, 0x03, 0x00, 0x01, 0x02,
    /* table: funcref 3..5, externref 1 */
    0x04, 0x08, 0x02, 0x70, 0x01, 0x03, 0x05, 0x6f, 0x00, 0x01,
    /* memory: 1..2 */
    0x05, 0x04, 0x01, 0x01, 0x01, 0x02,
    /* global: 1 mut i64 = 7, 2 i32 = global.get 0 + 1, 3 funcref = ref.func 3 */
    0x06, 0x13, 0x03, 0x7e, 0x01, 0x42, 0x07, 0x0b, 0x7f, 0x00, 0x23, 0x00, 0x41, 0x01, 0x6a, 0x0b,
    0x70, 0x00, 0xd2, 0x03, 0x0b,
    /* export: "add" func 1, "mem" memory 0 */
    0x07, 0x0d, 0x02, 0x03, 'a', 'd', 'd', 0x00, 0x01, 0x03, 'm', 'e', 'm', 0x02, 0x00,
    /* start: 2 */
    0x08, 0x01, 0x02,
    /* element: active table 0 at 1 [1 2]; passive exprs funcref [ref.null, ref.func 0] */
    0x09, 0x11, 0x02, 0x00, 0x41, 0x01, 0x0b, 0x02, 0x01, 0x02, 0x05, 0x70, 0x02, 0xd0, 0x70, 0x0b,
    0xd2, 0x00, 0x0b,
    /* data count: 2 */
    0x0c, 0x01, 0x02,
    /* code */
    0x0a, 0x1f, 0x03,
    /*   1: local.get 0, local.get 1, i32.add */
    0x07, 0x00, 0x20, 0x00, 0x20, 0x01, 0x6a, 0x0b,
    /*   2: i32.const 0 x 3, memory.init 1 */
    0x0c, 0x00, 0x41, 0x00, 0x41, 0x00, 0x41, 0x00, 0xfc, 0x08, 0x01, 0x00, 0x0b,
    /*   3: one local i64; local.get 0, local.get 0 */
    0x08, 0x01, 0x01, 0x7e, 0x20, 0x00, 0x20, 0x00, 0x0b,
    /* data: active at 8 "ab"; passive "c" */
    0x0b, 0x0b, 0x02, 0x00, 0x41, 0x08, 0x0b, 0x02, 'a', 'b', 0x01, 0x01, 'c',
    /* name: module "top", functions 2 "go" */
    0x00, 0x12, 0x04, 'n', 'a', 'm', 'e', 0x00, 0x04, 0x03, 't', 'o', 'p', 0x01, 0x05, 0x01, 0x02,
    0x02, 'g', 'o'};

static void check_tables(const struct module *m) {
    CHECK_EQ(m->table_count, 2);
    CHECK_EQ(m->tables[0].limits.min, 3);
    CHECK_EQ(m->tables[0].limits.max, 5);
    CHECK(!m->tables[1].limits.has_max);
    CHECK_EQ(m->tables[1].elem, VALTYPE_EXTERNREF);
    CHECK_EQ(m->elem_count, 2);
    CHECK_EQ(m->elems[0].mode, SEGMENT_ACTIVE);
    CHECK_EQ(m->elems[0].offset.size, 3);
    CHECK_EQ(m->elems[0].funcs[1], 2);
    CHECK_EQ(m->elems[1].mode, SEGMENT_PASSIVE);
    CHECK_EQ(m->elems[1].exprs[1].at[1], 0);
}

static void check_funcs(const struct module *m) {
    CHECK_EQ(m->func_count, 4);
    CHECK_EQ(m->func_imports, 1);
    CHECK(m->funcs[0].body == NULL);
    CHECK_EQ(m->funcs[1].body_size, 7);
    CHECK(m->funcs[1].body == whole + m->funcs[1].body_offset);
    CHECK_EQ(m->funcs[1].body[0], 0);
    CHECK_EQ(module_func_type(m, 3)->result_count, 2);
    for (uint32_t i = 0; i < 4; i++) {
        CHECK(m->funcs[i].is_escaping); /* 0 and 2 by elements, 1 by export, 3 by ref.func */
    }
}

TEST(whole_module) {
    struct module *m = load(whole, sizeof(whole));
    CHECK_TEXT(error.text, "");
    CHECK(m != NULL);
    check_funcs(m);
    check_tables(m);
    CHECK_EQ(m->import_count, 2);
    CHECK_EQ(m->imports[1].kind, EXTERN_GLOBAL);
    CHECK_EQ(m->memories[0].limits.max, 2);
    CHECK_EQ(m->global_count, 4);
    CHECK(m->globals[1].is_mutable);
    CHECK_EQ(m->globals[2].init.size, 6);
    CHECK_EQ(m->start, 2);
    CHECK_EQ(m->data_count, 2);
    CHECK_BYTES(m->datas[1].bytes, "c", 1);
    CHECK_EQ(m->code_size, 0x1f);
    unload(m);
}

TEST(names_and_exports) {
    struct module *m = load(whole, sizeof(whole));
    CHECK(m != NULL);
    char buf[16];
    CHECK_TEXT(module_func_name(m, 2, buf, sizeof(buf)), "go");
    CHECK_TEXT(module_func_name(m, 1, buf, sizeof(buf)), "add");
    CHECK_TEXT(module_func_name(m, 3, buf, sizeof(buf)), "func[3]");
    CHECK_TEXT(module_func_name(m, 2, buf, 2), "g");
    CHECK_EQ(m->name.size, 3);
    CHECK_EQ(module_find_export(m, "mem", 3)->kind, EXTERN_MEMORY);
    CHECK(!module_find_export(m, "me", 2));
    unload(m);
}

TEST(every_truncation_is_refused_or_whole) {
    for (size_t size = 0; size < sizeof(whole); size++) {
        uint8_t *copy = malloc(size + 1); /* so that a read past the end is seen */
        memcpy(copy, whole, size);
        struct module *m = load(copy, size);
        bool is_tail =
            size == 8 || size >= sizeof(whole) - 20; /* the name section may be cut off */
        if (m && !is_tail) {
            /* Otherwise only where a section ends and no function waits for its body. */
            CHECK_EQ(m->func_count, m->func_imports);
        }
        unload(m);
        free(copy);
    }
}

TEST(every_flipped_byte_is_survived) {
    uint8_t copy[sizeof(whole)];
    for (size_t i = 0; i < sizeof(whole) * 8; i++) {
        memcpy(copy, whole, sizeof(whole));
        copy[i / 8] ^= (uint8_t)(1u << i % 8);
        struct module *m = load(copy, sizeof(copy));
        CHECK(m || error.text[0] != '\0');
        unload(m);
    }
}

TEST(running_out_of_memory_gives_everything_back) {
    bool is_loaded = false;
    for (int chunks = 0; chunks < 20 && !is_loaded; chunks++) {
        struct heap_limited heap;
        heap_limit(&heap, chunks);
        struct module *m = NULL;
        arena_init(&types_arena, &heap_source);
        status_t status =
            module_load(&m, &heap.source, types_new(&types_arena, 0), whole, sizeof(whole), &error);
        CHECK(status == STATUS_OK || status == STATUS_NO_MEMORY);
        is_loaded = status == STATUS_OK;
        unload(is_loaded ? m : NULL);
        CHECK_EQ(heap.held, 0);
    }
    CHECK(is_loaded);
}

/* Loads and drops the module, killed at that look (0: never). */
static status_t load_killed(const uint8_t *bytes, size_t size, unsigned look,
                            struct heap_limited *heap) {
    struct module *m = NULL;
    heap_limit(heap, INT_MAX);
    heap->killed_at = look;
    arena_init(&types_arena, &heap_source);
    status_t status =
        module_load(&m, &heap->source, types_new(&types_arena, 0), bytes, size, &error);
    unload(m);
    CHECK_EQ(heap->held, 0);
    return status;
}

TEST(killed_at_every_look) {
    struct heap_limited heap;
    unsigned look = 1;
    for (status_t status; (status = load_killed(whole, sizeof(whole), look, &heap)) != STATUS_OK;
         look++) {
        CHECK_EQ(status, STATUS_KILLED);
        CHECK_EQ(error.status, STATUS_KILLED);
    }
    CHECK_EQ(heap.looks, look - 1);
    CHECK(look > 10);
}

/* What takes two bytes takes and gives a thousand operands: that is looked at each time. */
TEST(looks_keep_up_with_what_calls_take) {
    enum { CALLS = 500, TYPE = 3 + 2 * (2 + LIMIT_PARAMS), GETS = 3 * LIMIT_PARAMS };
    enum { BODY = 1 + GETS + 2 * CALLS + 1, CODE = 1 + 3 + BODY };
    static uint8_t bytes[32 + TYPE + CODE];
    static const uint8_t head[] = {HEAD}, func[] = {3, 2, 1, 0};
#define LEB3(n)         (uint8_t)((n) | 0x80), (uint8_t)((n) >> 7 | 0x80), (uint8_t)((n) >> 14)
#define LEB2(n)         (uint8_t)((n) | 0x80), (uint8_t)((n) >> 7)
#define PUT(...)        PUT_BYTES(((const uint8_t[]){__VA_ARGS__}))
#define PUT_BYTES(from) (memcpy(at, from, sizeof(from)), at += sizeof(from))
    uint8_t *at = bytes;
    PUT_BYTES(head);
    PUT(1, LEB3(2 + 2 * (2 + LIMIT_PARAMS)), 1, 0x60);
    for (int list = 0; list < 2; list++) {
        PUT(LEB2(LIMIT_PARAMS));
        memset(at, 0x7f, LIMIT_PARAMS);
        at += LIMIT_PARAMS;
    }
    PUT_BYTES(func);
    PUT(10, LEB3(CODE), 1, LEB3(BODY), 0);
    for (unsigned i = 0; i < LIMIT_PARAMS; i++) {
        PUT(0x20, LEB2(i));
    }
    for (unsigned i = 0; i < CALLS; i++) {
        PUT(0x10, 0);
    }
    PUT(0x0b);
    struct heap_limited heap;
    CHECK_EQ(load_killed(bytes, (size_t)(at - bytes), 0, &heap), STATUS_OK);
    CHECK(heap.looks >= 2 * CALLS);
    CHECK_EQ(load_killed(bytes, (size_t)(at - bytes), CALLS, &heap), STATUS_KILLED);
}

TEST(header) {
    REFUSED(STATUS_BAD_FORMAT, "magic header not detected", 0x00, 0x61, 0x73);
    REFUSED(STATUS_BAD_FORMAT, "unknown binary version", 0x00, 0x61, 0x73, 0x6d, 2, 0, 0, 0);
    struct module *m = LOAD(HEAD);
    CHECK(m != NULL);
    CHECK_EQ(m->start, INDEX_NONE);
    unload(m);
}

TEST(sections) {
    REFUSED(STATUS_BAD_FORMAT, "malformed section id 14", HEAD, 14, 0);
    REFUSED(STATUS_BAD_FORMAT, "unexpected content after last section", HEAD, 3, 1, 0, 1, 1, 0);
    REFUSED(STATUS_BAD_FORMAT, "unexpected end", HEAD, 1, 5, 0);
    REFUSED(STATUS_BAD_FORMAT, "section size mismatch", HEAD, 1, 2, 0, 0);
    REFUSED(STATUS_BAD_FORMAT, "inconsistent lengths", HEAD, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0);
    REFUSED(STATUS_BAD_FORMAT, "inconsistent lengths", HEAD, 12, 1, 1);
    REFUSED(STATUS_BAD_FORMAT, "malformed UTF-8 encoding", HEAD, 0, 3, 2, 0xc0, 0x80);
    REFUSED(STATUS_LIMIT, "too many types", HEAD, 1, 5, 0xff, 0xff, 0xff, 0xff, 0x0f);
}

TEST(a_broken_name_section_is_no_error) {
    struct module *m = LOAD(HEAD, 0, 10, 4, 'n', 'a', 'm', 'e', 0, 9, 3, 'x', 'y');
    CHECK(m != NULL);
    CHECK_EQ(m->name.size, 0);
    unload(m);
}

/* One function of type ()->(i32) whose body is the bytes. */
#define BODY(size, ...)                                                                            \
    HEAD, 1, 5, 1, 0x60, 0, 1, 0x7f, 3, 2, 1, 0, 10, 3 + (size), 1, 1 + (size), 0, __VA_ARGS__

TEST(bodies) {
    REFUSED(STATUS_INVALID, "type mismatch: expected i32, found i64 (function 0, end, offset 0x1a)",
            BODY(3, 0x42, 0x00, 0x0b));
    REFUSED(STATUS_INVALID, "type mismatch: operand stack is empty", BODY(2, 0x6a, 0x0b));
    REFUSED(STATUS_INVALID, "unknown local 3", BODY(3, 0x20, 0x03, 0x0b));
    REFUSED(STATUS_INVALID, "unknown label 1", BODY(3, 0x0c, 0x01, 0x0b));
    REFUSED(STATUS_INVALID, "unknown memory 0", BODY(6, 0x41, 0, 0x28, 0x02, 0x00, 0x0b));
    REFUSED(STATUS_INVALID, "undeclared function reference 0", BODY(4, 0xd2, 0, 0x1a, 0x0b));
    REFUSED(STATUS_INVALID, "values remaining on stack", BODY(5, 0x41, 0, 0x41, 0, 0x0b));
    REFUSED(STATUS_BAD_FORMAT, "unexpected end", BODY(2, 0x41, 0x00));
    REFUSED(STATUS_BAD_FORMAT, "code after the end", BODY(4, 0x41, 0x00, 0x0b, 0x0b));
    REFUSED(STATUS_BAD_FORMAT, "illegal opcode", BODY(2, 0xff, 0x0b));
    REFUSED(STATUS_BAD_FORMAT, "data count section required", BODY(4, 0xfc, 0x09, 0x00, 0x0b));
}

TEST(unsupported_is_said_by_name) {
    REFUSED(STATUS_UNSUPPORTED, "unsupported feature: simd: v128.load",
            BODY(5, 0xfd, 0, 4, 0, 0x0b));
    CHECK_TEXT(error.feature, "simd");
    REFUSED(STATUS_UNSUPPORTED, "threads: atomic.fence", BODY(4, 0xfe, 3, 0, 0x0b));
    REFUSED(STATUS_UNSUPPORTED, "tail-call: return_call", BODY(3, 0x12, 0, 0x0b));
    REFUSED(STATUS_UNSUPPORTED, "gc: recursion group", HEAD, 1, 3, 1, 0x4e, 0);
    REFUSED(STATUS_UNSUPPORTED, "gc: struct type", HEAD, 1, 3, 1, 0x5f, 0);
    REFUSED(STATUS_UNSUPPORTED, "function-references", HEAD, 1, 6, 1, 0x60, 1, 0x64, 0x70, 0);
    REFUSED(STATUS_UNSUPPORTED, "memory64", HEAD, 5, 3, 1, 0x04, 1);
    REFUSED(STATUS_UNSUPPORTED, "threads", HEAD, 5, 4, 1, 0x03, 1, 1);
    REFUSED(STATUS_UNSUPPORTED, "multi-memory", HEAD, 5, 5, 2, 0, 1, 0, 1);
    REFUSED(STATUS_UNSUPPORTED, "exceptions: tag section", HEAD, 13, 1, 0);
    CHECK_TEXT(error.feature, "exceptions");
    REFUSED(STATUS_INVALID, "unknown local", BODY(3, 0x20, 0x03, 0x0b));
    CHECK(error.feature == NULL);
}

TEST(a_group_of_one_is_plain) {
    struct module *m = LOAD(HEAD, 1, 12, 2, 0x4e, 1, 0x60, 0, 0, 0x4f, 0, 0x60, 1, 0x7f, 0);
    CHECK(m != NULL);
    CHECK_EQ(m->type_count, 2);
    unload(m);
}

TEST(constant_expressions) {
    REFUSED(STATUS_INVALID, "constant expression required", HEAD, 6, 6, 1, 0x7f, 0, 0x41, 0, 0x67,
            0x0b);
    REFUSED(STATUS_INVALID, "unknown global 0", HEAD, 6, 6, 1, 0x7f, 0, 0x23, 0, 0x0b);
    REFUSED(STATUS_INVALID, "is mutable", HEAD, 6, 11, 2, 0x7f, 1, 0x41, 0, 0x0b, 0x7f, 0, 0x23, 0,
            0x0b);
    REFUSED(STATUS_INVALID, "type mismatch", HEAD, 6, 6, 1, 0x7f, 0, 0x42, 0, 0x0b);
}

/* `depth` blocks in one function, closed; then whether it loads. */
static status_t load_nested(uint32_t depth) {
    uint32_t body = 1 + 3 * depth + 1;
    uint8_t *bytes = calloc(1, body + 64), *at = bytes;
    const uint8_t head[] = {HEAD, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 10};
    memcpy(at, head, sizeof(head));
    at += sizeof(head);
    uint32_t sizes[] = {body + 6, body};
    for (unsigned i = 0; i < 2; i++) {
        for (unsigned shift = 0; shift < 35; shift += 7) {
            *at++ = (uint8_t)((sizes[i] >> shift & 0x7f) | (shift < 28 ? 0x80 : 0));
        }
        if (i == 0) {
            *at++ = 1;
        }
    }
    *at++ = 0;
    for (uint32_t i = 0; i < depth; i++) {
        *at++ = 0x02;
        *at++ = 0x40;
    }
    memset(at, 0x0b, depth + 1);
    at += depth + 1;
    struct module *m = load(bytes, (size_t)(at - bytes));
    unload(m);
    free(bytes);
    return error.status;
}

TEST(nesting_has_a_limit_and_no_recursion) {
    CHECK_EQ(load_nested(LIMIT_CONTROL_DEPTH - 1), STATUS_OK);
    CHECK_EQ(load_nested(LIMIT_CONTROL_DEPTH), STATUS_LIMIT);
}

TEST(locals_have_a_limit) {
    REFUSED(STATUS_LIMIT, "too many locals", HEAD, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 10, 10, 1, 8, 1,
            0xff, 0xff, 0xff, 0xff, 0x0f, 0x7f, 0x0b);
    REFUSED(STATUS_LIMIT, "too many locals", HEAD, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 10, 12, 1, 10,
            2, 0xd0, 0x86, 0x03, 0x7f, 0x01, 0x7f, 0x0b, 0x0b, 0x0b);
}

/* (param i32) (local i64 x 100) (local f32 x 100), then local.get INDEX, f64.neg, drop. */
static void load_local(uint8_t index) {
    struct module *m =
        LOAD(HEAD, 1, 5, 1, 0x60, 1, 0x7f, 0, 3, 2, 1, 0, 10, 13, 1, 11, 2, 100, 0x7e, 100, 0x7d,
             0x20, (uint8_t)(index | 0x80), (uint8_t)(index >> 7), 0x9a, 0x1a, 0x0b);
    unload(m);
}

TEST(locals_far_away_have_their_types) {
    static const struct {
        uint8_t index;
        const char *type;
    } cases[] = {{0, "found i32"},   {1, "found i64"},          {63, "found i64"},
                 {64, "found i64"},  {100, "found i64"},        {101, "found f32"},
                 {200, "found f32"}, {201, "unknown local 201"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        load_local(cases[i].index); /* f64.neg wants none of them, so the error names the type */
        CHECK_EQ(error.status, STATUS_INVALID);
        if (!strstr(error.text, cases[i].type)) {
            FAIL("local %u: %s", cases[i].index, error.text);
        }
    }
}

CHECK_MAIN
