/*
 * A domain that tries everything (test/kernel/domain/riscv64/hostile_domain.S) beside one that looks
 * whether anything of it changes. Whenever the hostile one dies it is started again, until it has made as
 * many attempts as are wanted: "attempts=N" in the boot arguments, as `make hostile` has them. At
 * the end the other one is unharmed, the kernel's memory is what it was, and everything was given back, but for some
 * frames that are kept for reuse.
 *
 * QEMU: -smp 2
 * QEMU: -smp 2 -cpu rv64,v=true -append attempts=50000
 * TIMEOUT: 180
 */
#include "abi/boot.h"
#include "gen/domain/hostile.h"
#include "gen/domain/victim.h"
#include "init/machine.h"
#include "kernel/futex.h"
#include "kernel/harts.h"
#include "kernel/ipc/endpoint.h"
#include "kernel/ipc/interrupt.h"
#include "kernel/ipc/memory.h"
#include "kernel/ipc/notification.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/object.h"
#include "kernel/mm/stack.h"
#include "kernel/native.h"
#include "kernel/program.h"
#include "kernel/time.h"
#include "test/support/clock.h"
#include "test/support/dice.h"
#include "test/support/payload.h"

#include <string.h>

#if K23_SANITIZE
enum { ATTEMPTS = 20000 };
#else
enum { ATTEMPTS = 200000 };
#endif
enum { CANARY_PAGES = 64, STUCK_NS = 20000000, PATIENCE_NS = 2000000, CALLS = 40 };

/* The page that the hostile domain counts in; it knows the layout. */
struct counts {
    uint64_t attempts;
    uint64_t calls[CALLS]; /* of number 1 to 39, and of 0 */
    uint64_t undefined, done, refused;
    uint64_t loads, stores, system, jumps, code, odd, faults;
    uint64_t wrong, value; /* which of its checks of the kernel failed, and by what */
    uint64_t unused[11];
    uint64_t hints[8];
    uint64_t results[8];
    uint64_t handles[8]; /* those of them that may be */
};
_Static_assert(offsetof(struct counts, undefined) == 8 * 41 &&
                   offsetof(struct counts, hints) == 8 * 64,
               "as the domain has it");

static struct counts *counts;
static struct kobject *page, *interrupt; /* the clock's, which rings now and then */
static uint32_t *canaries[CANARY_PAGES];
static uint64_t lives, ended, died, stuck;

static uint64_t wanted(void) {
    const char *args = (const char *)harts_boot_info.bootargs;
    const char *at = strstr(args, "attempts=");
    uint64_t number = 0;
    for (at = at ? at + strlen("attempts=") : ""; *at >= '0' && *at <= '9'; at++) {
        number = number * 10 + (uint64_t)(*at - '0');
    }
    return number ? number : ATTEMPTS;
}

/* The attempts so far: what was begun of each kind. Where the domain jumps past a count, or over its
 * counts, nothing is made of that. */
static uint64_t made(void) {
    uint64_t sum = counts->undefined + counts->loads + counts->stores + counts->system +
                   counts->jumps + counts->code + counts->odd;
    for (int i = 0; i < CALLS; i++) {
        sum += counts->calls[i];
    }
    return sum;
}

static void make_page(void) {
    struct object *memory = NULL;
    PAYLOAD_CHECK_EQ(object_new_wired(NULL, PAGE_SIZE, &memory), STATUS_OK);
    counts = object_pointer(memory);
    PAYLOAD_CHECK_EQ(memory_new(memory, &page), STATUS_OK);
    const uint64_t hints[] = {(uint64_t)&harts_boot_info, harts_boot_info.physmap,
                              (uint64_t)hart_self(),      (uint64_t)thread_current(),
                              (uint64_t)&lives,           (uint64_t)&make_page,
                              (uint64_t)canaries[0],      0x80000000};
    memcpy(counts->hints, hints, sizeof(hints));
}

static void make_canaries(void) {
    for (uint32_t i = 0; i < CANARY_PAGES; i++) {
        canaries[i] = heap_alloc(PAGE_SIZE);
        for (uint32_t k = 0; k < PAGE_SIZE / 4; k++) {
            canaries[i][k] = i * 7919 + k;
        }
    }
}

static bool canaries_intact(void) {
    for (uint32_t i = 0; i < CANARY_PAGES; i++) {
        for (uint32_t k = 0; k < PAGE_SIZE / 4; k++) {
            if (canaries[i][k] != i * 7919 + k) {
                return false;
            }
        }
    }
    return true;
}

static uint32_t start_victim(struct kobject *notification) {
    uint32_t pid = 0;
    kobject_get(notification);
    struct native_options options = {.name = "victim",
                                     .code = victim_domain,
                                     .code_size = sizeof(victim_domain),
                                     .stack_size = PAGE_SIZE,
                                     .frame_limit = 100,
                                     .arg = dice_roll(),
                                     .handles = {handle_new(notification, RIGHT_ALL, 0)}};
    PAYLOAD_CHECK_EQ(native_start(&options, &pid), STATUS_OK);
    return pid;
}

