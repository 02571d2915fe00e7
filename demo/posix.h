/*
 * What the demos' sources expect of POSIX and WASI's C library lacks. Included by the compiler before
 * each of their files, so that the files themselves stay as Debian has them.
 *
 * WASI has neither users, permission bits, processes nor file locks. What changes owners or bits has
 * nothing to change and succeeds, a lock is always granted, because a file has one program, and what
 * would start a process fails with ENOSYS.
 */
#ifndef DEMO_POSIX_H
#define DEMO_POSIX_H

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

/* ---- owners and permission bits */

static inline int chmod(const char *path, mode_t mode) {
    (void)path, (void)mode;
    return 0;
}

static inline int fchmod(int fd, mode_t mode) {
    (void)fd, (void)mode;
    return 0;
}

static inline int chown(const char *path, uid_t user, gid_t group) {
    (void)path, (void)user, (void)group;
    return 0;
}

static inline int fchown(int fd, uid_t user, gid_t group) {
    (void)fd, (void)user, (void)group;
    return 0;
}

static inline mode_t umask(mode_t mask) {
    (void)mask;
    return 0;
}

static inline uid_t getuid(void) {
    return 1;
}

static inline uid_t geteuid(void) {
    return 1;
}

/* ---- processes */

static inline FILE *popen(const char *command, const char *mode) {
    (void)command, (void)mode;
    errno = ENOSYS;
    return NULL;
}

static inline int pclose(FILE *stream) {
    (void)stream;
    errno = ENOSYS;
    return -1;
}

static inline int demo_system(const char *command) {
    if (!command) {
        return 0; /* there is no shell */
    }
    errno = ENOSYS;
    return -1;
}
#define system demo_system

/* ---- file locks */

#define F_GETLK  5
#define F_SETLK  6
#define F_SETLKW 7
#define F_RDLCK  0
#define F_WRLCK  1
#define F_UNLCK  2

/* fcntl() with locks: always granted, and nobody else has one. */
static inline int demo_fcntl(int fd, int command, ...) {
    va_list args;
    va_start(args, command);
    int result = 0;
    if (command == F_GETLK) {
        va_arg(args, struct flock *)->l_type = F_UNLCK;
    } else if (command == F_GETFL || command == F_GETFD) {
        result = fcntl(fd, command);
    } else if (command != F_SETLK && command != F_SETLKW) {
        result = fcntl(fd, command, va_arg(args, int));
    }
    va_end(args);
    return result;
}
#define fcntl demo_fcntl

/* ---- temporary files by name: there is no place that is always there for them */

#ifndef L_tmpnam
#define L_tmpnam 20
#endif

static inline char *demo_tmpnam(char *name) {
    (void)name;
    return NULL;
}

static inline FILE *demo_tmpfile(void) {
    errno = ENOSYS;
    return NULL;
}
#define tmpnam  demo_tmpnam
#define tmpfile demo_tmpfile

#endif
