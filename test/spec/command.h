/*
 * One command of a converted script (commands.json, the layout of wabt's wast2json), read into a
 * struct. Strings and values live in an arena of the caller's.
 */
#ifndef TEST_SPEC_COMMAND_H
#define TEST_SPEC_COMMAND_H

#include "base/arena.h"
#include "base/json.h"
#include "base/status.h"
#include "base/vec.h"
#include "wasm/module/types.h"

#include <stdbool.h>
#include <stdint.h>

#define COMMAND_TABLE(X)                                                                           \
    X(MODULE, "module")                                                                            \
    X(MODULE_DEFINITION, "module_definition")                                                      \
    X(MODULE_INSTANCE, "module_instance")                                                          \
    X(REGISTER, "register")                                                                        \
    X(ACTION, "action")                                                                            \
    X(ASSERT_RETURN, "assert_return")                                                              \
    X(ASSERT_TRAP, "assert_trap")                                                                  \
    X(ASSERT_EXHAUSTION, "assert_exhaustion")                                                      \
    X(ASSERT_EXCEPTION, "assert_exception")                                                        \
    X(ASSERT_INVALID, "assert_invalid")                                                            \
    X(ASSERT_MALFORMED, "assert_malformed")                                                        \
    X(ASSERT_UNLINKABLE, "assert_unlinkable")                                                      \
    X(ASSERT_UNINSTANTIABLE, "assert_uninstantiable")                                              \
    X(THREAD, "thread")                                                                            \
    X(WAIT, "wait")

enum command_kind {
#define X(name, text) COMMAND_##name,
    COMMAND_TABLE(X)
#undef X
        COMMAND_KIND_COUNT /* none of them */
};

/* A value as a script writes it: what to pass, or what to accept. */
enum spec_kind {
    SPEC_BITS, /* exactly `bits`, of `type` */
    SPEC_NAN_CANONICAL,
    SPEC_NAN_ARITHMETIC,
    SPEC_REF_NULL,
    SPEC_REF_ANY,  /* any reference but null */
    SPEC_REF_HOST, /* what the host made of number `bits` */
    SPEC_EITHER,   /* any of `either` */
    SPEC_VECTOR    /* a v128 */
};

struct spec_value {
    enum spec_kind kind;
    enum val_kind type;
    uint64_t bits;
    const struct spec_value *either;
    uint32_t either_count;
};

struct text {
    const char *at; /* terminated, but may hold zeros before its end; NULL: absent */
    uint32_t size;
};

struct command {
    enum command_kind kind;
    uint32_t line;
    struct text type; /* of the command, as written */
    struct text filename, module_type, expected_text;
    struct text name, as; /* module, module_definition, register */
    struct text instance, module;
    bool is_get; /* the action reads a global, else it calls */
    struct text action_module, field;
    VEC(struct spec_value) args;
    VEC(struct spec_value) expected;
};

/* Stands on the first token of a command's object (already taken). BAD_FORMAT; NO_MEMORY. */
MUST_CHECK status_t command_read(struct json *json, struct arena *arena, struct command *out);

#endif
