/*
 * The table from interrupt source to handler and hart.
 *
 * A source moves to another hart in two steps: irq_set_hart() writes down where it should be and
 * interrupts the hart that has it, which gives it away, at a moment when it handles nothing. Two harts
 * never see the same pending line, and a PLIC, which ignores a completion by a hart that a source is
 * not enabled for, is never left waiting for one.
 *
 * Locks: one spinlock for registering, moving and masking. Dispatch reads without it: an entry is
 * complete before its source is enabled, and who takes the handler away waits for those that run it. The
 * counts of an entry are written by the hart that has it.
 */
#include "kernel/irq.h"

#include "kernel/counters.h"
#include "kernel/harts.h"
#include "kernel/limits.h"
#include "kernel/log.h"
#include "kernel/panic.h"
#include "kernel/random.h"
#include "kernel/sync.h"
#include "kernel/watchdog.h"

#include <stddef.h>

struct entry {
    bool (*fn)(void *ctx);
    void *ctx;
    uint32_t hart;   /* that has it */
    uint32_t wanted; /* that should have it */
    uint32_t row;    /* calls in vain without one between that was not */
    bool masked;
    bool used;  /* somebody has it, or gives it back and waits for the handler's end */
    bool known; /* to the controller, with the hart; it stays with that when it is given back */
    uint32_t running; /* harts that look at `fn` or run it */
    uint64_t taken, vain;
};

static struct spinlock lock = SPINLOCK_INIT(LOCK_IRQ);
static struct entry entries[IRQ_MAX_SOURCES];
static const struct irq_controller *controller;
static uint32_t last_hart; /* that was given a source */
static uint64_t givers;    /* mask of harts that have a source to give away */

bool irq_set_controller(const struct irq_controller *device) {
    if (controller) {
        return false;
    }
    controller = device;
    irq_init_hart();
    return true;
}

const char *irq_controller_name(void) {
    return controller ? controller->name : "none";
}

void irq_init_hart(void) {
    if (controller && controller->init_hart) {
        controller->init_hart();
    }
}

/* ---- who takes what ---- */

static uint64_t able_harts(void) {
    return controller->harts & harts_online_mask();
}

/* The next of the able harts after the last one chosen, round and round; this one if there is none. */
static uint32_t next_hart(void) {
    uint64_t able = able_harts();
    for (uint32_t i = 1; i <= KERNEL_MAX_HARTS; i++) {
        uint32_t index = (last_hart + i) % KERNEL_MAX_HARTS;
        if (able >> index & 1) {
            last_hart = index;
            return index;
        }
    }
    return hart_self()->index;
}

status_t irq_claim(struct irq_line line, bool (*fn)(void *ctx), void *ctx) {
    if (!controller || line.source == 0) {
        return STATUS_NOT_FOUND;
    }
    if (line.source > controller->sources || line.source >= IRQ_MAX_SOURCES) {
        log_warn("irq", "source %u: %s", line.source, status_text(STATUS_LIMIT));
        return STATUS_LIMIT;
    }
    struct entry *entry = &entries[line.source];
    spinlock_lock(&lock);
    status_t status = entry->used ? STATUS_EXISTS : STATUS_OK;
    if (status == STATUS_OK) {
        entry->used = true;
        entry->ctx = ctx;
        entry->hart = entry->known ? entry->hart : next_hart();
        entry->wanted = entry->hart;
        entry->known = true;
        entry->row = 0;
        entry->masked = false;
        __atomic_store_n(&entry->fn, fn, __ATOMIC_RELEASE);
        controller->add(line, entry->hart);
    }
    spinlock_unlock(&lock);
    return status;
}

status_t irq_register(struct irq_line line, bool (*fn)(void *ctx), void *ctx) {
    TRY(irq_claim(line, fn, ctx));
    irq_unmask(line.source);
    return STATUS_OK;
}

void irq_mask(uint32_t source) {
    spinlock_lock(&lock);
    controller->mask(source);
    spinlock_unlock(&lock);
}

void irq_unmask(uint32_t source) {
    spinlock_lock(&lock);
    entries[source].row = 0;
    entries[source].masked = false;
    controller->unmask(source);
    spinlock_unlock(&lock);
}

void irq_release(uint32_t source) {
    struct entry *entry = &entries[source];
    spinlock_lock(&lock);
    controller->mask(source);
    __atomic_store_n(&entry->fn, NULL, __ATOMIC_SEQ_CST);
    spinlock_unlock(&lock);
    while (__atomic_load_n(&entry->running, __ATOMIC_SEQ_CST) > 0) {
        arch_relax();
    }
    spinlock_lock(&lock);
    entry->used = false;
    spinlock_unlock(&lock);
}

