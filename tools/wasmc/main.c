/*
 * wasmc: the runtime's stages from module to machine code as a program of this machine, for looking
 * inside and for tests. Each subcommand is a row here and a file beside this one.
 *
 * Errors are one line each on stderr; exit status 1 for bad input, 2 for bad usage.
 */
#include "tools/wasmc/wasmc.h"

#include <stdio.h>
#include <string.h>

struct command {
    const char *name;
    const char *arguments;
    const char *purpose;
    int (*run)(int argc, char **argv);
};

static const struct command commands[] = {
    {"validate", "[--all-features] FILE...", "say whether each module is valid", command_validate},
    {"dump", "[--after=PASS] [--func=N|NAME] [--isa=ISA] FILE",
     "show functions after passes of the compiler", command_dump},
    {"disassemble", "[--func=N|NAME] [--isa=ISA] FILE", "show the machine code of functions",
     command_disassemble},
    {"compile", "[--verify] [--isa=ISA] FILE...", "compile every function, and say what it came to",
     command_compile},
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static int usage(void) {
    fputs("usage:\n", stderr);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        fprintf(stderr, "  wasmc %s %s\n      %s\n", commands[i].name, commands[i].arguments,
                commands[i].purpose);
    }
    return EXIT_BAD_USAGE;
}

/* The command named by argv[1]; `wasmc --dump-after=PASS ...` is short for `wasmc dump ...`. */
static int run(int argc, char **argv) {
    if (argc > 1 && strncmp(argv[1], "--dump-after=", 13) == 0) {
        return command_dump(argc, argv);
    }
    for (size_t i = 0; argc > 1 && i < COMMAND_COUNT; i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            return commands[i].run(argc - 1, argv + 1);
        }
    }
    return EXIT_BAD_USAGE;
}

int main(int argc, char **argv) {
    int status = run(argc, argv);
    return status == EXIT_BAD_USAGE ? usage() : status;
}
