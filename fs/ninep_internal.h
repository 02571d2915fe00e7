/*
 * Between the files of the 9P client: a call to the server, from its first byte out to its last byte in.
 *
 *     struct ninep_call call;
 *     ninep_begin(&call, fs, NINEP_TCLUNK, 0);
 *     ninep_put_u32(&call, fid);
 *     ninep_run(&call);
 *     ... ninep_get_u32(&call) ...
 *     return ninep_end(&call);
 *
 * A call is sticky: after the first failure each step does nothing and values read are 0. ninep_end() gives
 * the first failure: the server's error as a status, IO for an answer that does not fit its request.
 */
#ifndef FS_NINEP_INTERNAL_H
#define FS_NINEP_INTERNAL_H

#include "base/reader.h"
#include "fs/ninep.h"
#include "fs/platform.h"

/* Types of requests (diod's protocol.md for 9P2000.L; intro(5) of Plan 9). An answer is one more. */
enum ninep_type {
    NINEP_RLERROR = 7,
    NINEP_TSTATFS = 8,
    NINEP_TLOPEN = 12,
    NINEP_TLCREATE = 14,
    NINEP_TSYMLINK = 16,
    NINEP_TREADLINK = 22,
    NINEP_TGETATTR = 24,
    NINEP_TSETATTR = 26,
    NINEP_TREADDIR = 40,
    NINEP_TFSYNC = 50,
    NINEP_TLINK = 70,
    NINEP_TMKDIR = 72,
    NINEP_TRENAMEAT = 74,
    NINEP_TUNLINKAT = 76,
    NINEP_TVERSION = 100,
    NINEP_TATTACH = 104,
    NINEP_TWALK = 110,
    NINEP_TREAD = 116,
    NINEP_TWRITE = 118,
    NINEP_TCLUNK = 120,
};

enum {
    NINEP_NO_TAG = 0xffff,
    NINEP_OPEN_READ = 0,
    NINEP_OPEN_WRITE = 1,
    NINEP_OPEN_BOTH = 2,
    NINEP_OPEN_EXCL = 0200,
    NINEP_OPEN_APPEND = 02000,
    NINEP_OPEN_DIRECTORY = 0200000,
    NINEP_OPEN_NOFOLLOW = 0400000,
    NINEP_QID_DIRECTORY = 0x80,
    NINEP_QID_SYMLINK = 0x02,
};

#define NINEP_NO_FID UINT32_MAX
/* Of a read's or write's message, beside the data. */
#define NINEP_READ_HEAD 11u
#define NINEP_IO_HEAD   24u

struct ninep {
    struct ninep_transport *transport;
    struct node *root;
    uint64_t device;
    uint32_t data_max; /* bytes of one read or write, as the server has agreed */
    uint32_t umask;
    uint32_t live;                      /* nodes */
    uint32_t fid_hint;                  /* a word of the bitmap where a free one may be */
    uint64_t fids[NINEP_FIDS_MAX / 64]; /* a bit for each in use; atomic */
};

/* What of a directory was read last: entries of an Rreaddir. */
struct ninep_listing {
    uint64_t cookie; /* these entries come after it */
    uint32_t size;
    uint8_t bytes[NINEP_LISTING_SIZE];
};

/* What a node can be opened for, each with a fid. */
enum ninep_use { NINEP_USE_READ, NINEP_USE_WRITE, NINEP_USE_APPEND, NINEP_USES };

struct ninep_node {
    struct node node;
    struct ninep *fs;
    uint64_t inode;
    uint32_t fid; /* never opened: names and attributes go by it */
    uint32_t
        open[NINEP_USES]; /* NINEP_NO_FID: not opened for that. Set once; two may be the same */
    struct ninep_listing *listing; /* taken out by who reads, NULL meanwhile */
};

static inline struct ninep_node *ninep_of(struct node *node) {
    return (struct ninep_node *)node;
}

static inline uint32_t ninep_opened(const struct ninep_node *node, enum ninep_use use) {
    return __atomic_load_n(&node->open[use], __ATOMIC_ACQUIRE);
}

