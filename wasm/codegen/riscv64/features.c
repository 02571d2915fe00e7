/*
 * Reading ISA strings: "rv64", single letters, then names divided by underscores, each of which may
 * end in a version ("zba1p0"). The letter B stands for Zba, Zbb and Zbs.
 */
#include "wasm/codegen/riscv64/features.h"

#include <stddef.h>
#include <string.h>

static const char *const names[FEATURE_COUNT] = {
#define X(name, text) text,
    FEATURE_TABLE(X)
#undef X
};

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Whether the name at `at`, `len` long, is `name` with an optional version. */
static int is_name(const char *at, size_t len, const char *name) {
    size_t n = strlen(name);
    if (len < n) {
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        if (lower(at[i]) != name[i]) {
            return 0;
        }
    }
    return len == n || (at[n] >= '0' && at[n] <= '9');
}

static uint64_t parse_name(const char *at, size_t len) {
    for (uint32_t i = 0; i < FEATURE_COUNT; i++) {
        if (is_name(at, len, names[i])) {
            return (uint64_t)1 << i;
        }
    }
    return is_name(at, len, "b") ? FEATURE_ZBA | FEATURE_ZBB | FEATURE_ZBS : 0;
}

uint64_t features_parse(const char *isa) {
    uint64_t features = 0;
    const char *at = isa;
    if (lower(at[0]) == 'r' && lower(at[1]) == 'v') {
        at += strlen("rv");
        while (*at >= '0' && *at <= '9') {
            at++;
        }
        while (*at != 0 && *at != '_' && lower(*at) != 'z' && lower(*at) != 's' &&
               lower(*at) != 'x') {
            features |= parse_name(at++, 1);
        }
    }
    while (*at != 0) {
        if (*at == '_') {
            at++;
            continue;
        }
        size_t len = strcspn(at, "_");
        features |= parse_name(at, len);
        at += len;
    }
    return features;
}
