/*
 * A program that uses the C library as programs do: memory, sorting, numbers as text and back,
 * strings, time, recursion, function pointers, variable arguments. It is compiled for WASI and for
 * this machine, and both must print the same.
 */
#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- numbers as text, and back ------------------------------------------------------------- */

static void numbers(void) {
    static const double samples[] = {0.0,   -0.0,       1.0,     -1.5,    0.1,      1e10,
                                     1e-10, 123456.789, DBL_MAX, DBL_MIN, 4.9e-324, 2.0 / 3.0,
                                     1e21,  1e22,       5e-7,    99999.95};
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        double d = samples[i];
        printf("%g %.3f %e %.17g %10.2f|%-12g|%+g\n", d, d > 1e30 ? 1.0 : d, d, d,
               d > 1e30 ? 2.0 : d, d, d);
    }
    static const char *const texts[] = {"3.14159",
                                        "-2.5e3",
                                        "1e400",
                                        "1e-400",
                                        "0x1.8p3",
                                        "inf",
                                        "nan",
                                        "  42xyz",
                                        "",
                                        ".5",
                                        "1.7976931348623157e308",
                                        "2.2250738585072011e-308",
                                        "179769313486231580793e289"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char *end;
        errno = 0;
        double d = strtod(texts[i], &end);
        printf("strtod(\"%s\") = %.17g, %td read, range %d\n", texts[i], isnan(d) ? 0.0 : d,
               end - texts[i], errno == ERANGE);
    }
    printf("%d %i %u %x %X %o %c %s %5d|%-5d|%05d|%+d %%\n", -1, INT_MIN, UINT_MAX, 255u, 255u, 8u,
           'q', "text", 42, 42, 42, 42);
    printf("%lld %llu %" PRIx64 " %hhd %hd %zu\n", LLONG_MIN, ULLONG_MAX,
           UINT64_C(0xfeedfacecafebeef), (signed char)200, (short)70000, sizeof(int));
    printf("%ld %lu %lld %lld\n", strtol("-123abc", NULL, 10), strtoul("0xff", NULL, 0),
           strtoll("9223372036854775808", NULL, 10), strtoll("-zz", NULL, 36));
    int a, b;
    float f;
    char word[16];
    int n = sscanf("12 0x1f 2.5 word", "%d %i %f %15s", &a, &b, &f, word);
    printf("sscanf %d: %d %d %g %s\n", n, a, b, (double)f, word);
}

/* ---- mathematics --------------------------------------------------------------------------- */

static void mathematics(void) {
    double sum = 0;
    for (int i = 1; i <= 50; i++) {
        double x = i * 0.37;
        sum += sqrt(x) + floor(x) - ceil(-x) + fabs(-x) + trunc(x * 3) + rint(x) + fmod(x * 7, 3);
    }
    printf("sum %.10f\n", sum);
    printf("%.10f %.10f %.10f %.10f\n", sin(1.0), cos(1.0), exp(1.0), log(10.0));
    printf("%.10f %.10f %.10f\n", pow(2.0, 0.5), atan2(1.0, -1.0), cbrt(27.0));
    printf("%d %d %d\n", (int)lround(2.5), (int)lround(-2.5), (int)lrint(3.5));
    int exponent;
    double mantissa = frexp(1234.5, &exponent);
    printf("%.10f %d %.4f\n", mantissa, exponent, ldexp(0.75, 10));
    float single = 0;
    for (int i = 0; i < 1000; i++) {
        single += 0.1f;
    }
    printf("%.6f %d %u\n", (double)single, (int)single, (unsigned)(single * 1e7f));
    uint64_t bits = 1;
    for (int i = 0; i < 200; i++) {
        bits = bits * 6364136223846793005u + 1442695040888963407u;
        bits ^= bits >> (i % 63 + 1);
    }
    printf("%" PRIu64 " %" PRId64 " %" PRIu64 " %" PRId64 "\n", bits, (int64_t)bits / 1000003,
           bits % 1000003, (int64_t)bits % -977);
    printf("%d %d %d %d\n", __builtin_clz(0x00f0u), __builtin_ctz(0x00f0u),
           __builtin_popcountll(bits), __builtin_clzll(bits >> 20));
}

/* ---- memory and sorting -------------------------------------------------------------------- */

struct record {
    char name[12];
    int key;
    double weight;
};

static int by_key(const void *a, const void *b) {
    const struct record *x = a, *y = b;
    return (x->key > y->key) - (x->key < y->key);
}
static int by_name(const void *a, const void *b) {
    return strcmp(((const struct record *)a)->name, ((const struct record *)b)->name);
}

static uint32_t random_state = 12345;
static uint32_t next_random(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state;
}

