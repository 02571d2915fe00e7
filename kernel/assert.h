/*
 * assert() of the kernel: a programmer's error ends in a panic with a backtrace. Always on.
 */
#ifndef KERNEL_ASSERT_H
#define KERNEL_ASSERT_H

#include "kernel/panic.h"

#undef assert
#define assert(expr)                                                                               \
    ((expr) ? (void)0 : panic("assertion failed: %s (%s:%d)", #expr, __FILE__, __LINE__))

#endif
