/*
 * The host's standard streams: ports of the virtio console where there are some.
 *
 * The host sends input when it is asked to, by a byte on the port "stdin", once for what one read of its own
 * gives. So what no program reads stays where it is, for whoever reads there next.
 */
#include "init/streams.h"

#include "drivers/virtio_console.h"
#include "kernel/log.h"

struct stream_file {
    struct file file;
    struct virtio_port *port; /* NULL: the console */
    uint32_t asked;           /* for input that has not come yet; atomic */
};

static struct stream_file streams[STREAM_COUNT];

/* Whether there is input, or its end; if not, it will be sent. */
static struct readiness readable_or_asked(struct stream_file *stream) {
    struct readiness ready = virtio_port_readable(stream->port);
    if (ready.now) {
        return ready;
    }
    if (!__atomic_exchange_n(&stream->asked, 1, __ATOMIC_RELAXED) &&
        virtio_port_write(stream->port, "?", 1) != STATUS_OK) {
        __atomic_store_n(&stream->asked, 0, __ATOMIC_RELAXED);
    }
    return ready;
}

static status_t read_port(struct file *file, void *buf, size_t cap, size_t *size_out) {
    struct stream_file *stream = (struct stream_file *)file;
    *size_out = 0;
    if (!stream->port) {
        return STATUS_OK;
    }
    (void)readable_or_asked(stream);
    status_t status = virtio_port_read(stream->port, buf, cap, size_out);
    if (*size_out > 0) {
        __atomic_store_n(&stream->asked, 0, __ATOMIC_RELAXED);
    }
    return status;
}

static status_t write_port(struct file *file, const void *bytes, size_t size) {
    struct stream_file *stream = (struct stream_file *)file;
    if (stream->port) {
        return virtio_port_write(stream->port, bytes, size);
    }
    log_text(bytes, size);
    return STATUS_OK;
}

static struct readiness input_ready(struct file *file, bool to_write) {
    struct stream_file *stream = (struct stream_file *)file;
    return to_write || !stream->port ? READINESS_ALWAYS : readable_or_asked(stream);
}

static struct readiness output_ready(struct file *file, bool to_write) {
    struct stream_file *stream = (struct stream_file *)file;
    return to_write && stream->port ? virtio_port_writable(stream->port) : READINESS_ALWAYS;
}

static void watch_port(struct file *file, struct watch *watch) {
    struct stream_file *stream = (struct stream_file *)file;
    if (stream->port) {
        virtio_port_watch(stream->port, watch);
    }
}

static void unwatch_port(struct file *file, struct watch *watch) {
    struct stream_file *stream = (struct stream_file *)file;
    if (stream->port) {
        virtio_port_unwatch(stream->port, watch);
    }
}

static const struct file_ops input_ops = {
    .read = read_port, .ready = input_ready, .watch = watch_port, .unwatch = unwatch_port};
static const struct file_ops output_ops = {
    .write = write_port, .ready = output_ready, .watch = watch_port, .unwatch = unwatch_port};

void streams_init(void) {
    static const char *const names[STREAM_COUNT] = {"stdin", "stdout", "stderr"};
    for (int i = 0; i < STREAM_COUNT; i++) {
        streams[i].file.ops = i == STREAM_IN ? &input_ops : &output_ops;
        streams[i].port = virtio_console_find(names[i]);
    }
}

struct file *streams_file(enum stream stream) {
    return &streams[stream].file;
}

/* Best effort: there is nobody left to tell when it cannot be written. */
static void write_or_log(struct file *file, const char *text, size_t len) {
    if (file_write(file, text, len) != STATUS_OK) {
        log_text(text, len);
    }
}

static void print_message(struct file *file, const char *text, size_t len) {
    char shown[256];
    unsigned char previous = 0;
    for (size_t done = 0; done < len;) {
        size_t n = len - done < sizeof(shown) ? len - done : sizeof(shown);
        for (size_t i = 0; i < n; i++) {
            unsigned char c = (unsigned char)text[done + i];
            bool is_c1 = previous == 0xc2 && c >= 0x80 && c < 0xa0; /* U+0080 to U+009F */
            shown[i] = (c < 0x20 && c != '\n') || c == 0x7f || is_c1 ? '?' : (char)c;
            previous = c;
        }
        write_or_log(file, shown, n);
        done += n;
    }
}

static void print_sink(struct sink *base, const char *text, size_t len) {
    struct streams_sink *sink = (struct streams_sink *)base;
    if (sink->message) {
        print_message(sink->file, text, len);
    } else {
        write_or_log(sink->file, text, len);
    }
}

void streams_sink_init(struct streams_sink *sink, struct file *file, bool message) {
    *sink = (struct streams_sink){.sink = {print_sink}, .file = file, .message = message};
}

static void print_err(struct sink *sink, const char *text, size_t len) {
    (void)sink;
    print_message(streams_file(STREAM_ERR), text, len);
}

static void print_out(struct sink *sink, const char *text, size_t len) {
    (void)sink;
    write_or_log(streams_file(STREAM_OUT), text, len);
}

struct sink streams_err = {.write = print_err};
struct sink streams_out = {.write = print_out};
