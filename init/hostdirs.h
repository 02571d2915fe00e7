/*
 * Directories of the host behind virtio-9p devices, by mount tag. Each is mounted once, when it is first asked
 * for, and stays: programs share it.
 */
#ifndef INIT_HOSTDIRS_H
#define INIT_HOSTDIRS_H

#include "base/status.h"
#include "fs/node.h"

/* Finds the devices. After drivers_start(DRIVERS_OTHER). */
void hostdirs_init(void);

/* A reference to the root. New files get the permission bits that `umask` leaves, as it was when the directory
 * was first opened. NOT_FOUND for a tag that no device has, and what ninep_mount() gives. */
MUST_CHECK status_t hostdirs_open(const char *tag, uint32_t umask, struct node **root_out);

#endif
