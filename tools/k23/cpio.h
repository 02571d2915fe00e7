/*
 * Writes a cpio archive in the "newc" format, the k23 initrd, into a file that has no name.
 */
#ifndef TOOLS_K23_CPIO_H
#define TOOLS_K23_CPIO_H

#include <stddef.h>

struct cpio {
    int fd; /* an anonymous file, inherited by child processes */
    unsigned count;
};

/* All return 0, or -1 with errno set. */
int cpio_open(struct cpio *cpio);
int cpio_add(struct cpio *cpio, const char *name, const void *bytes, size_t size);
/* The host file at `path`, or what comes out of the pipe or device, under `name`. errno is EFBIG when it is
 * larger than 1 GiB. */
int cpio_add_file(struct cpio *cpio, const char *name, const char *path);
/* The host directory at `path` with all that is in it, under `name`: files, directories and symbolic links
 * as they are; anything else (devices, sockets, pipes) is left out. */
int cpio_add_tree(struct cpio *cpio, const char *name, const char *path);
/* Ends the archive; the file stays open. */
int cpio_finish(struct cpio *cpio);

#endif
