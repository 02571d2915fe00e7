/*
 * The lines that were entered, newest last; the oldest go when there are too many.
 */
#ifndef INIT_SHELL_HISTORY_H
#define INIT_SHELL_HISTORY_H

#include "init/shell/limits.h"

#include <stddef.h>

struct history {
    size_t added; /* in all */
    char lines[SHELL_HISTORY_MAX][SHELL_LINE_MAX + 1];
};

/* Not if it is empty or the same as the one before. */
void history_add(struct history *history, const char *line);

/* `back` 1 is the newest. NULL: there are not so many. */
const char *history_get(const struct history *history, size_t back);

#endif
