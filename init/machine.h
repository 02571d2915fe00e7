/*
 * Brings the machine up, in one order, for every payload that is made of the whole kernel.
 */
#ifndef INIT_MACHINE_H
#define INIT_MACHINE_H

#include "fs/initrd.h"

#include <stddef.h>

struct boot_info;

/* Everything from the bare hart to devices, initrd and threads. On return the caller is a thread
 * with interrupts on. */
void machine_init(size_t hart, const struct boot_info *info);

/* The initrd; empty if there is none. An archive that is damaged counts as none, with an error in
 * the log. */
extern struct initrd machine_initrd;

#endif
