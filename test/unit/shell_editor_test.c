/*
 * The shell's line editor, on a terminal of its own kind: what is typed becomes what is on the row, and the
 * line that comes out.
 */
#include "init/shell/editor.h"
#include "test/support/check.h"

#include <string.h>

/* A row of a terminal that knows what the editor uses: text, CR, LF, ESC [ K, ESC [ n D, clear. */
static char row[400];
static size_t cursor;

static void clear_after(size_t at) {
    memset(row + at, ' ', sizeof(row) - 1 - at);
}

/* A sequence comes in pieces. */
static unsigned parameter;
static enum { PLAIN, ESCAPE, PARAMETER } state;

static void take_escape(char c) {
    if (state == ESCAPE) {
        CHECK_EQ(c, '[');
        state = PARAMETER;
        parameter = 0;
    } else if (c >= '0' && c <= '9') {
        parameter = 10 * parameter + (unsigned)(c - '0');
    } else {
        state = PLAIN;
        CHECK(strchr("KDHJ", c) != NULL);
        if (c == 'K') {
            clear_after(cursor);
        } else if (c == 'D') {
            CHECK(parameter <= cursor);
            cursor -= parameter;
        }
    }
}

static void show(struct sink *sink, const char *text, size_t len) {
    (void)sink;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (state != PLAIN) {
            take_escape(c);
        } else if (c == '\033') {
            state = ESCAPE;
        } else if (c == '\r' || c == '\n') {
            cursor = 0;
            if (c == '\n') {
                clear_after(0);
            }
        } else if (((unsigned char)c & 0xc0) != 0x80) { /* one column a character: its first byte */
            CHECK(cursor < sizeof(row) - 1);
            row[cursor++] = (unsigned char)c < 0x80 ? c : '?';
        }
    }
}

static struct sink terminal = {show};
static struct editor editor;

static void start(unsigned columns) {
    memset(&editor, 0, sizeof(editor));
    editor.prompt = "> ";
    editor.columns = columns;
    editor.out = editor.row = &terminal;
    cursor = 0;
    clear_after(0);
    row[sizeof(row) - 1] = '\0';
    editor_begin(&editor);
}

static enum editor_event type(const char *keys) {
    enum editor_event event = EDITOR_MORE;
    for (; *keys; keys++) {
        CHECK_EQ(event, EDITOR_MORE);
        event = editor_take(&editor, *keys);
    }
    return event;
}

static const char *shown(void) {
    static char screen[sizeof(row)];
    memcpy(screen, row, sizeof(row));
    size_t len = strlen(row);
    while (len > 0 && screen[len - 1] == ' ') {
        len--;
    }
    screen[len] = '\0';
    return screen;
}

#define LEFT  "\033[D"
#define RIGHT "\033[C"
#define UP    "\033[A"
#define DOWN  "\033OB"

TEST(types_and_moves) {
    start(80);
    CHECK_EQ(type("help" LEFT LEFT "X"), EDITOR_MORE);
    CHECK_TEXT(shown(), "> heXlp");
    CHECK_EQ(cursor, 5);
    type("\001A\005Z");
    CHECK_TEXT(editor.line.text, "AheXlpZ");
    type("\033[H\033[3~\033[F\177");
    CHECK_TEXT(editor.line.text, "heXlp");
    type(LEFT LEFT LEFT LEFT LEFT LEFT LEFT "\010" RIGHT "\004");
    CHECK_TEXT(editor.line.text, "hXlp");
    CHECK_TEXT(shown(), "> hXlp");
    CHECK_EQ(type("\r"), EDITOR_LINE);
    CHECK_TEXT(editor.line.text, "hXlp");
    editor_begin(&editor);
    CHECK_EQ(type("\n"), EDITOR_MORE); /* the other half of the return */
    CHECK_EQ(type("\n"), EDITOR_LINE);
}

