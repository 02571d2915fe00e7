/*
 * Command lines cut into words.
 */
#include "init/shell/words.h"
#include "test/support/check.h"

#include <string.h>

static struct words words;

static const char *joined(const char *line) {
    static char text[4096];
    const char *error = words_split(&words, line);
    if (error) {
        return error;
    }
    text[0] = '\0';
    for (size_t i = 0; i < words.len; i++) {
        strcat(strcat(strcat(text, "["), words.at[i]), "]");
    }
    CHECK(words.at[words.len] == NULL);
    return text;
}

TEST(words_and_quotes) {
    CHECK_TEXT(joined("  run  a b\tc "), "[run][a][b][c]");
    CHECK_TEXT(joined("run 'a b' \"c 'd'\" e\\ f 'g\\' \"h\\\"\""),
               "[run][a b][c 'd'][e f][g\\][h\"]");
    CHECK_TEXT(joined("a''b \"\" c\"d\"e"), "[ab][][cde]");
    CHECK_TEXT(joined("ps # all of them"), "[ps]");
    CHECK_TEXT(joined("#"), "");
    CHECK_TEXT(joined(""), "");
    CHECK_TEXT(joined("a#b"), "[a#b]");
}

TEST(files_and_background) {
    CHECK_TEXT(joined("run x<in>out&"), "[run][x]");
    CHECK(words.background);
    CHECK_TEXT(words.input, "in");
    CHECK_TEXT(words.output, "out");
    CHECK_TEXT(joined("run > '/tmp/a b' x < y z"), "[run][x][z]");
    CHECK(!words.background);
    CHECK_TEXT(words.input, "y");
    CHECK_TEXT(words.output, "/tmp/a b");
    CHECK_TEXT(joined("run '&' \\> x"), "[run][&][>][x]");
    CHECK(!words.output && !words.background);
}

TEST(errors) {
    const char *names = "< and > want the name of one file";
    CHECK_TEXT(joined("a 'b"), "a quote is not closed");
    CHECK_TEXT(joined("a >"), names);
    CHECK_TEXT(joined("a > > b"), names);
    CHECK_TEXT(joined("a >b >c"), names);
    CHECK_TEXT(joined("a & b"), "& is the last of a line");
    const char *one = "there are no pipes, and one command is a line: quote | and ;";
    CHECK_TEXT(joined("ls | wc"), one);
    CHECK_TEXT(joined("a; b"), one);
    CHECK_TEXT(joined(";"), one);
    CHECK_TEXT(joined("a > out; b"), one);
    CHECK_TEXT(joined("a < |b"), one);
    CHECK_TEXT(joined("a ';' \"|\" \\; \\| # x; y | z"), "[a][;][|][;][|]");
    char many[SHELL_LINE_MAX + 3];
    memset(many, 'a', sizeof(many));
    many[sizeof(many) - 1] = '\0';
    CHECK_TEXT(joined(many), "the line is too long");
    for (size_t i = 1; i < sizeof(many) - 1; i += 2) {
        many[i] = ' ';
    }
    many[SHELL_LINE_MAX] = '\0';
    CHECK_TEXT(joined(many), "too many words");
    many[2 * SHELL_WORDS_MAX] = '\0';
    CHECK(!words_split(&words, many));
    CHECK_EQ(words.len, SHELL_WORDS_MAX);
}

/* The longest line of the shortest words fits. */
TEST(full) {
    char line[SHELL_LINE_MAX + 1];
    memset(line, '>', sizeof(line));
    for (size_t i = 0; i < SHELL_LINE_MAX; i += 2) {
        line[i] = 'a';
        line[i + 1] = '\\';
    }
    line[SHELL_LINE_MAX] = '\0';
    CHECK(!words_split(&words, line));
    CHECK_EQ(words.len, 1);
}

CHECK_MAIN
