/*
 * Formatted text: one loop over the format, one struct for a conversion, one function a kind.
 */
#include "base/fmt.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct spec {
    bool left, zero;
    int width;
    int precision; /* -1: none given */
    char length;   /* 'H' for hh, 'L' for ll, else the letter itself, or 0 */
    char kind;
};

static void pad(struct sink *sink, char c, int len) {
    static const char spaces[] = "                ", zeros[] = "0000000000000000";
    while (len > 0) {
        int part = len < 16 ? len : 16;
        sink->write(sink, c == '0' ? zeros : spaces, (size_t)part);
        len -= part;
    }
}

static void put(struct sink *sink, const struct spec *spec, const char *text, int len) {
    if (!spec->left) {
        pad(sink, ' ', spec->width - len);
    }
    if (len > 0) {
        sink->write(sink, text, (size_t)len);
    }
    if (spec->left) {
        pad(sink, ' ', spec->width - len);
    }
}

/* "+" sign, then zeros up to the precision or, with the 0 flag and none given, to the width. */
static void put_number(struct sink *sink, const struct spec *spec, uint64_t value,
                       const char *sign) {
    char digits[24];
    int at = (int)sizeof(digits);
    unsigned base = spec->kind == 'x' || spec->kind == 'X' || spec->kind == 'p' ? 16 : 10;
    const char *alphabet = spec->kind == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    for (; value > 0; value /= base) {
        digits[--at] = alphabet[value % base];
    }
    int digits_len = (int)sizeof(digits) - at;
    int sign_len = (int)strlen(sign);
    int least = spec->precision >= 0 ? spec->precision : 1;
    if (spec->zero && !spec->left && spec->precision < 0 && least < spec->width - sign_len) {
        least = spec->width - sign_len;
    }
    int zeros = least > digits_len ? least - digits_len : 0;
    int len = sign_len + zeros + digits_len;
    if (!spec->left) {
        pad(sink, ' ', spec->width - len);
    }
    sink->write(sink, sign, (size_t)sign_len);
    pad(sink, '0', zeros);
    sink->write(sink, digits + at, (size_t)digits_len);
    if (spec->left) {
        pad(sink, ' ', spec->width - len);
    }
}

/* va_list may be an array type, which a parameter would decay; hence the struct. */
struct args {
    va_list list;
};

static int64_t take_signed(struct args *args, char length) {
    switch (length) {
    case 'H':
        return (signed char)va_arg(args->list, int);
    case 'h':
        return (short)va_arg(args->list, int);
    case 'l':
        return va_arg(args->list, long);
    case 'L':
    case 'j':
        return va_arg(args->list, long long);
    case 'z':
    case 't':
        return va_arg(args->list, ptrdiff_t);
    default:
        return va_arg(args->list, int);
    }
}

static uint64_t take_unsigned(struct args *args, char length) {
    switch (length) {
    case 'H':
        return (unsigned char)va_arg(args->list, unsigned);
    case 'h':
        return (unsigned short)va_arg(args->list, unsigned);
    case 'l':
        return va_arg(args->list, unsigned long);
    case 'L':
    case 'j':
        return va_arg(args->list, unsigned long long);
    case 'z':
    case 't':
        return va_arg(args->list, size_t);
    default:
        return va_arg(args->list, unsigned);
    }
}

static int parse_int(const char **at) {
    int value = 0;
    while (**at >= '0' && **at <= '9') {
        int digit = *(*at)++ - '0';
        value = value > (INT_MAX - 9) / 10 ? value : value * 10 + digit;
    }
    return value;
}

static void parse_size(struct spec *spec, const char **at, struct args *args) {
    if (**at == '*') {
        (*at)++;
        int width = va_arg(args->list, int);
        spec->left |= width < 0;
        spec->width = width == INT_MIN ? 0 : width < 0 ? -width : width;
    } else {
        spec->width = parse_int(at);
    }
    if (**at == '.') {
        (*at)++;
        if (**at == '*') {
            (*at)++;
            spec->precision = va_arg(args->list, int);
        } else {
            spec->precision = parse_int(at);
        }
    }
}

/* After the '%'. Leaves *at behind the conversion, or on the terminator of a cut format. */
static struct spec parse(const char **at, struct args *args) {
    struct spec spec = {.precision = -1};
    for (;; (*at)++) {
        if (**at == '-') {
            spec.left = true;
        } else if (**at == '0') {
            spec.zero = true;
        } else {
            break;
        }
    }
    parse_size(&spec, at, args);
    while (**at && strchr("hlzjt", **at)) {
        char c = *(*at)++;
        spec.length = spec.length == c ? (c == 'h' ? 'H' : 'L') : c;
    }
    spec.kind = **at;
    *at += **at != '\0';
    return spec;
}

static void convert(struct sink *sink, const struct spec *spec, struct args *args) {
    switch (spec->kind) {
    case 'd':
    case 'i': {
        int64_t value = take_signed(args, spec->length);
        uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
        put_number(sink, spec, magnitude, value < 0 ? "-" : "");
        break;
    }
    case 'u':
    case 'x':
    case 'X':
        put_number(sink, spec, take_unsigned(args, spec->length), "");
        break;
    case 'p':
        put_number(sink, spec, (uintptr_t)va_arg(args->list, void *), "0x");
        break;
    case 'c': {
        char c = (char)va_arg(args->list, int);
        put(sink, spec, &c, 1);
        break;
    }
    case 's': {
        const char *text = va_arg(args->list, const char *);
        text = text ? text : "(null)";
        size_t most = spec->precision >= 0 ? (size_t)spec->precision : INT_MAX;
        size_t len = 0;
        while (len < most && text[len]) {
            len++;
        }
        put(sink, spec, text, (int)len);
        break;
    }
    case '%':
        sink->write(sink, "%", 1);
        break;
    default:
        sink->write(sink, "%?", 2);
        break;
    }
}

void fmt_vprint(struct sink *sink, const char *format, va_list list) {
    struct args args;
    va_copy(args.list, list);
    while (*format) {
        size_t plain = 0;
        while (format[plain] && format[plain] != '%') {
            plain++;
        }
        if (plain > 0) {
            sink->write(sink, format, plain);
            format += plain;
        } else {
            format++;
            struct spec spec = parse(&format, &args);
            convert(sink, &spec, &args);
        }
    }
    va_end(args.list);
}

void fmt_print(struct sink *sink, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fmt_vprint(sink, format, args);
    va_end(args);
}

static void write_text(struct sink *sink, const char *text, size_t len) {
    struct text_sink *out = (struct text_sink *)sink;
    size_t room = out->cap - 1 - out->len;
    len = len < room ? len : room;
    memcpy(out->buf + out->len, text, len);
    out->len += len;
    out->buf[out->len] = '\0';
}

struct text_sink fmt_open_text(char *buf, size_t cap) {
    buf[0] = '\0';
    return (struct text_sink){{write_text}, buf, 0, cap};
}

size_t fmt_vtext(char *buf, size_t cap, const char *format, va_list args) {
    struct text_sink out = fmt_open_text(buf, cap);
    fmt_vprint(&out.sink, format, args);
    return out.len;
}

size_t fmt_text(char *buf, size_t cap, const char *format, ...) {
    va_list args;
    va_start(args, format);
    size_t len = fmt_vtext(buf, cap, format, args);
    va_end(args);
    return len;
}
