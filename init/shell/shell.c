/*
 * The loop: prompt, line, words, command. See shell.h.
 */
#include "init/shell/shell.h"

#include "abi/run.h"
#include "drivers/uart.h"
#include "init/shell/internal.h"
#include "kernel/log.h"
#include "kernel/mm/heap.h"
#include "kernel/panic.h"

#include <string.h>

static void run_words(struct shell *shell) {
    unsigned argc = (unsigned)shell->words.len;
    char **argv = shell->words.at;
    const struct command *command = commands_find(argv[0]);
    if (!command) {
        /* The name of a program will do. */
        memmove(&argv[1], &argv[0], (argc + 1) * sizeof(*argv));
        argv[0] = "run";
        command_run(shell, argc + 1, argv);
    } else if (argc - 1 < command->min_args || argc - 1 > command->max_args) {
        shell_print("usage: %s %s\n", command->name, command->parameters);
    } else {
        command->run(shell, argc, argv);
    }
}

static void run_line(struct shell *shell, const char *line) {
    const char *error = words_split(&shell->words, line);
    if (error) {
        shell_print("k23: %s\n", error);
    } else if (shell->words.len > 0) {
        run_words(shell);
    }
}

/* A line from the terminal, which is done. */
static void take_line(struct shell *shell) {
    enum editor_event event = EDITOR_MORE;
    char byte;
    terminal_calm(); /* a ^C behind the line's end is for what the line starts */
    editor_begin(&shell->editor);
    while (event == EDITOR_MORE && terminal_read(&byte)) {
        event = editor_take(&shell->editor, byte);
    }
    if (event == EDITOR_LINE) {
        run_line(shell, shell->editor.line.text);
    } else if (event != EDITOR_CANCEL) {
        shell->done = true;
    }
}

static void set_up(struct shell *shell, const struct request *request) {
    bool interactive = request->is_terminal[0];
    const char *which;
    terminal_init(request->serial, interactive);
    shell->request = request;
    shell->editor.prompt = "k23> ";
    shell->editor.columns = request->columns ? request->columns : SHELL_COLUMNS;
    shell->editor.silent = !interactive;
    shell->editor.out = &terminal_out;
    shell->editor.row = &terminal_row;
    shell->editor.complete = names_complete;
    shell->editor.owner = shell;
    status_t status = mounts_open(&shell->mounts, request, &which);
    if (status != STATUS_OK) {
        shell_print("k23: %s: %s\n", which, status_text(status));
    }
    if (interactive) {
        command_version(shell, 0, NULL);
        shell_print("Type help for a list of commands.\n");
    }
}

int shell_run(const struct request *request) {
    struct shell *shell = heap_new(struct shell);
    if (!shell) {
        panic("no memory for the shell");
    }
    set_up(shell, request);
    while (!shell->done) {
        jobs_report();
        take_line(shell);
    }
    jobs_end();
    mounts_close(&shell->mounts);
    int status = shell->exit_status;
    heap_free(shell);
    return status;
}
