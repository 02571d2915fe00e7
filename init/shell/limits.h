/*
 * Every count of the shell that is limited, by name.
 */
#ifndef INIT_SHELL_LIMITS_H
#define INIT_SHELL_LIMITS_H

#define SHELL_LINE_MAX    1024u /* bytes of a command line */
#define SHELL_WORDS_MAX   128u  /* words of one */
#define SHELL_HISTORY_MAX 64u   /* lines kept */
#define SHELL_INPUT_SIZE  8192u /* bytes typed ahead; a power of two */
#define SHELL_ROW_MAX     1280u /* bytes of the row being edited, prompt and sequences included */
#define SHELL_COLUMNS     80u   /* of a terminal that does not say */

#endif
