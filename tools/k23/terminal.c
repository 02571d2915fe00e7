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

unsigned terminal_columns(void) {
    struct winsize size;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}
