/*
 * Writes files and checks them, for test/shell/run.
 *
 *     writer NAME DIR COUNT    COUNT files DIR/NAME.N of 40000 bytes, each line with NAME and N in it
 *     writer --check DIR       every file there is what some writer wrote, or the beginning of it
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 40, LINES = 1000 };

static void make_line(char line[LINE + 1], const char *file, int number) {
    char text[LINE + 1];
    int n = snprintf(text, sizeof(text), "%s %d ", file, number);
    memset(line, '.', LINE);
    memcpy(line, text, (size_t)(n < LINE ? n : LINE));
    line[LINE - 1] = '\n';
    line[LINE] = '\0';
}

static int write_file(const char *dir, const char *file) {
    char path[300], line[LINE + 1];
    snprintf(path, sizeof(path), "%s/%s", dir, file);
    FILE *out = fopen(path, "w");
    for (int i = 0; out && i < LINES; i++) {
        make_line(line, file, i);
        if (fputs(line, out) < 0) {
            return -1;
        }
    }
    return out ? fclose(out) : -1;
}

/* The lines that it has, or -1 when one is wrong. A last one that is cut is none. */
static int check_file(const char *dir, const char *file) {
    char path[300], line[LINE + 1], got[LINE + 1];
    snprintf(path, sizeof(path), "%s/%s", dir, file);
    FILE *in = fopen(path, "r");
    int count = 0;
    size_t n = 0;
    if (!in) {
        return -1;
    }
    while ((n = fread(got, 1, LINE, in)) == LINE) {
        make_line(line, file, count++);
        if (memcmp(got, line, LINE) != 0) {
            printf("%s, line %d\n", path, count);
            return -1;
        }
    }
    fclose(in);
    return count;
}

static int check_all(const char *dir) {
    int files = 0, cut = 0;
    DIR *entries = opendir(dir);
    for (struct dirent *entry; entries && (entry = readdir(entries));) {
        if (strchr(entry->d_name, '.') == entry->d_name || !strchr(entry->d_name, '.')) {
            continue;
        }
        int lines = check_file(dir, entry->d_name);
        if (lines < 0) {
            return 1;
        }
        files++;
        cut += lines != LINES;
    }
    printf("whole: %d files, %s\n", files, cut <= 1 ? "at most 1 cut short" : "more cut short");
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "--check") == 0) {
        return check_all(argv[2]);
    }
    if (argc != 4) {
        return 2;
    }
    for (int i = 0; i < atoi(argv[3]); i++) {
        char file[100];
        snprintf(file, sizeof(file), "%s.%d", argv[1], i);
        if (write_file(argv[2], file) != 0) {
            perror(file);
            return 1;
        }
    }
    return 0;
}
