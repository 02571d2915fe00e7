/*
 * The compiler on functions that nobody would write: as deep, as wide and as branching as the limits
 * let them be, with little memory, killed in the middle, and on text that is no function.
 */
#include "test/support/check.h"
#include "test/support/heap.h"
#include "wasm/compile.h"
#include "wasm/ir/parse.h"
#include "wasm/ir/verify.h"

#include <limits.h>

/* ---- modules made here */

struct bytes {
    uint8_t *at;
    size_t size, cap;
};

static void put(struct bytes *b, uint8_t byte) {
    if (b->size == b->cap) {
        b->cap = b->cap * 2 + 64;
        b->at = realloc(b->at, b->cap);
    }
    b->at[b->size++] = byte;
}

static void put_leb(struct bytes *b, uint32_t n) {
    while (n >= 0x80) {
        put(b, (uint8_t)(n | 0x80));
        n >>= 7;
    }
    put(b, (uint8_t)n);
}

static void put_const(struct bytes *b, int32_t n) {
    put(b, 0x41);
    put(b, (uint8_t)(n & 0x3f));
}

static void put_op(struct bytes *b, uint8_t op, uint32_t index) {
    put(b, op);
    put_leb(b, index);
}

enum {
    GET = 0x20,
    SET = 0x21,
    BLOCK = 0x02,
    LOOP = 0x03,
    IF = 0x04,
    ELSE = 0x05,
    END = 0x0b,
    BR_IF = 0x0d,
    BR_TABLE = 0x0e,
    DROP = 0x1a,
    ADD = 0x6a,
    EMPTY = 0x40
};

static void put_section(struct bytes *b, uint8_t id, const struct bytes *content) {
    put_op(b, id, (uint32_t)content->size);
    for (size_t k = 0; k < content->size; k++) {
        put(b, content->at[k]);
    }
}

/* A module with one function (i32) -> i32 with so many i32 locals and that body. */
static struct bytes make_module(uint32_t locals, struct bytes *body) {
    static const uint8_t magic[] = {0, 'a', 's', 'm', 1, 0, 0, 0};
    static const uint8_t type[] = {1, 0x60, 1, 0x7f, 1, 0x7f}, func[] = {1, 0};
    struct bytes module = {0}, code = {0}, whole = {0};
    for (size_t k = 0; k < sizeof(magic); k++) {
        put(&module, magic[k]);
    }
    put_section(&module, 1, &(struct bytes){(uint8_t *)type, sizeof(type), 0});
    put_section(&module, 3, &(struct bytes){(uint8_t *)func, sizeof(func), 0});
    put_leb(&code, 1);
    put_leb(&code, locals);
    put(&code, 0x7f);
    for (size_t k = 0; k < body->size; k++) {
        put(&code, body->at[k]);
    }
    put(&code, END);
    put_leb(&whole, 1);
    put_leb(&whole, (uint32_t)code.size);
    for (size_t k = 0; k < code.size; k++) {
        put(&whole, code.at[k]);
    }
    put_section(&module, 10, &whole);
    free(code.at);
    free(whole.at);
    free(body->at);
    return module;
}

static struct heap_limited heap;

static status_t compile_limited(const struct module *m, const struct layout *layout, int chunks) {
    heap_limit(&heap, chunks);
    struct compile_options options = {.target = &target_riscv64, .verify = true};
    struct arena arena;
    arena_init(&arena, &heap.source);
    struct code *code;
    status_t status = compile_func(m, 0, layout, &options, &arena, &code);
    arena_fini(&arena);
    CHECK_EQ(heap.held, 0);
    return status;
}

/* Compiles the module's function; with `is_starved`, first with every number of chunks too few. */
static void check_compiles(struct bytes module, bool is_starved) {
    struct arena arena;
    arena_init(&arena, &heap_source);
    struct module *m;
    struct wasm_error error = {0};
    status_t loaded =
        module_load(&m, &heap_source, types_new(&arena, 0), module.at, module.size, &error);
    CHECK_TEXT(loaded == STATUS_OK ? "" : error.text, "");
    const struct layout *layout = layout_new(&arena, m);
    int chunks = is_starved ? 0 : 100000;
    status_t status;
    while ((status = compile_limited(m, layout, chunks)) != STATUS_OK) {
        CHECK_EQ(status, STATUS_NO_MEMORY);
        CHECK(is_starved && chunks < 1000);
        chunks++;
    }
    module_free(m);
    arena_fini(&arena);
    free(module.at);
}

/* ---- shapes */

TEST(deep_blocks) {
    struct bytes body = {0};
    for (uint32_t k = 0; k < 40000; k++) {
        put_op(&body, BLOCK, EMPTY);
    }
    put_op(&body, GET, 0);
    put_op(&body, BR_IF, 39999);
    for (uint32_t k = 0; k < 40000; k++) {
        put(&body, END);
    }
    put_op(&body, GET, 0);
    check_compiles(make_module(0, &body), false);
}

