/*
 * Every count of WASI that is limited, by name.
 */
#ifndef WASI_LIMITS_H
#define WASI_LIMITS_H

#define WASI_MAX_FILES         1024u /* descriptors of a program */
#define WASI_MAX_VECTORS       1024u /* of one read or write, as IOV_MAX of POSIX systems */
#define WASI_MAX_SUBSCRIPTIONS 4096u /* of one poll_oneoff */
#define WASI_MAX_PREOPENS      64u

#endif
