/*
 * Calls between host and guest, run as emitted code: arguments of every kind and place, nesting,
 * traps and their backtraces, instances that call each other, and calls that reach far.
 */
#include "wasm/wasm.h"

#include "gen/wat/caller.h"
#include "gen/wat/nest.h"
#include "gen/wat/wide.h"
#include "test/support/check.h"
#include "test/support/platform_linux.h"
#include "test/support/runtime.h"

#define I VALTYPE_I32
#define L VALTYPE_I64
#define F VALTYPE_F32
#define D VALTYPE_F64

static const struct wasm_config config = {.verify = true};

/* ---- arguments ------------------------------------------------------------------------------- */

static const valtype_t wide_params[] = {I, L, F, D, I, L, F, D, I, L, I,
                                        L, I, L, I, D, D, D, D, D, D, D};
static const valtype_t wide_results[] = {L, F, I, D, L, L, L, L, L, L, L, L, F};
#define PARAMS  (sizeof(wide_params) / sizeof(wide_params[0]))
#define RESULTS (sizeof(wide_results) / sizeof(wide_results[0]))

/* Value number n of its type; i32 with the sign bit, floats that no arithmetic makes. */
static struct wasm_value wide_value(valtype_t type, uint32_t n) {
    struct wasm_value v = {.type = type};
    if (type == I || type == F) {
        v.i32 = 0x80000000u + n * 0x01010101u;
    } else {
        v.i64 = 0xfedcba9800000000u + n * 0x0000000100000001u;
    }
    return v;
}

static bool same(struct wasm_value a, struct wasm_value b) {
    return a.type == b.type && a.i64 == b.i64;
}

static status_t turn(void *ctx, struct wasm_caller *caller, uint64_t *values) {
    (void)caller;
    uint32_t *wrong = ctx;
    for (uint32_t i = 0; i < PARAMS; i++) {
        uint64_t want = wide_value(wide_params[i], i).i64;
        bool is_half = wide_params[i] == I || wide_params[i] == F;
        *wrong += is_half ? (uint32_t)values[i] != (uint32_t)want : values[i] != want;
    }
    for (uint32_t i = 0; i < RESULTS; i++) {
        values[i] = wide_value(wide_results[i], 100 + i).i64;
    }
    return STATUS_OK;
}

TEST(every_place_of_arguments_and_results) {
    struct loaded l = {0};
    uint32_t wrong = 0;
    struct wasm_extern through;
    struct wasm_value args[PARAMS], results[RESULTS];
    CHECK_EQ(wasm_store_new(&config, &l.store), STATUS_OK);
    CHECK_EQ(wasm_define_func(l.store, "env", "turn", wide_params, PARAMS, wide_results, RESULTS,
                              turn, &wrong),
             STATUS_OK);
    CHECK_EQ(runtime_load(&l, wide_wasm, sizeof(wide_wasm)), STATUS_OK);
    CHECK_EQ(wasm_export(l.instance, "through", 7, &through), STATUS_OK);
    for (uint32_t i = 0; i < PARAMS; i++) {
        args[i] = wide_value(wide_params[i], i);
    }
    CHECK_EQ(wasm_call(l.store, &through, args, results, &l.trap), STATUS_OK);
    CHECK_EQ(wrong, 0);
    for (uint32_t i = 0; i < RESULTS; i++) {
        CHECK(same(results[i], wide_value(wide_results[i], 100 + i)));
    }
    wasm_store_free(l.store);
    CHECK_EQ(platform_held(), 0);
}

/* ---- nesting ----------------------------------------------------------------------------------- */

/* Calls down(n) again, in the guest that called. */
static status_t again(void *ctx, struct wasm_caller *caller, uint64_t *values) {
    struct loaded *l = ctx;
    uint32_t result = 0;
    status_t status = runtime_call(l, "down", (uint32_t)values[0], &result);
    values[0] = result;
    if (status == STATUS_TRAPPED) {
        wasm_caller_set_trap(caller, l->trap.kind);
    }
    return status;
}

static status_t end(void *ctx, struct wasm_caller *caller, uint64_t *values) {
    (void)ctx;
    (void)caller;
    (void)values;
    return STATUS_EXITED;
}

static void make_nest(struct loaded *l) {
    static const valtype_t i32[] = {VALTYPE_I32};
    *l = (struct loaded){0};
    CHECK_EQ(wasm_store_new(&config, &l->store), STATUS_OK);
    CHECK_EQ(wasm_define_func(l->store, "env", "again", i32, 1, i32, 1, again, l), STATUS_OK);
    CHECK_EQ(wasm_define_func(l->store, "env", "end", NULL, 0, NULL, 0, end, NULL), STATUS_OK);
    CHECK_EQ(runtime_load(l, nest_wasm, sizeof(nest_wasm)), STATUS_OK);
}

static void drop(struct loaded *l) {
    wasm_store_free(l->store);
    CHECK_EQ(platform_held(), 0);
}

