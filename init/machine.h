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

/* Its two halves, for tests. The first one's few allocations must succeed: it panics, by name. In the second one any may
 * fail: then a device, a hart or a directory is missing, with a line in the log. */
void machine_init_core(size_t hart, const struct boot_info *info);
void machine_init_rest(void);

/* The initrd; empty if there is none. An archive that is damaged counts as none, with an error in
 * the log. */
extern struct initrd machine_initrd;

#endif
