/*
 * The machine's start as a table of contents. The order is that of need: each line may use all that
 * stands above it.
 */
#include "init/machine.h"

#include "abi/boot.h"
#include "drivers/drivers.h"
#include "drivers/uart.h"
#include "drivers/virtio_console.h"
#include "init/hostdirs.h"
#include "kernel/arch.h"
#include "kernel/devices.h"
#include "kernel/futex.h"
#include "kernel/harts.h"
#include "kernel/irq.h"
#include "kernel/log.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/space.h"
#include "kernel/mm/stack.h"
#include "kernel/panic.h"
#include "kernel/power.h"
#include "kernel/program.h"
#include "kernel/random.h"
#include "kernel/stackguard.h"
#include "kernel/symbols.h"
#include "kernel/thread.h"
#include "kernel/time.h"
#include "kernel/watchdog.h"

struct initrd machine_initrd;

static void must(status_t status, const char *what) {
    if (status != STATUS_OK) {
        panic("%s: %s", what, status_text(status));
    }
}

static void open_initrd(const struct boot_info *info) {
    status_t status =
        initrd_open(&machine_initrd, (const void *)(uintptr_t)info->initrd, info->initrd_size);
    if (status != STATUS_OK) {
        log_error("init", "initrd: %s", status_text(status));
        machine_initrd = (struct initrd){0};
    }
}

STACKGUARD_NONE void machine_init_core(size_t hart, const struct boot_info *info) {
    harts_init(hart, info); /* per-hart structs, our copy of boot_info */
    info = &harts_boot_info;
    symbols_init(info); /* names for backtraces */
    log_init((const char *)(uintptr_t)info->bootargs);
    time_init();
    watchdog_init();
    random_init(harts_boot_info.rng_seed, sizeof(harts_boot_info.rng_seed));
    stackguard_init();              /* a secret of this boot */
    frame_init(info);               /* physical memory */
    devices_init();                 /* device tree */
    power_init();                   /* a way to stop */
    drivers_start(DRIVERS_CONSOLE); /* the log is seen */
    harts_boot_info.put = NULL;     /* the loader's page goes with its tables */
    harts_boot_info.exit = NULL;
    must(arch_paging_init(info), "page tables");
    space_init(); /* address spaces */
    stack_init(); /* kernel stacks */
    futex_init(); /* sleeping on guest memory */
    must(thread_init(), "first thread");
    must(program_init(), "first program");
    frame_reclaim_loader(info); /* the loader is gone */
}

void machine_init_rest(void) {
    drivers_start(DRIVERS_IRQ); /* device interrupts */
    uart_enable_irq();
    arch_irq_on();
    drivers_start(DRIVERS_OTHER);  /* clock, devices of the host */
    virtio_console_init();         /* the program's streams */
    hostdirs_init();               /* the host's directories */
    open_initrd(&harts_boot_info); /* what came with the kernel */
    harts_release();               /* all harts run threads */
    irq_spread();                  /* and take device interrupts */
    log_info("init", "%s, interrupts by %s; %d of %u harts; %zu MiB free", arch_describe(),
             irq_controller_name(), __builtin_popcountll(harts_online_mask()), harts_count(),
             frame_free_count() >> 8);
}

STACKGUARD_NONE void machine_init(size_t hart, const struct boot_info *info) {
    machine_init_core(hart, info);
    machine_init_rest();
}
