/*
 * What the host command and the kernel agree on: the initrd's file RUN_FILE says what to run, and
 * the machine's exit code says how it ended.
 *
 * RUN_FILE holds records "KEY=VALUE", each ended by a NUL byte, in any order but that of equal keys:
 *
 *     shell=1        the shell, in the place of a program; `env`, `dir`, `tty` and `mem-max` are for what it starts
 *     serial=1       its terminal is the serial line, not the ports
 *     columns=N      of its terminal
 *     module=NAME    a file of the initrd: the program
 *     arg=TEXT       an argument, argv[0] first
 *     env=K=V        an environment variable
 *     dir=SOURCE:NAME:GUEST   a directory that the program knows as GUEST, in the order of descriptors:
 *                    SOURCE "initrd": the folder NAME of the initrd, read-only; "9p": the host's directory
 *                    behind the virtio-9p device of mount tag NAME. NAME has no ':'
 *     preload=NAME:FILE   FILE of the initrd is a module to be instantiated before the program, whose exports
 *                    may be imported as NAME; in this order. FILE has no ':'
 *     umask=OCTAL    permission bits that files made in host directories do not get
 *     invoke=NAME    call this export with the arguments after argv[0], and print its results
 *     tty=DIGITS     for each standard stream in order, 1 if it is a terminal
 *     mem-max=BYTES  the most that linear memories may take together
 *     counted=1      the machine's counter of instructions counts these, not time (./k23 run --icount)
 *     eager=1        compile all functions before the start
 */
#ifndef ABI_RUN_H
#define ABI_RUN_H

#define RUN_FILE    "k23.run"
#define RUN_VERSION "0.1.0"

/* Exit codes beside the program's own and those of abi/boot.h. */
enum run_exit {
    RUN_EXIT_USAGE = 2,     /* the command was called wrongly */
    RUN_EXIT_ERROR = 125,   /* k23 itself failed */
    RUN_EXIT_REFUSED = 126, /* the module cannot be run: malformed, invalid, not linkable */
    RUN_EXIT_TRAP = 134,    /* the program trapped */
    RUN_EXIT_KILLED = 137,  /* somebody ended it */
    RUN_EXIT_TIMEOUT = 142  /* its time was over */
};

/* Limits on RUN_FILE. */
#define RUN_MAX_SIZE     (1u << 20)
#define RUN_MAX_ARGS     4096u
#define RUN_MAX_DIRS     32u
#define RUN_MAX_PRELOADS 32u

#endif
