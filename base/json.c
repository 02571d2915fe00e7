/*
 * The JSON reader: a state says what may come next, a bit a level says what the level is.
 */
#include "base/json.h"

#include <string.h>

enum state {
    STATE_VALUE,       /* a value must come */
    STATE_FIRST_VALUE, /* a value or the end of the array */
    STATE_FIRST_KEY,   /* a key or the end of the object */
    STATE_KEY,         /* a key must come */
    STATE_AFTER,       /* a comma or the end of the level; at the top: the end of the input */
};

void json_init(struct json *json, const void *bytes, size_t size, char *buf, size_t cap) {
    *json = (struct json){.buf = buf, .cap = cap, .state = STATE_VALUE};
    json->at = json->start = bytes;
    json->end = json->start + size;
}

static struct json_token fail(struct json *json, const char *why) {
    if (!json->fault) {
        json->fault = why;
    }
    return (struct json_token){.kind = JSON_FAULT};
}

/* The next byte that is not white space, or -1. */
static int peek(struct json *json) {
    while (json->at < json->end &&
           (*json->at == ' ' || *json->at == '\t' || *json->at == '\n' || *json->at == '\r')) {
        json->at++;
    }
    return json->at < json->end ? *json->at : -1;
}

/* ---- strings -------------------------------------------------------------------------------- */

static bool read_hex4(struct json *json, uint32_t *value_out) {
    uint32_t value = 0;
    if (json->end - json->at < 4) {
        return false;
    }
    for (int i = 0; i < 4; i++) {
        uint8_t c = *json->at++;
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
                                                : 16;
        if (digit == 16) {
            return false;
        }
        value = value * 16 + digit;
    }
    *value_out = value;
    return true;
}

/* UTF-8 of a code point; a lone surrogate is encoded like any other. */
static size_t put_utf8(char *out, uint32_t c) {
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t tail = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const uint8_t lead[] = {0, 0xc0, 0xe0, 0xf0};
    out[0] = (char)(lead[tail] | c >> (6 * tail));
    for (size_t i = 1; i <= tail; i++) {
        out[i] = (char)(0x80 | (c >> (6 * (tail - i)) & 0x3f));
    }
    return tail + 1;
}

