/*
 * WASI preview 1: flags, rights and the layouts of structures in guest memory.
 */
#ifndef WASI_TYPES_H
#define WASI_TYPES_H

#include <stdint.h>

/* Type `rights`. */
#define RIGHT_FD_DATASYNC             ((uint64_t)1 << 0)
#define RIGHT_FD_READ                 ((uint64_t)1 << 1)
#define RIGHT_FD_SEEK                 ((uint64_t)1 << 2)
#define RIGHT_FD_FDSTAT_SET_FLAGS     ((uint64_t)1 << 3)
#define RIGHT_FD_SYNC                 ((uint64_t)1 << 4)
#define RIGHT_FD_TELL                 ((uint64_t)1 << 5)
#define RIGHT_FD_WRITE                ((uint64_t)1 << 6)
#define RIGHT_FD_ADVISE               ((uint64_t)1 << 7)
#define RIGHT_FD_ALLOCATE             ((uint64_t)1 << 8)
#define RIGHT_PATH_CREATE_DIRECTORY   ((uint64_t)1 << 9)
#define RIGHT_PATH_CREATE_FILE        ((uint64_t)1 << 10)
#define RIGHT_PATH_LINK_SOURCE        ((uint64_t)1 << 11)
#define RIGHT_PATH_LINK_TARGET        ((uint64_t)1 << 12)
#define RIGHT_PATH_OPEN               ((uint64_t)1 << 13)
#define RIGHT_FD_READDIR              ((uint64_t)1 << 14)
#define RIGHT_PATH_READLINK           ((uint64_t)1 << 15)
#define RIGHT_PATH_RENAME_SOURCE      ((uint64_t)1 << 16)
#define RIGHT_PATH_RENAME_TARGET      ((uint64_t)1 << 17)
#define RIGHT_PATH_FILESTAT_GET       ((uint64_t)1 << 18)
#define RIGHT_PATH_FILESTAT_SET_SIZE  ((uint64_t)1 << 19)
#define RIGHT_PATH_FILESTAT_SET_TIMES ((uint64_t)1 << 20)
#define RIGHT_FD_FILESTAT_GET         ((uint64_t)1 << 21)
#define RIGHT_FD_FILESTAT_SET_SIZE    ((uint64_t)1 << 22)
#define RIGHT_FD_FILESTAT_SET_TIMES   ((uint64_t)1 << 23)
#define RIGHT_PATH_SYMLINK            ((uint64_t)1 << 24)
#define RIGHT_PATH_REMOVE_DIRECTORY   ((uint64_t)1 << 25)
#define RIGHT_PATH_UNLINK_FILE        ((uint64_t)1 << 26)
#define RIGHT_POLL_FD_READWRITE       ((uint64_t)1 << 27)

#define RIGHTS_ALL (((uint64_t)1 << 30) - 1) /* those of sockets too */

/* What makes sense for a kind of file; a descriptor never has more. */
#define RIGHTS_ANY                                                                                 \
    (RIGHT_FD_FDSTAT_SET_FLAGS | RIGHT_FD_SYNC | RIGHT_FD_DATASYNC | RIGHT_FD_FILESTAT_GET |       \
     RIGHT_POLL_FD_READWRITE)
#define RIGHTS_STREAM (RIGHTS_ANY | RIGHT_FD_READ | RIGHT_FD_WRITE)
#define RIGHTS_FILE                                                                                \
    (RIGHTS_STREAM | RIGHT_FD_SEEK | RIGHT_FD_TELL | RIGHT_FD_ADVISE | RIGHT_FD_ALLOCATE |         \
     RIGHT_FD_FILESTAT_SET_SIZE | RIGHT_FD_FILESTAT_SET_TIMES)
#define RIGHTS_DIRECTORY                                                                           \
    (RIGHTS_ANY | RIGHT_FD_FILESTAT_SET_TIMES | RIGHT_PATH_CREATE_DIRECTORY |                      \
     RIGHT_PATH_CREATE_FILE | RIGHT_PATH_LINK_SOURCE | RIGHT_PATH_LINK_TARGET | RIGHT_PATH_OPEN |  \
     RIGHT_FD_READDIR | RIGHT_PATH_READLINK | RIGHT_PATH_RENAME_SOURCE |                           \
     RIGHT_PATH_RENAME_TARGET | RIGHT_PATH_FILESTAT_GET | RIGHT_PATH_FILESTAT_SET_SIZE |           \
     RIGHT_PATH_FILESTAT_SET_TIMES | RIGHT_PATH_SYMLINK | RIGHT_PATH_REMOVE_DIRECTORY |            \
     RIGHT_PATH_UNLINK_FILE)
/* Any of these needs a file that is open for writing. */
#define RIGHTS_WRITING (RIGHT_FD_WRITE | RIGHT_FD_ALLOCATE | RIGHT_FD_FILESTAT_SET_SIZE)

enum filetype {
    FILETYPE_UNKNOWN,
    FILETYPE_BLOCK_DEVICE,
    FILETYPE_CHARACTER_DEVICE,
    FILETYPE_DIRECTORY,
    FILETYPE_REGULAR_FILE,
    FILETYPE_SOCKET_DGRAM,
    FILETYPE_SOCKET_STREAM,
    FILETYPE_SYMBOLIC_LINK,
};

#define FDFLAG_APPEND   1u
#define FDFLAG_DSYNC    2u
#define FDFLAG_NONBLOCK 4u
#define FDFLAG_RSYNC    8u
#define FDFLAG_SYNC     16u
#define FDFLAGS_ALL     31u

#define OFLAG_CREAT     1u
#define OFLAG_DIRECTORY 2u
#define OFLAG_EXCL      4u
#define OFLAG_TRUNC     8u
#define OFLAGS_ALL      15u

#define LOOKUP_FOLLOW 1u

#define FSTFLAG_ATIM     1u
#define FSTFLAG_ATIM_NOW 2u
#define FSTFLAG_MTIM     4u
#define FSTFLAG_MTIM_NOW 8u
#define FSTFLAGS_ALL     15u

enum clock { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME, CLOCK_THREAD_CPUTIME };

struct iovec {
    uint32_t addr, size;
};

struct fdstat {
    uint8_t filetype;
    uint8_t pad;
    uint16_t flags;
    uint32_t pad2;
    uint64_t rights_base, rights_inheriting;
};
_Static_assert(sizeof(struct fdstat) == 24, "as the specification lays it out");

struct filestat {
    uint64_t dev, ino;
    uint8_t filetype;
    uint8_t pad[7];
    uint64_t nlink, size, atim, mtim, ctim;
};
_Static_assert(sizeof(struct filestat) == 64, "as the specification lays it out");

/* Of wasi_unstable. */
struct filestat_unstable {
    uint64_t dev, ino;
    uint8_t filetype;
    uint8_t pad[3];
    uint32_t nlink;
    uint64_t size, atim, mtim, ctim;
};
_Static_assert(sizeof(struct filestat_unstable) == 56, "as the specification lays it out");

struct prestat {
    uint32_t tag; /* 0: a directory */
    uint32_t name_len;
};

struct dirent {
    uint64_t next, ino;
    uint32_t name_len;
    uint8_t filetype;
    uint8_t pad[3];
};
_Static_assert(sizeof(struct dirent) == 24, "as the specification lays it out");

#endif
