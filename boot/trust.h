/*
 * What this loader accepts: the one place where its build options become values.
 */
#ifndef BOOT_TRUST_H
#define BOOT_TRUST_H

#include "boot/image.h"

extern const struct trust trust_built_in;

#endif
