/* See terminal.h. */
#include "init/shell/terminal.h"

#include "base/watch.h"
#include "drivers/uart.h"
#include "drivers/virtio_console.h"
#include "init/shell/limits.h"
#include "init/shell/line.h"
#include "init/streams.h"
#include "kernel/log.h"
#include "kernel/panic.h"
#include "kernel/program.h"
#include "kernel/sync.h"
#include "kernel/thread.h"
#include "kernel/time.h"

#include <assert.h>
#include <string.h>

enum { KEY_INTERRUPT = 0x03, KEY_END = 0x04, STATUS_INTERRUPTED = 130, CHUNK = 256 };

static bool is_serial, is_interactive;
static struct spinlock lock = SPINLOCK_INIT(LOCK_DEVICE);
static struct waitqueue arrived = WAITQUEUE_INIT(arrived), room = WAITQUEUE_INIT(room);
static struct list watches = LIST_INIT(watches); /* struct watch.link */
static char input[SHELL_INPUT_SIZE];
static uint32_t head, tail; /* bytes ever put in and taken out */
static bool ended, interrupted;
static uint32_t front;
static uint32_t owner; /* the program whose threads wait in terminal_wait() */
static struct mutex output;
static bool interrupt_due; /* "^C" is to be shown before what the shell says of it */
/* The row that is being edited, as it was drawn last; size 0: there is none. Under `output`, but looked at
 * without. */
static char row[SHELL_ROW_MAX];
static size_t row_size;

/* What the program in front is being given: a line, `given` bytes of which it has. */
static struct line cooked;
static size_t given;

/* ---- output ---- */

static status_t write_device(const void *bytes, size_t size) {
    return is_serial ? uart_write(bytes, size) : file_write(streams_file(STREAM_OUT), bytes, size);
}

static void note_lost(status_t status, size_t size) {
    if (status != STATUS_OK) {
        log_debug("shell", "%zu bytes of output were lost", size);
    }
}

/* Under `output`. What was typed ahead waits for room only as long as somebody edits. */
static void forget_row(void) {
    if (row_size > 0) {
        __atomic_store_n(&row_size, 0, __ATOMIC_RELAXED);
        spinlock_lock(&lock);
        waitqueue_wake_all(&room);
        spinlock_unlock(&lock);
    }
}

/* Under `output`: where the row was, of which nothing is kept. */
static void write_over(const char *text, size_t size) {
    forget_row();
    note_lost(write_device(text, size), size);
}

/* Under `output`, from the shell's own threads: others may be killed before it is written. */
static void show_interrupt(void) {
    if (__atomic_load_n(&interrupt_due, __ATOMIC_ACQUIRE)) {
        __atomic_store_n(&interrupt_due, false, __ATOMIC_RELAXED);
        write_over("^C\n", 3);
    }
}

void terminal_write(const char *text, size_t size) {
    mutex_lock(&output);
    show_interrupt();
    write_over(text, size);
    mutex_unlock(&output);
}

static void write_row(struct sink *sink, const char *text, size_t size) {
    (void)sink;
    assert(size <= sizeof(row));
    mutex_lock(&output);
    show_interrupt();
    memcpy(row, text, size);
    __atomic_store_n(&row_size, size, __ATOMIC_RELAXED);
    note_lost(write_device(text, size), size);
    mutex_unlock(&output);
}

struct sink terminal_row = {write_row};

/* Above the row that is being edited: that is erased, and drawn again on a row of its own. */
static status_t write_above(const char *bytes, size_t size) {
    static const char erase[] = "\r\033[K";
    TRY(write_device(erase, strlen(erase)));
    TRY(write_device(bytes, size));
    if (bytes[size - 1] != '\n') {
        TRY(write_device("\n", 1));
    }
    return write_device(row, row_size);
}

/* Of a program. */
static status_t write_file(struct file *file, const void *bytes, size_t size) {
    (void)file;
    mutex_lock(&output);
    status_t status = STATUS_KILLED; /* then the shell may have said so already */
    if (!thread_killed()) {
        status = row_size > 0 && size > 0 ? write_above(bytes, size) : write_device(bytes, size);
    }
    mutex_unlock(&output);
    return status;
}

static void write_sink(struct sink *sink, const char *text, size_t size) {
    (void)sink;
    terminal_write(text, size);
}

struct sink terminal_out = {write_sink};

/* From a program's thread. */
static void echo(const char *text, size_t size) {
    if (is_interactive) {
        mutex_lock(&output);
        write_over(text, size);
        mutex_unlock(&output);
    }
}