static void sorting(void) {
    enum { N = 5000 };
    struct record *records = malloc(N * sizeof(*records));
    for (int i = 0; i < N; i++) {
        records[i].key = (int)(next_random() % 1000000);
        snprintf(records[i].name, sizeof(records[i].name), "r%u",
                 (unsigned)(next_random() % 100000));
        records[i].weight = records[i].key / 7.0;
    }
    qsort(records, N, sizeof(*records), by_key);
    double checksum = 0;
    for (int i = 0; i < N; i++) {
        checksum += records[i].weight * (i % 17);
    }
    printf("sorted: first %d last %d checksum %.6f\n", records[0].key, records[N - 1].key,
           checksum);
    struct record probe = {.key = records[1234].key};
    struct record *found = bsearch(&probe, records, N, sizeof(*records), by_key);
    printf("bsearch: %d\n", found && found->key == probe.key);
    qsort(records, N, sizeof(*records), by_name);
    printf("by name: %s %s\n", records[0].name, records[N - 1].name);
    free(records);
}

static void memory(void) {
    void *blocks[200] = {0};
    size_t sizes[200] = {0};
    unsigned long total = 0;
    for (int round = 0; round < 5000; round++) {
        unsigned slot = next_random() % 200;
        if (blocks[slot] && next_random() % 3 == 0) {
            size_t grown = sizes[slot] * 2 + 1;
            blocks[slot] = realloc(blocks[slot], grown);
            memset((char *)blocks[slot] + sizes[slot], (int)slot, grown - sizes[slot]);
            sizes[slot] = grown > 20000 ? 20000 : grown;
        } else {
            free(blocks[slot]);
            sizes[slot] = next_random() % 3000 + 1;
            blocks[slot] = calloc(sizes[slot], 1);
            memset(blocks[slot], (int)slot, sizes[slot]);
        }
    }
    for (int i = 0; i < 200; i++) {
        for (size_t k = 0; blocks[i] && k < sizes[i]; k++) {
            total += ((unsigned char *)blocks[i])[k] == (unsigned char)i;
        }
        free(blocks[i]);
    }
    printf("intact bytes: %lu\n", total);
    char buf[300];
    for (size_t i = 0; i < sizeof(buf); i++) {
        buf[i] = (char)('a' + i % 26);
    }
    memmove(buf + 3, buf, 200);
    memmove(buf, buf + 7, 100);
    memcpy(buf + 250, buf + 20, 40);
    printf("%.40s %.20s %d %d\n", buf, buf + 250, memcmp(buf, buf + 1, 50) < 0,
           (int)((char *)memchr(buf, 'z', sizeof(buf)) - buf));
    size_t big = 3u << 20;
    unsigned char *large = malloc(big);
    for (size_t i = 0; i < big; i += 4096) {
        large[i] = (unsigned char)(i >> 12);
    }
    unsigned long sum = 0;
    for (size_t i = 0; i < big; i += 4096) {
        sum += large[i];
    }
    printf("large: %lu\n", sum);
    free(large);
}

/* ---- strings, functions, control ----------------------------------------------------------- */

static int apply(int (*f)(int, int), int a, int b) {
    return f(a, b);
}
static int add(int a, int b) {
    return a + b;
}
static int multiply(int a, int b) {
    return a * b;
}
static int power(int a, int b) {
    return b == 0 ? 1 : a * power(a, b - 1);
}

static int sum_all(int n, ...) {
    va_list args;
    int sum = 0;
    va_start(args, n);
    for (int i = 0; i < n; i++) {
        sum += i % 2 ? (int)va_arg(args, double) : va_arg(args, int);
    }
    va_end(args);
    return sum;
}

static long ackermann(long m, long n) {
    return m == 0 ? n + 1 : n == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1));
}

static void strings(void) {
    char text[] = "the quick brown fox; jumps, over the lazy dog";
    int words = 0;
    for (char *w = strtok(text, " ;,"); w; w = strtok(NULL, " ;,")) {
        w[0] = (char)toupper((unsigned char)w[0]);
        printf("%s%s", words++ ? "-" : "", w);
    }
    printf(" (%d)\n", words);
    char line[64] = "abc";
    strcat(line, "def");
    strncat(line, "ghi", 8);
    printf("%s %zu %s %s %zu %zu\n", line, strlen(line), strchr(line, 'd'), strstr(line, "fgh"),
           strspn(line, "abcd"), strcspn(line, "xyzh"));
    int (*const table[])(int, int) = {add, multiply, power};
    for (int i = 0; i < 3; i++) {
        printf("%d ", apply(table[i], 3, 5));
    }
    printf("%d %ld\n", sum_all(6, 1, 2.0, 3, 4.5, 5, 6.9), ackermann(2, 300));
    int histogram[8] = {0};
    for (int i = 0; i < 1000; i++) {
        switch (next_random() % 11) {
        case 0:
            histogram[0]++;
            break;
        case 1:
        case 2:
            histogram[1]++;
            break;
        case 3:
            histogram[2]++; /* fall through */
        case 4:
            histogram[3]++;
            break;
        case 7:
            histogram[4] += 2;
            break;
        case 10:
            histogram[5]--;
            break;
        default:
            histogram[6]++;
            break;
        }
    }
    for (int i = 0; i < 8; i++) {
        printf("%d ", histogram[i]);
    }
    putchar('\n');
}

int main(void) {
    numbers();
    mathematics();
    sorting();
    memory();
    strings();
    return 0;
}
