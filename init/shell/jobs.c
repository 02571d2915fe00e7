/*
 * Programs from the shell: run, ps, kill, wait. A program in front has the terminal and the shell waits for it;
 * one behind has no input, and that it ended is told before the next prompt.
 */
#include "init/run.h"

#include "abi/run.h"
#include "init/shell/internal.h"
#include "kernel/program.h"
#include "kernel/sync.h"
#include "kernel/time.h"

#include <stdlib.h>
#include <string.h>

enum { STATUS_KILLED_BY_USER = 128 + 9 };

/* A program may have this part of the memory that is free when it starts, so that others find some. */
#define MEMORY_PART 2u

/* ---- run ---- */

/* Options before the program's name; the index of that, or 0 after a complaint. */
static unsigned take_options(unsigned argc, char **argv, struct run_options *options) {
    unsigned i = 1;
    for (; i < argc && argv[i][0] == '-'; i += 2) {
        uint64_t value = 0;
        bool is_memory = strcmp(argv[i], "--mem-max") == 0;
        if (!is_memory && strcmp(argv[i], "--timeout") != 0) {
            shell_print("run: no option %s\n", argv[i]);
            return 0;
        }
        if (i + 1 >= argc || !commands_parse_size(argv[i + 1], &value) || value == 0) {
            shell_print("run: %s wants a number\n", argv[i]);
            return 0;
        }
        if (is_memory) {
            options->max_memory = value;
        } else {
            options->timeout_ns = value * 1000000000;
        }
    }
    if (i >= argc) {
        shell_print("run: which program?\n");
        return 0;
    }
    return i;
}

/* Words one after the other. They are in the order of the line, which has room for them. */
static struct wasi_strings pack_args(struct shell *shell, unsigned argc, char **argv) {
    struct wasi_strings args = {.bytes = shell->list};
    for (unsigned i = 0; i < argc; i++) {
        size_t size = strlen(argv[i]) + 1;
        memcpy(shell->list + args.size, argv[i], size);
        args.size += (uint32_t)size;
        args.count++;
    }
    return args;
}

_Static_assert(sizeof(((struct shell *)0)->list) >= 2 * SHELL_LINE_MAX + 2, "all words of a line");

static void put_nodes(struct run_options *options) {
    node_put(options->module_file);
    node_put(options->redirected[STREAM_IN]);
    node_put(options->redirected[STREAM_OUT]);
}

/* The module and the files of < and >; on failure *which_out is the one that is wrong. */
static status_t open_files(struct shell *shell, const char *program, struct run_options *options,
                           const char **which_out) {
    *which_out = program;
    TRY(names_find_program(shell, program, &options->module_file));
    if (shell->words.input) {
        *which_out = shell->words.input;
        TRY(names_find(shell, shell->words.input, &options->redirected[STREAM_IN]));
    }
    if (shell->words.output) {
        *which_out = shell->words.output;
        TRY(names_create(shell, shell->words.output, &options->redirected[STREAM_OUT]));
    }
    return STATUS_OK;
}

static void report(const struct program_end *end, bool even_success) {
    if (end->killed) {
        shell_print("[%u] %s: %s\n", end->pid, end->name,
                    end->status == RUN_EXIT_TIMEOUT ? "its time is over" : "killed");
    } else if (end->status != 0 || even_success) {
        shell_print("[%u] %s: exit status %d\n", end->pid, end->name, end->status);
    }
}

static void wait_in_front(uint32_t pid) {
    struct program_end end;
    terminal_set_front(pid);
    status_t status = program_wait(pid, WAIT_FOREVER, &end);
    terminal_set_front(0);
    if (status == STATUS_OK) {
        report(&end, false);
    }
}

void command_run(struct shell *shell, unsigned argc, char **argv) {
    bool background = shell->words.background;
    struct run_options options = {
        .environ = shell->request->environ,
        .max_memory = shell->request->max_memory,
        .frame_limit = run_frames_available() / MEMORY_PART,
        .dirs = shell->mounts.dirs,
        .dir_count = shell->mounts.count,
        .streams = {background ? terminal_nothing() : terminal_file(), terminal_file(),
                    terminal_file()},
    };
    const char *which;
    uint32_t pid;
    unsigned first = take_options(argc, argv, &options);
    if (first == 0) {
        return;
    }
    options.args = pack_args(shell, argc - first, argv + first);
    status_t status = open_files(shell, argv[first], &options, &which);
    if (status == STATUS_OK) {
        which = argv[first];
        status = run_start(&options, &pid);
    }
    put_nodes(&options);
    if (status != STATUS_OK) {
        shell_print("k23: %s: %s\n", which, status_text(status));
    } else if (background) {
        shell_print("[%u]\n", pid);
    } else {
        wait_in_front(pid);
    }
}

/* ---- the others ---- */

void command_ps(struct shell *shell, unsigned argc, char **argv) {
    struct program_info info = {.pid = 0};
    (void)shell, (void)argc, (void)argv;
    shell_print("  PID PARENT STATE    THREADS  MEMORY  CPU ms  NAME\n");
    while (program_next(info.pid, &info)) {
        shell_print("%5u %6u %-8s %7u %6lluK %7llu  %s\n", info.pid, info.parent,
                    program_state_text(info.state), info.threads,
                    (unsigned long long)(info.frames * (PAGE_SIZE / 1024)),
                    (unsigned long long)(time_ns_from_ticks(info.ran) / 1000000), info.name);
    }
}

/* False after a complaint. */
static bool parse_pid(const char *text, uint32_t *pid_out) {
    uint64_t number;
    if (!commands_parse_size(text, &number) || number == 0 || number > PROGRAM_PID_MAX) {
        shell_print("%s is no number of a program\n", text);
        return false;
    }
    *pid_out = (uint32_t)number;
    return true;
}

void command_kill(struct shell *shell, unsigned argc, char **argv) {
    uint32_t pid;
    (void)shell;
    for (unsigned i = 1; i < argc && parse_pid(argv[i], &pid); i++) {
        status_t status = program_kill(pid, STATUS_KILLED_BY_USER);
        if (status != STATUS_OK) {
            shell_print("kill: %u: %s\n", pid, status_text(status));
        }
    }
}

/* A program, or any (0), until there is none or ^C. */
static void wait_for(uint32_t pid) {
    struct program_end end;
    status_t status = STATUS_OK;
    do {
        status = terminal_wait(pid, &end);
        if (status == STATUS_OK) {
            report(&end, true);
        }
    } while (status == STATUS_OK && pid == 0 && !terminal_interrupted());
    if (status != STATUS_OK && pid != 0) {
        shell_print("wait: %u: %s\n", pid,
                    status == STATUS_WOULD_BLOCK ? "interrupted" : status_text(status));
    }
}

void command_wait(struct shell *shell, unsigned argc, char **argv) {
    uint32_t pid;
    (void)shell;
    if (argc == 1) {
        wait_for(0);
    }
    for (unsigned i = 1; i < argc && parse_pid(argv[i], &pid); i++) {
        wait_for(pid);
    }
}

void jobs_report(void) {
    struct program_end end;
    while (program_wait(0, 0, &end) == STATUS_OK) {
        report(&end, true);
    }
}

void jobs_end(void) {
    struct program_info info = {.pid = 1};
    struct program_end end;
    while (program_next(info.pid, &info)) {
        status_t status = program_kill(info.pid, STATUS_KILLED_BY_USER);
        (void)status; /* it may have ended */
    }
    while (program_wait(0, WAIT_FOREVER, &end) == STATUS_OK) {
    }
}
