/*
 * The knobs of fs/platform.h on the test's machine.
 */
#ifndef TEST_SUPPORT_FS_PLATFORM_H
#define TEST_SUPPORT_FS_PLATFORM_H

#include <stdint.h>

extern int64_t fs_platform_allocs_left; /* fs_alloc() gives NULL after so many */
extern int64_t fs_platform_held;        /* allocations not freed */

#endif
