/*
 * Modules from files. See wasmc.h.
 */
#include "test/support/heap.h"
#include "tools/wasmc/wasmc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool read_file(struct input *input) {
    FILE *file = fopen(input->path, "rb");
    if (!file) {
        return false;
    }
    size_t cap = 1 << 16;
    input->bytes = malloc(cap);
    while (input->bytes) {
        input->size += fread(input->bytes + input->size, 1, cap - input->size, file);
        if (input->size < cap) {
            break;
        }
        cap *= 2;
        uint8_t *grown = realloc(input->bytes, cap);
        if (!grown) {
            free(input->bytes);
        }
        input->bytes = grown;
    }
    bool is_read = input->bytes && !ferror(file);
    (void)fclose(file);
    return is_read;
}

bool input_open(struct input *input, const char *path, wasm_features_t features,
                struct wasm_error *error_out) {
    *input = (struct input){.path = path};
    arena_init(&input->types_arena, &heap_source);
    if (!read_file(input)) {
        fprintf(stderr, "wasmc: %s: %s\n", path, strerror(errno));
        return false;
    }
    input->types = types_new(&input->types_arena, 0);
    if (!input->types) {
        *error_out = (struct wasm_error){.status = STATUS_NO_MEMORY, .text = "out of memory"};
        return true;
    }
    status_t status = module_load_with(&input->module, &heap_source, input->types, input->bytes,
                                       input->size, features, error_out);
    if (status != STATUS_OK) {
        input->module = NULL;
    }
    return true;
}

void input_close(struct input *input) {
    if (input->module) {
        module_free(input->module);
    }
    arena_fini(&input->types_arena);
    free(input->bytes);
}

void input_report(const struct input *input, const struct wasm_error *error) {
    fprintf(stderr, "wasmc: %s: %s: %s\n", input->path, status_text(error->status), error->text);
}
