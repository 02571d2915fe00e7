/*
 * All harts enter together, each on its own stack and with its own copy of thread-local storage.
 *
 * QEMU: -smp 1
 * QEMU: -smp 2
 * QEMU: -smp 4
 * QEMU: -smp 8
 */
#include "abi/boot.h"
#include "test/support/payload.h"

#include <string.h>

static _Thread_local uint64_t own_data = 0x1122334455667788;
static _Thread_local uint64_t own_zero[4];

struct report {
    uint64_t sp, data_at, data, zero;
    uint32_t entered, counted;
};

static struct report reports[BOOT_MAX_HARTS];
static uint32_t arrived, finished;

static uint32_t index_of(const struct boot_info *info, uint64_t hart) {
    uint32_t i = 0;
    while (info->harts[i].id != hart) {
        i++;
    }
    return i;
}

/* Waits until all harts are here, so that what follows happens on all of them at once. */
static void meet(uint32_t *count, uint32_t all) {
    __atomic_fetch_add(count, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(count, __ATOMIC_SEQ_CST) != all) {
    }
}

static void report(struct report *r, uint64_t hart, uint32_t all) {
    r->sp = (uint64_t)(uintptr_t)__builtin_frame_address(0);
    r->data_at = (uint64_t)(uintptr_t)&own_data;
    r->data = own_data;
    r->zero = own_zero[0] | own_zero[1] | own_zero[2] | own_zero[3];
    __atomic_fetch_add(&r->entered, 1, __ATOMIC_SEQ_CST);
    own_data = hart;
    meet(&arrived, all);
    for (int i = 0; i < 1000; i++) {
        own_zero[3]++;
    }
    r->counted = own_data == hart ? (uint32_t)own_zero[3] : 0;
    meet(&finished, all);
}

static void check(const struct boot_info *info, const struct boot_hart *hart,
                  const struct report *r) {
    PAYLOAD_CHECK_EQ(r->entered, 1);
    PAYLOAD_CHECK(r->sp > hart->stack_low && r->sp <= hart->stack_high);
    PAYLOAD_CHECK(r->data_at >= hart->area && r->data_at < hart->area + 4096);
    PAYLOAD_CHECK_EQ(r->data, 0x1122334455667788);
    PAYLOAD_CHECK_EQ(r->zero, 0);
    PAYLOAD_CHECK_EQ(r->counted, 1000);
    bool shared = false;
    for (uint32_t i = 0; i < info->hart_count; i++) {
        const struct boot_hart *other = &info->harts[i];
        shared = shared || (other != hart && (other->stack_low == hart->stack_low ||
                                              other->area == hart->area || other->id == hart->id));
    }
    PAYLOAD_CHECK(!shared);
}

static _Noreturn void test(size_t hart, const struct boot_info *info) {
    report(&reports[index_of(info, hart)], hart, info->started_count);
    if (hart != info->boot_hart) {
        for (;;) {
        }
    }
    payload_begin(info);
    payload_print("# %u harts, entered on %zu\n", info->hart_count, hart);
    PAYLOAD_CHECK_EQ(info->started_count, info->hart_count);
    for (uint32_t i = 0; i < info->hart_count; i++) {
        check(info, &info->harts[i], &reports[i]);
    }
    payload_end();
}

LOADER_ENTRY(test, .stack_pages = 2);
