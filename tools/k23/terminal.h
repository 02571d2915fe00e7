/*
 * This side's terminal while a machine has it: every key goes to the machine as it is typed.
 */
#ifndef TOOLS_K23_TERMINAL_H
#define TOOLS_K23_TERMINAL_H

#include <stdbool.h>

/* Makes stdin's terminal raw, if it is one; terminal_restore() and exit() put it back. */
bool terminal_set_raw(void);
void terminal_restore(void);

/* Of stdout's terminal; 0 is unknown. */
struct terminal_size {
    unsigned columns, rows;
};
struct terminal_size terminal_size(void);

#endif
