/*
 * One virtual machine: QEMU with the loader as its kernel, and the program's standard streams on
 * ports of a virtio console, each a socket that this process pumps.
 */
#ifndef TOOLS_K23_VM_H
#define TOOLS_K23_VM_H

#include "tools/k23/dirs.h"

#include <stdbool.h>

struct vm_config {
    const char *loader; /* path of the ELF */
    const char *cpu;    /* QEMU's -cpu */
    const char *memory; /* QEMU's -m */
    const char *harts;  /* QEMU's -smp */
    const char *bootargs;
    int initrd_fd;           /* -1: none */
    const char *log_path;    /* the machine's serial line goes there */
    bool log_to_stderr;      /* and to stderr */
    bool exact;              /* count instructions: -icount */
    const struct dirs *dirs; /* live directories for it */
    bool terminal;           /* what is typed goes to the machine key by key; ^] ends it */
    bool serial;    /* our stdin and stdout are the serial line; the end of stdin is typed as ^D */
    double timeout; /* seconds until it is interrupted by SIGALRM; 0: never */
};

enum vm_end {
    VM_ENDED,      /* the machine turned itself off; status is its exit code */
    VM_FAILED,     /* it could not be started, or died; the reason is on stderr */
    VM_INTERRUPTED /* by the signal in status */
};

/* Runs the machine to its end, with this process's stdin, stdout and stderr as the program's. */
enum vm_end vm_run(const struct vm_config *config, int *status_out);

#endif
