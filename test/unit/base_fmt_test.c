/*
 * base/fmt: against the host's snprintf, and cuts.
 */
#include "base/fmt.h"
#include "test/support/check.h"

#include <limits.h>

#define SAME(...)                                                                                  \
    do {                                                                                           \
        char got[200], want[200];                                                                  \
        size_t len = fmt_text(got, sizeof(got), __VA_ARGS__);                                      \
        snprintf(want, sizeof(want), __VA_ARGS__);                                                 \
        CHECK_TEXT(got, want);                                                                     \
        CHECK_EQ(len, strlen(want));                                                               \
    } while (0)

TEST(numbers) {
    SAME("%d %i %u", -5, INT_MIN, UINT_MAX);
    SAME("%x %X", 0xbeefu, 0xbeefu);
    SAME("%ld %lu %lx", LONG_MIN, ULONG_MAX, 0x123456789abcdeful);
    SAME("%lld %llu %zu %jd %td", LLONG_MIN, ULLONG_MAX, (size_t)7, (intmax_t)-8, (ptrdiff_t)-9);
    SAME("%hhd %hd %hhu %hx", 0x1ff, 0x1ffff, 0x1ff, 0x12345u);
    SAME("[%5d] [%-5d] [%05d] [%05d] [%.3d] [%6.3d]", 42, 42, 42, -42, 7, -7);
    SAME("[%08x] [%016lx] [%3d] [%.0d] [%*d] [%*d]", 0xabcu, 1ul, 123456, 0, 6, 5, -6, 5);
    SAME("%p", (void *)0x1234);
    SAME("[%40d] [%-40u]", 1, 2u);
}

TEST(texts) {
    SAME("%s|%5s|%-5s|%.2s|%.*s|%c|%5c|%%", "abc", "ab", "ab", "abcdef", 3, "abcdef", 'x', 'y');
    const char unterminated[3] = {'a', 'b', 'c'};
    SAME("[%.3s] [%.*s]", unterminated, 2, unterminated);
    const char *volatile null = NULL;
    char buf[20];
    fmt_text(buf, sizeof(buf), "%s", null);
    CHECK_TEXT(buf, "(null)");
}

TEST(cuts) {
    char buf[8];
    CHECK_EQ(fmt_text(buf, sizeof(buf), "%s", "0123456789"), 7);
    CHECK_TEXT(buf, "0123456");
    CHECK_EQ(fmt_text(buf, 1, "%d", 5), 0);
    CHECK_TEXT(buf, "");
}

CHECK_MAIN