static void ring(void) {
    mutex_lock(&output);
    note_lost(write_device("\a", 1), 1);
    mutex_unlock(&output);
}

/* ---- input ---- */

static status_t read_device(char *bytes, size_t cap, size_t *size_out) {
    return is_serial ? uart_read(bytes, cap, WAIT_FOREVER, size_out)
                     : file_read(streams_file(STREAM_IN), bytes, cap, size_out);
}

/* ^C: what was typed before it is forgotten if it is for a program, which is killed, or if there is no room
 * for more (true); else it is a key like others. It is shown only then: the program may be in the middle of
 * writing to a device that takes nothing. */
static bool interrupt(void) {
    spinlock_lock(&lock);
    uint32_t pid = front;
    __atomic_store_n(&interrupted, true, __ATOMIC_RELAXED);
    bool taken = pid != 0 || head - tail == SHELL_INPUT_SIZE;
    if (taken) {
        tail = head;
        __atomic_store_n(&interrupt_due, true, __ATOMIC_RELEASE);
    }
    spinlock_unlock(&lock);
    program_wake(owner);
    if (pid != 0) {
        status_t status = program_kill(pid, STATUS_INTERRUPTED);
        (void)status; /* it may have ended by itself */
    }
    if (taken) {
        mutex_lock(&output);
        show_interrupt();
        mutex_unlock(&output);
    }
    return taken;
}

/* Under the lock: there is something to read, or the end. */
static void tell_readers(void) {
    waitqueue_wake_all(&arrived);
    list_each(node, &watches) {
        struct watch *watch = list_entry(node, struct watch, link);
        watch->notify(watch);
    }
}

/* Whether there will be room: somebody edits, or a pipe can wait until somebody reads. But on a terminal a
 * program may never do so, and ^C behind what was typed must be seen. */
static bool room_will_come(void) {
    return !is_interactive || __atomic_load_n(&row_size, __ATOMIC_RELAXED) > 0;
}

/* False: there is no room. */
static bool put(char byte) {
    spinlock_lock(&lock);
    while (head - tail == SHELL_INPUT_SIZE && room_will_come()) {
        waitqueue_sleep(&room, &lock, WAIT_FOREVER);
    }
    bool has_room = head - tail < SHELL_INPUT_SIZE;
    if (has_room) {
        input[head++ % SHELL_INPUT_SIZE] = byte;
        tell_readers();
    }
    spinlock_unlock(&lock);
    return has_room;
}

/* False: the key is lost. */
static bool take(char byte) {
    bool done = byte == KEY_INTERRUPT && is_interactive && interrupt();
    return done || put(byte);
}

static void read_all(void *arg) {
    char bytes[CHUNK];
    size_t size;
    (void)arg;
    while (read_device(bytes, sizeof(bytes), &size) == STATUS_OK && size > 0) {
        bool all = true;
        for (size_t i = 0; i < size; i++) {
            all = take(bytes[i]) && all;
        }
        if (!all) {
            ring();
        }
    }
    spinlock_lock(&lock);
    ended = true;
    tell_readers();
    spinlock_unlock(&lock);
}

/* Under the lock: waits until there is a byte. False: there will be none, or the thread is to end. */
static bool await_byte(void) {
    while (head == tail) {
        if (ended || waitqueue_sleep_killable(&arrived, &lock, WAIT_FOREVER) != STATUS_OK) {
            return head != tail;
        }
    }
    return true;
}

bool terminal_read(char *byte_out) {
    spinlock_lock(&lock);
    bool some = await_byte();
    if (some) {
        *byte_out = input[tail++ % SHELL_INPUT_SIZE];
        waitqueue_wake_all(&room);
    }
    spinlock_unlock(&lock);
    return some;
}

/* ---- lines for the program in front ---- */

/* Erases [from, cooked.size) from the line and the row. */
static void erase(size_t from) {
    for (size_t n = line_columns(&cooked, from, cooked.size); n > 0; n--) {
        echo("\b \b", 3);
    }
    line_remove(&cooked, from, cooked.size);
}

/* The line is whole. */
static bool cook(char c) {
    switch (c) {
    case KEY_END:
        return true;
    case 0x08:
    case 0x7f:
        erase(line_before(&cooked, cooked.size));
        return false;
    case 0x15:
        erase(0);
        return false;
    case 0x17:
        erase(line_word_before(&cooked));
        return false;
    case '\r':
        c = '\n';
        break;
    default:
        break;
    }
    line_insert(&cooked, &c, 1);
    echo(&c, 1);
    return c == '\n' || cooked.size == SHELL_LINE_MAX;
}