TEST(kills) {
    start(80);
    type("one two  three\027");
    CHECK_TEXT(editor.line.text, "one two  ");
    type("\027");
    CHECK_TEXT(editor.line.text, "one ");
    type("\001\006\013");
    CHECK_TEXT(editor.line.text, "o");
    type("abc\002\025");
    CHECK_TEXT(editor.line.text, "c");
    CHECK_TEXT(shown(), "> c");
    CHECK_EQ(type("\003"), EDITOR_CANCEL);
    editor_begin(&editor);
    CHECK_EQ(editor.line.size, 0);
    CHECK_EQ(type("\004"), EDITOR_END);
}

TEST(whole_characters) {
    start(80);
    type("a\u00e9\u20ac\U0001f600z");
    CHECK_TEXT(shown(), "> a???z");
    type(LEFT LEFT "\177");
    CHECK_TEXT(editor.line.text, "a\u00e9\U0001f600z");
    type("\004\002\004");
    CHECK_TEXT(editor.line.text, "az");
    type("\xe2\x82");
    CHECK_TEXT(editor.line.text, "az"); /* not before it is whole */
    type("b\xff\x80"
         "c");
    CHECK_TEXT(editor.line.text, "abcz");
}

/* Bytes that are no text, and sequences that are none of ours, change nothing. */
TEST(strange_bytes) {
    start(80);
    type("ab\033[200~\033[1;5C\033Ox\033z\033[\033[Dq");
    for (unsigned c = 1; c < 256; c++) {
        if (c == 3 || c == '\r' || c == '\n') {
            continue;
        }
        (void)editor_take(&editor, (char)c);
        CHECK(editor.line.at <= editor.line.size && editor.line.size <= SHELL_LINE_MAX);
        CHECK_EQ(strlen(editor.line.text), editor.line.size);
    }
}

TEST(recalls) {
    start(80);
    const char *lines[] = {"first\r", "second\r", "second\r", "\r", "third\r"};
    for (int i = 0; i < 5; i++) {
        CHECK_EQ(type(lines[i]), EDITOR_LINE);
        editor_begin(&editor);
    }
    type("draft" UP);
    CHECK_TEXT(editor.line.text, "third");
    type(UP);
    CHECK_TEXT(editor.line.text, "second");
    type("\020");
    CHECK_TEXT(editor.line.text, "first");
    type(UP UP);
    CHECK_TEXT(editor.line.text, "first");
    CHECK_TEXT(shown(), "> first");
    type(DOWN "\016" DOWN DOWN);
    CHECK_TEXT(editor.line.text, "draft");
    for (int i = 0; i < 200; i++) {
        char line[20];
        snprintf(line, sizeof(line), "\003");
        type(line);
        editor_begin(&editor);
        snprintf(line, sizeof(line), "line %d\r", i);
        type(line);
        editor_begin(&editor);
    }
    for (unsigned i = 0; i < SHELL_HISTORY_MAX + 5; i++) {
        type(UP);
    }
    CHECK_TEXT(editor.line.text, "line 136");
}

TEST(wide_lines) {
    start(20);
    type("abcdefghijklmnopqrstuvwxyz");
    CHECK_TEXT(shown(), "> jklmnopqrstuvwxyz");
    CHECK_EQ(cursor, 19);
    type("\001");
    CHECK_TEXT(shown(), "> abcdefghijklmnopq");
    CHECK_EQ(cursor, 2);
    for (int i = 0; i < 2000; i++) {
        type("x");
    }
    CHECK(editor.line.size == SHELL_LINE_MAX);
    CHECK(strlen(shown()) <= 20);
    CHECK_EQ(type("\r"), EDITOR_LINE);
}

TEST(silent_without_a_terminal) {
    start(80);
    editor.silent = true;
    CHECK_EQ(type("\003"), EDITOR_CANCEL);
    clear_after(0);
    editor_begin(&editor);
    CHECK_EQ(type("ps\n"), EDITOR_LINE);
    CHECK_TEXT(editor.line.text, "ps");
    CHECK_TEXT(shown(), "");
}

CHECK_MAIN
