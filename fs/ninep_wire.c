/*
 * Messages of 9P2000.L and their exchange. All numbers are little-endian; a message is
 *
 *     | size, 4 bytes, itself included | type, 1 | tag, 2 | parameters ... |
 *
 * and a string is its length in two bytes and its bytes.
 */
#include "fs/ninep_internal.h"

#include <string.h>

enum { HEAD = 7, SIZE_AT = 0, TYPE_AT = 4, TAG_AT = 5 };

static void put_le(uint8_t *at, uint64_t value, unsigned size) {
    for (unsigned i = 0; i < size; i++) {
        at[i] = (uint8_t)(value >> (8 * i));
    }
}

void ninep_fail(struct ninep_call *call, status_t status) {
    if (call->status == STATUS_OK) {
        call->status = status;
    }
}

/* ---- out ------------------------------------------------------------------------------------- */

void ninep_begin(struct ninep_call *call, struct ninep *fs, enum ninep_type type,
                 size_t data_size) {
    struct ninep_transport *transport = fs->transport;
    *call = (struct ninep_call){
        .fs = fs, .type = (uint8_t)type, .sizes = {.out = HEAD, .in = NINEP_HEAD_SIZE}};
    call->status = transport->ops->begin(transport, data_size, &call->exchange);
    if (call->status == STATUS_OK) {
        uint16_t tag = type == NINEP_TVERSION ? NINEP_NO_TAG : call->exchange->tag;
        call->exchange->out[TYPE_AT] = (uint8_t)type;
        put_le(call->exchange->out + TAG_AT, tag, 2);
    } else {
        call->exchange = NULL;
    }
}

/* Room for that many bytes; NULL when the call has failed. Names and targets are bounded so that
 * all fits, but that is not for this file to know. */
static uint8_t *room(struct ninep_call *call, size_t size) {
    if (call->status != STATUS_OK) {
        return NULL;
    }
    if (size > NINEP_HEAD_SIZE - call->sizes.out) {
        ninep_fail(call, STATUS_NAME_TOO_LONG);
        return NULL;
    }
    uint8_t *at = call->exchange->out + call->sizes.out;
    call->sizes.out += size;
    return at;
}

static void put(struct ninep_call *call, uint64_t value, unsigned size) {
    uint8_t *at = room(call, size);
    if (at) {
        put_le(at, value, size);
    }
}

void ninep_put_u16(struct ninep_call *call, uint16_t value) {
    put(call, value, 2);
}

void ninep_put_u32(struct ninep_call *call, uint32_t value) {
    put(call, value, 4);
}

void ninep_put_u64(struct ninep_call *call, uint64_t value) {
    put(call, value, 8);
}

void ninep_put_name(struct ninep_call *call, struct fs_name name) {
    put(call, name.len, 2);
    uint8_t *at = room(call, name.len);
    if (at) {
        memcpy(at, name.at, name.len);
    }
}

/* ---- errors ---------------------------------------------------------------------------------- */

/* 9P2000.L has Linux' numbers, whatever the server runs on. */
static status_t status_of(uint32_t error) {
    static const struct {
        uint8_t error, status;
    } known[] = {
        {1, STATUS_NOT_PERMITTED}, /* EPERM */
        {2, STATUS_NOT_FOUND},     /* ENOENT */
        {7, STATUS_TOO_BIG},       /* E2BIG */
        {11, STATUS_WOULD_BLOCK},  /* EAGAIN */
        {12, STATUS_NO_MEMORY},    /* ENOMEM */
        {13, STATUS_DENIED},       /* EACCES */
        {16, STATUS_BUSY},         /* EBUSY */
        {17, STATUS_EXISTS},       /* EEXIST */
        {18, STATUS_CROSS_DEVICE}, /* EXDEV */
        {20, STATUS_NOT_DIR},      /* ENOTDIR */
        {21, STATUS_IS_DIR},       /* EISDIR */
        {22, STATUS_BAD_ARGUMENT}, /* EINVAL */
        {23, STATUS_LIMIT},        /* ENFILE */
        {24, STATUS_LIMIT},        /* EMFILE */
        {26, STATUS_BUSY},         /* ETXTBSY */
        {27, STATUS_TOO_BIG},      /* EFBIG */
        {28, STATUS_FULL},         /* ENOSPC */
        {30, STATUS_READ_ONLY},    /* EROFS */
        {31, STATUS_TOO_MANY_LINKS}, {36, STATUS_NAME_TOO_LONG},
        {38, STATUS_UNSUPPORTED}, /* ENOSYS */
        {39, STATUS_NOT_EMPTY},      {40, STATUS_LOOP},
        {75, STATUS_TOO_BIG},      /* EOVERFLOW */
        {84, STATUS_BAD_ARGUMENT}, /* EILSEQ: a name that the host's file system cannot have */
        {95, STATUS_UNSUPPORTED},  /* EOPNOTSUPP */
        {116, STATUS_NOT_FOUND},   /* ESTALE */
        {122, STATUS_FULL},        /* EDQUOT */
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i].error == error) {
            return (status_t)known[i].status;
        }
    }
    return STATUS_IO;
}

/* ---- in -------------------------------------------------------------------------------------- */

