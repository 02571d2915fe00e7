/*
 * <pwd.h> for a system without users: nobody is known. SQLite's shell asks it for the home directory
 * when $HOME is not set.
 */
#ifndef DEMO_INCLUDE_PWD_H
#define DEMO_INCLUDE_PWD_H

#include <stddef.h>
#include <sys/types.h>

struct passwd {
    char *pw_name, *pw_dir;
};

static inline struct passwd *getpwuid(uid_t user) {
    (void)user;
    return NULL;
}

#endif
