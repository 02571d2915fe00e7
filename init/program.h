/*
 * A program from its bytes to its exit status.
 */
#ifndef INIT_PROGRAM_H
#define INIT_PROGRAM_H

#include "init/request.h"

/* Loads, instantiates and runs the module with WASI, prints what goes wrong on the host's stderr,
 * and returns the exit status (abi/run.h). Everything it took is given back. On the thread whose
 * guest it becomes. */
int program_run(const struct request *request);

#endif