TEST(deep_loops_that_carry_a_local) {
    struct bytes body = {0};
    for (uint32_t k = 0; k < 20000; k++) {
        put_op(&body, LOOP, EMPTY);
    }
    put_op(&body, GET, 1);
    put_const(&body, 1);
    put(&body, ADD);
    put_op(&body, SET, 1);
    put_op(&body, GET, 0);
    put_op(&body, BR_IF, 19999);
    for (uint32_t k = 0; k < 20000; k++) {
        put(&body, END);
    }
    put_op(&body, GET, 1);
    check_compiles(make_module(1, &body), false);
}

TEST(deep_ifs) {
    struct bytes body = {0};
    for (uint32_t k = 0; k < 20000; k++) {
        put_op(&body, GET, 0);
        put_op(&body, IF, EMPTY);
    }
    put_const(&body, 3);
    put_op(&body, SET, 1);
    for (uint32_t k = 0; k < 20000; k++) {
        put(&body, END);
    }
    put_op(&body, GET, 1);
    check_compiles(make_module(1, &body), false);
}

TEST(branches_to_one_label) {
    struct bytes body = {0};
    put_op(&body, BLOCK, EMPTY);
    for (uint32_t k = 0; k < 20000; k++) {
        put_op(&body, GET, 1);
        put_op(&body, GET, 0);
        put(&body, ADD);
        put_op(&body, SET, 1);
        if (k % 2 == 0) {
            put_op(&body, GET, 1);
        } else {
            put_const(&body, 0); /* never taken */
        }
        put_op(&body, BR_IF, 0);
    }
    put(&body, END);
    put_op(&body, GET, 1);
    check_compiles(make_module(1, &body), false);
}

/* What each local is at the end was decided in few of the many arms. */
TEST(many_locals_and_arms) {
    enum { LOCALS = 1000, ARMS = 20000 };
    struct bytes body = {0};
    for (uint32_t k = 0; k < ARMS; k++) {
        put_op(&body, GET, 0);
        put_op(&body, IF, EMPTY);
        put_const(&body, (int32_t)(k & 31));
        put_op(&body, SET, 1 + k % LOCALS);
        put(&body, ELSE);
        put_const(&body, (int32_t)(k & 15));
        put_op(&body, SET, 1 + k * 7 % LOCALS);
        put(&body, END);
    }
    put_op(&body, GET, 0);
    for (uint32_t k = 1; k <= LOCALS; k++) {
        put_op(&body, GET, k);
        put(&body, ADD);
    }
    check_compiles(make_module(LOCALS, &body), false);
}

TEST(loops_in_a_row) {
    enum { LOCALS = 200, LOOPS = 8000 };
    struct bytes body = {0};
    for (uint32_t k = 0; k < LOOPS; k++) {
        put_op(&body, LOOP, EMPTY);
        put_op(&body, GET, 1 + k % LOCALS);
        put_const(&body, 1);
        put(&body, ADD);
        put_op(&body, SET, 1 + k % LOCALS);
        put_op(&body, GET, 1 + k % LOCALS);
        put_op(&body, BR_IF, 0);
        put(&body, END);
    }
    put_op(&body, GET, 0);
    for (uint32_t k = 1; k <= LOCALS; k++) {
        put_op(&body, GET, k);
        put(&body, ADD);
    }
    check_compiles(make_module(LOCALS, &body), false);
}

TEST(wide_br_table) {
    enum { TARGETS = 60000 };
    struct bytes body = {0};
    put_op(&body, BLOCK, EMPTY);
    put_op(&body, BLOCK, EMPTY);
    put_op(&body, GET, 0);
    put_op(&body, BR_TABLE, TARGETS);
    for (uint32_t k = 0; k <= TARGETS; k++) {
        put_leb(&body, k & 1);
    }
    put(&body, END);
    put(&body, END);
    put_op(&body, GET, 0);
    check_compiles(make_module(0, &body), false);
}

TEST(running_out_of_memory) {
    struct bytes body = {0};
    for (uint32_t k = 0; k < 60; k++) {
        put_op(&body, LOOP, EMPTY);
        put_op(&body, GET, 1);
        put_op(&body, GET, 0);
        put(&body, ADD);
        put_op(&body, SET, 1);
        put_op(&body, GET, 1);
        put_op(&body, BR_IF, 0);
        put(&body, END);
    }
    put_op(&body, GET, 1);
    check_compiles(make_module(1, &body), true);
}

/* ---- being killed */

struct loaded {
    struct bytes bytes;
    struct arena arena;
    struct module *module;
    const struct layout *layout;
};

static void load(struct loaded *l, struct bytes bytes) {
    struct wasm_error error = {0};
    l->bytes = bytes;
    arena_init(&l->arena, &heap_source);
    CHECK_EQ(module_load(&l->module, &heap_source, types_new(&l->arena, 0), bytes.at, bytes.size,
                         &error),
             STATUS_OK);
    l->layout = layout_new(&l->arena, l->module);
}

