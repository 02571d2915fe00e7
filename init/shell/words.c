/* See words.h. */
#include "init/shell/words.h"

#include <string.h>

struct split {
    const char *from;
    char *
        to; /* every word is at most as long as what it is made of, and each has a byte of its own */
};

/* One word, which begins here, with its quotes taken away. */
static char *take_word(struct split *s, const char **error_out) {
    char *word = s->to;
    char quote = '\0';
    for (; *s->from; s->from++) {
        char c = *s->from;
        if (quote ? c == quote : c == '\'' || c == '"') {
            quote = quote ? '\0' : c;
        } else if (c == '\\' && quote != '\'' && s->from[1]) {
            *s->to++ = *++s->from;
        } else if (!quote && strchr(" \t<>&", c)) {
            break;
        } else if (!quote && (c == '|' || c == ';')) {
            *error_out = "there are no pipes, and one command is a line: quote | and ;";
            break;
        } else {
            *s->to++ = c;
        }
    }
    if (quote) {
        *error_out = "a quote is not closed";
    }
    *s->to++ = '\0';
    return word;
}

static void skip_space(struct split *s) {
    s->from += strspn(s->from, " \t");
}

/* After < or >. */
static const char *take_file(struct split *s, const char **file) {
    const char *error = NULL;
    s->from++;
    skip_space(s);
    if (*file || !*s->from || strchr("<>&", *s->from)) {
        return "< and > want the name of one file";
    }
    *file = take_word(s, &error);
    return error;
}

const char *words_split(struct words *words, const char *line) {
    struct split s = {.from = line, .to = words->bytes};
    const char *error = NULL;
    words->len = 0;
    words->input = words->output = NULL;
    words->background = false;
    if (strlen(line) > SHELL_LINE_MAX) {
        return "the line is too long";
    }
    for (skip_space(&s); *s.from && *s.from != '#' && !error; skip_space(&s)) {
        if (words->background) {
            error = "& is the last of a line";
        } else if (*s.from == '&') {
            words->background = true;
            s.from++;
        } else if (*s.from == '<' || *s.from == '>') {
            error = take_file(&s, *s.from == '<' ? &words->input : &words->output);
        } else if (words->len == SHELL_WORDS_MAX) {
            error = "too many words";
        } else {
            words->at[words->len++] = take_word(&s, &error);
        }
    }
    words->at[words->len] = NULL;
    return error;
}
