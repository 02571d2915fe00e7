/*
 * Unit tests. A file test/unit/NAME_test.c is one program:
 *
 *     #include "test/support/check.h"
 *
 *     TEST(adds) {
 *         CHECK_EQ(1 + 1, 2);
 *     }
 *     CHECK_MAIN
 *
 * Tests run in the order of the file. A failed check is reported with its values and ends its test,
 * REQUIRE-like: what follows may rely on it. The output is TAP; the last line is the sum.
 */
#ifndef TEST_SUPPORT_CHECK_H
#define TEST_SUPPORT_CHECK_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct check_test {
    const char *name;
    void (*run)(void);
    struct check_test *next;
};

static struct check_test *check_first, **check_last = &check_first;
static const char *check_skipped;
static bool check_failed;
static jmp_buf check_out;

#define TEST(name)                                                                                 \
    static void test_##name(void);                                                                 \
    __attribute__((constructor)) static void register_##name(void) {                               \
        static struct check_test test = {#name, test_##name, NULL};                                \
        *check_last = &test;                                                                       \
        check_last = &test.next;                                                                   \
    }                                                                                              \
    static void test_##name(void)

/* Fails the test with a message as of printf. */
#define FAIL(...)                                                                                  \
    do {                                                                                           \
        printf("# %s:%d: ", __FILE__, __LINE__);                                                   \
        printf(__VA_ARGS__);                                                                       \
        printf("\n");                                                                              \
        check_failed = true;                                                                       \
        longjmp(check_out, 1);                                                                     \
    } while (0)

/* Leaves the test, which counts as skipped. */
#define SKIP(reason)                                                                               \
    do {                                                                                           \
        check_skipped = (reason);                                                                  \
        longjmp(check_out, 1);                                                                     \
    } while (0)

#define CHECK(expr)                                                                                \
    do {                                                                                           \
        if (!(expr)) {                                                                             \
            FAIL("%s is false", #expr);                                                            \
        }                                                                                          \
    } while (0)

#define CHECK_EQ(got, want)                                                                        \
    do {                                                                                           \
        uint64_t check_got_ = (uint64_t)(got), check_want_ = (uint64_t)(want);                     \
        if (check_got_ != check_want_) {                                                           \
            FAIL("%s is %" PRIu64 " (0x%" PRIx64 "), not %" PRIu64 " (0x%" PRIx64 ")", #got,       \
                 check_got_, check_got_, check_want_, check_want_);                                \
        }                                                                                          \
    } while (0)

#define CHECK_TEXT(got, want)                                                                      \
    do {                                                                                           \
        const char *check_got_ = (got), *check_want_ = (want);                                     \
        if (!check_got_ || strcmp(check_got_, check_want_) != 0) {                                 \
            FAIL("%s is \"%s\", not \"%s\"", #got, check_got_ ? check_got_ : "(null)",             \
                 check_want_);                                                                     \
        }                                                                                          \
    } while (0)

#define CHECK_BYTES(got, want, size)                                                               \
    do {                                                                                           \
        const unsigned char *check_got_ = (const void *)(got),                                     \
                            *check_want_ = (const void *)(want);                                   \
        for (size_t check_i_ = 0; check_i_ < (size_t)(size); check_i_++) {                         \
            if (check_got_[check_i_] != check_want_[check_i_]) {                                   \
                FAIL("%s differs at byte %zu: 0x%02x, not 0x%02x", #got, check_i_,                 \
                     check_got_[check_i_], check_want_[check_i_]);                                 \
            }                                                                                      \
        }                                                                                          \
    } while (0)

/* 1 passed, 0 failed, -1 skipped */
static inline int check_run(const struct check_test *test, int number) {
    check_failed = false;
    check_skipped = NULL;
    if (setjmp(check_out) == 0) {
        test->run();
    }
    printf("%sok %d - %s%s%s\n", check_failed ? "not " : "", number, test->name,
           check_skipped ? " # SKIP " : "", check_skipped ? check_skipped : "");
    fflush(stdout);
    return check_failed ? 0 : check_skipped ? -1 : 1;
}

/* With an argument, only the test of that name. */
#define CHECK_MAIN                                                                                 \
    int main(int argc, char **argv) {                                                              \
        int number = 0, passed = 0, skipped = 0;                                                   \
        for (struct check_test *test = check_first; test; test = test->next) {                     \
            if (argc < 2 || strcmp(argv[1], test->name) == 0) {                                    \
                int result = check_run(test, ++number);                                            \
                passed += result > 0;                                                              \
                skipped += result < 0;                                                             \
            }                                                                                      \
        }                                                                                          \
        int failed = number - passed - skipped;                                                    \
        printf("1..%d\n%d passed, %d failed, %d skipped\n", number, passed, failed, skipped);      \
        return failed == 0 ? 0 : 1;                                                                \
    }

#endif
