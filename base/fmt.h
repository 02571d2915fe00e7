/*
 * Formatted text into a sink, with no allocation and no floating point; the same in the loader,
 * the kernel and host tools. Understands %d %i %u %x %X %c %s %p %% with - 0 width .precision and
 * the lengths hh h l ll z j t. %s takes a precision of bytes (`%.*s`).
 */
#ifndef BASE_FMT_H
#define BASE_FMT_H

#include <stdarg.h>
#include <stddef.h>

struct sink {
    void (*write)(struct sink *sink, const char *text, size_t len);
};

void fmt_print(struct sink *sink, const char *format, ...) __attribute__((format(printf, 2, 3)));
void fmt_vprint(struct sink *sink, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/* Into buf, cut at `cap` - 1 bytes, always terminated (cap > 0). Returns the length written. */
size_t fmt_text(char *buf, size_t cap, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
size_t fmt_vtext(char *buf, size_t cap, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

/* A sink into buf, cut and terminated likewise at each moment. */
struct text_sink {
    struct sink sink;
    char *buf;
    size_t len, cap;
};
struct text_sink fmt_open_text(char *buf, size_t cap);

#endif