/* What is no terminal is given line by line too: what stands after it is for whoever reads next. */
static status_t read_line(void) {
    char c;
    bool whole = false;
    line_clear(&cooked);
    given = 0;
    while (!whole && terminal_read(&c)) {
        if (is_interactive) {
            whole = cook(c);
        } else {
            line_insert(&cooked, &c, 1);
            whole = c == '\n' || cooked.size == SHELL_LINE_MAX;
        }
    }
    return thread_killed() ? STATUS_KILLED : STATUS_OK;
}

static status_t read_front(struct file *file, void *buf, size_t cap, size_t *size_out) {
    (void)file;
    *size_out = 0;
    if (given == cooked.size) {
        TRY(read_line());
    }
    *size_out = cooked.size - given < cap ? cooked.size - given : cap;
    memcpy(buf, cooked.text + given, *size_out);
    given += *size_out;
    return STATUS_OK;
}

static struct readiness readable(void) {
    spinlock_lock(&lock);
    size_t bytes = given < cooked.size ? cooked.size - given : head - tail;
    struct readiness ready = {
        .now = bytes > 0 || ended, .hung_up = bytes == 0 && ended, .bytes = bytes};
    spinlock_unlock(&lock);
    return ready;
}

static struct readiness front_ready(struct file *file, bool to_write) {
    (void)file;
    return to_write ? READINESS_ALWAYS : readable(); /* who watches it is not told of room */
}

static void watch_front(struct file *file, struct watch *watch) {
    (void)file;
    spinlock_lock(&lock);
    list_push_back(&watches, &watch->link);
    spinlock_unlock(&lock);
}

static void unwatch_front(struct file *file, struct watch *watch) {
    (void)file;
    spinlock_lock(&lock);
    list_remove(&watch->link);
    spinlock_unlock(&lock);
}

static status_t read_nothing(struct file *file, void *buf, size_t cap, size_t *size_out) {
    (void)file, (void)buf, (void)cap;
    *size_out = 0;
    return STATUS_OK;
}

static const struct file_ops front_ops = {.read = read_front,
                                          .write = write_file,
                                          .ready = front_ready,
                                          .watch = watch_front,
                                          .unwatch = unwatch_front};
static const struct file_ops nothing_ops = {.read = read_nothing};
static struct file front_file = {.ops = &front_ops};
static struct file nothing_file = {.ops = &nothing_ops};

struct file *terminal_file(void) {
    return &front_file;
}

struct file *terminal_nothing(void) {
    return &nothing_file;
}

/* ---- who is in front ---- */

/* Under the lock. A ^C that came before there was a program for it is forgotten with what was typed before it, as
 * interrupt() does, and to be shown. */
static void forget_to_interrupt(void) {
    uint32_t end = head;
    while (end != tail && input[(end - 1) % SHELL_INPUT_SIZE] != KEY_INTERRUPT) {
        end--;
    }
    if (end != tail) {
        tail = end;
        waitqueue_wake_all(&room);
        __atomic_store_n(&interrupt_due, true, __ATOMIC_RELEASE);
    }
}

void terminal_set_front(uint32_t pid) {
    spinlock_lock(&lock);
    front = pid;
    given = cooked.size; /* what is left of a line was for who read it */
    bool kill = pid != 0 && interrupted;
    if (kill) {
        forget_to_interrupt();
    }
    spinlock_unlock(&lock);
    if (kill) {
        status_t status = program_kill(pid, STATUS_INTERRUPTED);
        (void)status;
    }
}

bool terminal_interrupted(void) {
    return __atomic_load_n(&interrupted, __ATOMIC_RELAXED);
}

status_t terminal_wait(uint32_t pid, struct program_end *out) {
    return program_wait_unless(pid, &interrupted, out);
}

void terminal_calm(void) {
    __atomic_store_n(&interrupted, false, __ATOMIC_RELAXED);
}

void terminal_init(bool serial, bool interactive) {
    struct thread *thread;
    is_serial = serial;
    is_interactive = interactive;
    owner = program_current()->pid;
    front_file.is_terminal = interactive;
    mutex_init(&output, LOCK_FILES);
    if (thread_start("terminal", read_all, NULL, NULL, &thread) != STATUS_OK) {
        panic("no memory for the terminal's thread");
    }
}
