/*
 * The official suite in the machine: a payload with the kernel in it that runs every converted folder
 * of the initrd and powers off, with status 0 only if nothing failed.
 */
#include "abi/boot.h"
#include "abi/run.h"
#include "drivers/virtio_console.h"
#include "init/machine.h"
#include "init/streams.h"
#include "kernel/log.h"
#include "kernel/power.h"
#include "test/spec/wast.h"

#include <string.h>

#define SCRIPT "/commands.json"
enum { FOLDER_SIZE = 256, LINE_SIZE = 1024 };

/* ---- files --------------------------------------------------------------------------------------- */

/* A script's files stand together in the archive: look on where the last one was. */
static size_t last_cursor;

static bool find_from(size_t cursor, size_t end, const char *path, struct initrd_entry *out) {
    size_t before = cursor;
    while (before < end && initrd_next(&machine_initrd, &cursor, out)) {
        if (strcmp(out->name, path) == 0) {
            last_cursor = before;
            return true;
        }
        before = cursor;
    }
    return false;
}

static status_t read_file(void *ctx, const char *path, struct arena *arena,
                          const uint8_t **bytes_out, size_t *size_out) {
    (void)ctx;
    (void)arena;
    struct initrd_entry entry;
    if (!find_from(last_cursor, SIZE_MAX, path, &entry) &&
        !find_from(0, last_cursor, path, &entry)) {
        return STATUS_NOT_FOUND;
    }
    *bytes_out = entry.bytes;
    *size_out = entry.size;
    return STATUS_OK;
}

/* ---- output -------------------------------------------------------------------------------------- */

/* Lines leave whole: one request to the device each. */
static struct {
    struct sink sink;
    size_t len;
    char line[LINE_SIZE];
} output;

static void print(struct sink *sink, const char *text, size_t len) {
    (void)sink;
    for (size_t i = 0; i < len; i++) {
        output.line[output.len++] = text[i];
        if (text[i] == '\n' || output.len == LINE_SIZE) {
            streams_out.write(&streams_out, output.line, output.len);
            output.len = 0;
        }
    }
}

/* ---- folders ------------------------------------------------------------------------------------- */

/* "i32/commands.json" -> "i32". */
static bool folder_of(const char *name, char *folder) {
    size_t size = strlen(name), tail = strlen(SCRIPT);
    if (size <= tail || size - tail >= FOLDER_SIZE || strcmp(name + size - tail, SCRIPT) != 0) {
        return false;
    }
    memcpy(folder, name, size - tail);
    folder[size - tail] = '\0';
    return true;
}

static uint32_t run_all(struct wast_totals *totals) {
    static const struct wast_files files = {.read = read_file};
    struct initrd_entry entry;
    char folder[FOLDER_SIZE];
    uint32_t count = 0;
    for (size_t cursor = 0; initrd_next(&machine_initrd, &cursor, &entry);) {
        if (folder_of(entry.name, folder)) {
            wast_run(&files, folder, &output.sink, totals);
            count++;
        }
    }
    return count;
}

static _Noreturn void suite_main(size_t hart, const struct boot_info *info) {
    struct wast_totals totals = {0};
    machine_init(hart, info);
    streams_init();
    output.sink.write = print;
    int exit_status = RUN_EXIT_ERROR;
    if (run_all(&totals) == 0) {
        fmt_print(&streams_err, "k23: no %s in the initrd\n", &SCRIPT[1]);
    } else {
        wast_print_totals(&totals, &output.sink);
        exit_status = totals.failed ? 1 : 0;
    }
    virtio_console_flush();
    log_info("spec", "exit status %d", exit_status);
    power_off(exit_status);
}

LOADER_ENTRY(suite_main, .stack_pages = 16, .stack_guard_pages = 4);
