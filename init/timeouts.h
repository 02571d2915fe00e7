/*
 * Programs that may run for so long only: a thread of the kernel kills them when their time is over.
 */
#ifndef INIT_TIMEOUTS_H
#define INIT_TIMEOUTS_H

#include "base/status.h"

#include <stdint.h>

/* Starts the thread. Once. NO_MEMORY. */
status_t timeouts_init(void) MUST_CHECK;

/* The program is killed with RUN_EXIT_TIMEOUT when time_now_ns() reaches the deadline, unless it is taken
 * out before. One deadline a program; there is room for all programs. */
void timeouts_set(uint32_t pid, uint64_t deadline_ns);
void timeouts_clear(uint32_t pid);

#endif
