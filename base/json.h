/*
 * A reader of JSON (RFC 8259) as a stream of tokens: no tree, no allocation, no recursion, over
 * bytes that may be anything. Sticky: the first fault makes this and every later token JSON_FAULT.
 *
 * Strings without escapes point into the input; others are decoded into the caller's buffer and are
 * valid until the next token.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_MAX_DEPTH 64

enum json_kind {
    JSON_FAULT,
    JSON_END, /* of the input, after one whole value */
    JSON_OBJECT,
    JSON_OBJECT_END,
    JSON_ARRAY,
    JSON_ARRAY_END,
    JSON_KEY, /* its value follows */
    JSON_STRING,
    JSON_NUMBER, /* as it is written */
    JSON_TRUE,
    JSON_FALSE,
    JSON_NULL
};

struct json_token {
    enum json_kind kind;
    const char *at; /* KEY, STRING, NUMBER: not terminated */
    size_t size;
};

struct json {
    const uint8_t *at, *end, *start;
    const char *fault; /* static text of the first fault, or NULL */
    char *buf;         /* for strings with escapes */
    size_t cap;
    uint32_t depth;
    uint64_t is_object; /* bit n: level n + 1 is an object, else an array */
    uint8_t state;
};

/* Strings longer than `cap` bytes that have escapes are a fault. */
void json_init(struct json *json, const void *bytes, size_t size, char *buf, size_t cap);

struct json_token json_next(struct json *json);

/* After JSON_OBJECT or JSON_ARRAY: everything up to and including its end. Else nothing. */
void json_skip(struct json *json, struct json_token begun);

/* The next token is a value: skips all of it. */
void json_skip_value(struct json *json);

/* Whether a token's text is `text`. */
bool json_is(struct json_token token, const char *text);

#endif
