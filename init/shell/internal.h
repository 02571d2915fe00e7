/*
 * Between the files of the shell: its state, and the commands.
 */
#ifndef INIT_SHELL_INTERNAL_H
#define INIT_SHELL_INTERNAL_H

#include "base/fmt.h"
#include "fs/path.h"
#include "init/mounts.h"
#include "init/shell/editor.h"
#include "init/shell/terminal.h"
#include "init/shell/words.h"

#include <stdbool.h>

struct shell {
    const struct request *request;
    struct mounts mounts; /* what the shell and its programs see */
    struct editor editor;
    struct words words;    /* of the command that is run */
    struct path_walk walk; /* of the path that is resolved */
    bool done;
    int exit_status; /* of the machine */
    char list[4096]; /* room for what is gathered before it is shown */
};

/* A command that has been found: argv[0] is its name, argv[argc] NULL. */
struct command {
    const char *name, *parameters, *help;
    unsigned min_args, max_args; /* after the name */
    void (*run)(struct shell *shell, unsigned argc, char **argv);
};

extern const struct command commands[];
extern const unsigned commands_len;
const struct command *commands_find(const char *name);

#define shell_print(...) fmt_print(&terminal_out, __VA_ARGS__)

/* A size with an optional K, M or G. False: it is none. */
bool commands_parse_size(const char *text, uint64_t *out);

/* ---- names.c: paths over all mounts. An absolute path and one from "/" are the same. ---- */

/* What the path leads to; the caller gets a reference. */
MUST_CHECK status_t names_find(struct shell *shell, const char *path, struct node **out);
/* A regular file of that name, made if it is not there, and empty. */
MUST_CHECK status_t names_create(struct shell *shell, const char *path, struct node **out);
/* Takes the name away. */
MUST_CHECK status_t names_remove(struct shell *shell, const char *path);
/* The module that a program's name means: a path, or a name in /bin with or without ".wasm". */
MUST_CHECK status_t names_find_program(struct shell *shell, const char *name, struct node **out);
/* For the editor: completes commands and names of files. */
bool names_complete(struct editor *editor, size_t start);

#define NAMES_BIN "/bin"

/* ---- the commands ---- */

#define COMMAND(name) void command_##name(struct shell *shell, unsigned argc, char **argv)
COMMAND(run);
COMMAND(ps);
COMMAND(kill);
COMMAND(wait);
COMMAND(mem);
COMMAND(harts);
COMMAND(dmesg);
COMMAND(log);
COMMAND(counters);
COMMAND(ls);
COMMAND(cat);
COMMAND(rm);
COMMAND(panic);
COMMAND(fault);
COMMAND(help);
COMMAND(version);
COMMAND(shutdown);
COMMAND(reboot);
#undef COMMAND

/* Says which programs have ended since the last time, and frees them. */
void jobs_report(void);
/* Ends all that still run. */
void jobs_end(void);

#endif
