/*
 * Reading commands: objects key by key, unknown keys skipped.
 */
#include "test/spec/command.h"

#include <string.h>

static status_t read_text(struct json *json, struct arena *arena, struct text *out) {
    struct json_token token = json_next(json);
    if (token.kind != JSON_STRING) {
        return STATUS_BAD_FORMAT;
    }
    out->at = arena_strndup(arena, token.at, token.size);
    out->size = (uint32_t)token.size;
    return out->at ? STATUS_OK : STATUS_NO_MEMORY;
}

static status_t parse_u64(struct json_token token, uint64_t *out) {
    *out = 0;
    for (size_t i = 0; i < token.size; i++) {
        if (token.at[i] < '0' || token.at[i] > '9' || __builtin_mul_overflow(*out, 10u, out) ||
            __builtin_add_overflow(*out, (uint64_t)(token.at[i] - '0'), out)) {
            return STATUS_BAD_FORMAT;
        }
    }
    return token.size > 0 ? STATUS_OK : STATUS_BAD_FORMAT;
}

/* ---- values ---------------------------------------------------------------------------------- */

static bool ends_in_ref(struct json_token type) {
    return type.size >= 3 && memcmp(type.at + type.size - 3, "ref", 3) == 0;
}

static status_t set_type(struct json_token token, struct spec_value *v) {
    static const struct {
        const char *text;
        enum val_kind type;
    } numbers[] = {{"i32", VAL_I32}, {"i64", VAL_I64}, {"f32", VAL_F32}, {"f64", VAL_F64}};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (json_is(token, numbers[i].text)) {
            v->type = numbers[i].type;
            return STATUS_OK;
        }
    }
    if (json_is(token, "v128")) {
        v->type = VAL_V128;
        v->kind = SPEC_VECTOR;
    } else if (json_is(token, "either")) {
        v->kind = SPEC_EITHER;
    } else if (json_is(token, "refnull")) {
        v->type = VAL_REF;
        v->kind = SPEC_REF_NULL;
    } else if (ends_in_ref(token)) {
        v->type = VAL_REF;
        v->kind = SPEC_REF_ANY;
    } else {
        return STATUS_BAD_FORMAT;
    }
    return STATUS_OK;
}

/* The key "value"; its type came before it. */
static status_t read_bits(struct json *json, struct spec_value *v) {
    struct json_token token = json_next(json);
    if (v->kind == SPEC_VECTOR) {
        json_skip(json, token);
        return STATUS_OK;
    }
    if (token.kind != JSON_STRING) {
        return STATUS_BAD_FORMAT;
    }
    if (json_is(token, "nan:canonical")) {
        v->kind = SPEC_NAN_CANONICAL;
        return STATUS_OK;
    }
    if (json_is(token, "nan:arithmetic")) {
        v->kind = SPEC_NAN_ARITHMETIC;
        return STATUS_OK;
    }
    if (json_is(token, "null")) {
        v->kind = SPEC_REF_NULL;
        return STATUS_OK;
    }
    if (v->type == VAL_REF) {
        v->kind = SPEC_REF_HOST;
    }
    return parse_u64(token, &v->bits);
}

static status_t read_value(struct json *json, struct arena *arena, struct json_token begun,
                           bool may_nest, struct spec_value *out);

static status_t read_either(struct json *json, struct arena *arena, struct spec_value *v) {
    VEC(struct spec_value) values = {0};
    if (json_next(json).kind != JSON_ARRAY) {
        return STATUS_BAD_FORMAT;
    }
    for (struct json_token t = json_next(json); t.kind != JSON_ARRAY_END; t = json_next(json)) {
        struct spec_value value;
        TRY(read_value(json, arena, t, false, &value));
        vec_push(arena, &values, value);
    }
    v->either = values.at;
    v->either_count = values.len;
    return STATUS_OK;
}

