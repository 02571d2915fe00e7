/*
 * virtio over memory-mapped registers (Virtual I/O Device 1.2, 4.2), modern and legacy, and split
 * virtqueues (2.7) of single buffers and of short chains.
 */
#ifndef DRIVERS_VIRTIO_H
#define DRIVERS_VIRTIO_H

#include "base/status.h"
#include "kernel/devices.h"
#include "kernel/types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VIRTIO_ID_CONSOLE 3u
#define VIRTIO_ID_9P      9u

struct virtio_device;

#define VIRTQUEUE_MAX_LEN 64

/* One descriptor is one buffer; buffer i uses descriptor i for as long as it is with the device, and a
 * chain of n buffers the descriptors from i on, which its owner keeps for it. The owner of the queue does the
 * locking. */
struct virtqueue {
    struct virtio_device *device;
    uint32_t index;
    uint16_t len;        /* descriptors, a power of two, at most VIRTQUEUE_MAX_LEN */
    uint16_t next_avail; /* entries ever made available */
    uint16_t last_used;  /* used entries seen */
    uint64_t busy;       /* descriptors with the device, a bit each */
    volatile struct virtq_desc *desc;
    volatile struct virtq_avail *avail;
    volatile struct virtq_used *used;
};

/* "virtio,mmio": the device can be found from now on. NOT_FOUND for a slot that is empty, and for what
 * is no virtio device. */
status_t virtio_add(const struct device *device);

/* The first device of that kind which nobody drives yet, or NULL. */
struct virtio_device *virtio_find(uint32_t id);

/* Reset, acknowledge, and agree on `wanted` of the features offered (VERSION_1 besides on a modern
 * device); *features_out is what was agreed. UNSUPPORTED if the device refuses. */
status_t virtio_start(struct virtio_device *device, uint64_t wanted,
                      uint64_t *features_out) MUST_CHECK;

/* Queue number `index` with at most `len` descriptors. NOT_FOUND if the device has none. */
status_t virtio_queue_init(struct virtio_device *device, uint32_t index, uint16_t len,
                           struct virtqueue *queue) MUST_CHECK;

/* All queues are there: the device may work. `handler` is called at its interrupts, with interrupts
 * off; false: there is no interrupt, the driver must poll. */
bool virtio_ready(struct virtio_device *device, void (*handler)(void *ctx), void *ctx);

uint32_t virtio_config_u32(struct virtio_device *device, size_t offset);
uint8_t virtio_config_u8(struct virtio_device *device, size_t offset);

/* The device has given up: nothing more will come from it. */
bool virtio_failed(struct virtio_device *device);

/* Takes everything back that the device has: it touches no memory afterwards, and works no more. */
void virtio_stop(struct virtio_device *device);

/* Hands a buffer to the device as descriptor `id`, which must not be busy. */
void virtqueue_add(struct virtqueue *queue, uint16_t id, paddr_t buffer, uint32_t size,
                   bool device_writes);

struct virtio_buffer {
    paddr_t address;
    uint32_t size;
    bool device_writes; /* those that it reads come first */
};

/* Hands a chain of `len` buffers to the device as descriptor `id` and those after it. */
void virtqueue_add_chain(struct virtqueue *queue, uint16_t id, const struct virtio_buffer *buffers,
                         unsigned len);

/* A descriptor that is not busy. False: there is none. */
bool virtqueue_free(const struct virtqueue *queue, uint16_t *id_out);

/* Whether the device should interrupt when it is done with a buffer. It does at first. After turning
 * it on look at virtqueue_take() once more. */
void virtqueue_set_interrupts(struct virtqueue *queue, bool on);

/* Tells the device that there is something new. */
void virtqueue_kick(struct virtqueue *queue);

/* The next buffer the device is done with, and how many bytes it wrote. False: none. Checks what the
 * device says: an id out of range or not in use counts as none. */
bool virtqueue_take(struct virtqueue *queue, uint16_t *id_out, uint32_t *size_out);

#endif
