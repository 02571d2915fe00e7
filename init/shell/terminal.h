/*
 * The terminal that the shell and the programs it starts share: the serial line, or the host's ports. A thread
 * of the kernel reads it all the time, so that ^C is seen whoever runs, and keeps what was typed for
 * whoever reads next: the shell byte by byte, the program in front by lines, with echo, where it is
 * a terminal. Keys that there is no room for are lost, with a bell, unless somebody edits a line.
 *
 * Locks: one over what was typed and who is in front; a mutex over output, so that each write stays whole.
 */
#ifndef INIT_SHELL_TERMINAL_H
#define INIT_SHELL_TERMINAL_H

#include "base/fmt.h"
#include "fs/file.h"
#include "kernel/program.h"

#include <stdbool.h>
#include <stdint.h>

/* Starts to read. `serial`: the UART, else the ports "stdin" and "stdout". `interactive`: somebody types
 * there. Once. */
void terminal_init(bool serial, bool interactive);

/* Waits for the next byte. False: there will be none any more. */
bool terminal_read(char *byte_out);

void terminal_write(const char *text, size_t size);
extern struct sink terminal_out; /* terminal_write() as a sink */

/* The row that is being edited, whole in each write: what programs write meanwhile goes above it. Whatever
 * the shell writes to terminal_out next ends it. */
extern struct sink terminal_row;

/* From now on the program `pid` is in front: ^C kills it. 0: the shell is. A ^C since terminal_calm()
 * counts. */
void terminal_set_front(uint32_t pid);

/* Whether ^C was typed since terminal_calm(). */
bool terminal_interrupted(void);
/* program_wait() until then: WOULD_BLOCK. */
MUST_CHECK status_t terminal_wait(uint32_t pid, struct program_end *out);
void terminal_calm(void);

/* For the program in front, and one that is at its end at once, for those behind. */
struct file *terminal_file(void);
struct file *terminal_nothing(void);

#endif
