/*
 * What system calls, calls between domains and threads of a domain cost, in instructions retired by kernel and domains
 * together, exact under -icount.
 *
 * QEMU: -icount shift=0
 * MODE: release
 * TIMEOUT: 120
 */
#include "abi/boot.h"
#include "gen/domain/cost.h"
#include "init/machine.h"
#include "kernel/ipc/endpoint.h"
#include "kernel/ipc/notification.h"
#include "kernel/native.h"
#include "kernel/program.h"
#include "kernel/time.h"
#include "test/support/payload.h"

/* As test/kernel/domain/riscv64/cost_domain.S has it. */
enum part { SERVE, CALL, NOTHING, SIGNAL, THREADS, MAP, FOR_EVER, SWAP };

enum { FEW = 100, MANY = 21100 };

static uint32_t start(enum part part, uint64_t rounds, struct kobject *object) {
    uint32_t pid = 0;
    uint32_t rights = part == CALL ? RIGHT_SEND : RIGHT_ALL;
    kobject_get(object);
    struct native_options options = {
        .name = "cost",
        .code = cost_domain,
        .code_size = sizeof(cost_domain),
        .stack_size = PAGE_SIZE,
        .frame_limit = 100,
        .arg = (uint64_t)part | rounds << 8,
        .handles = {handle_new(object, rights, 0)},
    };
    PAYLOAD_CHECK_EQ(native_start(&options, &pid), STATUS_OK);
    return pid;
}

/* A whole program with so many rounds, from start to end. */
static uint64_t cost_of(enum part part, uint64_t rounds, struct kobject *object) {
    struct program_end end;
    uint64_t before = time_instret();
    uint32_t pid = start(part, rounds, object);
    PAYLOAD_CHECK_EQ(program_wait(pid, WAIT_FOREVER, &end), STATUS_OK);
    PAYLOAD_CHECK_EQ(end.status, 0);
    return time_instret() - before;
}

static void report(const char *what, enum part part, struct kobject *object, uint64_t most) {
    (void)cost_of(part, FEW, object);
    uint64_t few = cost_of(part, FEW, object);
    uint64_t cost = (cost_of(part, MANY, object) - few) / (MANY - FEW);
    payload_print("# %-44s %6llu\n", what, (unsigned long long)cost);
    payload_check(cost <= most, what, __FILE__, __LINE__);
}

static _Noreturn void test(size_t hart, const struct boot_info *info) {
    struct kobject *endpoint = NULL, *notification = NULL;
    struct program_end end;
    machine_init(hart, info);
    payload_begin(info);
    PAYLOAD_CHECK_EQ(endpoint_new(&endpoint), STATUS_OK);
    PAYLOAD_CHECK_EQ(notification_new(&notification), STATUS_OK);
    report("system call that does nothing", NOTHING, endpoint, 200);
    uint32_t server = start(SERVE, 0, endpoint);
    report("call and answer between two domains", CALL, endpoint, 700);
    report("signal and wait, one domain", SIGNAL, notification, 1000);
    /* Beyond what its quota would hold if threads that have ended kept anything. */
    report("start a thread and wait for its end", THREADS, notification, 6000);
    report("map and unmap 64 KiB, one domain", MAP, notification, 3000);
    report("switch by futex_swap, one domain", SWAP, notification, 500);
    PAYLOAD_CHECK_EQ(program_kill(server, 1), STATUS_OK);
    PAYLOAD_CHECK_EQ(program_wait(server, WAIT_FOREVER, &end), STATUS_OK);
    kobject_put(notification);
    kobject_put(endpoint);
    payload_end();
}

LOADER_ENTRY(test, .stack_pages = 16);
