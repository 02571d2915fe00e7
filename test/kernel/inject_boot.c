/*
 * One allocation of the machine's start fails: "fail=N" in the boot arguments is the N-th after the first
 * program is there (machine_init_rest and what follows). Then something is missing and said to be, but the machine
 * runs: a program ends as it should, and no more memory is in use than where nothing failed.
 * inject_boot.py goes through all N and compares.
 */
#include "abi/boot.h"
#include "gen/wat/fill.h"
#include "init/machine.h"
#include "init/run.h"
#include "init/streams.h"
#include "init/timeouts.h"
#include "kernel/arch.h"
#include "kernel/harts.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/inject.h"
#include "kernel/mm/quota.h"
#include "kernel/mm/stack.h"
#include "kernel/program.h"
#include "kernel/sync.h"
#include "test/support/payload.h"

#include <string.h>

static uint64_t wanted(void) {
    const char *at = strstr((const char *)harts_boot_info.bootargs, "fail=");
    uint64_t number = 0;
    for (at = at ? at + strlen("fail=") : ""; *at >= '0' && *at <= '9'; at++) {
        number = number * 10 + (uint64_t)(*at - '0');
    }
    return number;
}

/* A program that takes some memory; its exit status, or another one if it could not be started. */
static int run_program(void) {
    struct program_end end;
    uint32_t pid;
    struct run_options options = {.module = fill_wasm,
                                  .module_size = sizeof(fill_wasm),
                                  .args = {"fill", 5, 1},
                                  .max_memory = 1 << 20};
    for (int i = 0; i < STREAM_COUNT; i++) {
        options.streams[i] = streams_file((enum stream)i);
    }
    if (run_start(&options, &pid) != STATUS_OK) {
        return -1;
    }
    return program_wait(pid, WAIT_FOREVER, &end) == STATUS_OK ? end.status : -1;
}

static _Noreturn void test(size_t hart, const struct boot_info *info) {
    machine_init_core(hart, info);
    payload_begin(info);
    uint64_t n = wanted();
    (void)inject_after(n);
    machine_init_rest();
    streams_init();
    status_t timeouts = timeouts_init();
    bool failed = n > 0 && !inject_after(0);
    PAYLOAD_CHECK(timeouts == STATUS_OK || timeouts == STATUS_NO_MEMORY);
    PAYLOAD_CHECK_EQ(run_program(), 0);
    PAYLOAD_CHECK_EQ(run_program(), 0);
    (void)stack_trim();
    PAYLOAD_CHECK_EQ(quota_count(), 0);
    size_t used = frame_total_count() - frame_free_count() - heap_frames() - arch_table_count();
    payload_print("# %s, %zu frames and %zu objects in use, %u harts\n",
                  failed ? "failed" : "nothing failed", used, heap_objects(),
                  (unsigned)__builtin_popcountll(harts_online_mask()));
    payload_end();
}

LOADER_ENTRY(test, .stack_pages = 16);
