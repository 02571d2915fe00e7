/*
 * The JSON reader: tokens of well-formed text, and a fault for everything else.
 */
#include "base/json.h"

#include "test/support/check.h"

/* The kinds of all tokens up to the end or a fault, a letter each. */
static const char *kinds(const char *text, size_t size) {
    static const char letters[] = "!.{}[]ksntf0";
    static char out[256];
    char buf[16];
    struct json json;
    size_t n = 0;
    json_init(&json, text, size, buf, sizeof(buf));
    for (;;) {
        struct json_token token = json_next(&json);
        out[n++] = letters[token.kind];
        if (token.kind == JSON_FAULT || token.kind == JSON_END || n == sizeof(out) - 1) {
            break;
        }
    }
    out[n] = '\0';
    return out;
}

#define CHECK_KINDS(text, expected)                                                                \
    do {                                                                                           \
        const char *got = kinds(text, sizeof(text) - 1);                                           \
        if (strcmp(got, expected) != 0) {                                                          \
            FAIL("%s: %s, expected %s", text, got, expected);                                      \
        }                                                                                          \
    } while (0)

TEST(values) {
    CHECK_KINDS("{\"a\": [1, -2.5e3, true, false, null], \"b\": {}, \"c\": \"x\"}",
                "{k[nntf0]k{}ks}.");
    CHECK_KINDS(" [ ] ", "[].");
    CHECK_KINDS("7", "n.");
}

TEST(faults) {
    CHECK_KINDS("", "!");
    CHECK_KINDS("[1,]", "[n!");
    CHECK_KINDS("[1 2]", "[n!");
    CHECK_KINDS("{\"a\" 1}", "{!");
    CHECK_KINDS("{1:2}", "{!");
    CHECK_KINDS("{\"a\":1,}", "{kn!");
    CHECK_KINDS("[}", "[!");
    CHECK_KINDS("1 1", "n!");
    CHECK_KINDS("trux", "!");
    CHECK_KINDS("\"\\q\"", "!");
    CHECK_KINDS("\"\\u12", "!");
    CHECK_KINDS("\"\\n12345678901234567890\"", "!");
}

TEST(escapes) {
    char buf[64];
    struct json json;
    const char text[] = "\"a\\n\\u0041\\u00e9\\u20ac\\ud83d\\ude00\\u0000b\"";
    json_init(&json, text, sizeof(text) - 1, buf, sizeof(buf));
    struct json_token token = json_next(&json);
    CHECK_EQ(token.kind, JSON_STRING);
    CHECK_EQ(token.size, 14);
    CHECK(memcmp(token.at, "a\nA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\0b", 14) == 0);
}

TEST(skips) {
    char buf[8];
    struct json json;
    const char text[] = "{\"a\":[{\"x\":[1]},2],\"b\":3}";
    json_init(&json, text, sizeof(text) - 1, buf, sizeof(buf));
    CHECK_EQ(json_next(&json).kind, JSON_OBJECT);
    CHECK(json_is(json_next(&json), "a"));
    json_skip_value(&json);
    CHECK(json_is(json_next(&json), "b"));
    CHECK(json_is(json_next(&json), "3"));
    CHECK_EQ(json_next(&json).kind, JSON_OBJECT_END);
}

TEST(depth_is_bounded) {
    char text[200];
    memset(text, '[', sizeof(text));
    const char *got = kinds(text, sizeof(text));
    CHECK_EQ(strlen(got), JSON_MAX_DEPTH + 1);
    CHECK_EQ(got[JSON_MAX_DEPTH], '!');
}

TEST(every_truncation_ends) {
    const char text[] = "{\"a\":[{\"x\":[1]},2,\"\\u1234\"],\"b\":true}";
    for (size_t size = 0; size < sizeof(text) - 1; size++) {
        char *copy = malloc(size + 1); /* so that the sanitizer sees the end */
        memcpy(copy, text, size);
        CHECK(strchr(kinds(copy, size), '!'));
        free(copy);
    }
}

CHECK_MAIN