/* may_nest: alternatives have no alternatives, which bounds the recursion at one. */
static status_t read_value(struct json *json, struct arena *arena, struct json_token begun,
                           bool may_nest, struct spec_value *out) {
    *out = (struct spec_value){0};
    if (begun.kind != JSON_OBJECT) {
        return STATUS_BAD_FORMAT;
    }
    for (struct json_token key = json_next(json); key.kind != JSON_OBJECT_END;
         key = json_next(json)) {
        if (key.kind != JSON_KEY) {
            return STATUS_BAD_FORMAT;
        }
        if (json_is(key, "type")) {
            TRY(set_type(json_next(json), out));
        } else if (json_is(key, "value")) {
            TRY(read_bits(json, out));
        } else if (json_is(key, "values") && may_nest) {
            TRY(read_either(json, arena, out));
        } else {
            json_skip_value(json);
        }
    }
    return STATUS_OK;
}

#define READ_VALUES(json, arena, list)                                                             \
    do {                                                                                           \
        if (json_next(json).kind != JSON_ARRAY) {                                                  \
            return STATUS_BAD_FORMAT;                                                              \
        }                                                                                          \
        for (struct json_token t_ = json_next(json); t_.kind != JSON_ARRAY_END;                    \
             t_ = json_next(json)) {                                                               \
            struct spec_value value_;                                                              \
            TRY(read_value(json, arena, t_, true, &value_));                                       \
            vec_push(arena, list, value_);                                                         \
        }                                                                                          \
    } while (0)

/* ---- commands ---------------------------------------------------------------------------------- */

static status_t read_action(struct json *json, struct arena *arena, struct command *out) {
    if (json_next(json).kind != JSON_OBJECT) {
        return STATUS_BAD_FORMAT;
    }
    for (struct json_token key = json_next(json); key.kind != JSON_OBJECT_END;
         key = json_next(json)) {
        if (key.kind != JSON_KEY) {
            return STATUS_BAD_FORMAT;
        }
        if (json_is(key, "type")) {
            out->is_get = json_is(json_next(json), "get");
        } else if (json_is(key, "module")) {
            TRY(read_text(json, arena, &out->action_module));
        } else if (json_is(key, "field")) {
            TRY(read_text(json, arena, &out->field));
        } else if (json_is(key, "args")) {
            READ_VALUES(json, arena, &out->args);
        } else {
            json_skip_value(json);
        }
    }
    return STATUS_OK;
}

static enum command_kind kind_of(struct text type) {
    static const char *const texts[] = {
#define X(name, text) text,
        COMMAND_TABLE(X)
#undef X
    };
    uint32_t kind = 0;
    while (kind < COMMAND_KIND_COUNT && strcmp(texts[kind], type.at) != 0) {
        kind++;
    }
    return (enum command_kind)kind;
}

static status_t read_key(struct json *json, struct arena *arena, struct json_token key,
                         struct command *out) {
    const struct {
        const char *key;
        struct text *text;
    } texts[] = {
        {"type", &out->type},
        {"filename", &out->filename},
        {"module_type", &out->module_type},
        {"text", &out->expected_text},
        {"name", &out->name},
        {"as", &out->as},
        {"instance", &out->instance},
        {"module", &out->module},
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (json_is(key, texts[i].key)) {
            return read_text(json, arena, texts[i].text);
        }
    }
    if (json_is(key, "line")) {
        uint64_t line;
        TRY(parse_u64(json_next(json), &line));
        out->line = (uint32_t)line;
    } else if (json_is(key, "action")) {
        TRY(read_action(json, arena, out));
    } else if (json_is(key, "expected")) {
        READ_VALUES(json, arena, &out->expected);
    } else {
        json_skip_value(json);
    }
    return STATUS_OK;
}

status_t command_read(struct json *json, struct arena *arena, struct command *out) {
    *out = (struct command){0};
    for (struct json_token key = json_next(json); key.kind != JSON_OBJECT_END;
         key = json_next(json)) {
        if (key.kind != JSON_KEY) {
            return STATUS_BAD_FORMAT;
        }
        TRY(read_key(json, arena, key, out));
    }
    if (!out->type.at) {
        return STATUS_BAD_FORMAT;
    }
    out->kind = kind_of(out->type);
    return STATUS_OK;
}
