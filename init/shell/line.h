/*
 * A line of text that is being edited: UTF-8, with a cursor that stands between characters. What is no
 * UTF-8 counts as one character a byte. No operation fails; one that does not fit does nothing.
 *
 * Pure: it draws nothing (editor.c does) and runs on the host in tests.
 */
#ifndef INIT_SHELL_LINE_H
#define INIT_SHELL_LINE_H

#include "init/shell/limits.h"

#include <stddef.h>

struct line {
    char text[SHELL_LINE_MAX + 1]; /* terminated */
    size_t size;                   /* bytes */
    size_t at;                     /* the cursor: bytes before it */
};

void line_clear(struct line *line);
void line_set(struct line *line, const char *text); /* the cursor at its end */

/* Where the character before or after `at` begins or ends; `at` itself at an end of the line. */
size_t line_before(const struct line *line, size_t at);
size_t line_after(const struct line *line, size_t at);

/* Where the word before the cursor begins, spaces between it and the cursor included. */
size_t line_word_before(const struct line *line);

/* At the cursor, which is behind it then. All or nothing. */
void line_insert(struct line *line, const char *bytes, size_t size);

/* Removes [from, to); the cursor stays where it was in the text. */
void line_remove(struct line *line, size_t from, size_t to);

/* Characters in [from, to): the columns they take on a terminal. */
size_t line_columns(const struct line *line, size_t from, size_t to);

#endif
