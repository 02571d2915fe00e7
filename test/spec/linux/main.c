/*
 * The official suite on Linux: wast DIR..., each a converted folder or a folder of such. Built for
 * riscv64 it runs under qemu-riscv64; this is the quick way to test the compiler. Exit status 0 only
 * if nothing failed.
 */
#include "test/spec/wast.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 4096, MAX_DEPTH = 4 };

static const char *root; /* folders are named relative to it */

static status_t read_stream(FILE *file, struct arena *arena, const uint8_t **bytes_out,
                            size_t *size_out) {
    struct stat st;
    if (fstat(fileno(file), &st) != 0) {
        return STATUS_IO;
    }
    uint8_t *bytes = arena_alloc(arena, (size_t)st.st_size);
    if (!bytes) {
        return STATUS_NO_MEMORY;
    }
    *bytes_out = bytes;
    *size_out = fread(bytes, 1, (size_t)st.st_size, file);
    return *size_out == (size_t)st.st_size ? STATUS_OK : STATUS_IO;
}

static status_t read_file(void *ctx, const char *path, struct arena *arena,
                          const uint8_t **bytes_out, size_t *size_out) {
    (void)ctx;
    char full[PATH_SIZE];
    snprintf(full, sizeof(full), "%s/%s", root, path);
    FILE *file = fopen(full, "rb");
    if (!file) {
        return STATUS_NOT_FOUND;
    }
    status_t status = read_stream(file, arena, bytes_out, size_out);
    fclose(file);
    return status;
}

static void print(struct sink *sink, const char *text, size_t len) {
    (void)sink;
    fwrite(text, 1, len, stdout);
}

static const struct wast_files files = {.read = read_file};
static struct sink out = {print};

static bool is_folder(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* `name` is relative to the root. */
static void run_tree(const char *name, int depth, struct wast_totals *totals) {
    char path[PATH_SIZE], child[2 * PATH_SIZE];
    struct dirent **entries;
    snprintf(path, sizeof(path), "%s/%s/commands.json", root, name);
    if (access(path, R_OK) == 0) {
        wast_run(&files, name, &out, totals);
        fflush(stdout);
        return;
    }
    snprintf(path, sizeof(path), "%s/%s", root, name);
    int count = scandir(path, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        snprintf(child, sizeof(child), "%s/%s", path, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.' && depth < MAX_DEPTH && is_folder(child)) {
            snprintf(child, sizeof(child), "%s/%s", name, entries[i]->d_name);
            run_tree(child, depth + 1, totals);
        }
        free(entries[i]);
    }
    if (count >= 0) {
        free(entries);
    }
}

int main(int argc, char **argv) {
    struct wast_totals totals = {0};
    if (argc < 2) {
        fprintf(stderr, "usage: wast DIR...\n");
        return 2;
    }
    for (int i = 1; i < argc; i++) {
        char path[PATH_SIZE];
        snprintf(path, sizeof(path), "%s", argv[i]);
        for (size_t n = strlen(path); n > 1 && path[n - 1] == '/'; n--) {
            path[n - 1] = '\0';
        }
        char *slash = strrchr(path, '/');
        root = slash ? path : ".";
        if (slash) {
            *slash = '\0';
        }
        run_tree(slash ? slash + 1 : path, 0, &totals);
    }
    wast_print_totals(&totals, &out);
    return totals.failed ? 1 : 0;
}
