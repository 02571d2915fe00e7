/*
 * See terminal.h. Output keeps its processing, so that a newline also returns the carriage.
 */
#include "tools/k23/terminal.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static struct termios before;
static bool is_raw;

void terminal_restore(void) {
    if (is_raw) {
        tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
        is_raw = false;
    }
}

bool terminal_set_raw(void) {
    struct termios raw;
    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &before) != 0) {
        return false;
    }
    raw = before;
    cfmakeraw(&raw);
    raw.c_oflag = before.c_oflag;
    atexit(terminal_restore);
    is_raw = tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
    return is_raw;
}

struct terminal_size terminal_size(void) {
    struct winsize window;
    bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0;
    return known ? (struct terminal_size){.columns = window.ws_col, .rows = window.ws_row}
                 : (struct terminal_size){0};
}