static status_t start_hostile(uint32_t *pid_out) {
    struct kobject *endpoint = NULL, *notification = NULL;
    struct native_options options = {.name = "hostile",
                                     .code = hostile_domain,
                                     .code_size = sizeof(hostile_domain),
                                     .stack_size = PAGE_SIZE,
                                     .frame_limit = 600,
                                     .arg = dice_roll() | 1};
    kobject_get(page);
    options.handles[0] = handle_new(page, RIGHT_ALL, 0);
    if (endpoint_new(&endpoint) == STATUS_OK) {
        options.handles[1] = handle_new(endpoint, RIGHT_ALL, 0);
    }
    if (notification_new(&notification) == STATUS_OK) {
        options.handles[2] = handle_new(notification, RIGHT_ALL, 0);
    }
    kobject_get(interrupt);
    options.handles[3] = handle_new(interrupt, RIGHT_ALL, 0);
    return native_start(&options, pid_out);
}

/* One life, from start to death; killed when it makes no attempts any more. False: it could not be started,
 * something of the kernel's showed, or a register changed that should not. */
static bool live(void) {
    struct program_end end;
    uint32_t pid;
    status_t status = start_hostile(&pid);
    if (status != STATUS_OK) {
        return payload_check_equal(status, STATUS_OK, "start", __FILE__, __LINE__);
    }
    lives++;
    uint64_t seen = made(), since = time_now_ns();
    while (program_wait(pid, time_now_ns() + PATIENCE_NS, &end) == STATUS_WOULD_BLOCK) {
        clock_set(CLOCK_CLEAR_INTERRUPT, 1);
        clock_ring();
        uint64_t now = time_now_ns();
        if (made() != seen) {
            seen = made();
            since = now;
        } else if (now - since > STUCK_NS) {
            stuck++;
            (void)!program_kill(pid, 1);
            since = now;
        }
    }
    ended += end.status == 0;
    died += end.status >= NATIVE_FAULT;
    if (counts->wrong) {
        payload_print("# wrong: %llu by %llx\n", (unsigned long long)counts->wrong,
                      (unsigned long long)counts->value);
    }
    return counts->wrong == 0;
}

static void print_counts(void) {
    static const char *const names[] = {
#define SYSCALL(number, name, kinds) [number] = #name,
#include "abi/syscalls.def"
#undef SYSCALL
    };
    for (uint32_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        uint64_t count = counts->calls[(i + CALLS - 1) % CALLS];
        payload_print("# %9llu %s\n", (unsigned long long)count, names[i]);
    }
    const struct {
        const char *what;
        uint64_t count;
    } others[] = {
        {"calls that are not defined", counts->undefined},
        {"calls that were made", counts->done},
        {"calls that were refused", counts->refused},
        {"loads", counts->loads},
        {"stores", counts->stores},
        {"instructions that are not for it", counts->system},
        {"jumps", counts->jumps},
        {"changes of code", counts->code},
        {"odd addresses and atomics", counts->odd},
        {"faults that it had a handler for", counts->faults},
        {"lives", lives},
        {"ended by exit", ended},
        {"ended by a fault", died},
        {"killed because they slept", stuck},
        {"attempts in all", made()},
    };
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        payload_print("# %9llu %s\n", (unsigned long long)others[i].count, others[i].what);
    }
}

static void account(uint32_t objects, size_t frames) {
    (void)stack_trim();
    PAYLOAD_CHECK_EQ(kobject_count(), objects);
    PAYLOAD_CHECK_EQ(futex_waiters(), 0);
    PAYLOAD_CHECK(canaries_intact());
    /* What is kept for reuse: empty slabs, a stack or two a hart. Mostly ten or fewer. */
    payload_print("# %zu frames free, %zu before\n", frame_free_count(), frames);
    PAYLOAD_CHECK(frame_free_count() + 64 >= frames);
}

static _Noreturn void test(size_t hart, const struct boot_info *info) {
    struct kobject *notification = NULL;
    struct program_end end;
    machine_init(hart, info);
    payload_begin(info);
    dice_begin();
    uint64_t attempts = wanted();
    make_canaries();
    make_page();
    clock_find();
    clock_set(CLOCK_IRQ_ENABLED, 1);
    PAYLOAD_CHECK_EQ(interrupt_new(clock_device.irq, &interrupt), STATUS_OK);
    PAYLOAD_CHECK_EQ(notification_new(&notification), STATUS_OK);
    (void)live();
    (void)stack_trim();
    size_t frames = frame_free_count();
    uint32_t objects = kobject_count();
    uint32_t victim = start_victim(notification);
    bool right = true;
    while (made() < attempts && right) {
        right = live();
    }
    PAYLOAD_CHECK(right);
    notification_signal(notification, 1);
    PAYLOAD_CHECK_EQ(program_wait(victim, WAIT_FOREVER, &end), STATUS_OK);
    PAYLOAD_CHECK_EQ(end.status, 0);
    account(objects, frames);
    print_counts();
    payload_end();
}

LOADER_ENTRY(test, .stack_pages = 16);
