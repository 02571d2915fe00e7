/*
 * Commands that look inside the machine: mem, harts, counters, dmesg, log.
 */
#include "fs/ramfs.h"
#include "init/shell/internal.h"
#include "kernel/counters.h"
#include "kernel/harts.h"
#include "kernel/log.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/stack.h"
#include "kernel/thread.h"

#include <string.h>

static unsigned long long kib(size_t frames) {
    return (unsigned long long)frames * (PAGE_SIZE / 1024);
}

/* Stacks kept for the next thread, and slabs kept for the next object, are free memory to whoever asks. */
void command_mem(struct shell *shell, unsigned argc, char **argv) {
    (void)argc, (void)argv;
    stack_trim();
    struct frame_stats frames;
    frame_stats(&frames);
    size_t heap = heap_frames();
    shell_print("total   %10llu KiB\n", kib(frames.total));
    shell_print("free    %10llu KiB, of which %llu zeroed and %llu cached\n", kib(frames.free),
                kib(frames.zeroed), kib(frames.cached));
    shell_print("tables  %10llu KiB\n", kib(arch_table_count()));
    shell_print("objects %10llu KiB, for %zu of the kernel\n", kib(heap), heap_objects());
    for (uint32_t i = 0; i < shell->mounts.fs_count; i++) {
        shell_print("files   %10llu KiB\n",
                    (unsigned long long)ramfs_used(shell->mounts.fs[i]) / 1024);
    }
}

void command_harts(struct shell *shell, unsigned argc, char **argv) {
    (void)shell, (void)argc, (void)argv;
    shell_print("HART  WAITING  SWITCHES  TIMER  DEVICE    IPIS  RUNS\n");
    for (uint32_t i = 0; i < harts_count(); i++) {
        struct hart *hart = harts_at(i);
        if (!hart->online) {
            shell_print("%4u  not running\n", i);
            continue;
        }
        char name[THREAD_NAME_SIZE] = "";
        spinlock_lock(&hart->queue_lock); /* a thread lives as long as it is current */
        memcpy(name, hart->current->name, sizeof(name));
        spinlock_unlock(&hart->queue_lock);
        shell_print("%4u %8u %9llu %6llu %7llu %7llu  %.*s\n", i, hart->ready_len,
                    (unsigned long long)counters_of(i, COUNTER_SWITCHES),
                    (unsigned long long)counters_of(i, COUNTER_TIMER_IRQS),
                    (unsigned long long)counters_of(i, COUNTER_DEVICE_IRQS),
                    (unsigned long long)counters_of(i, COUNTER_IPIS_RECEIVED), (int)sizeof(name),
                    name);
    }
}

static void show_counter(enum counter counter) {
    shell_print("%-16s %12llu  %s\n", counters_name(counter),
                (unsigned long long)counters_sum(counter), counters_text(counter));
}

void command_counters(struct shell *shell, unsigned argc, char **argv) {
    (void)shell;
    for (unsigned i = 0; argc == 1 && i < COUNTER_COUNT; i++) {
        show_counter((enum counter)i);
    }
    for (unsigned i = 1; i < argc; i++) {
        enum counter counter = counters_find(argv[i]);
        if (counter == COUNTER_COUNT) {
            shell_print("counters: there is no %s\n", argv[i]);
        } else {
            show_counter(counter);
        }
    }
}

void command_dmesg(struct shell *shell, unsigned argc, char **argv) {
    uint64_t cursor = 0, lines;
    struct log_line line;
    (void)shell;
    if (argc > 1) {
        if (!commands_parse_size(argv[1], &lines)) {
            shell_print("dmesg: %s is no number of lines\n", argv[1]);
            return;
        }
        cursor = log_tail(lines);
    }
    while (!terminal_interrupted() && log_read(&cursor, &line)) {
        shell_print("%.*s\n", (int)line.len, line.text);
    }
}

void command_log(struct shell *shell, unsigned argc, char **argv) {
    const char *bad = NULL;
    size_t bad_len = 0;
    if (argc > 1) {
        status_t status = log_set_filter(argv[1], strlen(argv[1]), &bad, &bad_len);
        if (status != STATUS_OK) {
            shell_print("log: %.*s: %s\n", (int)bad_len, bad ? bad : "", status_text(status));
        }
        return;
    }
    log_get_filter(shell->list, sizeof(shell->list));
    shell_print("%s\n", shell->list);
}