/* Behind the backslash. Up to 4 bytes into out; 0 on a fault. */
static size_t read_escape(struct json *json, char *out) {
    static const char plain[] = "\"\\/bfnrt", meaning[] = "\"\\/\b\f\n\r\t";
    if (json->at == json->end) {
        return 0;
    }
    uint8_t c = *json->at++;
    const char *found = c ? strchr(plain, c) : NULL;
    if (found) {
        out[0] = meaning[found - plain];
        return 1;
    }
    uint32_t code, low;
    if (c != 'u' || !read_hex4(json, &code)) {
        return 0;
    }
    if (code >= 0xd800 && code < 0xdc00 && json->end - json->at >= 6 && json->at[0] == '\\' &&
        json->at[1] == 'u') {
        json->at += 2;
        if (!read_hex4(json, &low) || low < 0xdc00 || low > 0xdfff) {
            return 0;
        }
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    return put_utf8(out, code);
}

/* From the first escape on; `size` bytes without escapes stand before it. */
static struct json_token read_escaped(struct json *json, const uint8_t *from, size_t size) {
    if (size > json->cap) {
        return fail(json, "string too long");
    }
    memcpy(json->buf, from, size);
    while (json->at < json->end && *json->at != '"') {
        char bytes[4] = {(char)*json->at++};
        size_t n = 1;
        if (bytes[0] == '\\') {
            n = read_escape(json, bytes);
        }
        if (n == 0) {
            return fail(json, "bad escape");
        }
        if (n > json->cap - size) {
            return fail(json, "string too long");
        }
        memcpy(json->buf + size, bytes, n);
        size += n;
    }
    if (json->at == json->end) {
        return fail(json, "unexpected end");
    }
    json->at++;
    return (struct json_token){JSON_STRING, json->buf, size};
}

static struct json_token read_string(struct json *json) {
    const uint8_t *from = ++json->at;
    while (json->at < json->end && *json->at != '"' && *json->at != '\\') {
        json->at++;
    }
    size_t size = (size_t)(json->at - from);
    if (json->at == json->end) {
        return fail(json, "unexpected end");
    }
    if (*json->at == '\\') {
        return read_escaped(json, from, size);
    }
    json->at++;
    return (struct json_token){JSON_STRING, (const char *)from, size};
}

/* ---- other values --------------------------------------------------------------------------- */

static struct json_token read_number(struct json *json) {
    const uint8_t *from = json->at;
    while (json->at < json->end && *json->at != 0 && strchr("+-.eE0123456789", *json->at)) {
        json->at++;
    }
    return (struct json_token){JSON_NUMBER, (const char *)from, (size_t)(json->at - from)};
}

static struct json_token read_word(struct json *json, const char *word, enum json_kind kind) {
    size_t size = strlen(word);
    if ((size_t)(json->end - json->at) < size || memcmp(json->at, word, size) != 0) {
        return fail(json, "unexpected character");
    }
    json->at += size;
    return (struct json_token){.kind = kind};
}

static struct json_token open_level(struct json *json, bool is_object) {
    if (json->depth == JSON_MAX_DEPTH) {
        return fail(json, "nested too deeply");
    }
    uint64_t bit = (uint64_t)1 << json->depth++;
    json->is_object = is_object ? json->is_object | bit : json->is_object & ~bit;
    json->state = is_object ? STATE_FIRST_KEY : STATE_FIRST_VALUE;
    json->at++;
    return (struct json_token){.kind = is_object ? JSON_OBJECT : JSON_ARRAY};
}

static struct json_token close_level(struct json *json, bool is_object) {
    json->depth--;
    json->state = STATE_AFTER;
    json->at++;
    return (struct json_token){.kind = is_object ? JSON_OBJECT_END : JSON_ARRAY_END};
}

static struct json_token read_value(struct json *json, int c) {
    json->state = STATE_AFTER;
    switch (c) {
    case '{':
        return open_level(json, true);
    case '[':
        return open_level(json, false);
    case '"':
        return read_string(json);
    case 't':
        return read_word(json, "true", JSON_TRUE);
    case 'f':
        return read_word(json, "false", JSON_FALSE);
    case 'n':
        return read_word(json, "null", JSON_NULL);
    case -1:
        return fail(json, "unexpected end");
    default:
        return c == '-' || (c >= '0' && c <= '9') ? read_number(json)
                                                  : fail(json, "unexpected character");
    }
}

static struct json_token read_key(struct json *json, int c) {
    if (c != '"') {
        return fail(json, "expected a key");
    }
    struct json_token token = read_string(json);
    if (token.kind == JSON_FAULT || peek(json) != ':') {
        return fail(json, "expected a colon");
    }
    json->at++;
    json->state = STATE_VALUE;
    token.kind = JSON_KEY;
    return token;
}

struct json_token json_next(struct json *json) {
    if (json->fault) {
        return fail(json, json->fault);
    }
    int c = peek(json);
    bool is_object = json->depth > 0 && (json->is_object >> (json->depth - 1) & 1);
    if (json->state == STATE_AFTER && json->depth == 0) {
        return c < 0 ? (struct json_token){.kind = JSON_END} : fail(json, "more than one value");
    }
    bool may_close = json->state == STATE_AFTER || json->state == STATE_FIRST_KEY ||
                     json->state == STATE_FIRST_VALUE;
    if (may_close && c == (is_object ? '}' : ']')) {
        return close_level(json, is_object);
    }
    if (json->state == STATE_AFTER) {
        if (c != ',') {
            return fail(json, "expected a comma");
        }
        json->at++;
        json->state = is_object ? STATE_KEY : STATE_VALUE;
        c = peek(json);
    }
    bool wants_key = json->state == STATE_KEY || json->state == STATE_FIRST_KEY;
    return wants_key ? read_key(json, c) : read_value(json, c);
}

void json_skip(struct json *json, struct json_token begun) {
    if (begun.kind != JSON_OBJECT && begun.kind != JSON_ARRAY) {
        return;
    }
    uint32_t outside = json->depth - 1;
    while (json->depth > outside && json_next(json).kind != JSON_FAULT) {
    }
}

void json_skip_value(struct json *json) {
    json_skip(json, json_next(json));
}

bool json_is(struct json_token token, const char *text) {
    return token.size == strlen(text) && memcmp(token.at, text, token.size) == 0;
}
