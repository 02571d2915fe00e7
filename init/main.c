/*
 * The kernel as the loader enters it: bring the machine up, run what the host asked for, turn the
 * machine off with its exit status.
 */
#include "abi/boot.h"
#include "abi/run.h"
#include "drivers/virtio_console.h"
#include "init/machine.h"
#include "init/mounts.h"
#include "init/run.h"
#include "init/shell/shell.h"
#include "init/streams.h"
#include "init/timeouts.h"
#include "kernel/harts.h"
#include "kernel/log.h"
#include "kernel/power.h"
#include "kernel/program.h"

/* Only where they are counted: elsewhere QEMU's counter shows the host's time. */
static void log_loader(void) {
    const struct boot_info *boot = &harts_boot_info;
    log_info("init", "the loader took %llu instructions",
             (unsigned long long)(boot->instret_at_entry - boot->instret_at_reset));
}

/* Runs the one program that is asked for, and returns its exit status. */
static int run_request(const struct request *request) {
    static struct mounts mounts;
    static struct run_preload preloads[RUN_MAX_PRELOADS];
    const char *which;
    struct program_end end = {.status = RUN_EXIT_ERROR};
    struct run_options options = {
        .module = request->module.bytes,
        .module_size = request->module.size,
        .invoke = request->invoke,
        .args = request->args,
        .environ = request->environ,
        .max_memory = request->max_memory,
        .eager = request->eager,
        .counted = request->counted,
        .dirs = mounts.dirs,
        .preloads = preloads,
        .preload_count = request->preload_count,
    };
    for (int i = 0; i < STREAM_COUNT; i++) {
        options.streams[i] = streams_file((enum stream)i);
        options.streams[i]->is_terminal = request->is_terminal[i];
    }
    for (uint32_t i = 0; i < request->preload_count; i++) {
        const struct request_preload *from = &request->preloads[i];
        preloads[i] = (struct run_preload){from->name, from->module.bytes, from->module.size};
    }
    status_t status = mounts_open(&mounts, request, &which);
    options.dir_count = mounts.count;
    if (status == STATUS_OK) {
        uint32_t pid;
        which = "cannot be started";
        status = run_start(&options, &pid);
        if (status == STATUS_OK) {
            status = program_wait(pid, WAIT_FOREVER, &end);
        }
    }
    if (status != STATUS_OK) {
        fmt_print(&streams_err, "k23: %s: %s: %s\n",
                  request->args.count ? request->args.bytes : "program", which,
                  status_text(status));
    }
    mounts_close(&mounts);
    return end.status;
}

static _Noreturn void kernel_main(size_t hart, const struct boot_info *info) {
    struct request request;
    const char *why;
    machine_init(hart, info);
    streams_init();
    int exit_status = RUN_EXIT_ERROR;
    if (timeouts_init() != STATUS_OK) {
        fmt_print(&streams_err, "k23: not enough memory\n");
    } else if (request_read(&machine_initrd, &request, &why) == STATUS_OK) {
        if (request.counted) {
            log_loader();
        }
        exit_status = request.shell ? shell_run(&request) : run_request(&request);
    } else {
        fmt_print(&streams_err, "k23: nothing to run: %s\n", why);
    }
    virtio_console_flush();
    log_info("init", "exit status %d", exit_status);
    power_off(exit_status);
}

LOADER_ENTRY(kernel_main, .stack_pages = 16, .stack_guard_pages = 4);