TEST(host_functions_may_call_guests) {
    struct loaded l;
    uint32_t result;
    make_nest(&l);
    CHECK_EQ(runtime_call(&l, "down", 5, &result), STATUS_OK);
    CHECK_EQ(result, 105);
    CHECK_EQ(runtime_call(&l, "down", LIMIT_NESTED_CALLS - 1, &result), STATUS_OK);
    CHECK_EQ(runtime_call(&l, "down", LIMIT_NESTED_CALLS, &result), STATUS_TRAPPED);
    CHECK_EQ(l.trap.kind, TRAP_STACK_EXHAUSTED);
    CHECK_EQ(runtime_call(&l, "down", 1, &result), STATUS_OK); /* all is well again */
    drop(&l);
}

TEST(exit_ends_the_call) {
    struct loaded l;
    uint32_t result;
    make_nest(&l);
    CHECK_EQ(runtime_call(&l, "leave", 0, &result), STATUS_EXITED);
    drop(&l);
}

/* ---- traps ------------------------------------------------------------------------------------- */

TEST(backtrace_names_the_frames) {
    struct loaded l;
    uint32_t result;
    char text[512];
    make_nest(&l);
    CHECK_EQ(runtime_call(&l, "divide", 1, &result), STATUS_OK);
    CHECK_EQ(result, 6);
    CHECK_EQ(runtime_call(&l, "divide", 0, &result), STATUS_TRAPPED);
    CHECK_EQ(l.trap.kind, TRAP_INTEGER_DIVIDE_BY_ZERO);
    runtime_trap_text(&l.trap, text, sizeof(text));
    CHECK(strncmp(text, "trap: integer divide by zero\n", 29) == 0);
    CHECK_EQ(l.trap.frame_count, 3);
    static const char *const names[] = {"inner", "middle", "outer"};
    for (uint32_t i = 0; i < 3; i++) {
        const struct wasm_frame *frame = &l.trap.frames[i];
        CHECK_EQ(frame->func_index, 3 + i);
        CHECK(frame->func.size == strlen(names[i]) &&
              memcmp(frame->func.at, names[i], frame->func.size) == 0);
        CHECK(frame->offset > 0 && frame->offset < sizeof(nest_wasm));
    }
    CHECK_EQ(nest_wasm[l.trap.frames[0].offset], 0x6e); /* i32.div_u */
    CHECK_EQ(nest_wasm[l.trap.frames[1].offset], 0x10); /* call */
    drop(&l);
}

TEST(deep_recursion_ends_at_the_guard) {
    struct loaded l;
    uint32_t result;
    make_nest(&l);
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(runtime_call(&l, "deep", 0, &result), STATUS_TRAPPED);
        CHECK_EQ(l.trap.kind, TRAP_STACK_EXHAUSTED);
        CHECK_EQ(l.trap.frame_count, LIMIT_BACKTRACE);
        CHECK(l.trap.more_frames > 10000);
    }
    CHECK_EQ(runtime_call(&l, "fib", 15, &result), STATUS_OK);
    CHECK_EQ(result, 610);
    drop(&l);
}

TEST(memory_grows_under_the_guest) {
    struct loaded l;
    uint32_t result;
    make_nest(&l);
    CHECK_EQ(runtime_call(&l, "poke", 196604, &result), STATUS_TRAPPED);
    CHECK_EQ(l.trap.kind, TRAP_MEMORY_BOUNDS);
    CHECK_EQ(runtime_call(&l, "grow", 0, &result), STATUS_OK);
    CHECK_EQ(result, 9);
    CHECK_EQ(runtime_call(&l, "poke", 0xffffffff, &result), STATUS_TRAPPED);
    CHECK_EQ(l.trap.kind, TRAP_MEMORY_BOUNDS);
    drop(&l);
}

TEST(calls_leave_user_mode_once_a_function) {
    struct loaded l;
    uint32_t result;
    make_nest(&l);
    unsigned before = platform_entries();
    CHECK_EQ(runtime_call(&l, "fib", 2, &result), STATUS_OK);
    CHECK_EQ(platform_entries() - before, 2); /* the call, and on after compiling */
    before = platform_entries();
    CHECK_EQ(runtime_call(&l, "fib", 20, &result), STATUS_OK);
    CHECK_EQ(result, 6765);
    CHECK_EQ(platform_entries() - before, 1);
    drop(&l);
}

/* ---- instances ---------------------------------------------------------------------------------- */

TEST(instances_keep_their_memories) {
    struct loaded l;
    uint32_t result;
    make_nest(&l);
    CHECK_EQ(wasm_define_instance(l.store, "nest", l.instance), STATUS_OK);
    struct wasm_instance *nest = l.instance;
    CHECK_EQ(runtime_load(&l, caller_wasm, sizeof(caller_wasm)), STATUS_OK);
    CHECK_EQ(runtime_call(&l, "call", 1, &result), STATUS_OK);
    CHECK_EQ(result, 5 + 6);
    struct wasm_caller caller;
    wasm_caller_init(&caller, l.store, nest);
    uint32_t poked[2];
    CHECK_EQ(wasm_memory_read(&caller, 16, poked, 8), STATUS_OK);
    CHECK_EQ(poked[0], 1);
    CHECK_EQ(poked[1], 1);
    CHECK_EQ(runtime_call(&l, "call", 0, &result), STATUS_TRAPPED);
    CHECK_EQ(l.trap.frame_count, 4);
    CHECK_EQ(l.trap.frames[3].func_index, 2);
    drop(&l);
}

