/*
 * The streams of a program: what comes in at "stdin" goes out at "stdout" unchanged, until the host
 * closes it; a line of report goes to "stderr". Then the host, which has all that it waits for, closes "stdout",
 * and whoever would write there is told. test/kernel/virtio_console.py is the host.
 */
#include "drivers/virtio_console.h"
#include "abi/boot.h"
#include "base/fmt.h"
#include "init/machine.h"
#include "kernel/harts.h"
#include "kernel/thread.h"
#include "test/support/payload.h"

#include <string.h>

static char buf[10000];

/* Reads of changing size, so that they end inside and at the borders of the driver's buffers. */
static size_t echo(struct virtio_port *in, struct virtio_port *out) {
    size_t total = 0, round = 0, size;
    for (;;) {
        size_t cap = 1 + (round++ * 977) % sizeof(buf);
        if (virtio_port_read(in, buf, cap, &size) != STATUS_OK || size == 0) {
            return total;
        }
        if (virtio_port_write(out, buf, size) != STATUS_OK) {
            return total;
        }
        total += size;
    }
}

/* The host closes the port when it has the report: until then there is room, and after it is known. */
static void wait_for_hangup(struct virtio_port *out) {
    struct readiness ready;
    while (ready = virtio_port_writable(out), !ready.hung_up) {
        PAYLOAD_CHECK(ready.now && ready.bytes > 0);
        thread_sleep_ns(10000000);
    }
    PAYLOAD_CHECK(ready.now);
    PAYLOAD_CHECK_EQ(virtio_port_write(out, "nobody", 6), STATUS_OK);
}

static _Noreturn void test(size_t hart, const struct boot_info *info) {
    size_t size = 1;
    machine_init(hart, info);
    payload_begin(info);
    struct virtio_port *in = virtio_console_find("stdin");
    struct virtio_port *out = virtio_console_find("stdout");
    struct virtio_port *err = virtio_console_find("stderr");
    PAYLOAD_CHECK(virtio_console_find("stdlog") == NULL);
    PAYLOAD_CHECK(in != NULL);
    PAYLOAD_CHECK(out != NULL);
    if (!PAYLOAD_CHECK(err != NULL)) {
        payload_end();
    }
    size_t total = echo(in, out);
    PAYLOAD_CHECK(virtio_port_readable(in).hung_up);
    PAYLOAD_CHECK_EQ(virtio_port_read(in, buf, sizeof(buf), &size), STATUS_OK);
    PAYLOAD_CHECK_EQ(size, 0);
    int len = (int)fmt_text(buf, sizeof(buf), "%zu bytes, %llu interrupts\n", total,
                            (unsigned long long)counters_sum(COUNTER_DEVICE_IRQS));
    PAYLOAD_CHECK_EQ(virtio_port_write(err, buf, (size_t)len), STATUS_OK);
    virtio_console_flush();
    wait_for_hangup(out);
    payload_end();
}

LOADER_ENTRY(test, .stack_pages = 16);
