/*
 * A host's directory as a file system: a client of 9P2000.L. The server is the host's (QEMU's virtio-9p), and
 * what it answers is not believed: every length, tag, type and name is checked, and nonsense is IO.
 *
 *     transport (init/ composes it with a driver) -> ninep_mount -> ninep_root -> nodes -> ninep_unmount
 *
 * Nothing is cached but the part of a directory that is being read: what a program sees is what the host has
 * at that moment, and what it writes is with the host when the write returns; what it has synced is as
 * safe as the host's fsync(2) makes it.
 *
 * Symbolic links are never followed by the server: a walk takes one name at a time, and fs/path.c resolves links
 * on this side. Nodes are known to the server by fids; each node has one, and one or two more once it is
 * opened. All are clunked with the node.
 *
 * No locks: what nodes share, fids in use, what was opened, the piece of a directory that was read, is taken and given
 * by atomic operations, so nobody waits for another's request; many are under way at once.
 */
#ifndef FS_NINEP_H
#define FS_NINEP_H

#include "fs/node.h"

/* Bytes of a message beside the data of reads and writes: the longest is a Tsymlink. */
#define NINEP_HEAD_SIZE 8192u

/* Room for one request and its answer. The transport's memory, the client's between begin and end. */
struct ninep_exchange {
    uint8_t *out, *in; /* NINEP_HEAD_SIZE bytes each */
    uint8_t *data;     /* data_cap bytes: the end of the request or of the answer */
    size_t data_cap;
    uint16_t tag; /* no other exchange that is under way has it */
};

/* How much of an exchange a request uses, and its answer may. */
struct ninep_sizes {
    size_t out, data_out; /* bytes sent: of out, then of data */
    size_t in, data_in;   /* bytes that the answer may have: first in `in`, then in `data` */
};

struct ninep_transport;

struct ninep_transport_ops {
    /* Waits for an exchange that nobody uses. data_cap is data_size, or less if memory is short, but not 0
     * unless data_size is. IO when the server is gone, NO_MEMORY. */
    status_t (*begin)(struct ninep_transport *transport, size_t data_size,
                      struct ninep_exchange **out);
    /* Sends and waits for the answer: *size_out bytes of it came. IO when the server is gone or silent. */
    status_t (*run)(struct ninep_transport *transport, struct ninep_exchange *exchange,
                    const struct ninep_sizes *sizes, size_t *size_out);
    void (*end)(struct ninep_transport *transport, struct ninep_exchange *exchange);
};

struct ninep_transport {
    const struct ninep_transport_ops *ops;
};

struct ninep;

/* Agrees on the protocol and attaches to the server's root, which must be a directory. New files get the
 * permission bits 0666 & ~umask, directories 0777 & ~umask. The transport must outlive it, and it is the only
 * client of it. IO, UNSUPPORTED for another protocol, NO_MEMORY, and what the server says. */
MUST_CHECK status_t ninep_mount(struct ninep_transport *transport, uint32_t umask,
                                struct ninep **out);
/* After the last node of it was put. NULL is allowed. */
void ninep_unmount(struct ninep *fs);

/* A reference to the root. */
struct node *ninep_root(struct ninep *fs);

#endif