/* ---- a module too large for near calls ------------------------------------------------------------ */

struct writer {
    uint8_t *at;
    size_t size;
};

static void put(struct writer *w, uint8_t byte) {
    w->at[w->size++] = byte;
}

static void put_leb(struct writer *w, uint32_t value) {
    for (; value >= 0x80; value >>= 7) {
        put(w, (uint8_t)(value | 0x80));
    }
    put(w, (uint8_t)value);
}

static void put_bytes(struct writer *w, const void *bytes, size_t size) {
    memcpy(w->at + w->size, bytes, size);
    w->size += size;
}

/* A section: its id, its size in five bytes, its contents. */
static void put_section(struct writer *w, uint8_t id, const struct writer *body) {
    put(w, id);
    put_leb(w, (uint32_t)body->size);
    put_bytes(w, body->at, body->size);
}

/* Function i stores some hundred constants and returns f(i + 1) + 1; the last one returns 0. */
static void put_function(struct writer *code, uint32_t i, uint32_t count, uint32_t stores) {
    static uint8_t bytes[1 << 16];
    struct writer body = {bytes, 0};
    put(&body, 0); /* no locals */
    for (uint32_t k = 0; k < stores; k++) {
        static const uint8_t store[] = {0x36, 2, 0};
        put(&body, 0x41);
        put_leb(&body, 4 * (k & 7));
        put(&body, 0x41);
        put_leb(&body, (i * 77 + k * 13) & 63);
        put_bytes(&body, store, sizeof(store));
    }
    if (i + 1 < count) {
        put(&body, 0x10);
        put_leb(&body, i + 1);
        put(&body, 0x41);
        put(&body, 1);
        put(&body, 0x6a);
    } else {
        put(&body, 0x41);
        put(&body, 0);
    }
    put(&body, 0x0b);
    put_leb(code, (uint32_t)body.size);
    put_bytes(code, body.at, body.size);
}

static struct writer make_big(uint32_t count, uint32_t stores) {
    static const uint8_t head[] = {0, 'a', 's', 'm', 1, 0, 0, 0, 1, 5, 1, 0x60, 0, 1, 0x7f};
    static const uint8_t memory[] = {5, 3, 1, 0, 1, 7, 5, 1, 1, 'f', 0, 0};
    struct writer w = {malloc(1 << 24), 0}, part = {malloc(1 << 24), 0};
    put_bytes(&w, head, sizeof(head));
    put_leb(&part, count);
    for (uint32_t i = 0; i < count; i++) {
        put(&part, 0);
    }
    put_section(&w, 3, &part);
    put_bytes(&w, memory, sizeof(memory));
    part.size = 0;
    put_leb(&part, count);
    for (uint32_t i = 0; i < count; i++) {
        put_function(&part, i, count, stores);
    }
    put_section(&w, 10, &part);
    free(part.at);
    return w;
}

static void check_big(uint32_t count, uint32_t stores) {
    struct loaded l = {0};
    uint32_t result;
    struct writer big = make_big(count, stores);
    struct wasm_config plain = {0};
    CHECK_EQ(wasm_store_new(&plain, &l.store), STATUS_OK);
    CHECK_EQ(runtime_load(&l, big.at, big.size), STATUS_OK);
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(runtime_call(&l, "f", 0, &result), STATUS_OK);
        CHECK_EQ(result, count - 1);
    }
    struct wasm_stats stats;
    wasm_store_stats(l.store, &stats);
    CHECK_EQ(stats.compiled_functions, count);
    wasm_store_free(l.store);
    free(big.at);
    CHECK_EQ(platform_held(), 0);
}

/* Who is killed in the compiler ends like who is killed in the guest, and another call goes through. */
TEST(killed_while_a_function_is_compiled) {
    struct loaded l = {0};
    uint32_t result;
    struct writer big = make_big(2, 5);
    struct wasm_config plain = {0};
    CHECK_EQ(wasm_store_new(&plain, &l.store), STATUS_OK);
    CHECK_EQ(runtime_load(&l, big.at, big.size), STATUS_OK);
    int looks = 1;
    for (status_t status;; looks++) {
        platform_kill(looks);
        status = runtime_call(&l, "f", 0, &result);
        platform_kill(-1);
        if (status == STATUS_OK) {
            break;
        }
        CHECK_EQ(status, STATUS_TRAPPED);
        CHECK(l.trap.kind == TRAP_KILLED || l.trap.kind == TRAP_OUT_OF_MEMORY);
    }
    CHECK_EQ(result, 1);
    CHECK(looks > 15);
    wasm_store_free(l.store);
    free(big.at);
    CHECK_EQ(platform_held(), 0);
}

TEST(far_calls_reach) {
    check_big(400, 600); /* more than 1 MiB of code */
}

TEST(many_small_functions) {
    check_big(15000, 0); /* gaps make more of it than was estimated */
}

CHECK_MAIN
