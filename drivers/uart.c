/*
 * ns16550a. The device holds 16 bytes each way. It asks when 14 have come in or none came for a while,
 * and when it has sent all it was given.
 *
 *     device --collect()--> input ring  --uart_read()-->  threads
 *     device <---send()---- output ring <--uart_write()-- threads, the log
 *
 * Each interrupt is wanted only while it can be of use: that of input while its ring has room, that of
 * output while its ring has bytes. One interrupt moves a bounded number of bytes; the line stays up
 * while there is more, so that nothing else waits longer than that.
 *
 * Locks: the port's is the innermost of all, because the log is written under any other, so nobody is
 * woken under it. A second one, taken before it, guards the queues of those who wait. Panic output
 * takes no lock.
 */
#include "drivers/uart.h"

#include "kernel/arch.h"
#include "kernel/log.h"
#include "kernel/sync.h"
#include "kernel/time.h"

enum {
    REG_DATA = 0,
    REG_IER = 1,
    REG_FCR = 2, /* written */
    REG_IIR = 2, /* read */
    REG_LSR = 5,
    IER_RECEIVE = 0x01,
    IER_TRANSMIT = 0x02,
    FCR_ENABLE = 0xc1, /* queues on, with what is in them; asks at 14 bytes */
    IIR_NONE = 0x01,   /* it does not ask */
    LSR_READY = 0x01,
    LSR_OVERRUN = 0x02,
    LSR_EMPTY = 0x20,
    LSR_IDLE = 0x40,
    FIFO_LEN = 16,
    RING_SIZE = 4096,   /* a power of two */
    COLLECT_MAX = 64,   /* bytes taken in with interrupts off */
    ROOM_TO_WAKE = 512, /* in the output ring, before writers go on */
};

#define POLL_NS 1000000ul /* between looks at a device without an interrupt */

/* Bytes ever put in and taken out; `tail` to `head` are there now. */
struct ring {
    uint32_t head, tail;
    char bytes[RING_SIZE];
};

static volatile uint8_t *registers;
static uint32_t stride_shift; /* registers are 1 << this bytes apart */
static struct irq_line line;
static bool polled = true;

/* Guards the port: registers, rings and the four below. */
static struct spinlock port_lock = SPINLOCK_INIT(LOCK_CONSOLE);
static struct ring input, output;
static uint8_t wanted;       /* what REG_IER holds */
static bool writers_waiting; /* the interrupt of output is for them too */
static bool log_waiting;     /* and for the log, which has more */
static uint64_t overruns;

/* Guards the queues. */
static struct spinlock wait_lock = SPINLOCK_INIT(LOCK_DEVICE);
static struct waitqueue readers = WAITQUEUE_INIT(readers), writers = WAITQUEUE_INIT(writers);

static uint8_t get(unsigned reg) {
    return registers[reg << stride_shift];
}

static void set(unsigned reg, uint8_t value) {
    registers[reg << stride_shift] = value;
}

static uint32_t ring_len(const struct ring *ring) {
    return ring->head - ring->tail;
}

static uint32_t ring_room(const struct ring *ring) {
    return RING_SIZE - ring_len(ring);
}

static void ring_put(struct ring *ring, char byte) {
    ring->bytes[ring->head++ % RING_SIZE] = byte;
}

static char ring_get(struct ring *ring) {
    return ring->bytes[ring->tail++ % RING_SIZE];
}

/* ---- under the port's lock ---- */

/* What does not fit stays in the device. */
static void collect(void) {
    for (uint32_t n = 0; n < COLLECT_MAX && ring_room(&input) > 0; n++) {
        uint8_t state = get(REG_LSR);
        overruns += (state & LSR_OVERRUN) != 0;
        if (!(state & LSR_READY)) {
            break;
        }
        ring_put(&input, (char)get(REG_DATA));
    }
}

static void send(void) {
    if (ring_len(&output) > 0 && (get(REG_LSR) & LSR_EMPTY)) {
        for (uint32_t n = 0; n < FIFO_LEN && ring_len(&output) > 0; n++) {
            set(REG_DATA, (uint8_t)ring_get(&output));
        }
    }
}

static void want_interrupts(void) {
    uint8_t now = 0;
    if (!polled) {
        now |= ring_room(&input) > 0 ? IER_RECEIVE : 0;
        now |= ring_len(&output) > 0 || writers_waiting || log_waiting ? IER_TRANSMIT : 0;
    }
    if (now != wanted) {
        wanted = now;
        set(REG_IER, now);
    }
}

/* ---- under the queues' lock ---- */

static bool has_input(void) {
    return ring_len(&input) > 0;
}

static bool has_room(void) {
    return ring_room(&output) >= ROOM_TO_WAKE;
}

/* Moves what can be moved, both ways. */
static void serve(void) {
    spinlock_lock(&port_lock);
    collect();
    send();
    if (has_room()) {
        writers_waiting = false;
    }
    want_interrupts();
    spinlock_unlock(&port_lock);
}

/* Sleeps until `ready`; else TIMED_OUT or KILLED. */
static status_t wait(struct waitqueue *queue, bool (*ready)(void), uint64_t deadline_ns) {
    serve();
    while (!ready()) {
        uint64_t now = time_now_ns();
        uint64_t look = polled && now + POLL_NS < deadline_ns ? now + POLL_NS : deadline_ns;
        if (now >= deadline_ns) {
            return STATUS_TIMED_OUT;
        }
        if (waitqueue_sleep_killable(queue, &wait_lock, look) == STATUS_KILLED) {
            return STATUS_KILLED;
        }
        serve();
    }
    return STATUS_OK;
}

/* ---- interrupt ---- */

