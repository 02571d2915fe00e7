/*
 * Values as text, for `k23 run --invoke`.
 */
#include "init/invoke.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static status_t parse_int(const char *text, unsigned bits, uint64_t *out) {
    bool negative = *text == '-';
    const char *digits = text + (*text == '-' || *text == '+');
    char *end;
    if (*digits < '0' || *digits > '9') {
        return STATUS_BAD_ARGUMENT;
    }
    errno = 0;
    uint64_t magnitude = strtoull(digits, &end, 0);
    uint64_t max = bits == 64 ? UINT64_MAX : ((uint64_t)1 << bits) - 1;
    uint64_t min_magnitude = (uint64_t)1 << (bits - 1);
    if (errno || *end || magnitude > (negative ? min_magnitude : max)) {
        return STATUS_BAD_ARGUMENT;
    }
    *out = negative ? -magnitude : magnitude;
    return STATUS_OK;
}

status_t invoke_parse(const char *text, valtype_t type, struct wasm_value *out) {
    char *end;
    uint64_t bits;
    out->type = type;
    switch (valtype_kind(type)) {
    case VAL_I32:
        TRY(parse_int(text, 32, &bits));
        out->i64 = (uint32_t)bits;
        return STATUS_OK;
    case VAL_I64:
        return parse_int(text, 64, &out->i64);
    case VAL_F32: {
        float f = strtof(text, &end);
        out->i64 = 0;
        memcpy(&out->f32, &f, sizeof(f));
        return *text && !*end ? STATUS_OK : STATUS_BAD_ARGUMENT;
    }
    case VAL_F64: {
        double d = strtod(text, &end);
        memcpy(&out->f64, &d, sizeof(d));
        return *text && !*end ? STATUS_OK : STATUS_BAD_ARGUMENT;
    }
    default:
        return STATUS_BAD_ARGUMENT;
    }
}

void invoke_print(const struct wasm_value *value, struct sink *sink) {
    char text[64];
    switch (valtype_kind(value->type)) {
    case VAL_I32:
        fmt_print(sink, "%d", (int)value->i32);
        break;
    case VAL_I64:
        fmt_print(sink, "%lld", (long long)value->i64);
        break;
    case VAL_F32: {
        float f;
        memcpy(&f, &value->f32, sizeof(f));
        snprintf(text, sizeof(text), "%.9g", (double)f);
        fmt_print(sink, "%s", text);
        break;
    }
    case VAL_F64: {
        double d;
        memcpy(&d, &value->f64, sizeof(d));
        snprintf(text, sizeof(text), "%.17g", d);
        fmt_print(sink, "%s", text);
        break;
    }
    default:
        fmt_print(sink, value->ref ? "reference" : "null");
        break;
    }
}