static void unload(struct loaded *l) {
    module_free(l->module);
    arena_fini(&l->arena);
    free(l->bytes.at);
}

/* Compiles, and is killed at that look (0: never). Something is in the arena already, and stays. */
static status_t compile_killed(const struct loaded *l, unsigned look) {
    struct compile_options options = {.target = &target_riscv64};
    struct arena arena;
    struct code *code;
    heap_limit(&heap, INT_MAX);
    heap.killed_at = look;
    arena_init(&arena, &heap.source);
    char *kept = arena_strndup(&arena, "kept", 4);
    size_t used = arena.used;
    status_t status = compile_func(l->module, 0, l->layout, &options, &arena, &code);
    CHECK_TEXT(kept, "kept");
    CHECK(status == STATUS_OK || arena.used == used);
    CHECK(arena.exhausted == NULL);
    arena_fini(&arena);
    CHECK_EQ(heap.held, 0);
    return status;
}

/* A row of adds with loops in between, of about 8 instructions each. */
static struct bytes make_row(uint32_t adds, uint32_t per_loop) {
    struct bytes body = {0};
    for (uint32_t k = 0; k < adds; k++) {
        bool is_loop = k % per_loop == 0;
        if (is_loop) {
            put_op(&body, LOOP, EMPTY);
        }
        put_op(&body, GET, 1 + k % 20);
        put_const(&body, (int32_t)(1 + k % 50));
        put(&body, ADD);
        put_op(&body, SET, 1 + k * 7 % 20);
        if (is_loop) {
            put_op(&body, GET, 1);
            put_op(&body, BR_IF, 0);
            put(&body, END);
        }
    }
    put_op(&body, GET, 1);
    return make_module(20, &body);
}

TEST(killed_at_every_look) {
    struct loaded l;
    load(&l, make_row(1500, 10));
    unsigned look = 1;
    for (status_t status; (status = compile_killed(&l, look)) != STATUS_OK; look++) {
        CHECK_EQ(status, STATUS_KILLED);
    }
    CHECK_EQ(heap.looks, look - 1);
    CHECK(look > 16); /* one a pass at the least, and some within */
    unload(&l);
}

/* One function, one block: however large it is, it is never long until the next look. */
TEST(looks_keep_up_with_the_size) {
    enum { ADDS = 100000 };
    struct loaded l;
    load(&l, make_row(ADDS, UINT32_MAX));
    CHECK_EQ(compile_killed(&l, 0), STATUS_OK);
    unsigned looks = heap.looks;
    CHECK(looks > 4 * (2 * ADDS / ARENA_POLL_ROUNDS)); /* building, folding twice, numbering */
    for (unsigned look = looks; look > 0; look = look * 3 / 4) {
        CHECK_EQ(compile_killed(&l, look), STATUS_KILLED);
    }
    unload(&l);
}

/* ---- text */

static const char text[] = "func 3 (i32, i64) -> i32 {\n"
                           "b0:\n"
                           "    v1 = param.i32 0\n"
                           "    v2 = addr.ptr v1\n"
                           "    jump -> b1\n"
                           "b1 (b0, b1):\n"
                           "    v3 = phi.i32 v1, v4\n"
                           "    v4 = load.i32 v2, as=8u, offset=16 @1a3\n"
                           "    store v2, v3, as=32s\n"
                           "    br v4 -> b1, b2\n"
                           "b2 (b1):\n"
                           "    v5 = call.i32 v3, v1, v1, v4, func=7\n"
                           "    v6 = result.i64 v5, k=1\n"
                           "    trap_if v1, trap=UNREACHABLE\n"
                           "    ret v5\n"
                           "}\n";

static bool is_function(const char *at, size_t size) {
    struct arena arena;
    arena_init(&arena, &heap_source);
    struct func *f;
    struct parse_error error;
    bool is_ok =
        parse_func(&arena, NULL, at, size, &f, NULL, &error) == STATUS_OK && !verify_run(f);
    arena_fini(&arena);
    return is_ok;
}

TEST(text_cut_short) {
    CHECK(is_function(text, sizeof(text) - 1));
    for (size_t size = 0; size < sizeof(text) - 2; size++) {
        char *cut = malloc(size);
        memcpy(cut, text, size);
        bool is_ok = is_function(cut, size);
        free(cut);
        CHECK(!is_ok);
    }
}

TEST(text_with_wrong_bytes) {
    static const char replacements[] = "09vb,.=->(){ \n\xff";
    char wrong[sizeof(text)];
    for (size_t at = 0; at < sizeof(text) - 1; at++) {
        for (size_t k = 0; k < sizeof(replacements) - 1; k++) {
            memcpy(wrong, text, sizeof(text));
            wrong[at] = replacements[k];
            (void)is_function(wrong, sizeof(text) - 1);
        }
    }
}

CHECK_MAIN
