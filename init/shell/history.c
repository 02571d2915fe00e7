/* See history.h. */
#include "init/shell/history.h"

#include <string.h>

void history_add(struct history *history, const char *line) {
    const char *newest = history_get(history, 1);
    size_t size = strnlen(line, SHELL_LINE_MAX);
    if (size == 0 || (newest && strcmp(newest, line) == 0)) {
        return;
    }
    char *to = history->lines[history->added++ % SHELL_HISTORY_MAX];
    memcpy(to, line, size);
    to[size] = '\0';
}

const char *history_get(const struct history *history, size_t back) {
    if (back == 0 || back > history->added || back > SHELL_HISTORY_MAX) {
        return NULL;
    }
    return history->lines[(history->added - back) % SHELL_HISTORY_MAX];
}
