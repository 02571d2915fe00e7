/*
 * The structs of all harts, and the kernel's copy of what the loader said.
 */
#include "kernel/harts.h"

#include "kernel/assert.h"
#include "kernel/irq.h"
#include "kernel/log.h"
#include "kernel/sched.h"
#include "kernel/stackguard.h"
#include "kernel/thread.h"

#include <string.h>

struct boot_info harts_boot_info;

static struct hart harts[KERNEL_MAX_HARTS];
static uint32_t count;
static uint64_t online_mask;
static uint64_t off_mask; /* harts that there was no memory for */
static uint32_t released; /* the boot hart is done with what all harts need */
static char bootargs[HARTS_BOOTARGS_SIZE];
static _Alignas(16) char emergency_stacks[KERNEL_MAX_HARTS][HART_EMERGENCY_STACK];

static void ready(struct hart *hart, uint32_t index, const struct boot_hart *boot) {
    hart->id = boot->id;
    hart->index = index;
    hart->boot = boot;
    hart->stack_low = boot->stack_low;
    hart->stack_high = boot->stack_high;
    hart->emergency_stack = (vaddr_t)emergency_stacks[index] + HART_EMERGENCY_STACK;
    hart->slice_end = UINT64_MAX;
    hart->fair_until = UINT64_MAX;
    hart->timer_at = UINT64_MAX;
    hart->pace = SCHED_WEIGHT;
    spinlock_init(&hart->queue_lock, LOCK_QUEUE);
    list_init(&hart->ready);
    list_init(&hart->strays);
}

static void go_online(struct hart *self) {
    self->online = true;
    self->called_at = 0; /* the call that began it was no interrupt */
    __atomic_fetch_or(&online_mask, UINT64_C(1) << self->index, __ATOMIC_SEQ_CST);
}

uint32_t harts_find(uint64_t hart_id) {
    uint32_t i = 0;
    while (i < count && harts[i].id != hart_id) {
        i++;
    }
    return i < count ? i : KERNEL_MAX_HARTS;
}

static struct hart *find(size_t hart_id) {
    uint32_t index = harts_find(hart_id);
    if (index < KERNEL_MAX_HARTS) {
        return &harts[index];
    }
    /* Without a struct there is no trap vector and no panic; nothing better can be done. */
    arch_halt();
}

/* A hart other than the boot hart, from its first instruction in the kernel on. */
static STACKGUARD_NONE _Noreturn void join(size_t hart_id) {
    arch_hart_wait(&released);
    struct hart *self = find(hart_id);
    arch_hart_init(self);
    if (thread_init_idle() != STATUS_OK) {
        log_error("harts", "hart %u stays off: no memory", (unsigned)self->index);
        __atomic_fetch_or(&off_mask, UINT64_C(1) << self->index, __ATOMIC_SEQ_CST);
        arch_halt();
    }
    irq_init_hart();
    go_online(self);
    sched_idle();
}

void harts_release(void) {
    uint64_t wanted = 0;
    for (uint32_t i = 0; i < count; i++) {
        wanted |= harts[i].boot->stack_high ? UINT64_C(1) << i : 0;
    }
    __atomic_store_n(&released, 1, __ATOMIC_SEQ_CST);
    arch_ipi(wanted & ~harts_online_mask());
    while (((harts_online_mask() | __atomic_load_n(&off_mask, __ATOMIC_SEQ_CST)) & wanted) !=
           wanted) {
        arch_relax();
    }
}

STACKGUARD_NONE void harts_init(size_t hart_id, const struct boot_info *info) {
    if (hart_id != info->boot_hart) {
        join(hart_id);
    }
    harts_boot_info = *info;
    strncpy(bootargs, (const char *)info->bootargs, sizeof(bootargs) - 1);
    harts_boot_info.bootargs = (uint64_t)bootargs;
    arch_init(&harts_boot_info);
    count = harts_boot_info.hart_count;
    for (uint32_t i = 0; i < count && i < KERNEL_MAX_HARTS; i++) {
        ready(&harts[i], i, &harts_boot_info.harts[i]);
    }
    struct hart *self = find(hart_id);
    arch_hart_init(self);
    go_online(self);
}

uint32_t harts_count(void) {
    return count;
}

struct hart *harts_at(uint32_t index) {
    assert(index < count);
    return &harts[index];
}

uint64_t harts_online_mask(void) {
    return __atomic_load_n(&online_mask, __ATOMIC_SEQ_CST);
}
