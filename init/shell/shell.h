/*
 * The shell: reads commands from the terminal, starts programs, looks inside the machine.
 */
#ifndef INIT_SHELL_SHELL_H
#define INIT_SHELL_SHELL_H

#include "init/request.h"

/* Until "shutdown", or the end of its input. Returns the machine's exit status. On a thread of the first
 * program. */
int shell_run(const struct request *request);

#endif
