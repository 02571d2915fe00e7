/*
 * <pwd.h> for a system without users: the program's is the only one, at home in "/". SQLite's shell asks it
 * for the home directory when $HOME is not set.
 */
#ifndef DEMO_INCLUDE_PWD_H
#define DEMO_INCLUDE_PWD_H

#include <stddef.h>
#include <sys/types.h>

struct passwd {
    char *pw_name, *pw_dir;
};

static inline struct passwd *getpwuid(uid_t user) {
    static struct passwd only = {"user", "/"};
    (void)user;
    return &only;
}

#endif
