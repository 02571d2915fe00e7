/*
 * virtio-mmio. A modern device (version 2) is told three addresses of a queue; a legacy one
 * (version 1) the number of the page where all three lie in a fixed order, which is the order used
 * for both:
 *
 *     page: | descriptors, 16 bytes each | available ring | pad to 64 | used ring |
 *
 * What the device writes is checked before it is used: it may be wrong, and memory must not suffer.
 */
#include "drivers/virtio.h"

#include "kernel/arch.h"
#include "kernel/assert.h"
#include "kernel/limits.h"
#include "kernel/log.h"
#include "kernel/mm/frame.h"

enum {
    REG_MAGIC = 0x000,
    REG_VERSION = 0x004,
    REG_DEVICE_ID = 0x008,
    REG_DEVICE_FEATURES = 0x010,
    REG_DEVICE_FEATURES_SEL = 0x014,
    REG_DRIVER_FEATURES = 0x020,
    REG_DRIVER_FEATURES_SEL = 0x024,
    REG_GUEST_PAGE_SIZE = 0x028, /* legacy */
    REG_QUEUE_SEL = 0x030,
    REG_QUEUE_NUM_MAX = 0x034,
    REG_QUEUE_NUM = 0x038,
    REG_QUEUE_ALIGN = 0x03c, /* legacy */
    REG_QUEUE_PFN = 0x040,   /* legacy */
    REG_QUEUE_READY = 0x044,
    REG_QUEUE_NOTIFY = 0x050,
    REG_INTERRUPT_STATUS = 0x060,
    REG_INTERRUPT_ACK = 0x064,
    REG_STATUS = 0x070,
    REG_QUEUE_DESC = 0x080,
    REG_QUEUE_DRIVER = 0x090,
    REG_QUEUE_DEVICE = 0x0a0,
    REG_CONFIG = 0x100,

    MAGIC = 0x74726976, /* "virt" */
    STATUS_ACKNOWLEDGE = 1,
    STATUS_DRIVER = 2,
    STATUS_DRIVER_OK = 4,
    STATUS_FEATURES_OK = 8,
    STATUS_NEEDS_RESET = 64,
    USED_ALIGN = 64,
    DESC_NEXT = 1,
    DESC_WRITE = 2,
    AVAIL_NO_INTERRUPT = 1,
};

#define FEATURE_VERSION_1 (UINT64_C(1) << 32)

struct virtq_desc {
    uint64_t address;
    uint32_t size;
    uint16_t flags, next;
};

struct virtq_avail {
    uint16_t flags, index;
    uint16_t ring[];
};

struct virtq_used {
    uint16_t flags, index;
    struct {
        uint32_t id, size;
    } ring[];
};

struct virtio_device {
    volatile uint8_t *registers;
    size_t size;
    uint32_t id;
    struct irq_line irq;
    bool legacy;
    bool taken;
    void (*handler)(void *ctx);
    void *ctx;
};

static struct virtio_device devices[VIRTIO_MAX_DEVICES];
static uint32_t devices_len;

static uint32_t get(const struct virtio_device *device, size_t reg) {
    return *(volatile uint32_t *)(device->registers + reg);
}

static void set(struct virtio_device *device, size_t reg, uint32_t value) {
    *(volatile uint32_t *)(device->registers + reg) = value;
}

static void set_u64(struct virtio_device *device, size_t reg, uint64_t value) {
    set(device, reg, (uint32_t)value);
    set(device, reg + 4, (uint32_t)(value >> 32));
}

status_t virtio_add(const struct device *found) {
    struct virtio_device device = {
        .registers = found->registers, .size = found->size, .irq = found->irq};
    uint32_t version = get(&device, REG_VERSION);
    device.id = get(&device, REG_DEVICE_ID);
    if (get(&device, REG_MAGIC) != MAGIC || device.id == 0 || version < 1 || version > 2) {
        return STATUS_NOT_FOUND;
    }
    if (devices_len == VIRTIO_MAX_DEVICES) {
        return STATUS_LIMIT;
    }
    device.legacy = version == 1;
    devices[devices_len++] = device;
    return STATUS_OK;
}

struct virtio_device *virtio_find(uint32_t id) {
    for (uint32_t i = 0; i < devices_len; i++) {
        if (devices[i].id == id && !devices[i].taken) {
            devices[i].taken = true;
            return &devices[i];
        }
    }
    return NULL;
}

static uint64_t offered_features(struct virtio_device *device) {
    set(device, REG_DEVICE_FEATURES_SEL, 0);
    uint64_t low = get(device, REG_DEVICE_FEATURES);
    set(device, REG_DEVICE_FEATURES_SEL, 1);
    return (uint64_t)get(device, REG_DEVICE_FEATURES) << 32 | low;
}

status_t virtio_start(struct virtio_device *device, uint64_t wanted, uint64_t *features_out) {
    set(device, REG_STATUS, 0);
    set(device, REG_STATUS, STATUS_ACKNOWLEDGE);
    set(device, REG_STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER);
    uint64_t features = offered_features(device) & (wanted | FEATURE_VERSION_1);
    set(device, REG_DRIVER_FEATURES_SEL, 0);
    set(device, REG_DRIVER_FEATURES, (uint32_t)features);
    *features_out = features;
    if (device->legacy) {
        set(device, REG_GUEST_PAGE_SIZE, PAGE_SIZE);
        return STATUS_OK;
    }
    set(device, REG_DRIVER_FEATURES_SEL, 1);
    set(device, REG_DRIVER_FEATURES, (uint32_t)(features >> 32));
    set(device, REG_STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK);
    bool agreed = get(device, REG_STATUS) & STATUS_FEATURES_OK;
    return agreed && (features & FEATURE_VERSION_1) ? STATUS_OK : STATUS_UNSUPPORTED;
}

