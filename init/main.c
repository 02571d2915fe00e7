/*
 * The kernel as the loader enters it: bring the machine up, run what the host asked for, turn the
 * machine off with its exit status.
 */
#include "abi/boot.h"
#include "abi/run.h"
#include "drivers/virtio_console.h"
#include "init/machine.h"
#include "init/program.h"
#include "init/streams.h"
#include "kernel/harts.h"
#include "kernel/log.h"
#include "kernel/power.h"

static _Noreturn void kernel_main(size_t hart, const struct boot_info *info) {
    struct request request;
    const char *why;
    machine_init(hart, info);
    log_info(
        "init", "the loader took %llu instructions",
        (unsigned long long)(harts_boot_info.instret_at_entry - harts_boot_info.instret_at_reset));
    streams_init();
    int exit_status = RUN_EXIT_ERROR;
    if (request_read(&machine_initrd, &request, &why) == STATUS_OK) {
        exit_status = program_run(&request);
    } else {
        fmt_print(&streams_err, "k23: nothing to run: %s\n", why);
    }
    virtio_console_flush();
    log_info("init", "exit status %d", exit_status);
    power_off(exit_status);
}

LOADER_ENTRY(kernel_main, .stack_pages = 16, .stack_guard_pages = 4);
