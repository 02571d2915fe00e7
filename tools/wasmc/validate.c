/*
 * wasmc validate: one line a file, "FILE: ok" or "FILE: STATUS: what is wrong". With --all-features
 * everything that the validator knows is allowed, not only what the runtime has.
 */
#include "tools/wasmc/wasmc.h"

#include <stdio.h>
#include <string.h>

/* Whether the file holds a valid module. */
static bool validate(const char *path, wasm_features_t features) {
    struct input input;
    struct wasm_error error;
    bool is_read = input_open(&input, path, features, &error);
    bool is_valid = is_read && input.module;
    if (is_valid) {
        printf("%s: ok\n", path);
    } else if (is_read) {
        printf("%s: %s: %s\n", path, status_text(error.status), error.text);
    }
    input_close(&input);
    return is_valid;
}

int command_validate(int argc, char **argv) {
    wasm_features_t features = wasm_features_enabled;
    int first = 1;
    if (argc > first && strcmp(argv[first], "--all-features") == 0) {
        features = ~(wasm_features_t)0;
        first++;
    }
    if (first >= argc) {
        return EXIT_BAD_USAGE;
    }
    int status = EXIT_OK;
    for (int i = first; i < argc; i++) {
        if (!validate(argv[i], features)) {
            status = EXIT_BAD_INPUT;
        }
    }
    return status;
}
