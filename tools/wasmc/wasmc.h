/*
 * What the subcommands of wasmc share. A subcommand is one file with one function
 * `int command_NAME(int argc, char **argv)`, argv[0] being its name; it returns the exit status.
 */
#ifndef TOOLS_WASMC_WASMC_H
#define TOOLS_WASMC_WASMC_H

#include "wasm/module/module.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { EXIT_OK = 0, EXIT_BAD_INPUT = 1, EXIT_BAD_USAGE = 2 };

/* A file's bytes and the module in them, with a registry of its own. */
struct input {
    const char *path;
    uint8_t *bytes;
    size_t size;
    struct arena types_arena;
    struct types *types;
    struct module *module; /* NULL when it was refused */
};

/* Reads the file whole and loads its module. False when the file cannot be read, with a line on
 * stderr; a module that was refused leaves error_out filled. input_close() in every case. */
bool input_open(struct input *input, const char *path, wasm_features_t features,
                struct wasm_error *error_out);
void input_close(struct input *input);

/* One line on stderr for a module that was refused. */
void input_report(const struct input *input, const struct wasm_error *error);

int command_validate(int argc, char **argv);
int command_dump(int argc, char **argv);
int command_disassemble(int argc, char **argv);
int command_compile(int argc, char **argv);

#endif
