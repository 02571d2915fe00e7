/*
 * A 9P server that answers with arbitrary bytes: the client mounts it, uses every operation, and lets it go. Nothing
 * may be touched outside its buffers, nothing kept, and everything ends.
 *
 * The input is a row of answers: a byte that says how much of the head is made right, a byte of length, and as many
 * bytes. When it is used up the server is dead.
 */
#include "fs/ninep.h"
#include "fs/ninep_internal.h"
#include "test/support/fs_platform.h"
#include "test/support/ninep_use.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

struct hostile {
    struct ninep_transport transport;
    const uint8_t *at;
    size_t left;
    struct ninep_exchange exchange;
    bool busy;
};

static void must(bool good) {
    if (!good) {
        abort();
    }
}

/* Buffers of exactly the size that the client may use. */
static status_t begin(struct ninep_transport *transport, size_t data_size,
                      struct ninep_exchange **out) {
    struct hostile *h = (struct hostile *)transport;
    must(!h->busy);
    h->busy = true;
    h->exchange = (struct ninep_exchange){.out = malloc(NINEP_HEAD_SIZE),
                                          .in = malloc(NINEP_HEAD_SIZE),
                                          .data = malloc(data_size),
                                          .data_cap = data_size,
                                          .tag = 3};
    *out = &h->exchange;
    return STATUS_OK;
}

static void end(struct ninep_transport *transport, struct ninep_exchange *exchange) {
    struct hostile *h = (struct hostile *)transport;
    must(h->busy && exchange == &h->exchange);
    h->busy = false;
    free(exchange->out);
    free(exchange->in);
    free(exchange->data);
}

/* What is right in an answer's head, by the bits of `how`. */
static void make_head(uint8_t *answer, size_t size, const uint8_t *request, uint8_t how) {
    if (size < 7) {
        return;
    }
    if (how & 1) {
        memcpy(answer, &(uint32_t){(uint32_t)size}, 4);
    }
    if (how & 2) {
        answer[4] = (uint8_t)(request[4] + 1);
    }
    if (how & 4) {
        memcpy(answer + 5, request + 5, 2);
    }
    if ((how & 8) && size >= 11) {
        memcpy(answer + 7, &(uint32_t){(uint32_t)size - 11}, 4); /* a count of data */
    }
}

static status_t run(struct ninep_transport *transport, struct ninep_exchange *ex,
                    const struct ninep_sizes *sizes, size_t *size_out) {
    struct hostile *h = (struct hostile *)transport;
    uint8_t answer[4 * 255];
    must(sizes->out <= NINEP_HEAD_SIZE && sizes->in <= NINEP_HEAD_SIZE);
    must(sizes->data_out + sizes->data_in <= ex->data_cap);
    if (h->left < 2) {
        return STATUS_IO;
    }
    uint8_t how = h->at[0];
    size_t size = h->at[1], given = size < h->left - 2 ? size : h->left - 2;
    memset(answer, 0, sizeof(answer));
    memcpy(answer, h->at + 2, given);
    h->at += 2 + given;
    h->left -= 2 + given;
    size *= how & 0x80 ? 4 : 1;
    make_head(answer, size, ex->out, how);
    size_t head = size < sizes->in ? size : sizes->in;
    size_t data = size - head < sizes->data_in ? size - head : sizes->data_in;
    memcpy(ex->in, answer, head);
    if (data > 0) {
        memcpy(ex->data, answer + head, data);
    }
    *size_out = size;
    return STATUS_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static const struct ninep_transport_ops ops = {.begin = begin, .run = run, .end = end};
    struct hostile h = {.transport = {&ops}, .at = bytes, .left = size};
    struct ninep *fs;
    if (ninep_mount(&h.transport, 022, &fs) == STATUS_OK) {
        struct node *root = ninep_root(fs);
        ninep_use(root);
        ninep_use(root);
        node_put(root);
        ninep_unmount(fs);
    }
    must(!h.busy && fs_platform_held == 0);
    return 0;
}