struct ninep_qid {
    uint8_t type;
    uint64_t path;
};

struct ninep_call {
    struct ninep *fs;
    struct ninep_exchange *exchange;
    struct ninep_sizes sizes;
    struct reader answer; /* after the head */
    size_t data_size;     /* bytes that came in exchange->data */
    status_t status;
    bool refused; /* the server has said so: nothing was done */
    uint8_t type;
};

/* ---- ninep_wire.c ---- */

/* `data_size`: how much room for data the call would like; it has call->exchange->data_cap. */
void ninep_begin(struct ninep_call *call, struct ninep *fs, enum ninep_type type, size_t data_size);
void ninep_put_u16(struct ninep_call *call, uint16_t value);
void ninep_put_u32(struct ninep_call *call, uint32_t value);
void ninep_put_u64(struct ninep_call *call, uint64_t value);
void ninep_put_name(struct ninep_call *call, struct fs_name name);
void ninep_run(struct ninep_call *call);
uint16_t ninep_get_u16(struct ninep_call *call);
uint32_t ninep_get_u32(struct ninep_call *call);
uint64_t ninep_get_u64(struct ninep_call *call);
struct ninep_qid ninep_get_qid(struct ninep_call *call);
/* In the exchange's memory; len 0 after a failure. */
struct fs_name ninep_get_name(struct ninep_call *call);
/* Begins and runs Tread or Treaddir of at most `size` bytes, *asked_out of them asked for: their count, and
 * they are in call->exchange->data. `from` is an offset or a cookie. 0 also after a failure. */
size_t ninep_read(struct ninep_call *call, struct ninep *fs, enum ninep_type type, uint32_t fid,
                  uint64_t from, size_t size, size_t *asked_out);
/* The call fails with this, unless it has failed already; OK does nothing. */
void ninep_fail(struct ninep_call *call, status_t status);
MUST_CHECK status_t ninep_end(struct ninep_call *call);

/* A number that the server does not know yet. LIMIT. */
MUST_CHECK status_t ninep_fid_new(struct ninep *fs, uint32_t *out);
/* Gives back a number that the server does not know. */
void ninep_fid_free(struct ninep *fs, uint32_t fid);
/* Clunks it, whatever the server says to that, and gives the number back. NINEP_NO_FID is allowed. */
void ninep_fid_drop(struct ninep *fs, uint32_t fid);

/* ---- ninep.c ---- */

/* A node of a fid, which it takes over, dropping it on failure. NODE_UNKNOWN: it finds out the type. */
MUST_CHECK status_t ninep_node_new(struct ninep *fs, uint32_t fid, const struct ninep_qid *qid,
                                   enum node_type type, struct node **out);
/* Another fid for `name` in the directory `fid`; or, name.len 0, for the same file, without a qid. */
MUST_CHECK status_t ninep_walk(struct ninep *fs, uint32_t fid, struct fs_name name, uint32_t *out,
                               struct ninep_qid *qid_out);
/* Makes sure that node->open[use] is there. */
MUST_CHECK status_t ninep_node_open(struct ninep_node *node, enum ninep_use use);

/* ---- ninep_dir.c: operations on directories ---- */

status_t ninep_lookup(struct node *dir, struct fs_name name, struct node **out);
status_t ninep_readdir(struct node *dir, uint64_t cookie, struct node_emit *emit);
status_t ninep_create(struct node *dir, struct fs_name name, struct node **out);
status_t ninep_mkdir(struct node *dir, struct fs_name name);
status_t ninep_symlink(struct node *dir, struct fs_name name, struct fs_name target);
status_t ninep_link(struct node *dir, struct fs_name name, struct node *node);
status_t ninep_unlink(struct node *dir, struct fs_name name);
status_t ninep_rmdir(struct node *dir, struct fs_name name);
status_t ninep_rename(struct node *from_dir, struct fs_name from, struct node *to_dir,
                      struct fs_name to);

#endif
