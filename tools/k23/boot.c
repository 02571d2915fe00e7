/*
 * k23 boot: runs any signed payload by itself, with the loader that has none inside. The machine's
 * serial line is this process's terminal, and its exit status ours: QEMU takes this process's place.
 */
#include "tools/k23/boot.h"

#include "abi/run.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int boot_run(const struct boot_config *config) {
    const char *argv[32] = {"qemu-system-riscv64", "-machine",  "virt", "-bios", "default",
                            "-nographic",          "-no-reboot"};
    int argc = 7;
    const char *const pairs[][2] = {
        {"-cpu", config->cpu},
        {"-m", config->memory},
        {"-smp", config->harts},
        {"-kernel", config->loader},
        {"-initrd", config->image},
        {"-append", config->bootargs},
        {"-icount", config->exact ? "shift=0" : NULL},
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        if (pairs[i][1] != NULL) {
            argv[argc++] = pairs[i][0];
            argv[argc++] = pairs[i][1];
        }
    }
    if (access(config->image, R_OK) != 0) {
        fprintf(stderr, "k23: %s: %s\n", config->image, strerror(errno));
        return RUN_EXIT_USAGE;
    }
    execvp(argv[0], (char *const *)(uintptr_t)argv);
    fprintf(stderr, "k23: cannot run %s: %s\n", argv[0], strerror(errno));
    return RUN_EXIT_ERROR;
}
