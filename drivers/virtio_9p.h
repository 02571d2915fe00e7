/*
 * virtio-9p (Virtual I/O Device 1.2 names it by number 9 and leaves it to QEMU and Linux): a queue of requests,
 * each a message out and a message in. What is in the messages is not this driver's business.
 *
 *     virtio_9p_find -> (virtio_9p_begin -> virtio_9p_run... -> virtio_9p_end), many at a time
 *
 * A device that fails, or does not answer within VIRTIO_9P_TIMEOUT_NS, is stopped: all who wait get IO,
 * and so does everybody from then on. A thread that is killed while it waits gives up after VIRTIO_9P_KILLED_NS;
 * its request stays with the device until that has answered. Calls may sleep: thread context.
 */
#ifndef DRIVERS_VIRTIO_9P_H
#define DRIVERS_VIRTIO_9P_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

struct virtio_9p;

#define VIRTIO_9P_HEAD_SIZE 8192u             /* of each of a request's two small buffers */
#define VIRTIO_9P_DATA_MAX  ((size_t)1 << 19) /* the most a large one gets */

/* A request's buffers: the driver's memory, its user's between begin and end. */
struct virtio_9p_request {
    uint8_t *out, *in; /* VIRTIO_9P_HEAD_SIZE bytes each */
    uint8_t *data;     /* data_cap bytes */
    size_t data_cap;
    uint16_t number; /* below VIRTIO_9P_REQUESTS; no other request that is under way has it */
};

/* What of the buffers is sent, and what may come: out then data, in then data. Only one of the two uses
 * data. */
struct virtio_9p_sizes {
    size_t out, data_out, in, data_in;
};

/* Finds and starts all devices. After drivers_start(DRIVERS_OTHER). */
void virtio_9p_init(void);

/* The device whose mount tag that is, or NULL. */
struct virtio_9p *virtio_9p_find(const char *tag);

/* Waits for a request that is free, with room for data_size bytes of data, or less when memory is short, but not
 * none. IO, NO_MEMORY, KILLED. */
status_t virtio_9p_begin(struct virtio_9p *device, size_t data_size,
                         struct virtio_9p_request **out) MUST_CHECK;

/* Sends it and waits for the answer; *size_out is how many bytes the device says it has, which may be wrong.
 * IO, KILLED. Only virtio_9p_end() may follow a failure. */
status_t virtio_9p_run(struct virtio_9p *device, struct virtio_9p_request *request,
                       const struct virtio_9p_sizes *sizes, size_t *size_out) MUST_CHECK;

void virtio_9p_end(struct virtio_9p *device, struct virtio_9p_request *request);

#endif
