/*
 * The line editor: takes the bytes that are typed, shows the line as it changes, keeps a history. Lines
 * wider than the terminal are shown in part. On an input that is no terminal it shows nothing.
 *
 * Pure but for its output, which goes to a sink; what a word may be completed to its owner says.
 */
#ifndef INIT_SHELL_EDITOR_H
#define INIT_SHELL_EDITOR_H

#include "base/fmt.h"
#include "init/shell/history.h"
#include "init/shell/keys.h"
#include "init/shell/line.h"

#include <stdbool.h>

enum editor_event {
    EDITOR_MORE,   /* go on */
    EDITOR_LINE,   /* editor.line.text is to be done */
    EDITOR_CANCEL, /* ^C: the line is dropped */
    EDITOR_END,    /* ^D on an empty line */
};

struct editor {
    struct line line;
    struct keys keys;
    struct history history;
    size_t back;                    /* in the history; 0: the line itself */
    char draft[SHELL_LINE_MAX + 1]; /* the line itself meanwhile */
    size_t left;                    /* bytes of the line left of what is shown */
    const char *prompt;
    unsigned columns; /* of the terminal */
    bool silent;      /* no terminal */
    bool was_return;  /* a newline behind it is its other half */
    struct sink *out; /* for what stays */
    struct sink *row; /* for the line as it is shown: one write each time, with all of the row */
    /* Completes the word [start, line.at): changes the line, or prints what there is to choose from, and
     * returns true if it printed anything. NULL: no completion. */
    bool (*complete)(struct editor *editor, size_t start);
    void *owner; /* who that is for */
};

/* Begins a line: shows the prompt. */
void editor_begin(struct editor *editor);

/* Takes a byte. After anything but MORE the cursor is on a new row, and editor_begin() is next. */
enum editor_event editor_take(struct editor *editor, char byte);

#endif