/* Idle harts rest while the device is full: the log gets on from here. */
static void serve_log(void) {
    bool more = log_carry() && log_carry(); /* twice: others may have carried all but a last line */
    spinlock_lock(&port_lock);
    log_waiting = more;
    want_interrupts();
    spinlock_unlock(&port_lock);
}

static bool interrupt(void *ctx) {
    (void)ctx;
    spinlock_lock(&wait_lock);
    bool asked = !(get(REG_IIR) & IIR_NONE);
    serve();
    if (has_input()) {
        waitqueue_wake_all(&readers);
    }
    if (has_room()) {
        waitqueue_wake_all(&writers);
    }
    serve_log();
    spinlock_unlock(&wait_lock);
    return asked;
}

/* ---- the log's console ---- */

static size_t write(const char *text, size_t len) {
    size_t n = 0;
    spinlock_lock(&port_lock);
    while (n < len && ring_room(&output) > 0) {
        ring_put(&output, text[n++]);
    }
    send();
    want_interrupts();
    spinlock_unlock(&port_lock);
    return n;
}

static void flush(void) {
    bool busy = true;
    while (busy) {
        spinlock_lock(&port_lock);
        send();
        busy = ring_len(&output) > 0 || !(get(REG_LSR) & LSR_IDLE);
        spinlock_unlock(&port_lock);
    }
}

/* With an interrupt, what is in the ring leaves by itself. */
static bool poll(void) {
    if (!__atomic_load_n(&polled, __ATOMIC_RELAXED)) {
        return false;
    }
    spinlock_lock(&port_lock);
    send();
    bool busy = ring_len(&output) > 0;
    spinlock_unlock(&port_lock);
    return busy;
}

static void put_polled(char byte) {
    while (!(get(REG_LSR) & LSR_EMPTY)) {
    }
    set(REG_DATA, (uint8_t)byte);
}

static void write_now(const char *text, size_t len) {
    while (ring_len(&output) > 0) {
        put_polled(ring_get(&output));
    }
    for (size_t i = 0; i < len; i++) {
        put_polled(text[i]);
    }
}

static const struct console uart_console = {
    .write = write, .flush = flush, .poll = poll, .write_now = write_now};

/* ---- threads ---- */

static size_t take(char *to, size_t cap) {
    size_t n = 0;
    spinlock_lock(&port_lock);
    while (n < cap && ring_len(&input) > 0) {
        to[n++] = ring_get(&input);
    }
    want_interrupts();
    spinlock_unlock(&port_lock);
    return n;
}

status_t uart_read(void *buf, size_t cap, uint64_t deadline_ns, size_t *size_out) {
    *size_out = 0;
    if (!registers) {
        return STATUS_IO;
    }
    spinlock_lock(&wait_lock);
    status_t status = wait(&readers, has_input, deadline_ns);
    if (status == STATUS_OK) {
        *size_out = take(buf, cap);
    }
    spinlock_unlock(&wait_lock);
    return status;
}

static status_t wait_for_room(void) {
    spinlock_lock(&wait_lock);
    spinlock_lock(&port_lock);
    writers_waiting = true;
    spinlock_unlock(&port_lock);
    status_t status = wait(&writers, has_room, WAIT_FOREVER);
    spinlock_unlock(&wait_lock);
    return status;
}

status_t uart_write(const void *bytes, size_t size) {
    const char *from = bytes;
    if (!registers) {
        return STATUS_IO;
    }
    while (size > 0) {
        size_t n = write(from, size);
        from += n;
        size -= n;
        if (size > 0) {
            TRY(wait_for_room());
        }
    }
    return STATUS_OK;
}

bool uart_readable(void) {
    return uart_wait_readable(0) == STATUS_OK;
}

status_t uart_wait_readable(uint64_t deadline_ns) {
    if (!registers) {
        return STATUS_IO;
    }
    spinlock_lock(&wait_lock);
    status_t status = wait(&readers, has_input, deadline_ns);
    spinlock_unlock(&wait_lock);
    return status;
}

uint64_t uart_overruns(void) {
    return overruns;
}

/* ---- start ---- */

/* The port that the firmware speaks on, if it is one of ours; else any. */
static bool is_console(struct fdt_node node) {
    struct fdt_node chosen = fdt_find(&devices_tree, "/chosen");
    const char *path =
        fdt_exists(chosen) ? fdt_get_text(&devices_tree, chosen, "stdout-path") : NULL;
    struct fdt_node stdout_node = path ? fdt_find(&devices_tree, path) : FDT_NONE;
    struct fdt_prop compatible;
    bool ours = fdt_exists(stdout_node) &&
                fdt_get(&devices_tree, stdout_node, "compatible", &compatible) &&
                fdt_prop_has_string(&compatible, "ns16550a");
    return !ours || stdout_node.offset == node.offset;
}

status_t uart_start(const struct device *device) {
    if (registers || !is_console(device->node)) {
        return STATUS_NOT_FOUND;
    }
    if (!fdt_get_u32(&devices_tree, device->node, "reg-shift", &stride_shift)) {
        stride_shift = 0;
    }
    if (stride_shift > 3 || device->size < (size_t)(REG_LSR + 1) << stride_shift) {
        return STATUS_BAD_FORMAT;
    }
    registers = device->registers;
    line = device->irq;
    set(REG_IER, 0);
    set(REG_FCR, FCR_ENABLE);
    log_set_console(&uart_console);
    return STATUS_OK;
}

void uart_enable_irq(void) {
    if (!registers || irq_register(line, interrupt, NULL) != STATUS_OK) {
        return;
    }
    spinlock_lock(&port_lock);
    __atomic_store_n(&polled, false, __ATOMIC_RELAXED);
    want_interrupts();
    spinlock_unlock(&port_lock);
}
