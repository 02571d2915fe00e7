/*
 * Every count of WASI that is limited, by name.
 */
#ifndef WASI_LIMITS_H
#define WASI_LIMITS_H

#define WASI_MAX_FILES         16384u /* descriptors of a program */
#define WASI_FIRST_FILES       64u /* of them there is room for so many without asking for memory */
#define WASI_MAX_VECTORS       1024u /* of one read or write, as IOV_MAX of POSIX systems */
#define WASI_MAX_SUBSCRIPTIONS 4096u /* of one poll_oneoff */
#define WASI_MAX_PREOPENS      64u

#endif
