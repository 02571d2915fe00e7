/*
 * Interrupts of drivers in user mode.
 *
 * The handler may be called while the source is masked, for what was on its way to a hart. From a
 * level-triggered line that says nothing: it is looked at when the source is heard again. An edge may be a
 * second one, and is kept until the first is acknowledged.
 */
#include "kernel/ipc/interrupt.h"

#include "abi/syscall.h"
#include "kernel/assert.h"
#include "kernel/ipc/handle.h"
#include "kernel/ipc/notification.h"
#include "kernel/limits.h"
#include "kernel/mm/heap.h"
#include "kernel/program.h"
#include "kernel/sync.h"
#include "kernel/time.h"

struct binding {
    struct kobject *notification; /* NULL: not bound; a reference, as the next */
    struct grant *grant;          /* of the handle by which it was bound */
    uint64_t bits;
};

struct interrupt {
    struct kobject object;
    struct spinlock lock; /* guards all that follows but the line */
    struct irq_line line;
    struct binding bound;
    bool masked;           /* it was signalled and not acknowledged */
    bool again;            /* and an edge came after that */
    uint64_t signalled_at; /* ticks */
};

/* Under the lock. */
static void signal(struct interrupt *interrupt) {
    interrupt->masked = true;
    interrupt->signalled_at = arch_ticks();
    notification_signal(interrupt->bound.notification, interrupt->bound.bits);
}

static bool take(void *ctx) {
    struct interrupt *interrupt = ctx;
    bool edge = interrupt->line.trigger == IRQ_RISING || interrupt->line.trigger == IRQ_FALLING;
    spinlock_lock(&interrupt->lock);
    bool heard = interrupt->bound.notification && !interrupt->masked;
    if (heard) {
        irq_mask(interrupt->line.source);
        signal(interrupt);
    } else if (edge && interrupt->bound.notification) {
        interrupt->again = heard = true;
    }
    spinlock_unlock(&interrupt->lock);
    return heard;
}

/* Under the lock: ends the binding, whose counts are the caller's then. */
static struct binding unbind(struct interrupt *interrupt) {
    struct binding was = interrupt->bound;
    if (was.notification) {
        irq_mask(interrupt->line.source);
    }
    interrupt->bound = (struct binding){0};
    interrupt->masked = interrupt->again = false;
    return was;
}

static void put_binding(struct binding *binding) {
    kobject_put(binding->notification);
    handle_put_grant(binding->grant);
}

/* Handles were closed or revoked. */
static void recheck(struct kobject *object) {
    struct interrupt *interrupt = (struct interrupt *)object;
    struct binding ended = {0};
    spinlock_lock(&interrupt->lock);
    if (interrupt->bound.grant && !handle_stands(interrupt->bound.grant)) {
        ended = unbind(interrupt);
    }
    spinlock_unlock(&interrupt->lock);
    put_binding(&ended);
}

static void free_interrupt(struct kobject *object) {
    struct interrupt *interrupt = (struct interrupt *)object;
    assert(!interrupt->bound.notification);
    irq_release(interrupt->line.source);
    heap_free(interrupt);
}

const struct kobject_kind interrupt_kind = {
    .name = "interrupt",
    .rights = RIGHT_RECEIVE | RIGHT_DUPLICATE | RIGHT_TRANSFER | RIGHT_REVOKE,
    .free = free_interrupt,
    .recheck = recheck,
    .closed = recheck,
};

status_t interrupt_new(struct irq_line line, struct kobject **out) {
    struct interrupt *interrupt = heap_new_for(program_quota(), struct interrupt);
    if (!interrupt) {
        return STATUS_NO_MEMORY;
    }
    spinlock_init(&interrupt->lock, LOCK_OBJECT);
    interrupt->line = line;
    status_t status = irq_claim(line, take, interrupt);
    if (status != STATUS_OK) {
        heap_free(interrupt);
        return status;
    }
    kobject_init(&interrupt->object, &interrupt_kind);
    *out = &interrupt->object;
    return STATUS_OK;
}

/* Takes the lock, some time after the last signal. A device that always asks, and harts that let it be heard
 * again at once, would hold up the hart that takes its interrupts: so it is their time that passes. */
static void lock_later(struct interrupt *interrupt) {
    uint64_t gap = time_ticks_from_ns(INTERRUPT_GAP_NS);
    spinlock_lock(&interrupt->lock);
    while (arch_ticks() - interrupt->signalled_at < gap) {
        spinlock_unlock(&interrupt->lock);
        arch_relax();
        spinlock_lock(&interrupt->lock);
    }
}

/* Under the lock. A handle that ends from now on finds the binding. */
static status_t check_bind(const struct interrupt *interrupt, const struct grant *grant) {
    if (interrupt->bound.notification) {
        return STATUS_EXISTS;
    }
    return handle_stands(grant) ? STATUS_OK : STATUS_NOT_FOUND;
}

status_t interrupt_bind(struct kobject *object, struct grant *grant, struct kobject *notification,
                        uint64_t bits) {
    struct interrupt *interrupt = (struct interrupt *)object;
    if (bits == 0) {
        return STATUS_BAD_ARGUMENT;
    }
    lock_later(interrupt);
    status_t status = check_bind(interrupt, grant);
    if (status == STATUS_OK) {
        kobject_get(notification);
        handle_hold_grant(grant);
        interrupt->bound =
            (struct binding){.notification = notification, .grant = grant, .bits = bits};
        irq_unmask(interrupt->line.source);
    }
    spinlock_unlock(&interrupt->lock);
    return status;
}

void interrupt_acknowledge(struct kobject *object) {
    struct interrupt *interrupt = (struct interrupt *)object;
    lock_later(interrupt);
    if (interrupt->masked && interrupt->again) {
        interrupt->again = false;
        signal(interrupt);
    } else if (interrupt->masked) {
        interrupt->masked = false;
        irq_unmask(interrupt->line.source);
    }
    spinlock_unlock(&interrupt->lock);
}
