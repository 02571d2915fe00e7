/*
 * A command line cut into words:
 *
 *     run sort.wasm 'a b' "c" d\ e <in >out &
 *
 * Spaces part words; quotes of either kind and a backslash keep what they enclose; < and > name the files
 * for input and output; & at the end leaves the program in the background; # begins a comment. | and ; are
 * refused unless they are quoted, since they do not mean here what they do elsewhere.
 */
#ifndef INIT_SHELL_WORDS_H
#define INIT_SHELL_WORDS_H

#include "init/shell/limits.h"

#include <stdbool.h>
#include <stddef.h>

struct words {
    char *at[SHELL_WORDS_MAX + 2]; /* terminated by NULL; with room for one more */
    size_t len;
    const char *input, *output; /* or NULL */
    bool background;
    char bytes[2 * SHELL_LINE_MAX + 2]; /* where the words are */
};

/* NULL, or what is wrong with the line. */
const char *words_split(struct words *words, const char *line);

#endif