static void tell_legacy(struct virtio_device *device, paddr_t page) {
    set(device, REG_QUEUE_ALIGN, USED_ALIGN);
    set(device, REG_QUEUE_PFN, (uint32_t)(page >> PAGE_SHIFT));
}

static void tell_modern(struct virtio_device *device, paddr_t page, size_t avail, size_t used) {
    set_u64(device, REG_QUEUE_DESC, page);
    set_u64(device, REG_QUEUE_DRIVER, page + avail);
    set_u64(device, REG_QUEUE_DEVICE, page + used);
    set(device, REG_QUEUE_READY, 1);
}

status_t virtio_queue_init(struct virtio_device *device, uint32_t index, uint16_t len,
                           struct virtqueue *queue) {
    set(device, REG_QUEUE_SEL, index);
    uint32_t max = get(device, REG_QUEUE_NUM_MAX);
    assert(len > 0 && len <= VIRTQUEUE_MAX_LEN && (len & (len - 1)) == 0);
    if (max == 0) {
        return STATUS_NOT_FOUND;
    }
    while (len > max) {
        len /= 2;
    }
    paddr_t page;
    TRY(frame_alloc(0, NULL, &page));
    size_t avail = len * sizeof(struct virtq_desc);
    size_t used =
        (avail + sizeof(struct virtq_avail) + 2u * len + USED_ALIGN) & ~(size_t)(USED_ALIGN - 1);
    char *memory = frame_pointer(page);
    arch_page_zero(memory);
    *queue = (struct virtqueue){
        .device = device,
        .index = index,
        .len = len,
        .desc = (void *)memory,
        .avail = (void *)(memory + avail),
        .used = (void *)(memory + used),
    };
    set(device, REG_QUEUE_NUM, len);
    if (device->legacy) {
        tell_legacy(device, page);
    } else {
        tell_modern(device, page, avail, used);
    }
    return STATUS_OK;
}

static bool interrupt(void *ctx) {
    struct virtio_device *device = ctx;
    uint32_t causes = get(device, REG_INTERRUPT_STATUS);
    if (causes == 0) {
        return false;
    }
    set(device, REG_INTERRUPT_ACK, causes);
    device->handler(device->ctx);
    return true;
}

bool virtio_ready(struct virtio_device *device, void (*handler)(void *ctx), void *ctx) {
    device->handler = handler;
    device->ctx = ctx;
    uint32_t status = get(device, REG_STATUS);
    set(device, REG_STATUS, status | STATUS_DRIVER_OK);
    return irq_register(device->irq, interrupt, device) == STATUS_OK;
}

uint32_t virtio_config_u32(struct virtio_device *device, size_t offset) {
    assert(REG_CONFIG + offset + 4 <= device->size);
    return get(device, REG_CONFIG + offset);
}

uint8_t virtio_config_u8(struct virtio_device *device, size_t offset) {
    assert(REG_CONFIG + offset < device->size);
    return device->registers[REG_CONFIG + offset];
}

bool virtio_failed(struct virtio_device *device) {
    return get(device, REG_STATUS) & STATUS_NEEDS_RESET;
}

void virtio_stop(struct virtio_device *device) {
    set(device, REG_STATUS, 0);
    arch_io_fence();
}

bool virtqueue_free(const struct virtqueue *queue, uint16_t *id_out) {
    uint64_t all = queue->len == 64 ? UINT64_MAX : (UINT64_C(1) << queue->len) - 1;
    uint64_t idle = ~queue->busy & all;
    if (!idle) {
        return false;
    }
    *id_out = (uint16_t)__builtin_ctzll(idle);
    return true;
}

void virtqueue_add(struct virtqueue *queue, uint16_t id, paddr_t buffer, uint32_t size,
                   bool device_writes) {
    virtqueue_add_chain(queue, id, &(struct virtio_buffer){buffer, size, device_writes}, 1);
}

void virtqueue_add_chain(struct virtqueue *queue, uint16_t id, const struct virtio_buffer *buffers,
                         unsigned len) {
    assert(len > 0 && id + len <= queue->len && !(queue->busy >> id & 1));
    queue->busy |= UINT64_C(1) << id;
    for (unsigned i = 0; i < len; i++) {
        volatile struct virtq_desc *desc = &queue->desc[id + i];
        desc->address = buffers[i].address;
        desc->size = buffers[i].size;
        desc->flags =
            (uint16_t)((buffers[i].device_writes ? DESC_WRITE : 0) | (i + 1 < len ? DESC_NEXT : 0));
        desc->next = (uint16_t)(id + i + 1);
    }
    queue->avail->ring[queue->next_avail % queue->len] = id;
    arch_io_fence();
    queue->avail->index = ++queue->next_avail;
}

void virtqueue_set_interrupts(struct virtqueue *queue, bool on) {
    queue->avail->flags = on ? 0 : AVAIL_NO_INTERRUPT;
    arch_io_fence();
}

void virtqueue_kick(struct virtqueue *queue) {
    arch_io_fence();
    set(queue->device, REG_QUEUE_NOTIFY, queue->index);
}

bool virtqueue_take(struct virtqueue *queue, uint16_t *id_out, uint32_t *size_out) {
    while (queue->last_used != queue->used->index) {
        arch_io_fence();
        uint16_t slot = queue->last_used++ % queue->len;
        uint32_t id = queue->used->ring[slot].id;
        if (id < queue->len && (queue->busy >> id & 1)) {
            queue->busy &= ~(UINT64_C(1) << id);
            *id_out = (uint16_t)id;
            *size_out = queue->used->ring[slot].size;
            return true;
        }
        log_warn("virtio", "device finished a buffer it did not have");
    }
    return false;
}
