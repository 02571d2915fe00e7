/*
 * Paths: from a directory that somebody holds (a capability) and a string of his to a node, never
 * leaving that directory. ".." is answered from the directories that were walked through, not by the
 * file system, so that a directory that is moved meanwhile cannot lead out; an absolute path, and one
 * with more ".." than there are steps below the start, is OUTSIDE, and the same holds for the targets
 * of symbolic links.
 *
 * Every loop is bounded by FS_PATH_MAX, FS_SYMLINK_MAX and FS_DEPTH_MAX; nothing is allocated.
 * A walk belongs to one thread at a time.
 */
#ifndef FS_PATH_H
#define FS_PATH_H

#include "fs/node.h"

/* Room for one resolution; large, so it is kept by those who resolve. Zeroed at first. */
struct path_walk {
    struct node *dirs[FS_DEPTH_MAX]; /* dirs[0]: the start; a reference each */
    uint32_t depth;                  /* of dirs, in use */
    uint32_t links;                  /* followed so far */
    size_t at;                       /* what is left of the path: rest[at..] */
    char rest[2 * FS_PATH_MAX];
};

/* Where a path leads. Everything is the walk's until path_end(). */
struct path_target {
    struct node *dir;    /* the directory of the last name */
    struct fs_name name; /* in it; len 0: the path ended with a directory itself, "." or ".." */
    struct node *node;   /* NULL: nothing has that name. A reference, dropped by path_end() */
    bool slash;          /* the path ended with one: it must be a directory */
};

/* Resolves all of the path but, without `follow`, a symbolic link at its end (a slash after it has it
 * followed all the same). NOT_FOUND if something before the last name is missing, or the path empty;
 * NOT_DIR, OUTSIDE, LOOP, NAME_TOO_LONG, BAD_ARGUMENT for a NUL byte, and what lookups give. After OK
 * the caller owes a path_end(). */
MUST_CHECK status_t path_resolve(struct path_walk *walk, struct node *start, const char *path,
                                 size_t len, bool follow, struct path_target *out);
void path_end(struct path_walk *walk, struct path_target *target);

#endif