/* The head of an answer of `size` bytes; leaves what follows in call->answer. */
static void check_answer(struct ninep_call *call, size_t size) {
    const struct ninep_exchange *ex = call->exchange;
    size_t in = size < call->sizes.in ? size : call->sizes.in;
    if (size > call->sizes.in + call->sizes.data_in) {
        ninep_fail(call, STATUS_IO);
        return;
    }
    call->data_size = size - in;
    reader_init(&call->answer, ex->in, in);
    uint32_t said = reader_le32(&call->answer);
    uint8_t type = reader_u8(&call->answer);
    uint16_t tag = reader_le16(&call->answer);
    bool is_error = type == NINEP_RLERROR;
    if (!reader_ok(&call->answer) || said != size || (!is_error && type != call->type + 1) ||
        tag != (call->type == NINEP_TVERSION ? NINEP_NO_TAG : ex->tag)) {
        ninep_fail(call, STATUS_IO);
    } else if (is_error) {
        uint32_t error = ninep_get_u32(call);
        call->refused = reader_ok(&call->answer) && reader_left(&call->answer) == 0;
        ninep_fail(call, error == 0 ? STATUS_IO : status_of(error));
    }
}

void ninep_run(struct ninep_call *call) {
    struct ninep_transport *transport = call->fs->transport;
    size_t size = 0;
    if (call->status != STATUS_OK) {
        return;
    }
    put_le(call->exchange->out + SIZE_AT, call->sizes.out + call->sizes.data_out, 4);
    status_t status = transport->ops->run(transport, call->exchange, &call->sizes, &size);
    if (status != STATUS_OK) {
        ninep_fail(call, status);
        return;
    }
    check_answer(call, size);
}

/* After a step of the reader: it has run off the end if the answer was too short. */
static void check_reader(struct ninep_call *call) {
    if (!reader_ok(&call->answer)) {
        ninep_fail(call, STATUS_IO);
    }
}

/* A number that the reader has just given; 0 after a failure. */
static uint64_t got(struct ninep_call *call, uint64_t value) {
    check_reader(call);
    return call->status == STATUS_OK ? value : 0;
}

uint16_t ninep_get_u16(struct ninep_call *call) {
    return (uint16_t)got(call, reader_le16(&call->answer));
}

uint32_t ninep_get_u32(struct ninep_call *call) {
    return (uint32_t)got(call, reader_le32(&call->answer));
}

uint64_t ninep_get_u64(struct ninep_call *call) {
    return got(call, reader_le64(&call->answer));
}

struct ninep_qid ninep_get_qid(struct ninep_call *call) {
    struct ninep_qid qid = {.type = (uint8_t)got(call, reader_u8(&call->answer))};
    (void)ninep_get_u32(call); /* the version: nothing is cached */
    qid.path = ninep_get_u64(call);
    return qid;
}

struct fs_name ninep_get_name(struct ninep_call *call) {
    size_t len = ninep_get_u16(call);
    const uint8_t *at = call->status == STATUS_OK ? reader_bytes(&call->answer, len) : NULL;
    check_reader(call);
    return at && call->status == STATUS_OK ? (struct fs_name){(const char *)at, len}
                                           : (struct fs_name){"", 0};
}

size_t ninep_read(struct ninep_call *call, struct ninep *fs, enum ninep_type type, uint32_t fid,
                  uint64_t from, size_t size, size_t *asked_out) {
    size_t want = size < fs->data_max ? size : fs->data_max;
    ninep_begin(call, fs, type, want);
    if (call->exchange && call->exchange->data_cap < want) {
        want = call->exchange->data_cap;
    }
    call->sizes.in = NINEP_READ_HEAD;
    call->sizes.data_in = want;
    ninep_put_u32(call, fid);
    ninep_put_u64(call, from);
    ninep_put_u32(call, (uint32_t)want);
    ninep_run(call);
    *asked_out = want;
    uint32_t done = ninep_get_u32(call);
    if (done != call->data_size) {
        ninep_fail(call, STATUS_IO);
    }
    return call->status == STATUS_OK ? done : 0;
}

status_t ninep_end(struct ninep_call *call) {
    struct ninep_transport *transport = call->fs->transport;
    if (call->status == STATUS_OK && reader_left(&call->answer) != 0) {
        call->status = STATUS_IO; /* more than the answer has */
    }
    if (call->exchange) {
        transport->ops->end(transport, call->exchange);
        call->exchange = NULL;
    }
    return call->status;
}

/* ---- fids ------------------------------------------------------------------------------------ */

status_t ninep_fid_new(struct ninep *fs, uint32_t *out) {
    const uint32_t words = NINEP_FIDS_MAX / 64;
    uint32_t hint = __atomic_load_n(&fs->fid_hint, __ATOMIC_RELAXED);
    for (uint32_t i = 0; i < words; i++) {
        uint32_t word = (hint + i) % words;
        uint64_t used = __atomic_load_n(&fs->fids[word], __ATOMIC_RELAXED);
        while (used != UINT64_MAX) {
            uint32_t bit = (uint32_t)__builtin_ctzll(~used);
            if (__atomic_compare_exchange_n(&fs->fids[word], &used, used | (uint64_t)1 << bit,
                                            false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
                __atomic_store_n(&fs->fid_hint, word, __ATOMIC_RELAXED);
                *out = word * 64 + bit;
                return STATUS_OK;
            }
        }
    }
    return STATUS_LIMIT;
}

void ninep_fid_free(struct ninep *fs, uint32_t fid) {
    __atomic_fetch_and(&fs->fids[fid / 64], ~((uint64_t)1 << (fid % 64)), __ATOMIC_RELEASE);
}

void ninep_fid_drop(struct ninep *fs, uint32_t fid) {
    struct ninep_call call;
    if (fid == NINEP_NO_FID) {
        return;
    }
    ninep_begin(&call, fs, NINEP_TCLUNK, 0);
    ninep_put_u32(&call, fid);
    ninep_run(&call);
    (void)!ninep_end(&call); /* the fid is gone even if the server says that it failed */
    ninep_fid_free(fs, fid);
}
