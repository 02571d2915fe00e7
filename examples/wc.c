/*
 * Counts lines, words and bytes of standard input, and the ten most frequent words.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct word {
    struct word *next;
    char *text;
    unsigned long count;
};

#define BUCKETS 4096
static struct word *table[BUCKETS];
static unsigned long distinct;

static void count_word(const char *text, size_t len) {
    unsigned hash = 2166136261u;
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ (unsigned char)text[i]) * 16777619u;
    }
    struct word **slot = &table[hash % BUCKETS];
    for (struct word *w = *slot; w; w = w->next) {
        if (strncmp(w->text, text, len) == 0 && w->text[len] == '\0') {
            w->count++;
            return;
        }
    }
    struct word *w = malloc(sizeof(*w));
    char *copy = malloc(len + 1);
    if (!w || !copy) {
        fprintf(stderr, "wc: out of memory\n");
        exit(1);
    }
    memcpy(copy, text, len);
    copy[len] = '\0';
    *w = (struct word){.next = *slot, .text = copy, .count = 1};
    *slot = w;
    distinct++;
}

static int more_frequent(const void *a, const void *b) {
    const struct word *x = *(struct word *const *)a, *y = *(struct word *const *)b;
    if (x->count != y->count) {
        return x->count < y->count ? 1 : -1;
    }
    return strcmp(x->text, y->text);
}

static void print_top(unsigned long top) {
    struct word **all = malloc((distinct + 1) * sizeof(*all));
    if (!all) {
        fprintf(stderr, "wc: out of memory\n");
        exit(1);
    }
    unsigned long n = 0;
    for (unsigned b = 0; b < BUCKETS; b++) {
        for (struct word *w = table[b]; w; w = w->next) {
            all[n++] = w;
        }
    }
    qsort(all, n, sizeof(*all), more_frequent);
    for (unsigned long i = 0; i < n && i < top; i++) {
        printf("%7lu %s\n", all[i]->count, all[i]->text);
    }
    free(all);
}

int main(void) {
    static char word[256];
    unsigned long lines = 0, words = 0, bytes = 0;
    size_t len = 0;
    int c;
    while ((c = getchar()) != EOF) {
        bytes++;
        lines += c == '\n';
        if (isspace(c)) {
            if (len) {
                words++;
                count_word(word, len);
            }
            len = 0;
        } else if (len < sizeof(word) - 1) {
            word[len++] = (char)tolower(c);
        }
    }
    if (len) {
        words++;
        count_word(word, len);
    }
    printf("%lu lines, %lu words, %lu bytes, %lu distinct\n", lines, words, bytes, distinct);
    print_top(10);
    return 0;
}
