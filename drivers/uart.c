/*
 * ns16550a. Output is polled: the transmitter takes 16 bytes when it is empty. Input goes into a
 * ring, by interrupt where there is one, and by looking where there is none.
 *
 * Locks: one spinlock over the input ring.
 */
#include "drivers/uart.h"

#include "kernel/arch.h"
#include "kernel/devices.h"
#include "kernel/irq.h"
#include "kernel/log.h"
#include "kernel/sync.h"

enum {
    REG_DATA = 0,
    REG_IER = 1,
    REG_FCR = 2,
    REG_LSR = 5,
    IER_RECEIVE = 0x01,
    FCR_ENABLE = 0x07, /* on, both queues cleared */
    LSR_READY = 0x01,
    LSR_EMPTY = 0x20,
    FIFO_LEN = 16,
    INPUT_SIZE = 4096, /* a power of two */
};

static volatile uint8_t *registers;
static uint32_t stride_shift; /* registers are 1 << this bytes apart */
static uint32_t source;

static struct spinlock lock = SPINLOCK_INIT(LOCK_DEVICE);
static char input[INPUT_SIZE];
static uint32_t input_head, input_tail;

static uint8_t get(unsigned reg) {
    return registers[reg << stride_shift];
}

static void set(unsigned reg, uint8_t value) {
    registers[reg << stride_shift] = value;
}

static size_t write(const char *text, size_t len) {
    if (!(get(REG_LSR) & LSR_EMPTY)) {
        return 0;
    }
    size_t n = len < FIFO_LEN ? len : FIFO_LEN;
    for (size_t i = 0; i < n; i++) {
        set(REG_DATA, (uint8_t)text[i]);
    }
    return n;
}

/* Under the lock. What does not fit stays in the device. */
static void collect(void) {
    while (input_head - input_tail < INPUT_SIZE && (get(REG_LSR) & LSR_READY)) {
        input[input_head++ % INPUT_SIZE] = (char)get(REG_DATA);
    }
}

static void interrupt(void *ctx) {
    (void)ctx;
    spinlock_lock(&lock);
    collect();
    if (input_head - input_tail == INPUT_SIZE) {
        set(REG_IER, 0); /* until somebody reads */
    }
    spinlock_unlock(&lock);
}

static size_t read(char *buf, size_t cap) {
    size_t n = 0;
    spinlock_lock(&lock);
    collect();
    while (n < cap && input_tail != input_head) {
        buf[n++] = input[input_tail++ % INPUT_SIZE];
    }
    if (source) {
        set(REG_IER, IER_RECEIVE);
    }
    spinlock_unlock(&lock);
    return n;
}

static const struct console uart_console = {.write = write, .read = read};

/* The port the firmware speaks on, else the first one. */
static struct fdt_node find(void) {
    struct fdt_node chosen = fdt_find(&devices_tree, "/chosen");
    const char *path =
        fdt_exists(chosen) ? fdt_get_text(&devices_tree, chosen, "stdout-path") : NULL;
    struct fdt_prop compatible;
    if (path) {
        struct fdt_node node = fdt_find(&devices_tree, path);
        if (fdt_exists(node) && fdt_get(&devices_tree, node, "compatible", &compatible) &&
            fdt_prop_has_string(&compatible, "ns16550a")) {
            return node;
        }
    }
    return fdt_find_compatible(&devices_tree, FDT_NONE, "ns16550a");
}

void uart_init(void) {
    volatile void *map;
    size_t size;
    struct fdt_node node = find();
    if (!fdt_exists(node) || devices_map(node, 0, &map, &size) != STATUS_OK) {
        return;
    }
    if (!fdt_get_u32(&devices_tree, node, "reg-shift", &stride_shift)) {
        stride_shift = 0;
    }
    if (stride_shift > 3 || size < (size_t)(REG_LSR + 1) << stride_shift) {
        return;
    }
    registers = map;
    set(REG_IER, 0);
    set(REG_FCR, FCR_ENABLE);
    source = devices_irq(node, 0);
    log_set_console(&uart_console);
}

void uart_enable_irq(void) {
    if (!registers || !source || irq_register(source, interrupt, NULL) != STATUS_OK) {
        source = 0;
        return;
    }
    set(REG_IER, IER_RECEIVE);
}
