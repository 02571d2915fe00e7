/* See line.h. */
#include "init/shell/line.h"

#include <stdbool.h>
#include <string.h>

/* Bytes of the character that begins with these; 1 for what begins none. */
static size_t size_of(const char *bytes, size_t size) {
    unsigned char c = (unsigned char)bytes[0];
    size_t want = c >= 0xf0 && c < 0xf8   ? 4
                  : c >= 0xe0 && c < 0xf0 ? 3
                  : c >= 0xc2 && c < 0xe0 ? 2
                                          : 1;
    if (want > size) {
        return 1;
    }
    for (size_t i = 1; i < want; i++) {
        if (((unsigned char)bytes[i] & 0xc0) != 0x80) {
            return 1;
        }
    }
    return want;
}

void line_clear(struct line *line) {
    line->size = line->at = 0;
    line->text[0] = '\0';
}

void line_set(struct line *line, const char *text) {
    line_clear(line);
    line_insert(line, text, strlen(text));
}

size_t line_after(const struct line *line, size_t at) {
    return at < line->size ? at + size_of(line->text + at, line->size - at) : at;
}

size_t line_before(const struct line *line, size_t at) {
    for (size_t back = 4; back > 1; back--) {
        if (back <= at && size_of(line->text + at - back, back) == back) {
            return at - back;
        }
    }
    return at > 0 ? at - 1 : 0;
}

size_t line_word_before(const struct line *line) {
    size_t at = line->at;
    while (at > 0 && line->text[at - 1] == ' ') {
        at--;
    }
    while (at > 0 && line->text[at - 1] != ' ') {
        at--;
    }
    return at;
}

void line_insert(struct line *line, const char *bytes, size_t size) {
    if (size > SHELL_LINE_MAX - line->size) {
        return;
    }
    memmove(line->text + line->at + size, line->text + line->at, line->size - line->at + 1);
    memcpy(line->text + line->at, bytes, size);
    line->size += size;
    line->at += size;
}

void line_remove(struct line *line, size_t from, size_t to) {
    if (from >= to || to > line->size) {
        return;
    }
    memmove(line->text + from, line->text + to, line->size - to + 1);
    line->size -= to - from;
    line->at = line->at >= to ? line->at - (to - from) : line->at > from ? from : line->at;
}

size_t line_columns(const struct line *line, size_t from, size_t to) {
    size_t columns = 0;
    for (size_t at = from; at < to; at = line_after(line, at)) {
        columns++;
    }
    return columns;
}