status_t irq_set_hart(uint32_t source, uint32_t hart_index) {
    if (!controller || source >= IRQ_MAX_SOURCES || !entries[source].fn) {
        return STATUS_NOT_FOUND;
    }
    if (hart_index >= KERNEL_MAX_HARTS || !(able_harts() >> hart_index & 1)) {
        return STATUS_BAD_ARGUMENT;
    }
    spinlock_lock(&lock);
    uint64_t owner = UINT64_C(1) << entries[source].hart;
    entries[source].wanted = hart_index;
    __atomic_fetch_or(&givers, owner, __ATOMIC_SEQ_CST);
    spinlock_unlock(&lock);
    arch_ipi(owner);
    return STATUS_OK;
}

void irq_spread(void) {
    for (uint32_t source = 1; controller && source < IRQ_MAX_SOURCES; source++) {
        if (entries[source].fn) {
            spinlock_lock(&lock);
            uint32_t hart = next_hart();
            spinlock_unlock(&lock);
            /* It fails for a hart that is not able, and then the source stays where it is. */
            status_t ignored = irq_set_hart(source, hart);
            (void)ignored;
        }
    }
}

/* This hart gives away what others should have. */
static void give_away(uint32_t self) {
    spinlock_lock(&lock);
    __atomic_fetch_and(&givers, ~(UINT64_C(1) << self), __ATOMIC_SEQ_CST);
    for (uint32_t source = 1; source <= controller->sources && source < IRQ_MAX_SOURCES; source++) {
        struct entry *entry = &entries[source];
        if (entry->fn && entry->hart == self && entry->wanted != self) {
            controller->move(source, entry->wanted);
            entry->hart = entry->wanted;
        }
    }
    spinlock_unlock(&lock);
}

bool irq_stat(uint32_t source, struct irq_stat *out) {
    if (source >= IRQ_MAX_SOURCES || !entries[source].fn) {
        return false;
    }
    const struct entry *entry = &entries[source];
    *out = (struct irq_stat){.taken = entry->taken,
                             .vain = entry->vain,
                             .hart_index = entry->hart,
                             .masked = entry->masked};
    return true;
}

/* ---- interrupts ---- */

static void mask_for(uint32_t source, const char *why) {
    irq_mask(source);
    log_warn("irq", "source %u masked: %s", source, why);
}

/* One that was given back may have been on its way. */
static void handle_unknown(uint32_t source) {
    counters_add(COUNTER_SPURIOUS_IRQS, 1);
    bool known = source < IRQ_MAX_SOURCES && entries[source].known;
    if (source <= controller->sources && !known) {
        mask_for(source, "nobody handles it");
    }
}

static void call_handler(uint32_t source, struct entry *entry, bool (*fn)(void *ctx)) {
    entry->taken++;
    if (fn(entry->ctx)) {
        entry->row = 0;
        return;
    }
    counters_add(COUNTER_SPURIOUS_IRQS, 1);
    entry->vain++;
    if (++entry->row == IRQ_MAX_VAIN) {
        entry->masked = true;
        mask_for(source, "it asks, and its device does not");
    }
}

static void handle(uint32_t source) {
    struct entry *entry = source < IRQ_MAX_SOURCES ? &entries[source] : NULL;
    bool (*fn)(void *) = NULL;
    if (entry) {
        __atomic_add_fetch(&entry->running, 1, __ATOMIC_SEQ_CST);
        fn = __atomic_load_n(&entry->fn, __ATOMIC_SEQ_CST);
    }
    if (fn) {
        call_handler(source, entry, fn);
    } else {
        handle_unknown(source);
    }
    if (entry) {
        __atomic_sub_fetch(&entry->running, 1, __ATOMIC_RELEASE);
    }
}

void irq_dispatch(void) {
    uint32_t n = 0;
    if (!controller) {
        return;
    }
    for (uint32_t source = controller->claim(); source != 0; source = controller->claim()) {
        n++;
        if (source == IRQ_IPI) {
            irq_take_ipi();
            continue;
        }
        counters_add(COUNTER_DEVICE_IRQS, 1);
        random_stir(source);
        handle(source);
        controller->complete(source);
    }
    if (n == 0) {
        counters_add(COUNTER_SPURIOUS_IRQS, 1);
    }
}

void irq_take_ipi(void) {
    struct hart *hart = hart_self();
    counters_add(COUNTER_IPIS_RECEIVED, 1);
    watchdog_answer();
    panic_check();
    hart->need_switch = true;
    if (__atomic_load_n(&givers, __ATOMIC_SEQ_CST) >> hart->index & 1) {
        give_away(hart->index);
    }
}
