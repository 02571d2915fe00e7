/* See editor.h. */
#include "init/shell/editor.h"

#include <string.h>

/* ---- showing ---- */

/* The window follows the cursor: it moves when the cursor would leave it. */
static void place_window(struct editor *e, size_t room) {
    if (e->line.at < e->left) {
        e->left = e->line.at;
    }
    while (line_columns(&e->line, e->left, e->line.at) >= room) {
        e->left = line_after(&e->line, e->left);
    }
}

static void draw(struct editor *e) {
    if (e->silent) {
        return;
    }
    size_t prompt = strlen(e->prompt), room = e->columns > prompt + 8 ? e->columns - prompt : 8;
    place_window(e, room);
    size_t end = e->left;
    for (size_t columns = 1; end < e->line.size && columns < room; columns++) {
        end = line_after(&e->line, end);
    }
    char row[SHELL_ROW_MAX], move[16] = "";
    size_t back = line_columns(&e->line, e->line.at, end);
    if (back > 0) {
        fmt_text(move, sizeof(move), "\033[%uD", (unsigned)back);
    }
    size_t size = fmt_text(row, sizeof(row), "\r%s%.*s\033[K%s", e->prompt, (int)(end - e->left),
                           e->line.text + e->left, move);
    e->row->write(e->row, row, size);
}

void editor_begin(struct editor *e) {
    line_clear(&e->line);
    e->back = 0;
    e->left = 0;
    draw(e);
}

static void end_row(struct editor *e, const char *text) {
    if (!e->silent) {
        fmt_print(e->out, "%s\n", text);
    }
}

/* ---- keys ---- */

static void recall(struct editor *e, size_t back) {
    const char *text = back == 0 ? e->draft : history_get(&e->history, back);
    if (!text) {
        return;
    }
    if (e->back == 0) {
        memcpy(e->draft, e->line.text, sizeof(e->draft));
    }
    e->back = back;
    e->left = 0;
    line_set(&e->line, text);
}

static void complete(struct editor *e) {
    size_t start = e->line.at;
    while (start > 0 && e->line.text[start - 1] != ' ') {
        start--;
    }
    if (e->complete) {
        (void)e->complete(e, start);
    }
}

/* Those that change the line or the cursor. */
static void edit(struct editor *e, enum key key) {
    struct line *line = &e->line;
    switch (key) {
    case KEY_TEXT:
        line_insert(line, e->keys.text, e->keys.text_size);
        break;
    case KEY_LEFT:
        line->at = line_before(line, line->at);
        break;
    case KEY_RIGHT:
        line->at = line_after(line, line->at);
        break;
    case KEY_HOME:
        line->at = 0;
        break;
    case KEY_END:
        line->at = line->size;
        break;
    case KEY_BACKSPACE:
        line_remove(line, line_before(line, line->at), line->at);
        break;
    case KEY_EOF: /* in a line that is not empty */
    case KEY_DELETE:
        line_remove(line, line->at, line_after(line, line->at));
        break;
    case KEY_KILL_END:
        line_remove(line, line->at, line->size);
        break;
    case KEY_KILL_START:
        line_remove(line, 0, line->at);
        break;
    case KEY_KILL_WORD:
        line_remove(line, line_word_before(line), line->at);
        break;
    default:
        break;
    }
}

static enum editor_event enter(struct editor *e) {
    e->line.at = e->line.size;
    draw(e);
    end_row(e, "");
    history_add(&e->history, e->line.text);
    return EDITOR_LINE;
}

enum editor_event editor_take(struct editor *e, char byte) {
    bool other_half = byte == '\n' && e->was_return;
    e->was_return = byte == '\r';
    enum key key = other_half ? KEY_NONE : keys_take(&e->keys, byte);
    switch (key) {
    case KEY_NONE:
        return EDITOR_MORE;
    case KEY_ENTER:
        return enter(e);
    case KEY_CANCEL:
        end_row(e, "^C");
        return EDITOR_CANCEL;
    case KEY_EOF:
        if (e->line.size == 0) {
            end_row(e, "");
            return EDITOR_END;
        }
        break;
    case KEY_UP:
        recall(e, e->back + 1);
        break;
    case KEY_DOWN:
        if (e->back > 0) {
            recall(e, e->back - 1);
        }
        break;
    case KEY_TAB:
        complete(e);
        break;
    case KEY_REDRAW:
        if (!e->silent) {
            fmt_print(e->out, "\033[H\033[2J");
        }
        break;
    default:
        break;
    }
    edit(e, key);
    draw(e);
    return EDITOR_MORE;
}
