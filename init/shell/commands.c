/*
 * The table of commands, and those that need nobody else.
 */
#include "drivers/virtio_console.h"
#include "init/shell/internal.h"
#include "kernel/arch.h"
#include "kernel/panic.h"
#include "kernel/power.h"

#include <stdlib.h>
#include <string.h>

#define ANY SHELL_WORDS_MAX

const struct command commands[] = {
    {"run", "[--mem-max SIZE] [--timeout S] PROGRAM [ARGS...] [<FILE] [>FILE] [&]",
     "run a program, & in the background; run may be left out", 1, ANY, command_run},
    {"ps", "", "programs, their states and what they use", 0, 0, command_ps},
    {"kill", "PID...", "end programs", 1, ANY, command_kill},
    {"wait", "[PID...]", "wait for programs in the background, or all", 0, ANY, command_wait},
    {"ls", "[PATH...]", "files", 0, ANY, command_ls},
    {"cat", "FILE...", "what is in files", 1, ANY, command_cat},
    {"rm", "FILE...", "remove files", 1, ANY, command_rm},
    {"mem", "", "memory of the machine", 0, 0, command_mem},
    {"harts", "", "what each hart runs", 0, 0, command_harts},
    {"counters", "[NAME...]", "what the kernel counts", 0, ANY, command_counters},
    {"dmesg", "[LINES]", "the kernel's log", 0, 1, command_dmesg},
    {"log", "[FILTER]", "which lines the console shows: info,mm=debug,virtio=off", 0, 1,
     command_log},
    {"panic", "[TEXT]", "end the kernel in panic", 0, 1, command_panic},
    {"fault", "read|write|jump|stack", "let the kernel do what it must not", 1, 1, command_fault},
    {"help", "[COMMAND]", "this list", 0, 1, command_help},
    {"version", "", "of the kernel and the machine", 0, 0, command_version},
    {"shutdown", "[STATUS]", "turn the machine off; so does ^D", 0, 1, command_shutdown},
    {"reboot", "", "start the machine again", 0, 0, command_reboot},
};
const unsigned commands_len = sizeof(commands) / sizeof(commands[0]);

const struct command *commands_find(const char *name) {
    for (unsigned i = 0; i < commands_len; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

bool commands_parse_size(const char *text, uint64_t *out) {
    char *end;
    uint64_t number = strtoull(text, &end, 10);
    unsigned shift = *end == 'G' ? 30 : *end == 'M' ? 20 : *end == 'K' ? 10 : 0;
    if (*text < '0' || *text > '9' || end[shift != 0] != '\0' || number > UINT64_MAX >> shift) {
        return false;
    }
    *out = number << shift;
    return true;
}

void command_help(struct shell *shell, unsigned argc, char **argv) {
    (void)shell;
    const struct command *one = argc > 1 ? commands_find(argv[1]) : NULL;
    if (argc > 1 && !one) {
        shell_print("help: no command %s\n", argv[1]);
        return;
    }
    for (unsigned i = 0; i < commands_len; i++) {
        const struct command *c = &commands[i];
        if (c == one) {
            shell_print("%s %s\n    %s\n", c->name, c->parameters, c->help);
        } else if (!one) {
            shell_print("  %-10s %s\n", c->name, c->help);
        }
    }
}

void command_version(struct shell *shell, unsigned argc, char **argv) {
    (void)shell, (void)argc, (void)argv;
    shell_print("k23 %s, %s\n", RUN_VERSION, arch_describe());
}

void command_shutdown(struct shell *shell, unsigned argc, char **argv) {
    uint64_t status = 0;
    if (argc > 1 && (!commands_parse_size(argv[1], &status) || status > 255)) {
        shell_print("shutdown: %s is no status (0 to 255)\n", argv[1]);
        return;
    }
    shell->exit_status = (int)status;
    shell->done = true;
}

void command_reboot(struct shell *shell, unsigned argc, char **argv) {
    (void)shell, (void)argc, (void)argv;
    jobs_end();
    virtio_console_flush();
    power_reboot();
}

void command_panic(struct shell *shell, unsigned argc, char **argv) {
    (void)shell;
    panic("%s", argc > 1 ? argv[1] : "asked for in the shell");
}

/* ---- faults ---- */

/* As deep as the stack and one more; the result keeps the compiler from making a loop of it. */
__attribute__((noinline)) static unsigned recurse(unsigned depth) {
    volatile char frame[1024];
    frame[0] = (char)depth;
    return depth == UINT32_MAX ? 0 : recurse(depth + 1) + (unsigned)frame[0];
}

void command_fault(struct shell *shell, unsigned argc, char **argv) {
    volatile int *volatile nowhere = (volatile int *)sizeof(int);
    void (*volatile nothing)(void) = (void (*)(void))sizeof(int);
    (void)shell, (void)argc;
    if (strcmp(argv[1], "read") == 0) {
        shell_print("read %d\n", *nowhere);
    } else if (strcmp(argv[1], "write") == 0) {
        *nowhere = 1;
    } else if (strcmp(argv[1], "jump") == 0) {
        nothing();
    } else if (strcmp(argv[1], "stack") == 0) {
        shell_print("%u\n", recurse(0));
    } else {
        shell_print("fault: read, write, jump or stack\n");
    }
}
