/*
 * A 9P2000.L server over a directory of this machine, in this process, as a transport of fs/ninep.h. It answers
 * rightly, unless `twist` makes something else of an answer; every request is checked to be well-formed.
 */
#ifndef TEST_SUPPORT_NINEP_SERVER_H
#define TEST_SUPPORT_NINEP_SERVER_H

#include "fs/limits.h"
#include "fs/ninep.h"

#include <dirent.h>

struct ninep_server_fid {
    int at;   /* O_PATH; -1: not in use */
    int open; /* or -1 */
    DIR *dir;
};

struct ninep_server {
    struct ninep_transport transport;
    int root;
    unsigned fid_count; /* in use */
    unsigned requests;  /* so far */
    unsigned exchanges; /* begun and not ended */
    uint32_t msize;     /* the most it agrees to; 0: what is asked for */
    size_t data_max;    /* of an exchange; 0: as is asked for */
    /* An answer of `size` bytes, all of it in `answer`, which has room for cap; returns its size. `request`
     * is the whole message. May be NULL. */
    size_t (*twist)(struct ninep_server *server, const uint8_t *request, uint8_t *answer,
                    size_t size, size_t cap);
    bool lenient; /* requests that do not fit its state are errors, and do not abort */
    bool dead;    /* every request fails from now on */
    struct ninep_server_fid fids[NINEP_FIDS_MAX];
};

/* Aborts if there is no such directory. */
void ninep_server_init(struct ninep_server *server, const char *path);
/* Closes all that clients have left open. */
void ninep_server_fini(struct ninep_server *server);

#endif
